//! The trait that makes transitions over rows: implemented by an engine that takes each transition under a lock of its
//! own, or by compare-and-set over one ([`Cas`](super::cas::Cas)).

use std::time::Duration;

use super::{Pending, StoreError};
use crate::state::{Event, Key, Op, Outcome, Row};

/// Number of a lane: below [`Lanes::count`].
pub type LaneId = u16;

/// The number of batches that an engine takes concurrently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lanes {
    /// Number of lanes; which one an operation takes is [`Ledger::lane`].
    pub count: LaneId,
    /// Number of batches of one lane that may be in flight at once. One, unless the engine itself groups waiting
    /// batches: then more, so that an operation does not have to wait for one batch to end before it can join the next.
    pub depth: usize,
}

/// The answer to an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Outcome for the caller.
    pub outcome: Outcome,
    /// Event for the audit stream.
    pub event: Option<Event>,
}

/// Rows and the transitions over them.
pub trait Ledger: Send + Sync + 'static {
    /// Returns the number of batches that the ledger takes concurrently; at least one lane.
    fn lanes(&self) -> Lanes;

    /// Returns the lane of an operation. By default those on one row always take the same one; a ledger that several nodes
    /// share needs that for nothing but speed, and may keep apart what commits in different ways.
    fn lane(&self, op: &Op) -> LaneId {
        op.key().lane(self.lanes().count)
    }

    /// Returns the greatest difference between the clocks of two nodes that share the ledger: whoever revokes everything
    /// until now waits that long before it says so.
    fn clock_error(&self) -> Duration {
        Duration::ZERO
    }

    /// Carries out operations in order and returns their results in the same order, after they are durable. Operations
    /// on the same row see each other. An operation may fail alone, as [`StoreError::Corrupt`] or
    /// [`StoreError::TooLarge`], and in an engine that other nodes use too as [`StoreError::Unavailable`] or
    /// [`StoreError::Indeterminate`]; an error of the call applies to all of them.
    fn apply(&self, lane: LaneId, ops: Vec<Op>) -> Pending<'_, Vec<Result<Answer, StoreError>>>;

    /// Reads rows, in the order of `keys`; never the basis of a single-use decision.
    fn peek<'a>(&'a self, keys: &'a [Key]) -> Pending<'a, Vec<Option<Row>>>;

    /// Deletes rows that may be deleted, examining at most `budget` of them; each lane has its own part of the rows.
    /// Never too early; up to a second late, because an index of deadlines in whole seconds suffices.
    fn sweep(&self, lane: LaneId, budget: usize) -> Pending<'_, Swept>;
}

/// The result of a step of the sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Number of rows deleted.
    pub forgotten: usize,
    /// True if the budget ended before the work did.
    pub more: bool,
}

/// Returns the first whole second, since the Unix epoch, in which the row may be deleted.
pub fn deadline(row: &Row) -> u64 {
    row.keep_until().as_millis().div_ceil(1000)
}
