//! Time as an argument: every decision takes a [`Time`], and only [`Clock::now`] reads the system's.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use humantime_serde::re::humantime::format_rfc3339_millis;
use serde::{Deserialize, Serialize};

/// The last moment whose year has four digits.
const LAST_DATE: Time = Time(253_402_300_799_999);

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

    /// Formats the moment by RFC 3339, in UTC and with no digit of a fraction that says nothing; `None` if its year has
    /// more than four digits.
    pub(crate) fn to_rfc3339(self) -> Option<String> {
        (self <= LAST_DATE).then(|| {
            let text = format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(self.0)).to_string();
            let digits = text.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.');
            format!("{digits}Z")
        })
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_moment_is_a_date_with_as_much_of_a_fraction_as_it_has() {
        let known = [
            (0, "1970-01-01T00:00:00Z"),
            (1, "1970-01-01T00:00:00.001Z"),
            (10, "1970-01-01T00:00:00.01Z"),
            (1_500, "1970-01-01T00:00:01.5Z"),
            (86_400_000, "1970-01-02T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (951_868_799_999, "2000-02-29T23:59:59.999Z"),
            (1_000_000_000_000, "2001-09-09T01:46:40Z"),
            (1_709_164_800_120, "2024-02-29T00:00:00.12Z"),
            (1_735_689_599_000, "2024-12-31T23:59:59Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ];
        for (millis, date) in known {
            assert_eq!(Time(millis).to_rfc3339().as_deref(), Some(date));
        }
        for millis in [253_402_300_800_000, u64::MAX] {
            assert_eq!(Time(millis).to_rfc3339(), None);
        }
    }

    proptest! {
        #[test]
        fn a_date_names_one_moment_and_ends_in_no_idle_zero(millis in 0..=LAST_DATE.0) {
            let date = Time(millis).to_rfc3339().unwrap();
            let read = humantime_serde::re::humantime::parse_rfc3339(&date).unwrap();
            prop_assert_eq!(read.duration_since(UNIX_EPOCH).unwrap(), Duration::from_millis(millis));
            prop_assert!(!date.contains('.') || !date.ends_with("0Z"), "{}", date);
        }
    }

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
