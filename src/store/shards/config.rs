//! The settings of the shards' queues.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The settings of the shards' queues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShardsConfig {
    /// Number of operations that may be in one shard at once; more are refused at once.
    pub queue: u32,
    /// Number of operations in one batch.
    pub batch: usize,
    /// Longest time of an operation, retries of unknown outcomes included.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// Interval at which a shard looks for expired rows.
    #[serde(with = "humantime_serde")]
    pub sweep_every: Duration,
    /// Number of rows that a shard examines in one step of the sweep.
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
