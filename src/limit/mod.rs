//! Limits on how often somebody may do something, each in bounded memory.

pub mod rate;
pub mod throttle;
