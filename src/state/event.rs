//! The events of transitions, for the audit stream and, later, a revocation feed.
//!
//! An event is reported once its transition is durable. A revocation that was made earlier is reported again if it is
//! asked for again, so a consumer must treat a repeated event as the first one.

use super::key::NotBeforeOf;
use crate::clock::Time;
use crate::id::Id;

/// An event of a transition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A family is revoked, and with it everything that was issued from it.
    FamilyRevoked {
        /// Id of the family.
        family: Id,
        /// Id of the issuer.
        issuer: Box<str>,
        /// Id of the client that it was granted to.
        client: Box<str>,
        /// Subject of the grant.
        subject: Box<str>,
        /// Cause of the revocation.
        cause: RevocationCause,
        /// Time at which everything issued from the family has expired by itself.
        until: Time,
    },
    /// One access token is revoked.
    TokenRevoked {
        /// Id of the issuer.
        issuer: Box<str>,
        /// Id of the client that it was issued to.
        client: Box<str>,
        /// The token's `jti`.
        jti: Box<str>,
        /// Time at which the token has expired by itself.
        until: Time,
    },
    /// Everything issued at or before a moment is void.
    NotBeforeRaised {
        /// Id of the issuer.
        issuer: Box<str>,
        /// Issuer, client or subject that the moment applies to.
        of: NotBeforeOf,
        /// The moment.
        at: Time,
        /// Time at which everything issued before the moment has expired by itself.
        until: Time,
    },
    /// A client presented a refresh token of another client.
    RefreshTokenOfAnother {
        /// Id of the issuer.
        issuer: Box<str>,
        /// Id of the client that presented it.
        client: Box<str>,
    },
    /// A client presented a device code of another client.
    DeviceCodeOfAnother {
        /// Id of the issuer.
        issuer: Box<str>,
        /// Id of the client that presented it.
        client: Box<str>,
    },
    /// A refresh token proves a generation that the store has never seen: the store lost data.
    StateRegressed {
        /// Id of the issuer.
        issuer: Box<str>,
        /// Id of the client that presented it.
        client: Box<str>,
    },
}

/// The causes for which a family is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationCause {
    /// The authorization code was redeemed a second time (RFC 6749 section 4.1.2).
    CodeReplayed,
    /// The device code was consumed a second time.
    DeviceCodeReplayed,
    /// A spent refresh token was presented after its grace period (RFC 9700 section 4.14.2).
    RefreshTokenReused,
    /// The client or an operator asked for the revocation (RFC 7009).
    Requested,
}
