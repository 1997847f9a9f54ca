//! What decides over rows: an engine that takes each transition under a lock of its own, or one that compares and sets
//! ([`Cas`](super::cas::Cas)).

use super::{Pending, StoreError};
use crate::state::{Event, Key, Op, Outcome, Row};

/// Which lane: below [`Lanes::count`].
pub type LaneId = u16;

/// How many batches an engine takes side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lanes {
    /// Lanes; operations on one row always take the same one.
    pub count: LaneId,
    /// Batches of one lane that may be under way at once. One, unless the engine itself gathers what waits: then more,
    /// so that no operation waits for a batch it is not in before it can even join the next.
    pub depth: usize,
}

/// What an operation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What whoever asked is told.
    pub outcome: Outcome,
    /// What others are told.
    pub event: Option<Event>,
}

/// Rows and the transitions over them.
pub trait Ledger: Send + Sync + 'static {
    /// How many batches it takes side by side; at least one lane.
    fn lanes(&self) -> Lanes;

    /// Carries out operations in order and gives what each came to in the same order, after it is durable. Operations
    /// on the same row see each other. An operation may fail alone, as [`StoreError::Corrupt`] or [`StoreError::TooLarge`],
    /// and in an engine that other nodes use too as [`StoreError::Unavailable`] or [`StoreError::Indeterminate`]; an error
    /// of the call is everybody's.
    fn apply(&self, lane: LaneId, ops: Vec<Op>) -> Pending<'_, Vec<Result<Answer, StoreError>>>;

    /// Reads rows, in the order of `keys`; never the basis of a single-use decision.
    fn peek<'a>(&'a self, keys: &'a [Key]) -> Pending<'a, Vec<Option<Row>>>;

    /// Forgets rows that may be forgotten, looking at no more than `budget` of them; each lane has its own part of
    /// them. Never too early; up to a second late, because whole seconds are what an index of deadlines needs.
    fn sweep(&self, lane: LaneId, budget: usize) -> Pending<'_, Swept>;
}

/// What a step of the sweep came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Rows that are gone.
    pub forgotten: usize,
    /// The budget ended before the work did.
    pub more: bool,
}

/// The first whole second, since the Unix epoch, in which the row may be forgotten.
pub fn deadline(row: &Row) -> u64 {
    row.keep_until().as_millis().div_ceil(1000)
}
