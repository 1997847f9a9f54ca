//! The engine without a disk: the model that the others are tested against, and the store of tests.
//!
//! Everything is in ordered maps under one mutex, so each call is atomic as a whole; nothing survives the process. The
//! engine makes transitions under its lock ([`Ledger`]), and is the model of a shared engine too
//! ([`Rows`](super::rows::Rows)).

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::rows::{Stamp, StampedRow};
use super::{
    Answer, Document, Health, LaneId, Lanes, Ledger, Lifecycle, Pending, StoreError, StoredKey, Swept, check_size,
    deadline,
};
use crate::clock::{Clock, Time};
use crate::state::{Key, Op, Row, Seen};

mod registry;
mod rows;

/// The engine without a disk.
#[derive(Debug)]
pub struct Memory {
    lanes: LaneId,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    rows: BTreeMap<Key, StampedRow>,
    keys: BTreeMap<(String, u32), StoredKey>,
    documents: BTreeMap<(String, String), Document>,
    version: u64,
    closed: bool,
}

impl Memory {
    /// Creates an empty store of `lanes` lanes (at least one).
    pub fn new(lanes: LaneId, clock: Clock) -> Self {
        Self { lanes: lanes.max(1), clock, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<'a, T: Send + 'a>(&self, work: impl FnOnce(&mut State) -> Result<T, StoreError>) -> Pending<'a, T> {
        Box::pin(ready(self.now_or_closed(work)))
    }

    fn now_or_closed<T>(&self, work: impl FnOnce(&mut State) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut state = self.state();
        if state.closed {
            return Err(StoreError::Unavailable { reason: "it is closed".to_owned() });
        }
        work(&mut state)
    }
}

impl State {
    fn apply(&mut self, op: &Op, now: Time) -> Result<Answer, StoreError> {
        check_size(op)?;
        let key = op.key();
        let row = self.row(&key);
        let moments = op.not_before(row);
        let moments = moments.iter().flatten().map(|key| Row::not_before(self.row(key)));
        let transition = op.step(row, Seen::alone(moments.max().unwrap_or_default(), now));
        if let Some(row) = transition.row {
            self.rows.insert(key, StampedRow { stamp: Stamp::random(), row });
        }
        Ok(Answer { outcome: transition.answer, event: transition.event })
    }

    fn row(&self, key: &Key) -> Option<&Row> {
        self.rows.get(key).map(|found| &found.row)
    }

    /// Deletes up to `budget` rows of one lane, of `lanes`, that may be deleted in second `now`.
    fn sweep(&mut self, (lane, lanes): (LaneId, LaneId), budget: usize, now: u64) -> Swept {
        let due = |key: &Key, found: &StampedRow| key.lane(lanes) == lane && deadline(&found.row) <= now;
        let keys: Vec<Key> =
            self.rows.iter().filter(|(key, found)| due(key, found)).map(|(key, _)| *key).take(budget).collect();
        keys.iter().for_each(|key| drop(self.rows.remove(key)));
        Swept { forgotten: keys.len(), more: keys.len() == budget }
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
        self.with(|state| Ok(keys.iter().map(|key| state.row(key).cloned()).collect()))
    }

    fn sweep(&self, lane: LaneId, budget: usize) -> Pending<'_, Swept> {
        let now = self.clock.now().as_secs();
        self.with(|state| Ok(state.sweep((lane, self.lanes), budget, now)))
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
