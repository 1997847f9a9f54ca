//! The settings of a pool of hash threads: the section `passwords`.

use serde::{Deserialize, Serialize};

use super::Cost;
use crate::setting::SettingError;

/// Settings of a [`HashPool`](super::HashPool).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HashPoolConfig {
    /// Threads of low priority: hashes computed at a time.
    pub workers: usize,
    /// Checks that may wait for a thread; further ones are refused at once.
    pub queue: usize,
    /// Cost of a check.
    pub cost: Cost,
}

impl Default for HashPoolConfig {
    fn default() -> Self {
        Self { workers: 1, queue: 32, cost: Cost::default() }
    }
}

impl HashPoolConfig {
    /// Checks the bounds of the threads, of the queue and of the cost.
    ///
    /// # Errors
    /// The first setting that breaks its rule.
    pub fn check(&self) -> Result<(), SettingError> {
        if !(1..=64).contains(&self.workers) {
            return Err(SettingError::new("workers", self.workers, "1 to 64"));
        }
        if !(1..=4096).contains(&self.queue) {
            return Err(SettingError::new("queue", self.queue, "1 to 4096"));
        }
        self.cost.check().map_err(|rule| SettingError::new("cost", self.cost, rule))
    }
}
