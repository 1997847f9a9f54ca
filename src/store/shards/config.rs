//! How the shards queue.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How the shards queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShardsConfig {
    /// Operations that may be in one shard at once; more are refused at once.
    pub queue: u32,
    /// Operations in one batch.
    pub batch: usize,
    /// How long an operation may take, retries of unknown outcomes included.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// How often a shard looks for expired rows.
    #[serde(with = "humantime_serde")]
    pub sweep_every: Duration,
    /// How many of them it looks at in one step.
    pub sweep_budget: usize,
}

impl Default for ShardsConfig {
    fn default() -> Self {
        Self {
            queue: 4096,
            batch: 256,
            timeout: Duration::from_secs(5),
            sweep_every: Duration::from_secs(1),
            sweep_budget: 256,
        }
    }
}
