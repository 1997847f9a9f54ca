//! RFC 9068, OpenID Connect Core, CHECKLIST F: tokens and keys.
