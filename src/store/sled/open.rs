//! Opening the data directory: locks it, reads its contents, and makes its files themselves durable.
//!
//! Every failure is a sentence for the operator that says what to do next.

use std::fs::{DirBuilder, File};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::broken::broken;
use super::config::SledConfig;
use super::disk::Disk;
use super::documents::DocumentTrees;
use super::key_rings::KeyTree;
use super::rows::RowTrees;
use super::watermark::Watermark;
use crate::store::{LaneId, StoreError, codec};

/// Segment size of sled's log, in bytes. Values up to a quarter of it go inline into the log; longer ones become files
/// that nobody fsyncs. The unit is a whole leaf: at most some 20 values of at most [`crate::store::size::MAX_VALUE`], which
/// is well below.
pub(super) const SEGMENT_SIZE: usize = 2 << 20;

/// Interval at which sled collects its garbage, in milliseconds. Only its flusher thread does that, so it cannot be
/// off.
const FLUSH_EVERY_MS: u64 = 500;

/// Time to wait for a predecessor that has not released the directory yet, in steps of 50 ms.
const LOCK_TRIES: u32 = 20;

/// The choices that were made when the directory was new.
#[derive(Debug, Serialize, Deserialize)]
struct Layout {
    shards: LaneId,
}

pub(super) fn open(path: &Path, config: &SledConfig) -> Result<Disk, StoreError> {
    create_directory(path)?;
    let db = open_database(path, config)?;
    let unreadable = |error: std::io::Error| cannot(path, &error);
    let log = File::options().read(true).write(true).open(path.join("db")).map_err(unreadable)?;
    let meta = db.open_tree("meta").map_err(broken)?;
    let watermark = Watermark::open(path, meta.clone())?;
    let shards = layout(path, &db, &meta, config.shards.max(1))?;
    let disk = Disk {
        path: path.to_owned(),
        rows: RowTrees::open(&db, shards)?,
        keys: KeyTree::open(&db)?,
        documents: DocumentTrees::open(&db)?,
        watermark,
        log,
        db,
    };
    disk.sync()?;
    // the files' names and sled's own settings, which it does not fsync
    for name in ["conf", "db", "blobs", "committed", "."] {
        File::open(path.join(name)).and_then(|file| file.sync_all()).map_err(unreadable)?;
    }
    Ok(disk)
}

fn create_directory(path: &Path) -> Result<(), StoreError> {
    let is_new = !path.exists();
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| cannot(path, &error))?;
    if is_new && let Some(parent) = path.canonicalize().ok().as_deref().and_then(Path::parent) {
        // a parent that may not be read cannot be fsynced either; it is not ours
        let _ = File::open(parent).and_then(|parent| parent.sync_all());
    }
    let mode = std::fs::metadata(path).map_err(|error| cannot(path, &error))?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "the data directory is open to other users; chmod it to 0700");
    }
    Ok(())
}

fn open_database(path: &Path, config: &SledConfig) -> Result<sled::Db, StoreError> {
    let settings = sled::Config::new()
        .path(path)
        .cache_capacity(config.cache_capacity)
        .segment_size(SEGMENT_SIZE)
        .flush_every_ms(Some(FLUSH_EVERY_MS));
    for attempt in 1.. {
        // sled's recovery panics on some damage
        let opened = catch_unwind(AssertUnwindSafe(|| settings.open()));
        match opened {
            Ok(Ok(db)) => return Ok(db),
            Ok(Err(sled::Error::Io(error))) if error.to_string().contains("could not acquire lock") => {
                if attempt >= LOCK_TRIES {
                    break;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            Ok(Err(sled::Error::Io(error))) if !has_garbled_settings(&error) => return Err(cannot(path, &error)),
            Ok(Err(sled::Error::Unsupported(why))) => {
                return Err(StoreError::Corrupt(format!(
                    "the data directory {} was written by another version of the store ({why}); start the jeton that \
                     wrote it, or restore a backup",
                    path.display()
                )));
            }
            Ok(Err(_)) | Err(_) => return Err(damaged(path)),
        }
    }
    Err(StoreError::Unavailable {
        reason: format!(
            "another jeton uses the data directory {}; stop it or choose another directory",
            path.display()
        ),
    })
}

/// Returns the shard count: the one of the directory, or `wanted` if it is new.
fn layout(path: &Path, db: &sled::Db, meta: &sled::Tree, wanted: LaneId) -> Result<LaneId, StoreError> {
    const NAME: &[u8] = b"layout";
    let Some(bytes) = meta.get(NAME).map_err(broken)? else {
        if db.tree_names().iter().any(|name| name.as_ref() == b"rows") {
            return Err(damaged(path));
        }
        meta.insert(NAME, codec::encode(NAME, &Layout { shards: wanted })?).map_err(broken)?;
        return Ok(wanted);
    };
    let stored: Layout =
        codec::decode(NAME, &bytes).map_err(|error| error.about(&format!("the data directory {}", path.display())))?;
    if stored.shards == 0 {
        return Err(damaged(path));
    }
    if stored.shards != wanted {
        tracing::warn!(
            stored = stored.shards,
            configured = wanted,
            "the data directory keeps the number of shards that it was created with"
        );
    }
    Ok(stored.shards)
}

/// Returns whether sled could not parse its `conf` file, which it reports as an I/O error.
fn has_garbled_settings(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof)
}

fn damaged(path: &Path) -> StoreError {
    StoreError::Corrupt(format!(
        "the data directory {} is damaged; restore it from a backup, or move it away to start empty (every refresh \
         token is then void)",
        path.display()
    ))
}

fn cannot(path: &Path, error: &std::io::Error) -> StoreError {
    let path = path.display();
    let reason = match error.kind() {
        ErrorKind::PermissionDenied => {
            format!("the data directory {path} may not be used ({error}); give it to the user that runs jeton")
        }
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
            format!("{path} is not a directory; choose another")
        }
        ErrorKind::StorageFull => format!("the disk of the data directory {path} is full; make room"),
        _ => format!("the data directory {path} cannot be used: {error}"),
    };
    StoreError::Unavailable { reason }
}
