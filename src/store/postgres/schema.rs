//! The schemas that this program knows.

/// The steps; the schema after step `n` is `n`, counted from 1.
pub(super) const STEPS: [&str; 1] = [include_str!("migrations/0001.sql")];

/// The newest schema that this program knows.
pub(super) const NEWEST: i32 = STEPS.len() as i32;

/// The oldest schema that this program works with.
pub(super) const OLDEST: i32 = 1;
