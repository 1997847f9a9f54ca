//! The schemas that this program knows.

/// The steps; the schema after step `n` is `n`, counted from 1.
pub(super) const STEPS: [&str; 2] = [include_str!("migrations/0001.sql"), include_str!("migrations/0002.sql")];

/// The schema that this program needs. It works with a newer one whose `meta.oldest` says so: nodes can then be replaced
/// one by one after the schema.
pub(super) const NEWEST: i32 = STEPS.len() as i32;
