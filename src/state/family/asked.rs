//! What can be asked of a family, and what a rotation gives.

use std::time::Duration;

use crate::clock::Time;
use crate::id::Id;

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
