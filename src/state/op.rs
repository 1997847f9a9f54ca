//! What can be asked of the store: one operation touches one row.

use super::device::{Consume, Decide, Decision, StartDevice};
use super::family::{Redeem, Rotate};
use super::key::{Fence, Key};
use crate::clock::Time;
use crate::id::Id;
use crate::state::step::Row;

/// An operation on one row. `attempt` names the request that asks, so that our own retry after an unknown outcome is
/// safe while a client's replay is not.
#[derive(Clone, Debug)]
pub enum Op {
    /// Redeem an authorization code: creating its family is the consumption.
    Redeem(Box<Redeem>),
    /// Count a presentation of a code with wrong proof; the code is void after `limit` of them (CHECKLIST 46).
    Miss {
        /// The id in the code.
        family: Id,
        /// How many wrong presentations void the code.
        limit: u8,
        /// When the code expires.
        code_expires_at: Time,
    },
    /// Exchange a refresh token for its successor.
    Rotate(Rotate),
    /// Revoke a family, if it is `client`'s.
    Revoke {
        /// The family.
        family: Id,
        /// The issuer it must belong to.
        issuer: Box<str>,
        /// The client it must belong to; `None` for an operator.
        client: Option<Box<str>>,
    },
    /// Remember something until it expires by itself; refused as replayed if it is remembered already.
    Mark {
        /// A [`Key::mark`].
        key: Key,
        /// Who asks.
        attempt: Id,
        /// When it expires by itself.
        keep_until: Time,
    },
    /// Void everything issued until now; a fence never moves back.
    RaiseFence {
        /// A [`Key::fence`].
        key: Key,
        /// How long what was issued before can live.
        keep_for: std::time::Duration,
    },
    /// Begin a device authorization.
    StartDevice(Box<StartDevice>),
    /// Give a device its user code; refused as taken while the code names another.
    NameUserCode {
        /// A [`Key::user_code`].
        key: Key,
        /// The device.
        family: Id,
        /// When the code expires.
        keep_until: Time,
    },
    /// Approve or deny a device.
    Decide(Box<Decide>),
    /// Redeem an approved device code: its device becomes a family.
    Consume(Box<Consume>),
}

impl Op {
    /// The row the operation touches.
    pub fn key(&self) -> Key {
        match self {
            Self::Redeem(redeem) => Key::Family(redeem.family),
            Self::Miss { family, .. } | Self::Revoke { family, .. } => Key::Family(*family),
            Self::Rotate(rotate) => Key::Family(rotate.family),
            Self::StartDevice(start) => Key::Family(start.family),
            Self::Decide(decide) => Key::Family(decide.family),
            Self::Consume(consume) => Key::Family(consume.family),
            Self::Mark { key, .. } | Self::RaiseFence { key, .. } | Self::NameUserCode { key, .. } => *key,
        }
    }

    /// The fences that decide over the operation, given the row it found: issuer, client and subject.
    pub fn fences(&self, row: Option<&Row>) -> Option<[Key; 3]> {
        let of = |issuer: &str, client: &str, subject: &str| {
            [Fence::Issuer, Fence::Client(client), Fence::Subject(subject)].map(|fence| Key::fence(issuer, fence))
        };
        match (self, row) {
            (Self::Redeem(redeem), _) => Some(of(&redeem.issuer, &redeem.client, &redeem.subject)),
            (Self::Rotate(_), Some(Row::Family(family))) => Some(of(&family.issuer, &family.client, &family.subject)),
            (Self::Consume(_), Some(Row::Family(family))) => Some(of(&family.issuer, &family.client, &family.subject)),
            (Self::Consume(_), Some(Row::Device(device))) => match &device.decision {
                Decision::Approved { subject, .. } => Some(of(&device.issuer, &device.client, subject)),
                Decision::Pending | Decision::Denied => None,
            },
            // whose it will be is not known before: the client's fence stands in for the subject's
            (Self::Decide(_), Some(Row::Device(device))) => {
                let client = Key::fence(&device.issuer, Fence::Client(&device.client));
                Some([Key::fence(&device.issuer, Fence::Issuer), client, client])
            }
            (
                Self::Rotate(_)
                | Self::Miss { .. }
                | Self::Revoke { .. }
                | Self::Mark { .. }
                | Self::RaiseFence { .. }
                | Self::StartDevice(_)
                | Self::NameUserCode { .. }
                | Self::Decide(_)
                | Self::Consume(_),
                _,
            ) => None,
        }
    }
}
