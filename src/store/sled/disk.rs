//! The open database: its trees, and the one way to make writes durable.
//!
//! `flush()` of sled is `sync_file_range` on Linux, which survives a killed process and no power cut; so every commit
//! ends with `sync_data` on a second handle of the log, where the kernel also reports write errors that sled did not
//! look at.

use std::fs::File;
use std::path::PathBuf;

use super::broken::broken;
use super::documents::DocumentTrees;
use super::key_rings::KeyTree;
use super::rows::RowTrees;
use super::watermark::Watermark;
use crate::store::{LaneId, StoreError};

/// The open database.
pub(super) struct Disk {
    pub(super) path: PathBuf,
    pub(super) db: sled::Db,
    /// A second handle of `<path>/db`, beside sled's.
    pub(super) log: File,
    pub(super) watermark: Watermark,
    pub(super) rows: RowTrees,
    pub(super) keys: KeyTree,
    pub(super) documents: DocumentTrees,
}

impl Disk {
    pub(super) fn shards(&self) -> LaneId {
        self.rows.shards
    }

    /// Makes all writes durable.
    ///
    /// # Errors
    /// [`StoreError::Fatal`]: after a failed flush or fsync nobody knows what is on the disk (fsyncgate).
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        let number = self.watermark.begin()?;
        self.db.flush().map_err(broken)?;
        self.log.sync_data().map_err(|error| broken(error.into()))?;
        self.watermark.end(number)
    }

    /// Returns the free space of the file system, in bytes.
    pub(super) fn free(&self) -> Option<u64> {
        fs2::available_space(&self.path).ok()
    }

    pub(super) fn size(&self) -> Option<u64> {
        self.db.size_on_disk().ok()
    }
}
