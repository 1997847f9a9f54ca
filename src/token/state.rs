//! The state machine of the store: `step(row, op, fence, now) -> (change, outcome)`.
//!
//! One operation touches one row. An engine reads the row, calls [`step`], writes the change and only then answers;
//! that makes redeem, rotate, reuse detection and revocation one atomic transition each (DESIGN.md section 3).
//! The SQL of the PostgreSQL engine is a translation of this function and is tested against it.

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use super::device::{self, Consume, Decide, Decision, Device, StartDevice};
use super::family::{self, Family, Redeem, Rotate, Rotated};
use crate::clock::Time;
use crate::id::Id;

/// The name of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A grant family, by the id that its code and refresh tokens carry.
    Family(Id),
    /// A single mark: a revoked access token, a used assertion. The id is a digest, see [`Key::mark`].
    Mark(Id),
    /// A fence: the moment before which everything of an issuer, client or subject is void.
    Fence(Id),
    /// A user code, by its digest, see [`Key::user_code`].
    UserCode(Id),
}

/// What a [`Key::Mark`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkKind {
    /// The `jti` of a revoked access token.
    RevokedToken,
    /// The `jti` of a client assertion or a proof, remembered until it expires.
    UsedAssertion,
}

/// Whom a fence is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fence<'a> {
    /// Everything the issuer ever issued.
    Issuer,
    /// Everything issued to one client.
    Client(&'a str),
    /// Everything issued about one subject.
    Subject(&'a str),
}

impl Key {
    /// The key of a mark: 128 bits of a SHA-256 over kind, issuer and name.
    pub fn mark(kind: MarkKind, issuer: &str, name: &[u8]) -> Self {
        let kind = match kind {
            MarkKind::RevokedToken => "revoked",
            MarkKind::UsedAssertion => "used",
        };
        Self::Mark(digest_id(&[kind.as_bytes(), issuer.as_bytes(), name]))
    }

    /// The key of a fence: 128 bits of a SHA-256 over issuer, kind and name.
    pub fn fence(issuer: &str, fence: Fence<'_>) -> Self {
        let (kind, name) = match fence {
            Fence::Issuer => ("issuer", ""),
            Fence::Client(client) => ("client", client),
            Fence::Subject(subject) => ("subject", subject),
        };
        Self::Fence(digest_id(&[kind.as_bytes(), issuer.as_bytes(), name.as_bytes()]))
    }

    /// The key of a user code: 128 bits of a SHA-256 over issuer and letters.
    pub fn user_code(issuer: &str, letters: &str) -> Self {
        Self::UserCode(digest_id(&[b"user code", issuer.as_bytes(), letters.as_bytes()]))
    }

    /// The 16 bytes that name the row within its kind; uniformly distributed, so they also choose the shard.
    pub fn id(&self) -> &Id {
        match self {
            Self::Family(id) | Self::Mark(id) | Self::Fence(id) | Self::UserCode(id) => id,
        }
    }
}

fn digest_id(parts: &[&[u8]]) -> Id {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        context.update(part);
    }
    let mut id = [0; 16];
    id.copy_from_slice(&context.finish().as_ref()[..16]);
    Id(id)
}

/// What the store keeps under a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Row {
    /// A redeemed grant and everything that came from it.
    Family(Box<Family>),
    /// A code that was presented with wrong proof, so many times; not redeemed.
    MissedCode {
        /// Wrong attempts so far.
        misses: u8,
        /// When the code itself has expired.
        keep_until: Time,
    },
    /// A revoked token or a used assertion.
    Mark {
        /// The attempt that made the mark, so that its retry is not a replay.
        attempt: Id,
        /// When what it marks has expired by itself.
        keep_until: Time,
    },
    /// Everything issued at or before `at` is void.
    Fence {
        /// The moment of the fence.
        at: Time,
        /// When everything issued before `at` has expired by itself.
        keep_until: Time,
    },
    /// A device authorization that was not consumed; it becomes the family.
    Device(Box<Device>),
    /// A user code and the device it names.
    UserCode {
        /// The device.
        family: Id,
        /// When the code expires.
        keep_until: Time,
    },
}

impl Row {
    /// From when on the row may be forgotten.
    pub fn keep_until(&self) -> Time {
        match self {
            Self::Family(family) => family.keep_until,
            Self::Device(device) => device.expires_at,
            Self::MissedCode { keep_until, .. }
            | Self::Mark { keep_until, .. }
            | Self::Fence { keep_until, .. }
            | Self::UserCode { keep_until, .. } => *keep_until,
        }
    }
}

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

/// What happens to the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    Keep,
    /// It becomes this.
    Put(Row),
}

/// What the operation came to. `Err` is a refusal, not a failure: the store is fine.
pub type Outcome = Result<Done, Refusal>;

/// An operation that was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// The code or device code was redeemed; its family is at generation 0.
    Redeemed,
    /// The refresh token was exchanged.
    Rotated(Box<Rotated>),
    /// The wrong presentation was counted.
    Missed,
    /// The family is revoked (now or earlier), or there is none.
    Revoked,
    /// The mark is set.
    Marked,
    /// The fence stands.
    Fenced,
    /// The device authorization has begun.
    Started,
    /// The user code names the device.
    Named,
    /// The person's decision stands.
    Decided,
}

/// Why an operation was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// There is no such family.
    #[error("unknown")]
    Unknown,
    /// The code, the family or its idle time is over.
    #[error("expired")]
    Expired,
    /// The family is another client's.
    #[error("wrong client")]
    WrongClient,
    /// The family was revoked before, or lies behind a fence.
    #[error("revoked")]
    Revoked,
    /// The code or assertion was used before; a code's family is now revoked.
    #[error("replayed")]
    Replayed,
    /// A spent refresh token came back after its grace; the family is now revoked.
    #[error("reused")]
    Reused,
    /// The code was presented with wrong proof too often.
    #[error("missed too often")]
    Missed,
    /// The token proves a generation that the store has never seen: the store lost data (ENGINE.md 7.3).
    #[error("regressed")]
    Regressed,
    /// The name belongs to another device.
    #[error("taken")]
    Taken,
    /// The person decided otherwise before.
    #[error("decided already")]
    Decided,
    /// The person has not decided yet.
    #[error("pending")]
    Pending,
    /// The person said no.
    #[error("denied")]
    Denied,
}

/// The transition. `fence` is the latest of [`Op::fences`] ([`Time::ZERO`] if there is none), `now` the engine's time.
pub fn step(row: Option<&Row>, op: &Op, fence: Time, now: Time) -> (Change, Outcome) {
    match op {
        Op::Redeem(redeem) => family::redeem(row, redeem, fence, now),
        Op::Miss { limit, code_expires_at, .. } => family::miss(row, *limit, *code_expires_at, now),
        Op::Rotate(rotate) => family::rotate(row, rotate, fence, now),
        Op::Revoke { issuer, client, .. } => family::revoke(row, issuer, client.as_deref(), now),
        Op::Mark { attempt, keep_until, .. } => mark(row, *attempt, *keep_until, now),
        Op::RaiseFence { keep_for, .. } => raise_fence(row, *keep_for, now),
        Op::StartDevice(start) => device::start(row, start, now),
        Op::NameUserCode { family, keep_until, .. } => device::name(row, *family, *keep_until, now),
        Op::Decide(decide) => device::decide(row, decide, fence, now),
        Op::Consume(consume) => device::consume(row, consume, fence, now),
    }
}

fn mark(row: Option<&Row>, attempt: Id, keep_until: Time, now: Time) -> (Change, Outcome) {
    match row {
        Some(Row::Mark { attempt: first, keep_until }) if now < *keep_until => {
            (Change::Keep, if *first == attempt { Ok(Done::Marked) } else { Err(Refusal::Replayed) })
        }
        _ => (Change::Put(Row::Mark { attempt, keep_until }), Ok(Done::Marked)),
    }
}

fn raise_fence(row: Option<&Row>, keep_for: std::time::Duration, now: Time) -> (Change, Outcome) {
    let (mut at, mut keep_until) = (now, now + keep_for);
    if let Some(Row::Fence { at: earlier, keep_until: kept }) = row {
        (at, keep_until) = (at.max(*earlier), keep_until.max(*kept));
    }
    (Change::Put(Row::Fence { at, keep_until }), Ok(Done::Fenced))
}
