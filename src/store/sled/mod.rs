//! The embedded engine. Every write goes through one committer thread, which answers only after a real fsync; reads for
//! introspection go straight to the trees.
//!
//! Invariants: an answered write survives a power cut, and an operation that broke the engine (a failed write or fsync)
//! is never tried again in this process.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use self::committer::{Committer, Needs};
pub(crate) use self::config::SledConfig;
use self::disk::Disk;
use super::{
    Answer, Document, Documents, Health, KeyRings, LaneId, Lanes, Ledger, Lifecycle, Pending, StoreError, StoredKey,
    Swept, check_document, check_key,
};
use crate::clock::Clock;
use crate::state::{Key, Op, Row};

mod broken;
mod committer;
mod config;
mod decoded;
mod disk;
mod documents;
mod key_rings;
mod open;
mod rows;
#[cfg(test)]
mod tests;
mod watermark;

/// The embedded engine.
pub(crate) struct Sled {
    shards: LaneId,
    committer: Committer,
    /// `None` after [`Lifecycle::close`].
    disk: Arc<ArcSwapOption<Disk>>,
}

impl std::fmt::Debug for Sled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sled").field("shards", &self.shards).field("health", &self.health()).finish_non_exhaustive()
    }
}

impl Sled {
    /// Opens the data directory, and creates it (mode 0700) if there is none. Blocks, for recovery.
    ///
    /// # Errors
    /// If another process holds the directory, it cannot be read or written, or its contents cannot be read; the
    /// message says what to do.
    pub(crate) fn open(path: &Path, config: SledConfig, clock: Clock) -> Result<Self, StoreError> {
        let disk = Arc::new(open::open(path, &config)?);
        let shards = disk.shards();
        let shared = Arc::new(ArcSwapOption::new(Some(Arc::clone(&disk))));
        let committer = Committer::start(disk, Arc::clone(&shared), clock, config.min_free)?;
        Ok(Self { shards, committer, disk: shared })
    }

    fn disk(&self) -> Result<Arc<Disk>, StoreError> {
        self.committer.check()?;
        self.disk.load_full().ok_or_else(committer::closed)
    }

    /// Runs a read that may be long on a thread that may block.
    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Disk) -> Result<T, StoreError> + Send + 'static,
    ) -> Pending<'_, T> {
        Box::pin(async move {
            let disk = self.disk()?;
            let read = tokio::task::spawn_blocking(move || work(&disk)).await;
            read.unwrap_or_else(|_| Err(StoreError::Unavailable { reason: "a read was cut off".to_owned() }))
        })
    }
}

impl Ledger for Sled {
    /// Returns lanes that are all served by the one committer, which takes every waiting command into one commit.
    fn lanes(&self) -> Lanes {
        Lanes { count: self.shards, depth: 8 }
    }

    fn apply(&self, _lane: LaneId, ops: Vec<Op>) -> Pending<'_, Vec<Result<Answer, StoreError>>> {
        Box::pin(self.committer.apply(ops))
    }

    // on the caller's thread: a few microseconds from the cache, and a hop to another thread costs more
    fn peek<'a>(&'a self, keys: &'a [Key]) -> Pending<'a, Vec<Option<Row>>> {
        let rows = self.disk().and_then(|disk| keys.iter().map(|key| disk.rows.peek(key)).collect());
        Box::pin(std::future::ready(rows))
    }

    fn sweep(&self, shard: LaneId, budget: usize) -> Pending<'_, Swept> {
        Box::pin(self.committer.run(Needs::Nothing, move |disk, now| disk.rows.sweep(shard, budget, now)))
    }
}

impl KeyRings for Sled {
    fn keys(&self) -> Pending<'_, Vec<StoredKey>> {
        self.read(|disk| disk.keys.all())
    }

    fn publish(&self, expected: Option<u32>, key: StoredKey) -> Pending<'_, bool> {
        Box::pin(async move {
            check_key(&key)?;
            self.committer.run(Needs::Commit, move |disk, _| disk.keys.publish(expected, &key)).await
        })
    }

    fn drop_up_to<'a>(&'a self, ring: &'a str, generation: u32) -> Pending<'a, ()> {
        let ring = ring.to_owned();
        Box::pin(self.committer.run(Needs::Commit, move |disk, _| disk.keys.drop_up_to(&ring, generation)))
    }
}

impl Documents for Sled {
    fn list<'a>(&'a self, kind: &'a str) -> Pending<'a, (Vec<Document>, u64)> {
        let kind = kind.to_owned();
        self.read(move |disk| disk.documents.list(&kind))
    }

    // on the caller's thread, as `peek`
    fn get<'a>(&'a self, kind: &'a str, name: &'a str) -> Pending<'a, Option<Document>> {
        let found = self.disk().and_then(|disk| disk.documents.get(kind, name));
        Box::pin(std::future::ready(found))
    }

    fn page<'a>(&'a self, kind: &'a str, prefix: &'a str, after: &'a str, limit: usize) -> Pending<'a, Vec<Document>> {
        let (kind, prefix, after) = (kind.to_owned(), prefix.to_owned(), after.to_owned());
        self.read(move |disk| disk.documents.page(&kind, &prefix, &after, limit))
    }

    fn put(&self, document: Document, expected: u64) -> Pending<'_, Option<u64>> {
        Box::pin(async move {
            check_document(&document)?;
            self.committer.run(Needs::Commit, move |disk, _| disk.documents.put(document, expected)).await
        })
    }

    fn changes<'a>(&'a self, kind: &'a str, version: u64) -> Pending<'a, (Vec<Document>, u64)> {
        let kind = kind.to_owned();
        self.read(move |disk| disk.documents.changes(&kind, version))
    }
}

impl Lifecycle for Sled {
    fn health(&self) -> Health {
        self.committer.health()
    }

    fn size(&self) -> Option<u64> {
        self.disk.load().as_ref().and_then(|disk| disk.size())
    }

    fn close(&self) -> Pending<'_, ()> {
        Box::pin(self.committer.close())
    }
}
