//! The section `hashing`: the threads that hash imported client secrets.

use serde::{Deserialize, Serialize};

use crate::setting::SettingError;
use crate::slow_hash::{Cost, HashPoolConfig};

/// The hashing of imported client secrets (argon2id, about 20 ms and 19 MiB each).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HashingConfig {
    /// Hashes at a time.
    pub workers: usize,
    /// Requests that may wait for one; more are refused at once.
    pub queue: usize,
}

impl Default for HashingConfig {
    fn default() -> Self {
        Self { workers: 1, queue: 64 }
    }
}

impl HashingConfig {
    /// Returns the settings of the pool; new hashes have the default cost.
    pub fn pool(&self) -> HashPoolConfig {
        HashPoolConfig { workers: self.workers, queue: self.queue, cost: Cost::default() }
    }

    /// Checks both bounds.
    ///
    /// # Errors
    /// The first setting that breaks its rule.
    pub(super) fn check(&self) -> Result<(), SettingError> {
        if self.workers == 0 {
            return Err(SettingError::new("workers", 0, "at least 1"));
        }
        if !(1..=4096).contains(&self.queue) {
            return Err(SettingError::new("queue", self.queue, "1 to 4096"));
        }
        Ok(())
    }
}
