//! Revocation of one access token by its `jti` (RFC 7009 section 2).

use std::convert::Infallible;

use super::event::Event;
use super::key::Key;
use super::row::Row;
use super::transition::{Operation, Seen, Transition};
use crate::clock::Time;
use crate::id::Id;

/// The revocation of one access token.
#[derive(Clone, Debug)]
pub struct RevokeToken {
    /// Id of the issuer.
    pub issuer: Box<str>,
    /// Id of the client that the token was issued to.
    pub client: Box<str>,
    /// The token's `jti`.
    pub jti: Box<str>,
    /// Id of the request.
    pub attempt: Id,
    /// Time at which the token expires by itself.
    pub keep_until: Time,
}

impl Operation for RevokeToken {
    type Done = ();
    /// Never refused: a second revocation succeeds too.
    type Refusal = Infallible;

    const NAME: &'static str = "mark";
    const BEGINS: bool = true;

    fn key(&self) -> Key {
        Key::revoked_token(&self.issuer, &self.jti)
    }

    fn step(&self, row: Option<&Row>, seen: Seen) -> Transition<Result<(), Infallible>> {
        let transition = match row {
            Some(Row::Mark { keep_until, .. }) if seen.now < *keep_until => Transition::keep(Ok(())),
            _ => Transition::put(Row::Mark { attempt: self.attempt, keep_until: self.keep_until }, Ok(())),
        };
        transition.telling(Event::TokenRevoked {
            issuer: self.issuer.clone(),
            client: self.client.clone(),
            jti: self.jti.clone(),
            until: self.keep_until,
        })
    }
}
