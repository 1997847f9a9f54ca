//! Revoke a family by one of its refresh tokens (RFC 7009 section 2.1).

use super::event::RevocationCause;
use super::key::Key;
use super::row::Row;
use super::transition::{Operation, Seen, Transition};
use crate::id::Id;

/// Revoke a family, if it is the client's.
#[derive(Clone, Debug)]
pub struct RevokeFamily {
    /// The family.
    pub family: Id,
    /// The issuer it must belong to.
    pub issuer: Box<str>,
    /// The client it must belong to; `None` for an operator.
    pub client: Option<Box<str>>,
}

/// Why a family is not revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevokeRefusal {
    /// It is another client's.
    #[error("wrong client")]
    WrongClient,
}

impl Operation for RevokeFamily {
    /// The family is revoked, now or earlier, or there is none.
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
