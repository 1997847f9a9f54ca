//! RFC 7009, CHECKLIST 67: revocation.
