//! Clients that have a guess under way, by address: what has no place among the guesses waits only for such a one.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::limit::network::network;

/// Counts the guesses that are under way; as many entries as there are such guesses, at most.
#[derive(Default)]
pub(super) struct PendingGuesses {
    counts: Mutex<HashMap<u64, usize>>,
    seed: RandomState,
}

impl PendingGuesses {
    /// Counts one more of `client` of `issuer` at `source`; returns the name under which it ends.
    pub(super) fn begin(&self, issuer: &str, client: &str, source: IpAddr) -> u64 {
        let who = self.who(issuer, client, source);
        *self.counts().entry(who).or_default() += 1;
        who
    }

    /// Counts one less.
    pub(super) fn end(&self, who: u64) {
        let mut counts = self.counts();
        let left = counts.get(&who).map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            counts.remove(&who);
        } else {
            counts.insert(who, left);
        }
    }

    /// Returns whether a guess is under way.
    pub(super) fn has(&self, issuer: &str, client: &str, source: IpAddr) -> bool {
        self.counts().contains_key(&self.who(issuer, client, source))
    }

    fn who(&self, issuer: &str, client: &str, source: IpAddr) -> u64 {
        self.seed.hash_one((issuer, client, network(source)))
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<u64, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
