//! The open database: its trees, and the one way to make what was written durable.
//!
//! `flush()` of sled is `sync_file_range` on Linux, which survives a killed process and no power cut; so every commit
//! ends with `sync_data` on a handle of our own, where the kernel also reports write errors that sled did not look at.

use std::fs::File;
use std::path::PathBuf;

use super::registry::Registry;
use super::rows::RowTrees;
use super::watermark::Watermark;
use crate::store::{LaneId, StoreError};

/// The open database.
pub(super) struct Disk {
    pub(super) path: PathBuf,
    pub(super) db: sled::Db,
    /// Our own handle of `<path>/db`.
    pub(super) log: File,
    pub(super) watermark: Watermark,
    pub(super) rows: RowTrees,
    pub(super) registry: Registry,
}

impl Disk {
    pub(super) fn shards(&self) -> LaneId {
        self.rows.shards
    }

    /// Makes everything that was written durable.
    ///
    /// # Errors
    /// [`StoreError::Fatal`]: after a failed flush or fsync nobody knows what is on the disk (fsyncgate).
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        let number = self.watermark.begin()?;
        self.db.flush().map_err(broken)?;
        self.log.sync_data().map_err(|error| broken(error.into()))?;
        self.watermark.end(number)
    }

    /// Room that the file system has for us, in bytes.
    pub(super) fn free(&self) -> Option<u64> {
        fs2::available_space(&self.path).ok()
    }

    pub(super) fn size(&self) -> Option<u64> {
        self.db.size_on_disk().ok()
    }
}

/// What an error of sled means for the store.
pub(super) fn broken(error: sled::Error) -> StoreError {
    match error {
        // writes are refused while the file system has room for them, so this comes from below it: a thin volume whose
        // pool is full answers some writes so and others by an I/O error
        sled::Error::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => StoreError::Fatal(format!(
            "the disk failed ({error}): what it stands on, a thin volume or a quota, is full; make room there or check \
             it, then start jeton again"
        )),
        sled::Error::Io(error) => {
            StoreError::Fatal(format!("the disk failed ({error}); check it, then start jeton again"))
        }
        sled::Error::Corruption { .. } => StoreError::Corrupt(
            "the data directory is damaged; stop the node and restore it from a backup, or move it away".to_owned(),
        ),
        sled::Error::CollectionNotFound(_) | sled::Error::Unsupported(_) | sled::Error::ReportableBug(_) => {
            StoreError::Fatal(format!("sled failed: {error}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    #[test]
    fn e13_a_disk_that_fails_says_so_whichever_way_it_answers() {
        for kind in [ErrorKind::StorageFull, ErrorKind::Other, ErrorKind::ReadOnlyFilesystem] {
            let StoreError::Fatal(why) = broken(sled::Error::Io(Error::from(kind))) else { panic!("{kind} is no end") };
            assert!(why.starts_with("the disk failed (") && why.ends_with("check it, then start jeton again"), "{why}");
        }
    }
}
