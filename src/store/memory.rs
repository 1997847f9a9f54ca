//! The engine without a disk: the model that the others are tested against, and the store of tests.
//!
//! Everything is in ordered maps under one mutex, so each call is atomic as a whole; nothing survives the process.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{
    Document, Health, Pending, ShardId, Store, StoreError, StoredKey, Swept, check_document, check_key, check_size,
    deadline,
};
use crate::clock::{Clock, Time};
use crate::id::Id;
use crate::state::key::Key;
use crate::state::op::Op;
use crate::state::step::Change;
use crate::state::step::{Outcome, Row, step};

/// The engine without a disk.
#[derive(Debug)]
pub struct Memory {
    shards: ShardId,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    rows: BTreeMap<Key, Row>,
    keys: BTreeMap<(String, u32), StoredKey>,
    documents: BTreeMap<(String, String), Document>,
    version: u64,
    closed: bool,
}

impl Memory {
    /// An empty store of `shards` shards (at least one).
    pub fn new(shards: ShardId, clock: Clock) -> Self {
        Self { shards: shards.max(1), clock, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<'a, T: Send + 'a>(&self, work: impl FnOnce(&mut State) -> Result<T, StoreError>) -> Pending<'a, T> {
        let mut state = self.state();
        let result = if state.closed {
            Err(StoreError::Unavailable { reason: "it is closed".to_owned() })
        } else {
            work(&mut state)
        };
        Box::pin(ready(result))
    }
}

impl State {
    fn apply(&mut self, op: &Op, now: Time) -> Outcome {
        let key = op.key();
        let row = self.rows.get(&key);
        let fences = op.fences(row);
        let fence = fences.iter().flatten().map(|key| self.fence(key)).max().unwrap_or_default();
        let (change, outcome) = step(row, op, fence, now);
        if let Change::Put(row) = change {
            self.rows.insert(key, row);
        }
        outcome
    }

    fn fence(&self, key: &Key) -> Time {
        if let Some(Row::Fence { at, .. }) = self.rows.get(key) { *at } else { Time::ZERO }
    }
}

impl Store for Memory {
    fn shards(&self) -> ShardId {
        self.shards
    }

    fn apply(&self, _shard: ShardId, ops: Vec<Op>) -> Pending<'_, Vec<Outcome>> {
        let now = self.clock.now();
        self.with(|state| {
            ops.iter().try_for_each(check_size)?;
            Ok(ops.iter().map(|op| state.apply(op, now)).collect())
        })
    }

    fn peek<'a>(&'a self, keys: &'a [Key]) -> Pending<'a, Vec<Option<Row>>> {
        self.with(|state| Ok(keys.iter().map(|key| state.rows.get(key).cloned()).collect()))
    }

    fn sweep(&self, shard: ShardId, budget: usize) -> Pending<'_, Swept> {
        let now = self.clock.now().as_secs();
        self.with(|state| {
            let due = |key: &Key, row: &Row| self.route(key) == shard && deadline(row) <= now;
            let keys: Vec<Key> =
                state.rows.iter().filter(|(key, row)| due(key, row)).map(|(key, _)| *key).take(budget).collect();
            keys.iter().for_each(|key| drop(state.rows.remove(key)));
            Ok(Swept { forgotten: keys.len(), more: keys.len() == budget })
        })
    }

    fn keys(&self) -> Pending<'_, Vec<StoredKey>> {
        self.with(|state| Ok(state.keys.values().cloned().collect()))
    }

    fn publish_key(&self, expected: Option<u32>, key: StoredKey) -> Pending<'_, bool> {
        self.with(|state| {
            check_key(&key)?;
            let ring = (key.ring.clone(), 0)..=(key.ring.clone(), u32::MAX);
            let newest = state.keys.range(ring).next_back().map(|((_, generation), _)| *generation);
            let first = newest == expected && key.generation == expected.unwrap_or(0).saturating_add(1);
            if first {
                state.keys.insert((key.ring.clone(), key.generation), key);
            }
            Ok(first)
        })
    }

    fn drop_keys<'a>(&'a self, ring: &'a str, generation: u32) -> Pending<'a, ()> {
        self.with(|state| {
            state.keys.retain(|(of, g), _| of != ring || *g > generation);
            Ok(())
        })
    }

    fn documents<'a>(&'a self, kind: &'a str) -> Pending<'a, (Vec<Document>, u64)> {
        self.with(|state| {
            let alive = |document: &&Document| document.kind == kind && document.body.is_some();
            Ok((state.documents.values().filter(alive).cloned().collect(), state.version))
        })
    }

    fn document<'a>(&'a self, kind: &'a str, name: &'a str) -> Pending<'a, Option<Document>> {
        self.with(|state| {
            let found = state.documents.get(&(kind.to_owned(), name.to_owned()));
            Ok(found.filter(|document| document.body.is_some()).cloned())
        })
    }

    fn page<'a>(&'a self, kind: &'a str, prefix: &'a str, after: &'a str, limit: usize) -> Pending<'a, Vec<Document>> {
        self.with(|state| {
            let wanted = |document: &&Document| {
                let name = document.name.as_str();
                document.kind == kind && document.body.is_some() && name.starts_with(prefix) && name > after
            };
            let mut found: Vec<_> = state.documents.values().filter(wanted).cloned().collect();
            found.sort_by(|a, b| a.name.cmp(&b.name));
            found.truncate(limit);
            Ok(found)
        })
    }

    fn put_document(&self, mut document: Document, expected: u64) -> Pending<'_, Option<u64>> {
        self.with(|state| {
            check_document(&document)?;
            let name = (document.kind.clone(), document.name.clone());
            let current = state.documents.get(&name).filter(|now| now.body.is_some()).map_or(0, |now| now.version);
            if current != expected {
                return Ok(None);
            }
            state.version += 1;
            document.version = state.version;
            state.documents.insert(name, document);
            Ok(Some(state.version))
        })
    }

    fn changes<'a>(&'a self, kind: &'a str, version: u64) -> Pending<'a, (Vec<Document>, u64)> {
        self.with(|state| {
            let newer = |document: &&Document| document.kind == kind && document.version > version;
            let mut newer: Vec<_> = state.documents.values().filter(newer).cloned().collect();
            newer.sort_by_key(|document| document.version);
            Ok((newer, state.version.max(version)))
        })
    }

    fn lease<'a>(&'a self, _name: &'a str, _holder: Id, _ttl: Duration) -> Pending<'a, Option<u64>> {
        // one process: whoever asks is the holder
        self.with(|_| Ok(Some(1)))
    }

    fn health(&self) -> Health {
        if self.state().closed { Health::Unavailable("it is closed".to_owned()) } else { Health::Ready }
    }

    fn size(&self) -> Option<u64> {
        None
    }

    fn close(&self) -> Pending<'_, ()> {
        self.state().closed = true;
        Box::pin(ready(Ok(())))
    }
}
