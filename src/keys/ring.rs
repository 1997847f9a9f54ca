//! The life of signing keys as a function of time: announced, signing, retired, dropped. No I/O, no clock.
//!
//! Invariants: a non-empty ring has exactly one signing key at any moment; a key that is neither the first nor an
//! emergency is published for [`Policy::announce`] before it signs; a key stays published until every token it signed
//! has expired.

use std::time::Duration;

use crate::clock::Time;
use crate::jose::Algorithm;

/// Time by which a retired key outlives the last token it may have signed: covers clocks that differ by a minute, and a
/// node that learns of a newer signing key a minute late.
pub(crate) const SKEW: Duration = Duration::from_secs(120);
/// Longest time for which a verifier may cache the keys.
const LONGEST_CACHE: Duration = Duration::from_secs(3600);
/// Longest interval at which a node looks for keys of other nodes.
const LONGEST_POLL: Duration = Duration::from_secs(60);
const SHORTEST_POLL: Duration = Duration::from_millis(100);

/// The rotation policy of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Time for which a key signs.
    pub period: Duration,
    /// Time for which a successor is published before it signs.
    pub announce: Duration,
    /// The longest lifetime of a token that the ring signs.
    pub longest_token: Duration,
}

impl Policy {
    /// Returns the time for which a verifier may cache the JWKS. Half the announcement: the other half is for nodes
    /// that learn of a key late, so a verifier that cached at any moment fetches a key before it signs.
    pub fn max_age(&self) -> Duration {
        (self.announce / 2).min(LONGEST_CACHE)
    }

    /// Returns the interval at which to look for keys that other nodes published.
    pub fn poll(&self) -> Duration {
        (self.announce / 4).clamp(SHORTEST_POLL, LONGEST_POLL)
    }

    /// Returns the time from which on a key that no settings plan for any more (its algorithm was removed) is not
    /// needed.
    pub fn outlived(&self, key: &RingKey) -> Time {
        key.timing.rotate_at.max(key.timing.sign_from) + self.announce + self.retention()
    }

    /// Returns the time for which a key stays published after it stopped signing.
    fn retention(&self) -> Duration {
        self.longest_token.saturating_add(SKEW)
    }
}

/// The moments at which a key of a ring changes its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Generation: from 1, one more than its predecessor's.
    pub generation: u32,
    /// Time of publication.
    pub announced_at: Time,
    /// Time from which the key signs.
    pub sign_from: Time,
    /// Time at which its successor should sign.
    pub rotate_at: Time,
}

/// A key of a ring, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingKey {
    /// Thumbprint (RFC 7638).
    pub kid: String,
    /// Algorithm.
    pub alg: Algorithm,
    /// The key's moments.
    pub timing: Timing,
}

/// The state of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyState {
    /// Published, not yet signing.
    Announced,
    /// The one that signs.
    Signing,
    /// Published to verify its past signatures.
    Retired {
        /// Time at which the last token it signed has expired.
        drop_at: Time,
    },
    /// No longer needed.
    Dropped,
}

/// The next action that a ring needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// No action before this moment.
    Nothing(Time),
    /// A new key with these moments.
    Announce(Timing),
    /// Removal of the keys up to and including this generation.
    Drop(u32),
}

/// The keys of one issuer and algorithm, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ring {
    keys: Vec<RingKey>,
}

impl Ring {
    /// Creates a ring of `keys`, given in any order.
    pub(crate) fn new(mut keys: Vec<RingKey>) -> Self {
        keys.sort_unstable_by_key(|key| key.timing.generation);
        Self { keys }
    }

    /// Returns the keys, oldest first.
    pub(crate) fn keys(&self) -> &[RingKey] {
        &self.keys
    }

    /// Returns the generation of the newest key.
    pub(crate) fn newest(&self) -> Option<u32> {
        self.keys.last().map(|key| key.timing.generation)
    }

    /// Returns the key that signs: the newest that may; the oldest if none may yet, for a clock behind the one that
    /// made it.
    pub(crate) fn signing(&self, now: Time) -> Option<&RingKey> {
        self.keys.iter().rev().find(|key| key.timing.sign_from <= now).or(self.keys.first())
    }

    /// Returns the state of `key`, one of this ring.
    pub(crate) fn state(&self, key: &RingKey, now: Time, policy: &Policy) -> KeyState {
        let signing = self.signing(now).map_or(0, |key| key.timing.generation);
        match key.timing.generation.cmp(&signing) {
            std::cmp::Ordering::Greater => KeyState::Announced,
            std::cmp::Ordering::Equal => KeyState::Signing,
            std::cmp::Ordering::Less => {
                let drop_at = self.drop_at(key, policy);
                if now < drop_at { KeyState::Retired { drop_at } } else { KeyState::Dropped }
            }
        }
    }

    /// Returns the time at which every token that `key` signed has expired. An emergency successor may sign before the
    /// announced one it overtook.
    fn drop_at(&self, key: &RingKey, policy: &Policy) -> Time {
        let newer = self.keys.iter().filter(|other| other.timing.generation > key.timing.generation);
        let stops = newer.map(|other| other.timing.sign_from).min().unwrap_or(Time::from_millis(u64::MAX));
        stops + policy.retention()
    }

    /// Returns the action that the ring needs at `now`.
    pub(crate) fn plan(&self, now: Time, policy: &Policy) -> Plan {
        let Some(newest) = self.keys.last() else { return Plan::Announce(self.at_once(now, policy)) };
        let announce_at = newest.timing.rotate_at - policy.announce;
        // one successor at a time: an announced key must sign before the next is planned
        if newest.timing.sign_from <= now && announce_at <= now {
            return Plan::Announce(self.after(newest.timing.rotate_at, now, policy));
        }
        let dropped = self.keys.iter().filter(|key| self.state(key, now, policy) == KeyState::Dropped);
        match dropped.map(|key| key.timing.generation).max() {
            Some(generation) => Plan::Drop(generation),
            None => Plan::Nothing(self.next_event(now, policy)),
        }
    }

    /// Returns the next moment at which a key changes its state or the ring needs an action; `now` if it needs one
    /// already.
    pub(crate) fn next_event(&self, now: Time, policy: &Policy) -> Time {
        let Some(newest) = self.keys.last() else { return now };
        let due = (newest.timing.rotate_at - policy.announce).max(newest.timing.sign_from).max(now);
        let changes = self.keys.iter().flat_map(|key| [key.timing.sign_from, self.drop_at(key, policy)]);
        changes.filter(|&at| at > now).fold(due, Time::min)
    }

    /// Returns the moments of a planned key that an operator asks for; `None` if a successor is announced already.
    pub(crate) fn requested(&self, now: Time, policy: &Policy) -> Option<Timing> {
        match self.keys.last() {
            Some(newest) if newest.timing.sign_from > now => None,
            Some(_) => Some(self.after(now, now, policy)),
            None => Some(self.at_once(now, policy)),
        }
    }

    /// Returns the moments of a key that signs at once: the first of a ring, or one made in an emergency.
    pub(crate) fn at_once(&self, now: Time, policy: &Policy) -> Timing {
        self.timing(now, now, policy)
    }

    /// Returns the moments of a key that signs from `due`, or later if that is too soon to announce it.
    fn after(&self, due: Time, now: Time, policy: &Policy) -> Timing {
        self.timing(now, due.max(now + policy.announce), policy)
    }

    fn timing(&self, announced_at: Time, sign_from: Time, policy: &Policy) -> Timing {
        let generation = self.newest().unwrap_or(0).saturating_add(1);
        Timing { generation, announced_at, sign_from, rotate_at: sign_from + policy.period }
    }
}

#[cfg(test)]
#[path = "ring_tests.rs"]
mod tests;
