//! What an operation is, and what a transition gives.

use super::event::{Event, RevocationCause};
use super::family::Family;
use super::key::Key;
use super::row::Row;
use crate::clock::Time;
use crate::id::Id;

/// An operation on one row, with what it can come to. Its `attempt`, where it has one, names the request that asks, so
/// that the service's own retry after an unknown outcome is safe while a client's replay is not.
pub trait Operation {
    /// What it comes to when it is carried out.
    type Done;
    /// Why it can be refused. A refusal is an answer, not a failure of the engine.
    type Refusal;

    /// The name of the operation in metrics.
    const NAME: &'static str;

    /// Whether its row is usually absent: a shared engine then inserts first, and reads only if that fails.
    const BEGINS: bool = false;

    /// The row that it touches.
    fn key(&self) -> Key;

    /// The not-before moments that decide over it, given the row it found: those of issuer, client and subject.
    fn not_before(&self, row: Option<&Row>) -> Option<[Key; 3]> {
        let _ = row;
        None
    }

    /// Bytes that a row made by it can have beyond its fixed part.
    fn size(&self) -> usize {
        0
    }

    /// The transition.
    fn step(&self, row: Option<&Row>, seen: Seen) -> Transition<Result<Self::Done, Self::Refusal>>;
}

/// What an engine saw beside the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The latest moment of [`Operation::not_before`]; [`Time::ZERO`] if none stands.
    pub not_before: Time,
    /// The engine's time.
    pub now: Time,
}

/// What becomes of a row, and what is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition<A> {
    /// What the row becomes; `None` leaves it as it is.
    pub row: Option<Row>,
    /// What whoever asked is told, once the change is durable.
    pub answer: A,
    /// What others are told, once the change is durable.
    pub event: Option<Event>,
}

impl<A> Transition<A> {
    /// The row stays as it is.
    pub const fn keep(answer: A) -> Self {
        Self { row: None, answer, event: None }
    }

    /// The row becomes `row`.
    pub const fn put(row: Row, answer: A) -> Self {
        Self { row: Some(row), answer, event: None }
    }

    /// `family`, of which `id` is the name, is revoked for `cause`, now or earlier.
    pub(super) fn revoke(family: &Family, id: Id, cause: RevocationCause, at: Time, answer: A) -> Self {
        let row = family.revoked_for(cause, at).map(|family| Row::Family(Box::new(family)));
        Self { row, answer, event: Some(family.revocation(id, cause)) }
    }

    /// The same, with an event.
    #[must_use]
    pub fn telling(self, event: Event) -> Self {
        Self { event: Some(event), ..self }
    }

    /// The same, with the answer in another form.
    pub fn map<B>(self, form: impl FnOnce(A) -> B) -> Transition<B> {
        Transition { row: self.row, answer: form(self.answer), event: self.event }
    }
}
