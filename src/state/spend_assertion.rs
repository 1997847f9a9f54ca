//! Marking of an assertion or proof as used, until it expires by itself (RFC 7523 section 3).

use super::key::Key;
use super::row::Row;
use super::transition::{Operation, Seen, Transition};
use crate::clock::Time;
use crate::id::Id;

/// The one permitted use of an assertion or proof.
#[derive(Clone, Debug)]
pub struct SpendAssertion {
    /// Key of the mark, made by [`Key::used_assertion`].
    pub key: Key,
    /// Id of the request.
    pub attempt: Id,
    /// Time at which the assertion expires by itself.
    pub keep_until: Time,
}

/// The reasons for which an assertion cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpendRefusal {
    /// The assertion was used before.
    #[error("replayed")]
    Replayed,
}

impl Operation for SpendAssertion {
    type Done = ();
    type Refusal = SpendRefusal;

    const NAME: &'static str = "mark";
    const BEGINS: bool = true;

    fn key(&self) -> Key {
        self.key
    }

    fn step(&self, row: Option<&Row>, seen: Seen) -> Transition<Result<(), SpendRefusal>> {
        match row {
            Some(Row::Mark { attempt, keep_until }) if seen.now < *keep_until => {
                Transition::keep(if *attempt == self.attempt { Ok(()) } else { Err(SpendRefusal::Replayed) })
            }
            _ => Transition::put(Row::Mark { attempt: self.attempt, keep_until: self.keep_until }, Ok(())),
        }
    }
}
