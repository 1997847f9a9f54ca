//! Limits on how often something may happen: one kind of bucket, and what it is kept by. Each is of bounded memory.

pub mod bucket;
pub mod known;
pub mod lines;
pub mod network;
pub mod rate;
pub mod throttle;
