//! How the embedded engine keeps its data.

use serde::{Deserialize, Serialize};

use crate::store::LaneId;

/// How the embedded engine keeps its data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SledConfig {
    /// Shards, when the data directory is new; an old one keeps its own number.
    pub shards: LaneId,
    /// Pages kept in memory, in bytes.
    pub cache_capacity: u64,
    /// Writes are refused while the file system has less room than this, in bytes: sled cannot go on after a write
    /// that failed for want of room.
    pub min_free: u64,
}

impl Default for SledConfig {
    fn default() -> Self {
        Self { shards: 8, cache_capacity: 64 << 20, min_free: 16 << 20 }
    }
}
