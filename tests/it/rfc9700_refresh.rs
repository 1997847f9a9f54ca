//! RFC 6749 section 6, RFC 9700 section 4.14, CHECKLIST E: refresh tokens.
