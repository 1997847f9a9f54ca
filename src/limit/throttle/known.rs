//! Who was right where: whoever shares a gate with a guesser, or has one shut by guesses from elsewhere, is let through
//! where it was right lately.
//!
//! Of fixed memory, made when somebody is first remembered. The price is that who shares an address with somebody can
//! tell, where its own gate is shut, who was right there lately.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Throttle;
use crate::clock::Time;

/// Successes that are remembered; 8 bytes each.
const SLOTS: usize = 1 << 15;
/// For how many hours.
const REMEMBERED: u64 = 30 * 24;
/// The bits of a slot that hold the hour.
const HOUR: u64 = (1 << 24) - 1;

/// Remembers successes.
#[derive(Default)]
pub struct Known {
    /// 40 bits of a hash and the hour; a collision forgets somebody, which is safe.
    slots: OnceLock<Vec<AtomicU64>>,
    seed: RandomState,
}

impl Known {
    /// From now on `name` of `issuer` was right at `source` lately.
    pub fn remember(&self, issuer: &str, name: &str, source: IpAddr, now: Time) {
        let (who, hour) = (self.who(issuer, name, source), hour(now));
        let slots = self.slots.get_or_init(|| (0..SLOTS).map(|_| AtomicU64::new(0)).collect());
        slots[slot(who)].store(who & !HOUR | hour, Ordering::Relaxed);
    }

    /// Whether `name` of `issuer` was right at `source` lately.
    pub fn has(&self, issuer: &str, name: &str, source: IpAddr, now: Time) -> bool {
        let who = self.who(issuer, name, source);
        let seen = self.slots.get().map_or(0, |slots| slots[slot(who)].load(Ordering::Relaxed));
        seen != 0 && seen & !HOUR == who & !HOUR && hour(now).wrapping_sub(seen & HOUR) & HOUR <= REMEMBERED
    }

    fn who(&self, issuer: &str, name: &str, source: IpAddr) -> u64 {
        self.seed.hash_one((issuer, name, Throttle::network(source)))
    }
}

fn slot(who: u64) -> usize {
    usize::try_from(who).unwrap_or_default() % SLOTS
}

fn hour(now: Time) -> u64 {
    (now.as_secs() / 3600) & HOUR
}
