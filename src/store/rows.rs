//! Rows of one cell without rules: what a shared engine implements. [`Cas`](super::cas::Cas) decides over them.
//!
//! The promise is small: a change is made only while the row still has the stamp that was read, and what is answered is
//! as durable as the engine can make it. Everything that OAuth says is above.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use super::{LaneId, Lanes, StoreError, Swept};
use crate::clock::Time;
use crate::id::random_bytes;
use crate::state::{Key, Row};

/// One state of a row. It is random and new with every write: a counter would come to the same number again when a row
/// is forgotten and inserted anew, and two different states must never be taken for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp(pub u64);

impl Stamp {
    /// A stamp that no row has had.
    pub fn random() -> Self {
        Self(u64::from_be_bytes(random_bytes()))
    }
}

/// A row and the stamp of its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StampedRow {
    /// The stamp.
    pub stamp: Stamp,
    /// The row.
    pub row: Row,
}

/// One life of a connection: the number is another after every reconnect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Session(pub u64);

/// A connection of this node to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Connection {
    /// The one that carries the batches of a lane.
    Lane(LaneId),
    /// The one for reads that no decision is based on.
    Peeks,
}

/// Rows as one read found them.
#[derive(Clone, Debug)]
pub struct ReadRows {
    /// The session that they were read in.
    pub session: Session,
    /// The engine's time.
    pub now: Time,
    /// Every row that was asked for (`None`: absent), each with an error of its own if what is stored cannot be
    /// understood. Others may come along: those of [`Row::not_before_keys`] spare a rotation its second trip.
    pub rows: BTreeMap<Key, Result<Option<StampedRow>, StoreError>>,
}

/// A row to insert.
#[derive(Clone, Debug)]
pub struct RowInsert {
    /// Its key, which must be absent.
    pub key: Key,
    /// What it becomes.
    pub to: StampedRow,
    /// Other keys that must be absent: what was guessed about them is part of the comparison.
    pub unless: Vec<Key>,
}

/// A row to change.
#[derive(Clone, Debug)]
pub struct RowChange {
    /// Its key.
    pub key: Key,
    /// The stamp that it must still have.
    pub expected: Stamp,
    /// What it becomes.
    pub to: StampedRow,
}

/// What came of inserts or changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// The keys whose comparison held; their rows are as durable as the engine makes anything.
    Won(Vec<Key>),
    /// Nothing was done: the connection is in another session than the one that was asked for.
    OtherSession,
}

/// Rows of one cell. A method fails as [`StoreError::Indeterminate`] if it may have been done, and with any other error
/// only if it was not.
pub trait Rows: Send + Sync + 'static {
    /// How many batches it takes side by side.
    fn lanes(&self) -> Lanes;

    /// The engine's time as this node knows it, without asking; it never steps back.
    fn now(&self) -> Time;

    /// Reads rows. Nothing says yet that they are true or durable: [`Rows::confirm`] does.
    fn read(&self, on: Connection, keys: &[Key]) -> impl Future<Output = Result<ReadRows, StoreError>> + Send;

    /// Inserts rows that are absent, keys ascending, in `session` if one is given. If one is inserted, everything that
    /// was read in the session before is confirmed.
    fn insert(
        &self,
        on: Connection,
        session: Option<Session>,
        rows: Vec<RowInsert>,
    ) -> impl Future<Output = Result<Written, StoreError>> + Send;

    /// Changes rows that still have their stamps, keys ascending, in `session`. If one is changed, everything that was
    /// read in the session before is confirmed.
    fn change(
        &self,
        on: Connection,
        session: Session,
        rows: Vec<RowChange>,
    ) -> impl Future<Output = Result<Written, StoreError>> + Send;

    /// Makes sure that what was read in `session` before was true and is durable, by a commit of its own on the same
    /// connection. False if the connection is in another session by now.
    fn confirm(&self, on: Connection, session: Session) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Forgets rows that may be forgotten, looking at no more than `budget` of them. Each lane has a part of its own,
    /// whichever the engine makes: a kind of rows, a range, everything for the first one. Neither too early nor more
    /// than a second late.
    fn sweep(&self, lane: LaneId, budget: usize) -> impl Future<Output = Result<Swept, StoreError>> + Send;
}

impl<R: Rows> Rows for Arc<R> {
    fn lanes(&self) -> Lanes {
        R::lanes(self)
    }

    fn now(&self) -> Time {
        R::now(self)
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
