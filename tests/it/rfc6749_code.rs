//! RFC 6749 section 4.1, RFC 7636, CHECKLIST D: authorization codes and PKCE.
