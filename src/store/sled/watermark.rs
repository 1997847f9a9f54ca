//! The position that the log must reach. sled takes damage in its newest segment for the end of the log and silently
//! drops everything after it: spent codes would be valid again. So each commit is numbered in the log, and after its
//! fsync the number goes to a file of its own; a log that ends before that number lost acknowledged writes.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::broken::broken;
use crate::store::{StoreError, codec};

const FILE: &str = "committed";
const NAME: &[u8] = b"committed";

/// The number of the newest commit, in the log and beside it.
pub(super) struct Watermark {
    meta: sled::Tree,
    file: File,
    newest: AtomicU64,
}

impl Watermark {
    pub(super) fn open(path: &Path, meta: sled::Tree) -> Result<Self, StoreError> {
        let in_log = match meta.get(NAME).map_err(broken)? {
            Some(bytes) => codec::decode(NAME, &bytes)
                .map(u64::from_be_bytes)
                .map_err(|error| error.about(&format!("the data directory {}", path.display())))?,
            None => 0,
        };
        let path: PathBuf = path.join(FILE);
        let read = std::fs::read(&path).unwrap_or_default();
        // never fsynced on its own, so after a power cut it may be old or empty: it is a check, not a promise
        let acknowledged = codec::decode(NAME, &read).map_or(0, u64::from_be_bytes);
        if acknowledged > in_log {
            return Err(StoreError::Corrupt(format!(
                "the data directory lost acknowledged changes ({in_log} of {acknowledged} commits are left); restore \
                 it from a backup, or move it away to start empty. Only if spent codes and refresh tokens may work \
                 again: delete {}",
                path.display()
            )));
        }
        let file = File::options().write(true).create(true).truncate(acknowledged == 0).open(&path);
        Ok(Self { meta, file: file.map_err(|error| broken(error.into()))?, newest: AtomicU64::new(in_log) })
    }

    /// Numbers the commit that is about to be made durable.
    pub(super) fn begin(&self) -> Result<u64, StoreError> {
        let number = self.newest.fetch_add(1, Ordering::Relaxed) + 1;
        self.meta.insert(NAME, codec::encode(NAME, &number.to_be_bytes())?).map_err(broken)?;
        Ok(number)
    }

    /// Remembers that the commit is durable.
    pub(super) fn end(&self, number: u64) -> Result<(), StoreError> {
        self.file.write_all_at(&codec::encode(NAME, &number.to_be_bytes())?, 0).map_err(|error| broken(error.into()))
    }

    /// Makes the remembered number survive a power cut too.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(|error| broken(error.into()))
    }
}
