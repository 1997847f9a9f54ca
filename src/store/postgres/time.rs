//! The engine's time as a node knows it between its questions.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::{Clock, Time};
use crate::metrics::Stopwatch;

/// Longest trip that says anything: half of it is the error.
const LONGEST: Duration = Duration::from_millis(500);
/// Age at which a better measurement gives way to a newer one.
const STALE: Duration = Duration::from_secs(60);

/// The time of the server, carried on by the monotonic clock of this machine. With a manual clock, as tests have, that is
/// the engine's time, and the server's is not looked at.
#[derive(Debug)]
pub(super) struct EngineTime {
    pub(super) clock: Clock,
    measured: Mutex<Option<Measurement>>,
    /// The latest time that was given out, in milliseconds.
    latest: AtomicU64,
}

#[derive(Clone, Copy, Debug)]
struct Measurement {
    at: Time,
    since: Stopwatch,
    /// Time that the question took, which bounds the error.
    trip: Duration,
}

impl EngineTime {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, measured: Mutex::default(), latest: AtomicU64::new(0) }
    }

    /// Returns the engine's time; never steps back.
    pub(super) fn now(&self) -> Time {
        if self.clock.is_manual() {
            return self.clock.now();
        }
        let measured = *self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        let now = measured.map_or_else(|| self.clock.now(), |known| known.at + known.since.elapsed());
        let before = self.latest.fetch_max(now.as_millis(), Ordering::SeqCst);
        Time::from_millis(now.as_millis().max(before))
    }

    /// Returns the server's time, if it was measured.
    pub(super) fn measured(&self) -> Option<Time> {
        let measured = *self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        measured.map(|_| self.now())
    }

    /// Has the next measurement replace the last one, however good that was: another server has another clock.
    pub(super) fn measure_again(&self) {
        if let Some(known) = self.measured.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            known.trip = LONGEST;
        }
    }

    /// Takes in the server's time, from an answer to a question that was asked when `asked` started; returns the engine's
    /// time of that answer.
    pub(super) fn answered(&self, server: Time, asked: Stopwatch) -> Time {
        if self.clock.is_manual() {
            return self.clock.now();
        }
        let trip = asked.elapsed();
        let mut measured = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        let better = |known: Measurement| trip <= known.trip || known.since.elapsed() > STALE;
        if trip <= LONGEST && measured.is_none_or(better) {
            // half a trip ago
            *measured = Some(Measurement { at: server + trip / 2, since: Stopwatch::start(), trip });
        }
        server
    }

    /// Returns the time to decide by, if it is not to be the server's own.
    pub(super) fn fixed(&self) -> Option<Time> {
        self.clock.is_manual().then(|| self.clock.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_is_the_engine_s() {
        let clock = Clock::manual(Time::from_secs(7));
        let time = EngineTime::new(clock.clone());
        assert_eq!(time.answered(Time::from_secs(99), Stopwatch::start()), Time::from_secs(7));
        clock.advance(Duration::from_secs(1));
        assert_eq!((time.now(), time.fixed()), (Time::from_secs(8), Some(Time::from_secs(8))));
    }

    #[test]
    fn nothing_is_known_of_the_server_s_time_before_it_was_asked_and_the_next_server_s_replaces_it() {
        let time = EngineTime::new(Clock::system());
        assert_eq!(time.measured(), None);
        let ahead = Clock::system().now() + Duration::from_secs(3600);
        time.answered(ahead, Stopwatch::start());
        assert!(time.measured().is_some_and(|now| now >= ahead));
        time.measure_again();
        assert!(time.measured().is_some_and(|now| now >= ahead), "until there is another");
        let further = ahead + Duration::from_secs(3600);
        time.answered(further, Stopwatch::start());
        assert!(time.now() >= further);
    }

    #[test]
    fn the_server_s_time_is_carried_on_and_never_steps_back() {
        let time = EngineTime::new(Clock::system());
        let ahead = Clock::system().now() + Duration::from_secs(3600);
        assert_eq!(time.answered(ahead, Stopwatch::start()), ahead);
        let now = time.now();
        assert!(now >= ahead && now < ahead + Duration::from_secs(60), "{now:?}");
        let behind = Time::from_millis(ahead.as_millis() - 1_800_000);
        time.answered(behind, Stopwatch::start());
        assert!(time.now() >= now);
        assert_eq!(time.fixed(), None);
    }
}
