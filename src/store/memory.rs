//! The engine without a disk: the model that the others are tested against, and the store of tests.
//!
//! Everything is in ordered maps under one mutex, so each call is atomic as a whole; nothing survives the process.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{
    Answer, Document, Documents, Health, KeyRings, LaneId, Lanes, Ledger, Lifecycle, Pending, StoreError, StoredKey,
    Swept, check_document, check_key, check_size, deadline,
};
use crate::clock::{Clock, Time};
use crate::state::{Key, Op, Row, Seen};

/// The engine without a disk.
#[derive(Debug)]
pub struct Memory {
    lanes: LaneId,
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
    /// An empty store of `lanes` lanes (at least one).
    pub fn new(lanes: LaneId, clock: Clock) -> Self {
        Self { lanes: lanes.max(1), clock, state: Mutex::default() }
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
    fn apply(&mut self, op: &Op, now: Time) -> Result<Answer, StoreError> {
        check_size(op)?;
        let key = op.key();
        let row = self.rows.get(&key);
        let moments = op.not_before(row);
        let moments = moments.iter().flatten().map(|key| Row::not_before(self.rows.get(key)));
        let transition = op.step(row, Seen { not_before: moments.max().unwrap_or_default(), now });
        if let Some(row) = transition.row {
            self.rows.insert(key, row);
        }
        Ok(Answer { outcome: transition.answer, event: transition.event })
    }
}

impl Ledger for Memory {
    fn lanes(&self) -> Lanes {
        Lanes { count: self.lanes, depth: 1 }
    }

    fn apply(&self, _lane: LaneId, ops: Vec<Op>) -> Pending<'_, Vec<Result<Answer, StoreError>>> {
        let now = self.clock.now();
        self.with(|state| Ok(ops.iter().map(|op| state.apply(op, now)).collect()))
    }

    fn peek<'a>(&'a self, keys: &'a [Key]) -> Pending<'a, Vec<Option<Row>>> {
        self.with(|state| Ok(keys.iter().map(|key| state.rows.get(key).cloned()).collect()))
    }

    fn sweep(&self, lane: LaneId, budget: usize) -> Pending<'_, Swept> {
        let now = self.clock.now().as_secs();
        self.with(|state| {
            let due = |key: &Key, row: &Row| key.lane(self.lanes) == lane && deadline(row) <= now;
            let keys: Vec<Key> =
                state.rows.iter().filter(|(key, row)| due(key, row)).map(|(key, _)| *key).take(budget).collect();
            keys.iter().for_each(|key| drop(state.rows.remove(key)));
            Ok(Swept { forgotten: keys.len(), more: keys.len() == budget })
        })
    }
}

impl KeyRings for Memory {
    fn keys(&self) -> Pending<'_, Vec<StoredKey>> {
        self.with(|state| Ok(state.keys.values().cloned().collect()))
    }

    fn publish(&self, expected: Option<u32>, key: StoredKey) -> Pending<'_, bool> {
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

    fn drop_up_to<'a>(&'a self, ring: &'a str, generation: u32) -> Pending<'a, ()> {
        self.with(|state| {
            state.keys.retain(|(of, g), _| of != ring || *g > generation);
            Ok(())
        })
    }
}

impl Documents for Memory {
    fn list<'a>(&'a self, kind: &'a str) -> Pending<'a, (Vec<Document>, u64)> {
        self.with(|state| {
            let alive = |document: &&Document| document.kind == kind && document.body.is_some();
            Ok((state.documents.values().filter(alive).cloned().collect(), state.version))
        })
    }

    fn get<'a>(&'a self, kind: &'a str, name: &'a str) -> Pending<'a, Option<Document>> {
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

    fn put(&self, mut document: Document, expected: u64) -> Pending<'_, Option<u64>> {
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
}

impl Lifecycle for Memory {
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
