//! Time as an argument: every decision takes a [`Time`], and only [`Clock::now`] reads the system's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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

/// A source of time: the system, or a test that sets it by hand.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// `None` is the system clock; tests hold the other end of `Some`.
    manual: Option<Arc<AtomicU64>>,
}

impl Clock {
    /// Makes the system's wall clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// Makes a clock that stands still at `start` until [`Clock::advance`] moves it. Clones share the hand.
    pub fn manual(start: Time) -> Self {
        Self { manual: Some(Arc::new(AtomicU64::new(start.as_millis()))) }
    }

    /// Returns whether the clock is moved by hand: an engine with a time of its own takes this one's instead.
    pub fn is_manual(&self) -> bool {
        self.manual.is_some()
    }

    /// Returns the current time.
    pub fn now(&self) -> Time {
        match &self.manual {
            Some(hand) => Time::from_millis(hand.load(Ordering::SeqCst)),
            None => system_now(),
        }
    }

    /// Moves a manual clock forward; the system's cannot be moved and stays as it is.
    pub fn advance(&self, span: Duration) {
        if let Some(hand) = &self.manual {
            hand.fetch_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
fn system_now() -> Time {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::ZERO + since_epoch
}
