//! A grant family: everything that came from one authorization, as one record with a generation counter.
//!
//! Always true: at most one redemption succeeds; generations only grow; a revoked family never works again; within
//! the grace window a spent token gives the *same* successor, after it the family is revoked (RFC 9700 section
//! 4.14.2, RFC 6749 sections 4.1.2 and 10.4).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::event::{Event, RevocationCause};
use crate::clock::Time;
use crate::id::Id;
use crate::x509::Thumbprint;

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
    /// When its code was issued: what not-before moments are compared with, so that a redemption that races with a
    /// moment does not outrun it.
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
    /// What whoever uses its refresh tokens must show.
    pub binding: Option<SenderBinding>,
}

/// What refresh tokens are bound to: whoever uses them shows that it has the private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SenderBinding {
    /// SHA-256 of the client's certificate in DER (RFC 8705 section 4).
    Certificate(Thumbprint),
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
    pub(super) binding: Option<SenderBinding>,
}

/// What a second redemption of a code or device code comes to.
pub(super) enum SecondRedemption {
    /// It is the service's own retry, and the family lives.
    OwnRetry,
    /// It is the service's own retry, and the family ended in between: that was no replay.
    Ended,
    /// It is a replay, which revokes what the first redemption produced.
    Replay,
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
            binding: from.binding,
        }
    }

    /// What a redemption by `attempt` comes to, now that the family has begun.
    pub(super) fn redeemed_again(&self, attempt: Id, not_before: Time) -> SecondRedemption {
        if self.attempt != attempt || self.generation != 0 {
            SecondRedemption::Replay
        } else if self.is_alive(not_before) {
            SecondRedemption::OwnRetry
        } else {
            SecondRedemption::Ended
        }
    }

    /// The family, revoked for `cause`; `None` if it was revoked before, because the first revocation stays.
    pub(super) fn revoked_for(&self, cause: RevocationCause, at: Time) -> Option<Self> {
        let reason = match cause {
            RevocationCause::CodeReplayed | RevocationCause::DeviceCodeReplayed => RevocationReason::CodeReplayed,
            RevocationCause::RefreshTokenReused => RevocationReason::TokenReused,
            RevocationCause::Requested => RevocationReason::Requested,
        };
        self.revoked.is_none().then(|| Self { revoked: Some(Revocation { at, reason }), ..self.clone() })
    }

    /// The event that the family, of which `id` is the name, is revoked.
    pub(super) fn revocation(&self, id: Id, cause: RevocationCause) -> Event {
        Event::FamilyRevoked {
            family: id,
            issuer: self.issuer.clone(),
            client: self.client.clone(),
            subject: self.subject.clone(),
            cause,
            until: self.keep_until,
        }
    }

    /// Whether an access token of this family is still good, given the latest not-before moment that concerns it.
    pub fn is_alive(&self, not_before: Time) -> bool {
        self.revoked.is_none() && self.authorized_at > not_before
    }

    /// Whether whoever shows `shown` may use its refresh tokens.
    pub fn is_bound_to(&self, shown: Option<SenderBinding>) -> bool {
        self.binding.is_none() || self.binding == shown
    }
}
