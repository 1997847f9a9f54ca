//! Operations on the running daemon: reload the configuration, and follow what other nodes changed. The work is a task;
//! the actor only decides when it runs.

mod actor;
mod live_config;

pub(super) use actor::Reloader;
pub use live_config::LogControl;
pub(super) use live_config::{LiveConfig, RunningParts};
