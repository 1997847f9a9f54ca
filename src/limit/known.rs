//! Names that were right at a source lately: whoever shares a bucket with a guesser, or has its own emptied by guesses from
//! elsewhere, is let through there.
//!
//! The memory is fixed and made when somebody is first remembered. The price is that who shares an address with somebody can
//! tell, where its own bucket is empty, who was right there lately.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::network::network;
use crate::clock::Time;

/// Successes that are remembered; 8 bytes each.
const SLOTS: usize = 1 << 15;
/// Time for which a success is remembered, in hours.
const REMEMBERED: u64 = 30 * 24;
/// The bits of a slot that hold the hour.
const HOUR: u64 = (1 << 24) - 1;

/// Remembers successes.
#[derive(Default)]
pub(crate) struct KnownSources {
    /// 40 bits of a hash and the hour; a collision forgets somebody, which is safe.
    slots: OnceLock<Vec<AtomicU64>>,
    seed: RandomState,
}

impl KnownSources {
    /// Remembers that `name` of `issuer` was right at `source`.
    pub(crate) fn remember(&self, issuer: &str, name: &str, source: IpAddr, now: Time) {
        let (who, hour) = (self.who(issuer, name, source), hour(now));
        let slots = self.slots.get_or_init(|| (0..SLOTS).map(|_| AtomicU64::new(0)).collect());
        slots[slot(who)].store(who & !HOUR | hour, Ordering::Relaxed);
    }

    /// Returns whether `name` of `issuer` was right at `source` lately.
    pub(crate) fn has(&self, issuer: &str, name: &str, source: IpAddr, now: Time) -> bool {
        let who = self.who(issuer, name, source);
        let seen = self.slots.get().map_or(0, |slots| slots[slot(who)].load(Ordering::Relaxed));
        seen != 0 && seen & !HOUR == who & !HOUR && hour(now).wrapping_sub(seen & HOUR) & HOUR <= REMEMBERED
    }

    fn who(&self, issuer: &str, name: &str, source: IpAddr) -> u64 {
        self.seed.hash_one((issuer, name, network(source)))
    }
}

fn slot(who: u64) -> usize {
    usize::try_from(who).unwrap_or_default() % SLOTS
}

fn hour(now: Time) -> u64 {
    (now.as_secs() / 3600) & HOUR
}
