//! A grant family: everything that came from one authorization, as one record with a generation counter.
//!
//! Always true: at most one redemption succeeds; generations only grow; a revoked family never works again; within
//! the grace window a spent token gives the *same* successor, after it the family is revoked (RFC 9700 section
//! 4.14.2, RFC 6749 sections 4.1.2 and 10.4).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::state::{Change, Done, Outcome, Refusal, Row};
use crate::clock::Time;
use crate::id::Id;

/// An access token is dated when it is signed, after the decision is durable and perhaps by another clock than the
/// store's: the row outlives the lifetime by so much, or the token would turn inactive before it expires.
pub const SLACK: Duration = Duration::from_secs(60);

/// One redeemed authorization. O(1) however often it rotates.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Family {
    /// The issuer's id.
    pub issuer: Box<str>,
    /// The client it was granted to.
    pub client: Box<str>,
    /// The subject it is about.
    pub subject: Box<str>,
    /// The grant (scope, resources, claims), sealed by the vault under the family's id.
    pub grant: Box<[u8]>,
    /// When its code was issued: what a fence is compared with, so that a redemption that races with the fence does
    /// not outrun it.
    pub authorized_at: Time,
    /// Generation of the one refresh token that is valid now.
    pub generation: u32,
    /// The master key that makes the MAC of that token, so that a retry gets the identical string.
    pub key: u8,
    /// Retries of the spent token that were answered since the last rotation.
    pub replays: u16,
    /// The request that made the last transition.
    pub attempt: Id,
    /// When the current generation came to be.
    pub rotated_at: Time,
    /// Idle expiry: moves with each rotation.
    pub idle_until: Time,
    /// Absolute expiry: never moves.
    pub expires_at: Time,
    /// When nothing issued from the family is alive any more and the row may be forgotten.
    pub keep_until: Time,
    /// Set once, never cleared.
    pub revoked: Option<Revocation>,
}

/// Leaves the sealed grant out: it is long, and nobody's business.
impl std::fmt::Debug for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Family")
            .field("client", &self.client)
            .field("generation", &self.generation)
            .field("replays", &self.replays)
            .field("authorized_at", &self.authorized_at)
            .field("rotated_at", &self.rotated_at)
            .field("idle_until", &self.idle_until)
            .field("expires_at", &self.expires_at)
            .field("keep_until", &self.keep_until)
            .field("revoked", &self.revoked)
            .finish_non_exhaustive()
    }
}

/// That and why a family was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// When.
    pub at: Time,
    /// Why.
    pub reason: RevocationReason,
}

/// Why a family was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RevocationReason {
    /// Its code was redeemed a second time.
    CodeReplayed,
    /// A spent refresh token came back after its grace.
    TokenReused,
    /// The client or an operator asked for it.
    Requested,
}

/// How long what comes from a family lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// An access token.
    pub access: Duration,
    /// A refresh token that is not used; zero if the family has none.
    pub idle: Duration,
    /// The family, however much it is used; zero if it has no refresh token.
    pub absolute: Duration,
}

/// Redeem a code.
#[derive(Clone, Debug)]
pub struct Redeem {
    /// The id in the code.
    pub family: Id,
    /// The issuer's id.
    pub issuer: Box<str>,
    /// The client, already authenticated and bound to the code.
    pub client: Box<str>,
    /// The subject.
    pub subject: Box<str>,
    /// The sealed grant.
    pub grant: Box<[u8]>,
    /// The vault's current key.
    pub key: u8,
    /// Who asks.
    pub attempt: Id,
    /// When the code was issued.
    pub code_issued_at: Time,
    /// When the code expires.
    pub code_expires_at: Time,
    /// Of what will be issued.
    pub lifetimes: Lifetimes,
}

/// Exchange a refresh token.
#[derive(Clone, Debug)]
pub struct Rotate {
    /// The family in the token.
    pub family: Id,
    /// The generation in the token.
    pub generation: u32,
    /// The issuer that is asked.
    pub issuer: Box<str>,
    /// The client, already authenticated.
    pub client: Box<str>,
    /// The vault's current key.
    pub key: u8,
    /// Who asks.
    pub attempt: Id,
    /// The client's rules.
    pub policy: RotatePolicy,
    /// Of what will be issued.
    pub lifetimes: Lifetimes,
}

/// What happens to a refresh token when it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotatePolicy {
    /// It is replaced. A retry within `grace` gets the same successor, at most `replays` times.
    Rotate {
        /// Zero is strict: any second use is reuse.
        grace: Duration,
        /// How many retries are answered within the grace.
        replays: u16,
    },
    /// It stays the same (FAPI 2.0 section 5.3.2.1-9, for sender-constrained clients).
    Keep,
}

/// A rotation that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The subject.
    pub subject: Box<str>,
    /// The sealed grant.
    pub grant: Box<[u8]>,
    /// The generation of the refresh token to hand out.
    pub generation: u32,
    /// The master key that makes its MAC.
    pub key: u8,
    /// Until when the handed-out token works if it is not used.
    pub idle_until: Time,
    /// A retry within the grace: the successor was handed out before.
    pub replayed: bool,
}

pub(super) fn redeem(row: Option<&Row>, op: &Redeem, fence: Time, now: Time) -> (Change, Outcome) {
    match row {
        Some(Row::Family(family)) => return begun_again(family, op.attempt, fence, now),
        Some(Row::MissedCode { misses: u8::MAX, .. }) => return (Change::Keep, Err(Refusal::Missed)),
        // the ids of codes and devices are random and never meet
        Some(Row::Device(_)) => return (Change::Keep, Err(Refusal::Unknown)),
        _ => {}
    }
    if now >= op.code_expires_at {
        return (Change::Keep, Err(Refusal::Expired));
    }
    if op.code_issued_at <= fence {
        return (Change::Keep, Err(Refusal::Revoked));
    }
    let family = Family::begin(Beginning {
        issuer: &op.issuer,
        client: &op.client,
        subject: &op.subject,
        grant: &op.grant,
        authorized_at: op.code_issued_at,
        key: op.key,
        attempt: op.attempt,
        lifetimes: op.lifetimes,
        now,
        code_expires_at: op.code_expires_at,
    });
    (Change::Put(Row::Family(Box::new(family))), Ok(Done::Redeemed))
}

/// A second redemption: our own retry, or a replay that revokes what the first one produced.
pub(super) fn begun_again(family: &Family, attempt: Id, fence: Time, now: Time) -> (Change, Outcome) {
    let own_retry = family.attempt == attempt && family.generation == 0;
    if own_retry {
        // what ended in between stays ended, but it was no replay
        let outcome = if family.is_alive(fence) { Ok(Done::Redeemed) } else { Err(Refusal::Revoked) };
        return (Change::Keep, outcome);
    }
    (family.revoked_by(RevocationReason::CodeReplayed, now), Err(Refusal::Replayed))
}

pub(super) fn miss(row: Option<&Row>, limit: u8, code_expires_at: Time, now: Time) -> (Change, Outcome) {
    let misses = match row {
        // a code that was redeemed already has nothing left to protect
        Some(Row::Family(_) | Row::Device(_)) => return (Change::Keep, Err(Refusal::Replayed)),
        Some(Row::MissedCode { misses, .. }) => *misses,
        _ => 0,
    };
    if now >= code_expires_at {
        return (Change::Keep, Err(Refusal::Expired));
    }
    let misses = misses.saturating_add(1);
    // a voided code is remembered as u8::MAX misses, so that a later change of the limit cannot revive it
    let misses = if misses >= limit { u8::MAX } else { misses };
    (Change::Put(Row::MissedCode { misses, keep_until: code_expires_at }), Ok(Done::Missed))
}

pub(super) fn rotate(row: Option<&Row>, op: &Rotate, fence: Time, now: Time) -> (Change, Outcome) {
    let Some(Row::Family(family)) = row else {
        return (Change::Keep, Err(Refusal::Unknown));
    };
    if let Some(refusal) = family.refuses(op, fence, now) {
        return (Change::Keep, Err(refusal));
    }
    let own_retry = family.attempt == op.attempt && family.generation == op.generation.wrapping_add(1);
    match (op.policy, family.generation.checked_sub(op.generation)) {
        (_, None) => (Change::Keep, Err(Refusal::Regressed)),
        (RotatePolicy::Keep, Some(0)) => {
            // a sixteenth of the idle time is not worth a write for every use, but what is promised must be kept:
            // without a write the answer is the stored idle time, and the row outlives every access token
            let idle_until = family.expires_at.min(now + op.lifetimes.idle);
            let worth_a_write = idle_until.since(family.idle_until) > op.lifetimes.idle / 16
                || family.keep_until < now + op.lifetimes.access + SLACK;
            if !worth_a_write {
                return (Change::Keep, Ok(Done::Rotated(family.rotated(false))));
            }
            let used = family.extended(op, now);
            let rotated = used.rotated(false);
            (Change::Put(Row::Family(Box::new(used))), Ok(Done::Rotated(rotated)))
        }
        (RotatePolicy::Rotate { .. }, Some(0)) => {
            let Some(generation) = family.generation.checked_add(1) else {
                return (Change::Keep, Err(Refusal::Expired));
            };
            let next = Family {
                generation,
                key: op.key,
                replays: 0,
                attempt: op.attempt,
                rotated_at: now,
                ..family.extended(op, now)
            };
            let rotated = next.rotated(false);
            (Change::Put(Row::Family(Box::new(next))), Ok(Done::Rotated(rotated)))
        }
        (_, Some(1)) if own_retry => (Change::Keep, Ok(Done::Rotated(family.rotated(false)))),
        (RotatePolicy::Rotate { grace, replays }, Some(1))
            if now < family.rotated_at + grace && family.replays < replays =>
        {
            let again = Family {
                replays: family.replays + 1,
                keep_until: family.keep_until.max(now + op.lifetimes.access + SLACK),
                ..Family::clone(family)
            };
            let rotated = again.rotated(true);
            (Change::Put(Row::Family(Box::new(again))), Ok(Done::Rotated(rotated)))
        }
        (_, Some(_)) => (family.revoked_by(RevocationReason::TokenReused, now), Err(Refusal::Reused)),
    }
}

pub(super) fn revoke(row: Option<&Row>, issuer: &str, client: Option<&str>, now: Time) -> (Change, Outcome) {
    let Some(Row::Family(family)) = row else {
        return (Change::Keep, Ok(Done::Revoked));
    };
    if &*family.issuer != issuer || client.is_some_and(|client| client != &*family.client) {
        return (Change::Keep, Err(Refusal::WrongClient));
    }
    (family.revoked_by(RevocationReason::Requested, now), Ok(Done::Revoked))
}

/// What a family is made of when its code is redeemed.
pub(super) struct Beginning<'a> {
    pub(super) issuer: &'a str,
    pub(super) client: &'a str,
    pub(super) subject: &'a str,
    pub(super) grant: &'a [u8],
    pub(super) authorized_at: Time,
    pub(super) key: u8,
    pub(super) attempt: Id,
    pub(super) lifetimes: Lifetimes,
    pub(super) now: Time,
    pub(super) code_expires_at: Time,
}

impl Family {
    /// The family of a code that is redeemed now.
    pub(super) fn begin(from: Beginning<'_>) -> Self {
        let expires_at = from.now + from.lifetimes.absolute;
        let idle_until = expires_at.min(from.now + from.lifetimes.idle);
        Self {
            issuer: from.issuer.into(),
            client: from.client.into(),
            subject: from.subject.into(),
            grant: from.grant.into(),
            authorized_at: from.authorized_at,
            generation: 0,
            key: from.key,
            replays: 0,
            attempt: from.attempt,
            rotated_at: from.now,
            idle_until,
            expires_at,
            // the row is also the memory that the code was used
            keep_until: idle_until.max(from.now + from.lifetimes.access + SLACK).max(from.code_expires_at),
            revoked: None,
        }
    }

    /// Why the family refuses a refresh token, before its generation is looked at.
    fn refuses(&self, op: &Rotate, fence: Time, now: Time) -> Option<Refusal> {
        if self.issuer != op.issuer || self.client != op.client {
            Some(Refusal::WrongClient)
        } else if self.revoked.is_some() || self.authorized_at <= fence {
            Some(Refusal::Revoked)
        } else if now >= self.idle_until || now >= self.expires_at {
            Some(Refusal::Expired)
        } else {
            None
        }
    }

    /// The family after a use at `now`: idle time starts again, within the absolute lifetime.
    fn extended(&self, op: &Rotate, now: Time) -> Self {
        let idle_until = self.expires_at.min(now + op.lifetimes.idle);
        let keep_until = self.keep_until.max(idle_until).max(now + op.lifetimes.access + SLACK);
        Self { idle_until, keep_until, ..self.clone() }
    }

    fn rotated(&self, replayed: bool) -> Box<Rotated> {
        Box::new(Rotated {
            subject: self.subject.clone(),
            grant: self.grant.clone(),
            generation: self.generation,
            key: self.key,
            idle_until: self.idle_until,
            replayed,
        })
    }

    fn revoked_by(&self, reason: RevocationReason, at: Time) -> Change {
        if self.revoked.is_some() {
            return Change::Keep;
        }
        Change::Put(Row::Family(Box::new(Self { revoked: Some(Revocation { at, reason }), ..self.clone() })))
    }

    /// Whether an access token of this family is still good, given the latest fence that concerns it.
    pub fn is_alive(&self, fence: Time) -> bool {
        self.revoked.is_none() && self.authorized_at > fence
    }
}

#[cfg(test)]
mod tests;
