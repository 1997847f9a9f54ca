//! Brute force is slowed down per client *and* source address, so that a guesser locks out only itself (RFC 6749
//! section 2.3.1, RFC 6819 section 5.1.4.2.3; CHECKLIST 24).
//!
//! Failures are counted in two rows of buckets chosen by keyed hashes; a gate is shut only if both of its buckets are.
//! Memory is fixed and nothing is ever evicted. Whether a gate is open and that something went through it are one step,
//! so that a thousand guesses at once are still a thousand.

mod known;

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use known::Known;

use crate::clock::Time;
use crate::limit::rate;

/// Buckets in a row; two rows of 8-byte buckets are 1 MiB, touched only where somebody failed.
const BUCKETS: usize = 1 << 16;
/// Failures of one client and source: twenty at once, then one a second.
const PER_CLIENT: Pace = Pace { every: Duration::from_secs(1), burst: 20 };
/// Slow hashes that one source makes us compute for nothing: twenty, then ten a second, a fifth of a core.
const PER_SOURCE: Pace = Pace { every: Duration::from_millis(100), burst: 20 };

/// How often somebody may fail.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Time between two failures at the sustained rate.
    pub every: Duration,
    /// Failures that may come at once.
    pub burst: u32,
}

/// Counts failures of one pace.
pub struct Throttle {
    /// Made when somebody is first looked at: most installations have no use for most throttles.
    rows: OnceLock<[Vec<AtomicU64>; 2]>,
    seeds: [RandomState; 2],
}

impl Default for Throttle {
    fn default() -> Self {
        Self { rows: OnceLock::new(), seeds: [RandomState::new(), RandomState::new()] }
    }
}

/// The two buckets of one client and source, or of one source.
pub struct Gate<'a> {
    buckets: [&'a AtomicU64; 2],
    /// Microseconds between two failures, and those of a whole burst.
    interval: u64,
    burst: u64,
}

/// A failure that was counted before anybody knows whether it is one.
pub struct Charge<'a> {
    /// Each bucket it is in, and until when, in microseconds since the epoch.
    buckets: [Option<(&'a AtomicU64, u64)>; 2],
    interval: u64,
}

impl Throttle {
    /// The gate for `client` of `issuer` as seen from `source` (an IPv6 source counts by its /64).
    pub fn gate(&self, issuer: &str, client: &str, source: IpAddr) -> Gate<'_> {
        self.paced_gate(issuer, client, source, PER_CLIENT)
    }

    /// The gate before the slow hashes of `issuer` as seen from `source`, whichever clients it names.
    pub fn slow_gate(&self, issuer: &str, source: IpAddr) -> Gate<'_> {
        // no client has an empty id
        self.paced_gate(issuer, "", source, PER_SOURCE)
    }

    /// The gate for anybody with a name, at a pace of its own.
    pub fn paced_gate(&self, issuer: &str, name: &str, source: IpAddr, pace: Pace) -> Gate<'_> {
        let interval = u64::try_from(pace.every.as_micros()).unwrap_or(u64::MAX);
        Gate { buckets: self.buckets(issuer, name, source), interval, burst: interval * u64::from(pace.burst) }
    }

    /// The network that an address counts by.
    pub fn network(source: IpAddr) -> u64 {
        match source {
            IpAddr::V4(address) => u64::from(address.to_bits()),
            IpAddr::V6(address) => (address.to_bits() >> 64) as u64 | 1 << 63,
        }
    }

    fn buckets(&self, issuer: &str, client: &str, source: IpAddr) -> [&AtomicU64; 2] {
        let source = Self::network(source);
        let row = || (0..BUCKETS).map(|_| AtomicU64::new(0)).collect();
        let rows = self.rows.get_or_init(|| [row(), row()]);
        let bucket = |row: usize| {
            let hash = self.seeds[row].hash_one((issuer, client, source));
            &rows[row][usize::try_from(hash).unwrap_or_default() % BUCKETS]
        };
        [bucket(0), bucket(1)]
    }
}

impl<'a> Gate<'a> {
    /// Whether it is open, for what is not counted.
    ///
    /// # Errors
    /// How long to wait.
    pub fn is_open(&self, now: Time) -> Result<(), Duration> {
        let now = now.as_millis() * 1000;
        let most = now + self.burst;
        let over = |bucket: &AtomicU64| (bucket.load(Ordering::Relaxed) + self.interval).saturating_sub(most);
        match over(self.buckets[0]).min(over(self.buckets[1])) {
            0 => Ok(()),
            wait => Err(Duration::from_micros(wait)),
        }
    }

    /// Goes through the gate, which counts as a failure until it is given back.
    ///
    /// # Errors
    /// How long to wait.
    pub fn enter(&self, now: Time) -> Result<Charge<'a>, Duration> {
        match self.buckets.map(|bucket| rate::take(bucket, now, self.interval, self.burst)) {
            [Err(one), Err(other)] => Err(one.min(other)),
            [one, other] => {
                // a full bucket stays as it is: a guesser waits for the sustained rate, not for ever
                let ends = [one.ok(), other.ok()];
                let buckets = std::array::from_fn(|row| ends[row].map(|end| (self.buckets[row], end)));
                Ok(Charge { buckets, interval: self.interval })
            }
        }
    }
}

impl Charge<'_> {
    /// It was none, as is known at `now`. What has drained by then is not given back: that would be a failure of another.
    pub fn give_back(self, now: Time) {
        for (bucket, end) in self.buckets.into_iter().flatten() {
            let left = end.saturating_sub(now.as_millis() * 1000).min(self.interval);
            bucket.fetch_sub(left, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checklist_24_a_guesser_locks_out_only_itself() {
        let throttle = Throttle::default();
        let now = Time::from_secs(1000);
        let (guesser, honest): (IpAddr, IpAddr) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let tries = (0..10_000).filter(|_| throttle.gate("main", "web", guesser).enter(now).is_ok());
        assert_eq!(tries.count(), 20);
        assert!(throttle.gate("main", "web", honest).is_open(now).is_ok());
        assert!(throttle.slow_gate("main", guesser).is_open(now).is_ok());
        assert!(throttle.gate("main", "other", guesser).is_open(now).is_ok());
        assert!(throttle.gate("main", "web", guesser).is_open(now + Duration::from_secs(2)).is_ok());
    }

    #[test]
    fn what_is_given_back_was_not_counted() {
        let throttle = Throttle::default();
        let gate = throttle.gate("main", "web", [10, 0, 0, 1].into());
        let now = Time::from_secs(1000);
        for _ in 0..100 {
            gate.enter(now).ok().unwrap().give_back(now);
        }
        assert_eq!((0..100).filter(|_| gate.enter(now).is_ok()).count(), 20);
        assert_eq!(gate.is_open(now), Err(Duration::from_secs(1)));
    }

    #[test]
    fn what_has_drained_is_not_given_back_at_the_cost_of_another_failure() {
        let throttle = Throttle::default();
        let gate = throttle.gate("main", "web", [10, 0, 0, 1].into());
        let (now, later) = (Time::from_secs(1000), Time::from_secs(1005));
        let charges: Vec<_> = (0..5).map(|_| gate.enter(now).ok().unwrap()).collect();
        assert_eq!((0..100).filter(|_| gate.enter(later).is_ok()).count(), 20);
        charges.into_iter().for_each(|charge| charge.give_back(later));
        assert!(gate.enter(later).is_err());
    }

    #[test]
    fn checklist_24_guesses_of_many_threads_at_once_count_each() {
        let (throttle, now) = (Throttle::default(), Time::from_secs(1000));
        let gate = throttle.gate("main", "web", [10, 0, 0, 1].into());
        let tries = || (0..500).filter(|_| gate.enter(now).is_ok()).count();
        let entered: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(tries)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        // the two buckets fill one after the other: at the brim each thread may find room in one of them
        assert!((20..24).contains(&entered), "{entered}");
    }
}
