//! Limits on how often somebody may do something, each in bounded memory.

pub mod lines;
pub mod rate;
pub mod throttle;
