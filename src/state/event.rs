//! What happened in a transition, for those who must hear of it: the audit stream, and later a revocation feed.
//!
//! An event is told once its transition is durable. A revocation that was made before is told again when something
//! asks for it again; to hear of it twice changes nothing.

use super::key::NotBeforeOf;
use crate::clock::Time;
use crate::id::Id;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A family is revoked: nothing that came from it works any more.
    FamilyRevoked {
        /// The family.
        family: Id,
        /// The issuer's id.
        issuer: Box<str>,
        /// The client it was granted to.
        client: Box<str>,
        /// The subject it is about.
        subject: Box<str>,
        /// Why.
        cause: RevocationCause,
        /// When everything issued from it has expired by itself.
        until: Time,
    },
    /// One access token is revoked.
    TokenRevoked {
        /// The issuer's id.
        issuer: Box<str>,
        /// The client it was issued to.
        client: Box<str>,
        /// Its `jti`.
        jti: Box<str>,
        /// When it has expired by itself.
        until: Time,
    },
    /// Everything issued at or before a moment is void.
    NotBeforeRaised {
        /// The issuer's id.
        issuer: Box<str>,
        /// Of whom.
        of: NotBeforeOf,
        /// The moment.
        at: Time,
        /// When everything issued before it has expired by itself.
        until: Time,
    },
    /// A client presented a refresh token of another client.
    RefreshTokenOfAnother {
        /// The issuer's id.
        issuer: Box<str>,
        /// The client that presented it.
        client: Box<str>,
    },
    /// A client presented a device code of another client.
    DeviceCodeOfAnother {
        /// The issuer's id.
        issuer: Box<str>,
        /// The client that presented it.
        client: Box<str>,
    },
    /// A refresh token proves a generation that the store has never seen: the store lost data.
    StateRegressed {
        /// The issuer's id.
        issuer: Box<str>,
        /// The client that presented it.
        client: Box<str>,
    },
}

/// Why a family was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationCause {
    /// Its authorization code was redeemed a second time (RFC 6749 section 4.1.2).
    CodeReplayed,
    /// Its device code was consumed a second time.
    DeviceCodeReplayed,
    /// A spent refresh token came back after its grace (RFC 9700 section 4.14.2).
    RefreshTokenReused,
    /// The client or an operator asked for it (RFC 7009).
    Requested,
}
