//! argon2id, for what people chose: passwords of users and imported client secrets. What a hash costs, whose turn it is,
//! and the threads in which it is computed, so that whoever sends many cannot slow down anything else.

pub mod cost;
pub mod entrance;
pub mod lane;

pub use cost::Cost;
pub use entrance::{Crowded, Entrance, Share, Turn};
pub use lane::{Full, Lane, LaneConfig, Waiting};
