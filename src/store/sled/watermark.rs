//! How far the log must reach. sled takes damage in its newest segment for the end of the log and drops, in silence,
//! what comes after: spent codes would live again. So each commit is numbered in the log, and after its fsync the
//! number goes to a file of its own; a log that ends before that number lost what was acknowledged.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::disk::broken;
use crate::store::{StoreError, codec};

const FILE: &str = "committed";
const NAME: &[u8] = b"committed";

/// The number of the newest commit, in the log and beside it.
pub(super) struct Watermark {
    meta: sled::Tree,
    file: File,
    path: PathBuf,
    newest: AtomicU64,
    /// The newest number in the log; two checkpoints at once must not move it back.
    in_log: Mutex<u64>,
    /// What the file said when it was opened.
    acknowledged: u64,
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
        let file = File::options().write(true).create(true).truncate(acknowledged == 0).open(&path);
        let file = file.map_err(|error| broken(error.into()))?;
        Ok(Self { meta, file, path, newest: AtomicU64::new(in_log), in_log: Mutex::new(in_log), acknowledged })
    }

    /// The newest commit that sled's log holds.
    pub(super) fn in_log(&self) -> u64 {
        *self.in_log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on after `recovered`, the newest commit that log and journal hold together; refuses if one is missing.
    pub(super) fn resume(&self, recovered: u64) -> Result<(), StoreError> {
        if self.acknowledged > recovered {
            return Err(StoreError::Corrupt(format!(
                "the data directory lost acknowledged changes ({recovered} of {} commits are left); restore it from \
                 a backup, or move it away to start empty. Only if spent codes and refresh tokens may work again: \
                 delete {}",
                self.acknowledged,
                self.path.display()
            )));
        }
        self.newest.store(recovered, Ordering::Relaxed);
        Ok(())
    }

    /// Numbers the commit that is about to be made durable.
    pub(super) fn begin(&self) -> u64 {
        self.newest.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Puts the number into the log, behind everything it covers.
    pub(super) fn enter(&self, number: u64) -> Result<(), StoreError> {
        let mut in_log = self.in_log.lock().unwrap_or_else(PoisonError::into_inner);
        if number > *in_log {
            self.meta.insert(NAME, codec::encode(NAME, &number.to_be_bytes())?).map_err(broken)?;
            *in_log = number;
        }
        Ok(())
    }

    /// Remembers that the commit is durable.
    pub(super) fn end(&self, number: u64) -> Result<(), StoreError> {
        self.file.write_all_at(&codec::encode(NAME, &number.to_be_bytes())?, 0).map_err(|error| broken(error.into()))
    }

    /// Remembers it over a power cut, too.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(|error| broken(error.into()))
    }
}
