//! A token bucket in one atomic word (the generic cell rate algorithm): no lock, and nothing to clean up.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Time;

/// The number of occurrences that a bucket allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    /// Time between two occurrences at the sustained rate.
    pub every: Duration,
    /// Occurrences that may come at once, at least one.
    pub burst: u32,
}

impl Quota {
    /// Microseconds between two occurrences.
    fn interval(self) -> u64 {
        u64::try_from(self.every.as_micros()).unwrap_or(u64::MAX)
    }

    /// Returns the part of one of `nodes` nodes. At least `least` occurrences may come at once, or as many as before.
    pub(crate) fn divided(self, nodes: u32, least: u32) -> Self {
        let nodes = nodes.max(1);
        let burst = (self.burst / nodes).max(least.min(self.burst)).max(1);
        Self { every: self.every.saturating_mul(nodes), burst }
    }

    /// Microseconds' worth of a whole burst.
    fn depth(self) -> u64 {
        self.interval().saturating_mul(u64::from(self.burst))
    }
}

/// A bucket: the moment at which it will be full again, in microseconds since the epoch.
#[derive(Debug, Default)]
pub(crate) struct Bucket(AtomicU64);

/// An occurrence that was taken from a bucket, until it is given back.
pub(crate) struct Taken<'a> {
    bucket: &'a Bucket,
    full_at: u64,
    interval: u64,
}

impl Bucket {
    /// Takes one occurrence.
    ///
    /// # Errors
    /// The time to wait.
    pub(crate) fn take(&self, quota: Quota, now: Time) -> Result<Taken<'_>, Duration> {
        let (now, interval) = (micros(now), quota.interval());
        let mut seen = self.0.load(Ordering::Relaxed);
        loop {
            let full_at = seen.max(now) + interval;
            if full_at > now + quota.depth() {
                return Err(Duration::from_micros(full_at - now - quota.depth()));
            }
            match self.0.compare_exchange_weak(seen, full_at, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(Taken { bucket: self, full_at, interval }),
                Err(actual) => seen = actual,
            }
        }
    }

    /// Returns how long to wait until one occurrence can be taken; zero if it can be now.
    pub(crate) fn wait(&self, quota: Quota, now: Time) -> Duration {
        let over = self.0.load(Ordering::Relaxed) + quota.interval();
        Duration::from_micros(over.saturating_sub(micros(now) + quota.depth()))
    }
}

impl Taken<'_> {
    /// Puts the occurrence back. What has drained by `now` is not put back: that would be an occurrence of another.
    pub(crate) fn give_back(self, now: Time) {
        let left = self.full_at.saturating_sub(micros(now)).min(self.interval);
        self.bucket.0.fetch_sub(left, Ordering::Relaxed);
    }
}

fn micros(time: Time) -> u64 {
    time.as_millis() * 1000
}
