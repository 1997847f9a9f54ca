//! Operations on rows and the transitions that they make.

use std::time::Duration;

use super::event::{Event, RevocationCause};
use super::family::Family;
use super::key::Key;
use super::row::Row;
use crate::clock::Time;
use crate::id::Id;

/// An operation on one row, with its possible results. The member `attempt`, in operations that have one, names the
/// request, so that the service's own retry after an unknown outcome is safe while a client's replay is not.
pub trait Operation {
    /// The result of an operation that is carried out.
    type Done;
    /// The reasons for which the operation can be refused. A refusal is an answer, not a failure of the engine.
    type Refusal;

    /// Name of the operation in metrics.
    const NAME: &'static str;

    /// True if the row is usually absent: a shared engine then inserts first, and reads only if that fails.
    const BEGINS: bool = false;

    /// Returns the key of the row that the operation touches.
    fn key(&self) -> Key;

    /// Returns the keys of the not-before moments that apply to the operation, given the row it found: those of issuer,
    /// client and subject.
    fn not_before(&self, row: Option<&Row>) -> Option<[Key; 3]> {
        let _ = row;
        None
    }

    /// Returns the size, in bytes, that a row written by the operation can have beyond its fixed part.
    fn size(&self) -> usize {
        0
    }

    /// Performs the transition.
    fn step(&self, row: Option<&Row>, seen: Seen) -> Transition<Result<Self::Done, Self::Refusal>>;
}

/// The values that an engine passes to a transition besides the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The latest of the moments in [`Operation::not_before`]; [`Time::ZERO`] if there is none.
    pub not_before: Time,
    /// The engine's time.
    pub now: Time,
    /// The last outage of the engine, if there was one.
    pub outage: Option<Outage>,
    /// Greatest difference between the clocks of two nodes that share the engine; zero if there is one node.
    pub clock_error: Duration,
}

impl Seen {
    /// Makes what an engine of one node passes: it has no outage that it outlives, and no other clock.
    pub const fn alone(not_before: Time, now: Time) -> Self {
        Self { not_before, now, outage: None, clock_error: Duration::ZERO }
    }
}

/// A time in which a shared engine could not be reached. What it committed last may never have been answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// The last moment at which it was known to commit.
    pub began: Time,
    /// The moment at which it committed again.
    pub ended: Time,
}

impl Outage {
    /// Returns the one outage that this and a later one are, if the second began before clients could come back after
    /// the first; otherwise the later one.
    pub fn joined(self, later: Self, apart: Duration) -> Self {
        let (first, second) = if self.began <= later.began { (self, later) } else { (later, self) };
        if second.began <= first.ended + apart {
            Self { began: first.began, ended: first.ended.max(second.ended) }
        } else {
            second
        }
    }
}

/// The result of a transition: the change of the row, the answer and the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition<A> {
    /// New value of the row; `None` leaves it as it is.
    pub row: Option<Row>,
    /// Answer for the caller, given once the change is durable.
    pub answer: A,
    /// Event for the audit stream, reported once the change is durable.
    pub event: Option<Event>,
}

impl<A> Transition<A> {
    /// Leaves the row as it is.
    pub const fn keep(answer: A) -> Self {
        Self { row: None, answer, event: None }
    }

    /// Changes the row to `row`.
    pub const fn put(row: Row, answer: A) -> Self {
        Self { row: Some(row), answer, event: None }
    }

    /// Revokes `family`, named `id`, for `cause`; it may have been revoked earlier.
    pub(super) fn revoke(family: &Family, id: Id, cause: RevocationCause, at: Time, answer: A) -> Self {
        let row = family.revoked_for(cause, at).map(|family| Row::Family(Box::new(family)));
        Self { row, answer, event: Some(family.revocation(id, cause)) }
    }

    /// Adds an event to the transition.
    #[must_use]
    pub fn telling(self, event: Event) -> Self {
        Self { event: Some(event), ..self }
    }

    /// Converts the answer.
    pub fn map<B>(self, form: impl FnOnce(A) -> B) -> Transition<B> {
        Transition { row: self.row, answer: form(self.answer), event: self.event }
    }
}
