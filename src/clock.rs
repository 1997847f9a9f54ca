//! Time as an argument: every decision takes a [`Time`], and only [`Clock::now`] reads the system's.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A moment, in whole milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Time(u64);

impl Time {
    /// The Unix epoch: earlier than everything that happens.
    pub const ZERO: Self = Self(0);

    /// Makes the moment `millis` milliseconds after the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Makes the moment `secs` seconds after the Unix epoch (a JWT NumericDate).
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Returns the milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Returns the whole seconds since the Unix epoch, rounded down (a JWT NumericDate).
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// Returns the time from `earlier` to this moment; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl std::ops::Add<Duration> for Time {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
    }
}

impl std::ops::Sub<Duration> for Time {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// A source of time: the system, or a test that sets it by hand. Clones share the offset or the hand.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    /// The system's clock and the milliseconds that are added to it.
    System(Arc<AtomicI64>),
    /// Milliseconds since the Unix epoch.
    Manual(Arc<AtomicU64>),
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl Clock {
    /// Makes the system's wall clock.
    pub fn system() -> Self {
        Self(Source::System(Arc::default()))
    }

    /// Makes a clock that stands still at `start` until [`Clock::advance`] moves it. Clones share the hand.
    pub fn manual(start: Time) -> Self {
        Self(Source::Manual(Arc::new(AtomicU64::new(start.as_millis()))))
    }

    /// Returns whether the clock is moved by hand: an engine with a time of its own takes this one's instead.
    pub fn is_manual(&self) -> bool {
        matches!(self.0, Source::Manual(_))
    }

    /// Returns the current time.
    pub fn now(&self) -> Time {
        match &self.0 {
            Source::Manual(hand) => Time::from_millis(hand.load(Ordering::SeqCst)),
            Source::System(offset) => {
                Time::from_millis(system_now().0.saturating_add_signed(offset.load(Ordering::Relaxed)))
            }
        }
    }

    /// Moves a manual clock forward; the system's cannot be moved and stays as it is.
    pub fn advance(&self, span: Duration) {
        if let Source::Manual(hand) = &self.0 {
            hand.fetch_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
        }
    }

    /// Shows from now on the time of another clock that shows `theirs` at this moment. Returns how far it is ahead of the
    /// system's, in milliseconds. A manual clock follows nobody.
    pub(crate) fn follow(&self, theirs: Time) -> i64 {
        let Source::System(offset) = &self.0 else { return 0 };
        let ahead = theirs.0.cast_signed().saturating_sub(system_now().0.cast_signed());
        offset.store(ahead, Ordering::Relaxed);
        ahead
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
fn system_now() -> Time {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::ZERO + since_epoch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_follows_another_shows_its_time_and_so_do_its_clones() {
        let (clock, own) = (Clock::system(), Clock::system());
        let clone = clock.clone();
        let hour = 3_600_000;
        let ahead = clock.follow(own.now() + Duration::from_millis(hour));
        assert!((3_599_000..3_601_000).contains(&ahead), "{ahead}");
        assert!(clone.now() >= own.now() + Duration::from_millis(hour - 1000));
        assert!(clock.follow(own.now() - Duration::from_millis(hour)) < 0);
        assert!(clone.now() < own.now());
        let manual = Clock::manual(Time::from_secs(7));
        assert_eq!((manual.follow(own.now()), manual.now()), (0, Time::from_secs(7)));
    }
}
