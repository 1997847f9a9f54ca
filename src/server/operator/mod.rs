//! Operations on the running daemon: reload the configuration, and follow what other nodes changed. The work is a task;
//! the actor only decides when it runs.

mod actor;
mod follower;
mod live_config;
mod node_info;

pub(super) use actor::Reloader;
pub(super) use follower::{Follower, FollowerParts};
pub use live_config::LogControl;
pub(super) use live_config::{LiveConfig, RunningParts};
