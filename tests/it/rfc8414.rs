//! RFC 8414, CHECKLIST 73: metadata says what works and nothing else.
