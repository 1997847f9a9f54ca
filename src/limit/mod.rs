//! Limits of how often something may happen: one kind of bucket, kept in several ways. Each has bounded memory.

pub mod bucket;
pub mod known;
pub mod lines;
pub mod network;
pub mod rate;
pub mod throttle;
