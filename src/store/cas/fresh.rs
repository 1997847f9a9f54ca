//! The freshness of peeks.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Time;
use crate::store::rows::Session;

/// The last confirmation of the connection for peeks. A read is as fresh as the start of an earlier confirmation in the
/// same session: after it, an old primary could not have committed.
#[derive(Debug, Default)]
pub(super) struct LastConfirmed(Mutex<Option<(Session, Time)>>);

impl LastConfirmed {
    /// Returns whether a confirmation in `session` began less than `max_staleness` before `now`.
    pub(super) fn covers(&self, session: Session, now: Time, max_staleness: Duration) -> bool {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|(confirmed, began)| confirmed == session && began <= now && now.since(began) < max_staleness)
    }

    /// Notes a confirmation in `session` that began at `began` and succeeded.
    pub(super) fn note(&self, session: Session, began: Time) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *last = match *last {
            Some((confirmed, later)) if confirmed == session && later >= began => Some((confirmed, later)),
            _ => Some((session, began)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confirmation_covers_its_own_session_and_less_than_the_staleness() {
        let (fresh, limit, at) = (LastConfirmed::default(), Duration::from_secs(1), Time::from_millis(5_000));
        assert!(!fresh.covers(Session(1), at, limit), "there was none");
        fresh.note(Session(1), at);
        assert!(fresh.covers(Session(1), at, limit));
        assert!(fresh.covers(Session(1), at + Duration::from_millis(999), limit));
        assert!(!fresh.covers(Session(1), at + limit, limit));
        assert!(!fresh.covers(Session(1), Time::from_millis(4_999), limit), "the time went back");
        assert!(!fresh.covers(Session(2), at, limit), "another session");
        fresh.note(Session(1), at + limit);
        fresh.note(Session(1), at);
        assert!(fresh.covers(Session(1), at + limit, limit), "an earlier one that ends later takes nothing back");
        fresh.note(Session(2), at);
        assert!(!fresh.covers(Session(1), at, limit));
    }
}
