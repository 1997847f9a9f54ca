//! Per-client admission: a token bucket in one atomic word (the generic cell rate algorithm), kept with the client
//! itself, so there is no table that could grow and no lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Time;

/// How many requests a second a client may make; a burst of one second's worth is fine.
#[derive(Debug)]
pub struct RateLimit {
    /// Microseconds between two requests at the sustained rate; `None` is no limit.
    interval: Option<u64>,
    /// When the bucket will be full again, in microseconds since the epoch. One for a client however often it is read
    /// again: requests that still have it as it was count in it too.
    full_at: Arc<AtomicU64>,
}

impl RateLimit {
    /// A limit of `per_second` requests; `None` or 0 is no limit.
    pub fn new(per_second: Option<u32>) -> Self {
        let interval = per_second.filter(|&rate| rate > 0).map(|rate| 1_000_000 / u64::from(rate));
        Self { interval, full_at: Arc::default() }
    }

    /// Takes over the bucket of `old`, the same client's before it was read again.
    pub fn inherit(&mut self, old: &Self) {
        self.full_at = old.full_at.clone();
    }

    /// Takes one request from the bucket.
    ///
    /// # Errors
    /// How long until the next request is welcome.
    pub fn admit(&self, now: Time) -> Result<(), Duration> {
        match self.interval {
            None => Ok(()),
            Some(interval) => take(&self.full_at, now, interval, 1_000_000).map(drop),
        }
    }
}

/// Takes one cell of `interval` microseconds from a bucket that holds `burst` microseconds; gives when the bucket will be
/// full again, in microseconds since the epoch.
pub fn take(full_at: &AtomicU64, now: Time, interval: u64, burst: u64) -> Result<u64, Duration> {
    let now = now.as_millis() * 1000;
    let mut seen = full_at.load(Ordering::Relaxed);
    loop {
        let next = seen.max(now) + interval;
        if next > now + burst.max(interval) {
            return Err(Duration::from_micros(next - now - burst.max(interval)));
        }
        match full_at.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return Ok(next),
            Err(actual) => seen = actual,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_one_second_passes_then_the_sustained_rate() {
        let limit = RateLimit::new(Some(10));
        let now = Time::from_secs(1000);
        assert_eq!((0..20).filter(|_| limit.admit(now).is_ok()).count(), 10);
        let wait = limit.admit(now).unwrap_err();
        assert!(limit.admit(now + wait).is_ok());
        assert!(limit.admit(now + wait).is_err());
        assert_eq!((0..20).filter(|_| limit.admit(now + Duration::from_secs(60)).is_ok()).count(), 10);
    }

    #[test]
    fn who_is_read_again_has_no_new_burst() {
        let (limit, mut again, now) = (RateLimit::new(Some(1)), RateLimit::new(Some(1)), Time::from_secs(1000));
        again.inherit(&limit);
        // by a request that came before
        assert!(limit.admit(now).is_ok());
        assert!(again.admit(now).is_err());
        assert!(again.admit(now + Duration::from_secs(1)).is_ok());
    }

    #[test]
    fn without_a_limit_everything_passes() {
        let limit = RateLimit::new(None);
        assert!((0..100_000).all(|_| limit.admit(Time::from_secs(1)).is_ok()));
    }
}
