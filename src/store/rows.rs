//! Rows of one cell without rules: the trait of a shared engine. [`Cas`](super::cas::Cas) makes the transitions over
//! them.
//!
//! The guarantees are few: a change is made only while the row still has the stamp that was read, and an answered write
//! is as durable as the engine can make it. The rules of OAuth are in the layers above.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::{LaneId, Lanes, StoreError, Swept};
use crate::clock::Time;
use crate::id::random_bytes;
use crate::state::{Key, Op, Outage, Row};

/// Greatest age of the confirmation that a peek relies on, unless the engine says otherwise.
pub(crate) const MAX_STALENESS: Duration = Duration::from_secs(1);

/// A version of a row. Random and new with every write: a counter would reach the same number again when a row is
/// deleted and inserted anew, and two different versions must never be taken for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp(pub u64);

impl Stamp {
    /// Returns a new random stamp.
    pub fn random() -> Self {
        Self(u64::from_be_bytes(random_bytes()))
    }
}

/// A row and the stamp of its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StampedRow {
    /// The stamp.
    pub stamp: Stamp,
    /// The row.
    pub row: Row,
}

/// One session of a connection: the number changes with every reconnect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Session(pub u64);

/// A connection of this node to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Connection {
    /// The connection that carries the batches of a lane.
    Lane(LaneId),
    /// The connection for reads that no transition is based on.
    Peeks,
}

/// The rows that one read found.
#[derive(Clone, Debug)]
pub struct ReadRows {
    /// Session of the read.
    pub session: Session,
    /// The engine's time.
    pub now: Time,
    /// All requested rows (`None`: absent), each with an error of its own if the stored value cannot be read. Others
    /// may come along: those of [`Row::not_before_keys`] spare a rotation its second trip.
    pub rows: BTreeMap<Key, Result<Option<StampedRow>, StoreError>>,
}

/// A row to insert.
#[derive(Clone, Debug)]
pub struct RowInsert {
    /// Key of the row, which must be absent.
    pub key: Key,
    /// Row to insert.
    pub to: StampedRow,
    /// Other keys that must be absent: guesses about them are part of the comparison.
    pub unless: Vec<Key>,
}

/// A row to change.
#[derive(Clone, Debug)]
pub struct RowChange {
    /// Key of the row.
    pub key: Key,
    /// The stamp that the row must still have.
    pub expected: Stamp,
    /// New value of the row.
    pub to: StampedRow,
}

/// The result of inserts or changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// The keys whose comparison held; their rows are as durable as the engine can make them.
    Won(Vec<Key>),
    /// Nothing was done: the connection is in another session than the requested one.
    OtherSession,
}

/// Rows of one cell. A method fails as [`StoreError::Indeterminate`] if its effect may have happened, and with any
/// other error only if it did not.
pub trait Rows: Send + Sync + 'static {
    /// Returns the number of batches that the engine takes concurrently.
    fn lanes(&self) -> Lanes;

    /// Returns the lane of an operation, see [`Ledger::lane`](super::Ledger::lane).
    fn lane(&self, op: &Op) -> LaneId {
        op.key().lane(self.lanes().count)
    }

    /// Returns the engine's time as this node knows it, without asking; never steps back.
    fn now(&self) -> Time;

    /// Returns the last outage of the engine that this node knows of, if there was one.
    fn outage(&self) -> Option<Outage> {
        None
    }

    /// Returns the greatest difference between the clocks of two nodes that use the engine.
    fn clock_error(&self) -> Duration {
        Duration::ZERO
    }

    /// Returns the greatest age of the confirmation that a peek relies on.
    fn max_staleness(&self) -> Duration {
        MAX_STALENESS
    }

    /// Reads rows. The result is not proven to be current or durable until [`Rows::confirm`] succeeds.
    fn read(&self, on: Connection, keys: &[Key]) -> impl Future<Output = Result<ReadRows, StoreError>> + Send;

    /// Inserts rows that are absent, keys ascending, in `session` if one is given. If one is inserted, all earlier
    /// reads of the session are confirmed.
    fn insert(
        &self,
        on: Connection,
        session: Option<Session>,
        rows: Vec<RowInsert>,
    ) -> impl Future<Output = Result<Written, StoreError>> + Send;

    /// Changes rows that still have their stamps, keys ascending, in `session`. If one is changed, all earlier reads of
    /// the session are confirmed.
    fn change(
        &self,
        on: Connection,
        session: Session,
        rows: Vec<RowChange>,
    ) -> impl Future<Output = Result<Written, StoreError>> + Send;

    /// Confirms that all earlier reads in `session` were current and are durable, by a commit of its own on the same
    /// connection. False if the connection is in another session by now.
    fn confirm(&self, on: Connection, session: Session) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Deletes rows that may be deleted, examining at most `budget` of them. Each lane has a part of its own, which the
    /// engine defines: a kind of rows, a range, everything for the first one. Neither too early nor more than a second
    /// late.
    fn sweep(&self, lane: LaneId, budget: usize) -> impl Future<Output = Result<Swept, StoreError>> + Send;
}

impl<R: Rows> Rows for Arc<R> {
    fn lanes(&self) -> Lanes {
        R::lanes(self)
    }

    fn lane(&self, op: &Op) -> LaneId {
        R::lane(self, op)
    }

    fn now(&self) -> Time {
        R::now(self)
    }

    fn outage(&self) -> Option<Outage> {
        R::outage(self)
    }

    fn clock_error(&self) -> Duration {
        R::clock_error(self)
    }

    fn max_staleness(&self) -> Duration {
        R::max_staleness(self)
    }

    fn read(&self, on: Connection, keys: &[Key]) -> impl Future<Output = Result<ReadRows, StoreError>> + Send {
        R::read(self, on, keys)
    }

    fn insert(
        &self,
        on: Connection,
        session: Option<Session>,
        rows: Vec<RowInsert>,
    ) -> impl Future<Output = Result<Written, StoreError>> + Send {
        R::insert(self, on, session, rows)
    }

    fn change(
        &self,
        on: Connection,
        session: Session,
        rows: Vec<RowChange>,
    ) -> impl Future<Output = Result<Written, StoreError>> + Send {
        R::change(self, on, session, rows)
    }

    fn confirm(&self, on: Connection, session: Session) -> impl Future<Output = Result<bool, StoreError>> + Send {
        R::confirm(self, on, session)
    }

    fn sweep(&self, lane: LaneId, budget: usize) -> impl Future<Output = Result<Swept, StoreError>> + Send {
        R::sweep(self, lane, budget)
    }
}
