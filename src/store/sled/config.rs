//! The settings of the embedded engine.

use serde::{Deserialize, Serialize};

use crate::store::LaneId;

/// The settings of the embedded engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SledConfig {
    /// Number of shards of a new data directory; an old one keeps its own number.
    pub shards: LaneId,
    /// Size of the page cache, in bytes.
    pub cache_capacity: u64,
    /// Free space of the file system below which writes are refused, in bytes: sled cannot continue after a write that
    /// failed for want of room.
    pub min_free: u64,
}

impl Default for SledConfig {
    fn default() -> Self {
        Self { shards: 8, cache_capacity: 64 << 20, min_free: 16 << 20 }
    }
}
