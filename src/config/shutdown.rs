//! The section `shutdown`: the end of the process.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The end of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShutdownConfig {
    /// Time after SIGTERM during which requests are still accepted while `/readyz` says 503.
    #[serde(with = "humantime_serde")]
    pub drain_delay: Duration,
    /// Time that requests in flight get after that.
    #[serde(with = "humantime_serde")]
    pub deadline: Duration,
}

impl Default for ShutdownConfig {
    fn default() -> Self {
        Self { drain_delay: Duration::from_secs(5), deadline: Duration::from_secs(20) }
    }
}
