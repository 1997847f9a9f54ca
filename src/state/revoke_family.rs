//! Revocation of a family by one of its refresh tokens (RFC 7009 section 2.1).

use super::event::RevocationCause;
use super::key::Key;
use super::row::Row;
use super::transition::{Operation, Seen, Transition};
use crate::id::Id;

/// The revocation of a family, provided that it belongs to the client.
#[derive(Clone, Debug)]
pub struct RevokeFamily {
    /// Id of the family.
    pub family: Id,
    /// Id of the issuer that the family must belong to.
    pub issuer: Box<str>,
    /// Id of the client that the family must belong to; `None` for an operator.
    pub client: Option<Box<str>>,
}

/// The reasons for which a family is not revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevokeRefusal {
    /// The family belongs to another client.
    #[error("wrong client")]
    WrongClient,
}

impl Operation for RevokeFamily {
    /// The family is revoked, now or earlier, or does not exist.
    type Done = ();
    type Refusal = RevokeRefusal;

    const NAME: &'static str = "revoke";

    fn key(&self) -> Key {
        Key::Family(self.family)
    }

    fn step(&self, row: Option<&Row>, seen: Seen) -> Transition<Result<(), RevokeRefusal>> {
        let Some(Row::Family(family)) = row else {
            return Transition::keep(Ok(()));
        };
        let owned = self.client.as_ref().is_none_or(|client| *client == family.client);
        if family.issuer != self.issuer || !owned {
            return Transition::keep(Err(RevokeRefusal::WrongClient));
        }
        Transition::revoke(family, self.family, RevocationCause::Requested, seen.now, Ok(()))
    }
}
