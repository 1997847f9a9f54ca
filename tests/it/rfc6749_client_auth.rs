//! RFC 6749 section 2.3, CHECKLIST B: client authentication.
