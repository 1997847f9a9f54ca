//! The life of signing keys as a function of time: announced, signing, retired, dropped. No I/O, no clock.
//!
//! Invariants: a non-empty ring has exactly one signing key at any moment; a key that is neither the first nor an
//! emergency is published for [`Policy::announce`] before it signs; a key stays published until what it signed is dead.

use std::time::Duration;

use crate::clock::Time;
use crate::jose::Algorithm;

/// How long a retired key outlives the last token it may have signed: clocks that differ by a minute, and a node that
/// learns a minute late that it should sign with a newer key.
pub const SKEW: Duration = Duration::from_secs(120);
/// A verifier never caches the keys for longer than this.
const LONGEST_CACHE: Duration = Duration::from_secs(3600);
/// A node never waits longer than this before it looks for keys of other nodes.
const LONGEST_POLL: Duration = Duration::from_secs(60);
const SHORTEST_POLL: Duration = Duration::from_millis(100);

/// When keys of a ring change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long a key signs.
    pub period: Duration,
    /// How long its successor is published before it signs.
    pub announce: Duration,
    /// The longest lifetime of a token that the ring signs.
    pub longest_token: Duration,
}

impl Policy {
    /// For how long a verifier may cache the JWKS. Half the announcement: the other half is for nodes that learn of a
    /// key late, so whoever cached at any moment fetches a key before it signs.
    pub fn max_age(&self) -> Duration {
        (self.announce / 2).min(LONGEST_CACHE)
    }

    /// How often to look for keys that other nodes published.
    pub fn poll(&self) -> Duration {
        (self.announce / 4).clamp(SHORTEST_POLL, LONGEST_POLL)
    }

    /// When a key that nobody plans for any more (its algorithm was taken out of the settings) cannot matter.
    pub fn outlived(&self, key: &RingKey) -> Time {
        key.timing.rotate_at.max(key.timing.sign_from) + self.announce + self.retention()
    }

    /// How long a key stays published after it stopped signing.
    fn retention(&self) -> Duration {
        self.longest_token.saturating_add(SKEW)
    }
}

/// When a key of a ring changes its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// From 1, one more than its predecessor's.
    pub generation: u32,
    /// When it was published.
    pub announced_at: Time,
    /// When it starts to sign.
    pub sign_from: Time,
    /// When its successor should sign.
    pub rotate_at: Time,
}

/// A key of a ring, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingKey {
    /// RFC 7638 thumbprint.
    pub kid: String,
    /// What it signs with.
    pub alg: Algorithm,
    /// Its dates.
    pub timing: Timing,
}

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Published, not yet signing.
    Announced,
    /// The one that signs.
    Signing,
    /// Published for what it signed.
    Retired {
        /// When the last token it signed is dead.
        drop_at: Time,
    },
    /// Of no use any more.
    Dropped,
}

/// What a ring needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Nothing before this moment.
    Nothing(Time),
    /// A new key with these dates.
    Announce(Timing),
    /// Keys up to and including this generation can be forgotten.
    Drop(u32),
}

/// The keys of one issuer and algorithm, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ring {
    keys: Vec<RingKey>,
}

impl Ring {
    /// A ring of `keys`, in any order.
    pub fn new(mut keys: Vec<RingKey>) -> Self {
        keys.sort_unstable_by_key(|key| key.timing.generation);
        Self { keys }
    }

    /// Its keys, oldest first.
    pub fn keys(&self) -> &[RingKey] {
        &self.keys
    }

    /// The generation of the newest key.
    pub fn newest(&self) -> Option<u32> {
        self.keys.last().map(|key| key.timing.generation)
    }

    /// The key that signs: the newest that may. The oldest if none may yet, for a clock behind the one that made it.
    pub fn signing(&self, now: Time) -> Option<&RingKey> {
        self.keys.iter().rev().find(|key| key.timing.sign_from <= now).or(self.keys.first())
    }

    /// Where `key`, one of this ring, is in its life.
    pub fn state(&self, key: &RingKey, now: Time, policy: &Policy) -> KeyState {
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

    /// When nothing `key` signed is alive. An emergency successor may sign before the announced one it overtook.
    fn drop_at(&self, key: &RingKey, policy: &Policy) -> Time {
        let newer = self.keys.iter().filter(|other| other.timing.generation > key.timing.generation);
        let stops = newer.map(|other| other.timing.sign_from).min().unwrap_or(Time::from_millis(u64::MAX));
        stops + policy.retention()
    }

    /// What the ring needs now.
    pub fn plan(&self, now: Time, policy: &Policy) -> Plan {
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

    /// The next moment at which a key changes its state or the ring needs something; `now` if it does already.
    pub fn next_event(&self, now: Time, policy: &Policy) -> Time {
        let Some(newest) = self.keys.last() else { return now };
        let due = (newest.timing.rotate_at - policy.announce).max(newest.timing.sign_from).max(now);
        let changes = self.keys.iter().flat_map(|key| [key.timing.sign_from, self.drop_at(key, policy)]);
        changes.filter(|&at| at > now).fold(due, Time::min)
    }

    /// The dates of a key that an operator asks for without haste; `None` if a successor is announced already.
    pub fn requested(&self, now: Time, policy: &Policy) -> Option<Timing> {
        match self.keys.last() {
            Some(newest) if newest.timing.sign_from > now => None,
            Some(_) => Some(self.after(now, now, policy)),
            None => Some(self.at_once(now, policy)),
        }
    }

    /// The dates of a key that signs at once: the first of a ring, or one made in an emergency.
    pub fn at_once(&self, now: Time, policy: &Policy) -> Timing {
        self.timing(now, now, policy)
    }

    /// The dates of a key that signs from `due`, or later if that is too soon to announce it.
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
