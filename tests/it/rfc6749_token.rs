//! RFC 6749 section 3.2, CHECKLIST A: HTTP at the token endpoint.
