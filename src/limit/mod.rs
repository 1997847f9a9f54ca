//! Limits of how often something may happen: one kind of bucket, kept in several ways. Each has bounded memory.

pub(crate) mod bucket;
pub(crate) mod known;
pub(crate) mod lines;
pub(crate) mod network;
pub(crate) mod node_count;
pub(crate) mod rate;
pub(crate) mod throttle;
