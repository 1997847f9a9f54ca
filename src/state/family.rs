//! A grant family: everything that was issued from one authorization, as one record with a generation counter.
//!
//! Invariants: at most one redemption succeeds; generations only grow; a revoked family never works again; within the
//! grace period a spent token gives the *same* successor, and after it the family is revoked (RFC 9700 section 4.14.2,
//! RFC 6749 sections 4.1.2 and 10.4).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::event::{Event, RevocationCause};
use crate::clock::Time;
use crate::id::Id;
use crate::x509::Thumbprint;

/// Time by which a row outlives the tokens issued from it. An access token is dated when it is signed, after the
/// decision is durable and perhaps by another clock than the store's; without the slack it would turn inactive before
/// it expires.
pub(crate) const SLACK: Duration = Duration::from_secs(60);

/// One redeemed authorization. Its size is O(1) in the number of rotations.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Family {
    /// Id of the issuer.
    pub issuer: Box<str>,
    /// Id of the client that it was granted to.
    pub client: Box<str>,
    /// Subject of the grant.
    pub subject: Box<str>,
    /// The grant (scope, resources, claims), sealed by the vault under the family's id.
    pub grant: Box<[u8]>,
    /// Time of issue of the authorization code. Not-before moments are compared with it, so that a redemption that
    /// races with a moment does not outrun it.
    pub authorized_at: Time,
    /// Generation of the one refresh token that is valid now.
    pub generation: u32,
    /// Number of the master key that makes the MAC of that token, so that a retry gets the identical string.
    pub key: u8,
    /// Number of retries with the spent token that were answered since the last rotation.
    pub replays: u16,
    /// Id of the request that made the last transition.
    pub attempt: Id,
    /// Time at which the current generation was created.
    pub rotated_at: Time,
    /// Idle expiry: moves with each rotation.
    pub idle_until: Time,
    /// Absolute expiry: never moves.
    pub expires_at: Time,
    /// Time at which everything issued from the family has expired and the row may be deleted.
    pub keep_until: Time,
    /// The revocation: set once, never cleared.
    pub revoked: Option<Revocation>,
    /// Key of which the sender must prove possession to use the refresh tokens, if any.
    pub binding: Option<SenderBinding>,
}

/// The key that refresh tokens are bound to: a sender must prove possession of its private part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SenderBinding {
    /// SHA-256 of the client's certificate in DER (RFC 8705 section 4).
    Certificate(Thumbprint),
}

impl SenderBinding {
    /// Returns whether a sender that proves to hold `shown` may use what is bound to `bound`.
    pub fn is_met(bound: Option<Self>, shown: Option<Self>) -> bool {
        bound.is_none() || bound == shown
    }
}

/// Lifetimes of a family and of the tokens issued from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Lifetime of an access token.
    pub access: Duration,
    /// Lifetime of a refresh token that is not used; zero if the family has none.
    pub idle: Duration,
    /// Lifetime of the family, however much it is used; zero if it has no refresh token.
    pub absolute: Duration,
}

/// Leaves out the sealed grant, which is long and confidential.
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

/// The revocation of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// Time of the revocation.
    pub at: Time,
    /// Reason of the revocation.
    pub reason: RevocationReason,
}

/// The reasons for which a family is revoked, as they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RevocationReason {
    /// The code was redeemed a second time.
    CodeReplayed,
    /// A spent refresh token was presented after its grace period.
    TokenReused,
    /// The client or an operator asked for it.
    Requested,
}

/// The values from which a family is made when its code is redeemed.
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

/// The outcome of a second redemption of an authorization code or device code.
pub(super) enum SecondRedemption {
    /// The service's own retry; the family is alive.
    OwnRetry,
    /// The service's own retry; the family has ended in between, which is no replay.
    Ended,
    /// A replay, which revokes everything that the first redemption produced.
    Replay,
}

impl Family {
    /// Creates the family of a code that is being redeemed.
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

    /// Classifies a redemption by `attempt` after the family has been created.
    pub(super) fn redeemed_again(&self, attempt: Id, not_before: Time) -> SecondRedemption {
        if self.attempt != attempt || self.generation != 0 {
            SecondRedemption::Replay
        } else if self.is_alive(not_before) {
            SecondRedemption::OwnRetry
        } else {
            SecondRedemption::Ended
        }
    }

    /// Returns the family, revoked for `cause`; `None` if it was revoked before, because the first revocation stays.
    pub(super) fn revoked_for(&self, cause: RevocationCause, at: Time) -> Option<Self> {
        let reason = match cause {
            RevocationCause::CodeReplayed | RevocationCause::DeviceCodeReplayed => RevocationReason::CodeReplayed,
            RevocationCause::RefreshTokenReused => RevocationReason::TokenReused,
            RevocationCause::Requested => RevocationReason::Requested,
        };
        self.revoked.is_none().then(|| Self { revoked: Some(Revocation { at, reason }), ..self.clone() })
    }

    /// Returns the event of the revocation of this family, named `id`.
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

    /// Returns whether an access token of this family is still valid, given the latest not-before moment that applies
    /// to it.
    pub fn is_alive(&self, not_before: Time) -> bool {
        self.revoked.is_none() && self.authorized_at > not_before
    }
}
