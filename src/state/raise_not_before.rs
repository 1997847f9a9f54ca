//! Revocation of everything that an issuer issued, or that was issued to a client or about a subject, until now.

use std::convert::Infallible;
use std::time::Duration;

use super::event::Event;
use super::key::{Key, NotBeforeOf};
use super::row::Row;
use super::transition::{Operation, Seen, Transition};

/// The revocation of everything issued until now; a not-before moment never moves back.
#[derive(Clone, Debug)]
pub struct RaiseNotBefore {
    /// Id of the issuer.
    pub issuer: Box<str>,
    /// Issuer, client or subject that the moment applies to.
    pub of: NotBeforeOf,
    /// Longest remaining lifetime of anything that was issued before.
    pub keep_for: Duration,
}

impl Operation for RaiseNotBefore {
    type Done = ();
    type Refusal = Infallible;

    const NAME: &'static str = "fence";

    fn key(&self) -> Key {
        Key::not_before(&self.issuer, &self.of)
    }

    fn step(&self, row: Option<&Row>, seen: Seen) -> Transition<Result<(), Infallible>> {
        // what another node issues now may carry a time that is this much later
        let (mut at, mut keep_until) = (seen.now + seen.clock_error, seen.now + self.keep_for);
        if let Some(Row::NotBefore { at: earlier, keep_until: kept }) = row {
            (at, keep_until) = (at.max(*earlier), keep_until.max(*kept));
        }
        let (issuer, of) = (self.issuer.clone(), self.of.clone());
        let event = Event::NotBeforeRaised { issuer, of, at, until: keep_until };
        Transition::put(Row::NotBefore { at, keep_until }, Ok(())).telling(event)
    }
}
