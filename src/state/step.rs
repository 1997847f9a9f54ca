//! The state machine of the store: `step(row, op, fence, now) -> (change, outcome)`.
//!
//! One operation touches one row. An engine reads the row, calls [`step`], writes the change and only then answers;
//! that makes redeem, rotate, reuse detection and revocation one atomic transition each.
//! An engine that translates it (into SQL, say) must pass the same suite, `store::contract`.

use serde::{Deserialize, Serialize};

use super::device::{self, Device};
use super::family::{self, Family, Rotated};
use super::op::Op;
use crate::clock::Time;
use crate::id::Id;

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
    /// The token proves a generation that the store has never seen: the store lost data.
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
