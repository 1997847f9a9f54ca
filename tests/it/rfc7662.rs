//! RFC 7662, CHECKLIST 66: introspection.
