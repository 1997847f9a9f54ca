//! A device authorization (RFC 8628): a row that waits for a person's decision and *becomes* a family in the one step
//! in which its approved code is consumed.
//!
//! Always true: it is decided once; only an approved one is consumed, by its own client; a second consumption is a
//! replay that revokes the family (section 5.1 to 5.4, CHECKLIST 69).

use serde::{Deserialize, Serialize};

use super::family::{self, Beginning, Family, Lifetimes};
use crate::clock::Time;
use crate::id::Id;
use crate::state::step::{Change, Done, Outcome, Refusal, Row};

/// A device authorization that was not consumed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// The issuer's id.
    pub issuer: Box<str>,
    /// The client that asked.
    pub client: Box<str>,
    /// What was asked for, and once it is approved what was granted; sealed by the vault under the family's id.
    pub grant: Box<[u8]>,
    /// The request that made it.
    pub attempt: Id,
    /// When it began.
    pub started_at: Time,
    /// When both of its codes expire.
    pub expires_at: Time,
    /// What the person decided.
    pub decision: Decision,
}

/// What a person decided about a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decision {
    /// Nothing yet.
    Pending,
    /// Yes.
    Approved {
        /// The person.
        subject: Box<str>,
        /// When.
        at: Time,
    },
    /// No.
    Denied,
}

/// Leaves the sealed grant out.
impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device")
            .field("client", &self.client)
            .field("started_at", &self.started_at)
            .field("expires_at", &self.expires_at)
            .field("decision", &self.decision)
            .finish_non_exhaustive()
    }
}

/// Begin a device authorization.
#[derive(Clone, Debug)]
pub struct StartDevice {
    /// The id in the device code.
    pub family: Id,
    /// The issuer's id.
    pub issuer: Box<str>,
    /// The client, already authenticated.
    pub client: Box<str>,
    /// What is asked for, sealed.
    pub grant: Box<[u8]>,
    /// Who asks.
    pub attempt: Id,
    /// When the codes expire.
    pub expires_at: Time,
}

/// Decide about a device.
#[derive(Clone, Debug)]
pub struct Decide {
    /// The family that the user code names.
    pub family: Id,
    /// The issuer it must belong to.
    pub issuer: Box<str>,
    /// What the person decided.
    pub verdict: Verdict,
}

/// A person's answer.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Yes.
    Approve {
        /// The person.
        subject: Box<str>,
        /// What was granted, sealed under the family's id.
        grant: Box<[u8]>,
    },
    /// No.
    Deny,
}

/// Exchange an approved device code.
#[derive(Clone, Debug)]
pub struct Consume {
    /// The id in the device code.
    pub family: Id,
    /// The issuer that is asked.
    pub issuer: Box<str>,
    /// The client, already authenticated.
    pub client: Box<str>,
    /// The vault's current key.
    pub key: u8,
    /// Who asks.
    pub attempt: Id,
    /// Of what will be issued.
    pub lifetimes: Lifetimes,
}

pub(super) fn start(row: Option<&Row>, op: &StartDevice, now: Time) -> (Change, Outcome) {
    match row {
        None => {}
        Some(Row::Device(device)) if device.attempt == op.attempt => return (Change::Keep, Ok(Done::Started)),
        Some(_) => return (Change::Keep, Err(Refusal::Taken)),
    }
    let device = Device {
        issuer: op.issuer.clone(),
        client: op.client.clone(),
        grant: op.grant.clone(),
        attempt: op.attempt,
        started_at: now,
        expires_at: op.expires_at,
        decision: Decision::Pending,
    };
    (Change::Put(Row::Device(Box::new(device))), Ok(Done::Started))
}

/// Makes a user code name a device; one that still names another is taken.
pub(super) fn name(row: Option<&Row>, family: Id, keep_until: Time, now: Time) -> (Change, Outcome) {
    match row {
        Some(Row::UserCode { family: own, keep_until: kept }) if now < *kept => {
            (Change::Keep, if *own == family { Ok(Done::Named) } else { Err(Refusal::Taken) })
        }
        _ => (Change::Put(Row::UserCode { family, keep_until }), Ok(Done::Named)),
    }
}

/// `fence` is the latest of issuer and client: it voids what was started before.
pub(super) fn decide(row: Option<&Row>, op: &Decide, fence: Time, now: Time) -> (Change, Outcome) {
    let device = match row {
        Some(Row::Device(device)) if device.issuer == op.issuer => device,
        Some(Row::Family(family)) if family.issuer == op.issuer => return (Change::Keep, Err(Refusal::Decided)),
        _ => return (Change::Keep, Err(Refusal::Unknown)),
    };
    if now >= device.expires_at {
        return (Change::Keep, Err(Refusal::Expired));
    }
    if device.started_at <= fence {
        return (Change::Keep, Err(Refusal::Revoked));
    }
    let decided = match (&device.decision, &op.verdict) {
        (Decision::Pending, Verdict::Approve { subject, grant }) => Device {
            grant: grant.clone(),
            decision: Decision::Approved { subject: subject.clone(), at: now },
            ..Device::clone(device)
        },
        (Decision::Pending, Verdict::Deny) => Device { decision: Decision::Denied, ..Device::clone(device) },
        // the same decision again is its retry
        (Decision::Denied, Verdict::Deny) => return (Change::Keep, Ok(Done::Decided)),
        (Decision::Approved { subject: own, .. }, Verdict::Approve { subject, grant })
            if own == subject && device.grant == *grant =>
        {
            return (Change::Keep, Ok(Done::Decided));
        }
        (Decision::Approved { .. } | Decision::Denied, _) => return (Change::Keep, Err(Refusal::Decided)),
    };
    (Change::Put(Row::Device(Box::new(decided))), Ok(Done::Decided))
}

pub(super) fn consume(row: Option<&Row>, op: &Consume, fence: Time, now: Time) -> (Change, Outcome) {
    let device = match row {
        Some(Row::Device(device)) => device,
        Some(Row::Family(family)) => return consume_again(family, op, fence, now),
        _ => return (Change::Keep, Err(Refusal::Unknown)),
    };
    if device.issuer != op.issuer || device.client != op.client {
        return (Change::Keep, Err(Refusal::WrongClient));
    }
    if now >= device.expires_at {
        return (Change::Keep, Err(Refusal::Expired));
    }
    let (subject, at) = match &device.decision {
        Decision::Pending => return (Change::Keep, Err(Refusal::Pending)),
        Decision::Denied => return (Change::Keep, Err(Refusal::Denied)),
        Decision::Approved { subject, at } => (subject, *at),
    };
    if at <= fence {
        return (Change::Keep, Err(Refusal::Revoked));
    }
    let family = Family::begin(Beginning {
        issuer: &device.issuer,
        client: &device.client,
        subject,
        grant: &device.grant,
        authorized_at: at,
        key: op.key,
        attempt: op.attempt,
        lifetimes: op.lifetimes,
        now,
        // the row is also the memory that the code was used
        code_expires_at: device.expires_at,
    });
    (Change::Put(Row::Family(Box::new(family))), Ok(Done::Redeemed))
}

/// A second consumption: our own retry, or a replay that revokes what the first one produced. Another client's is
/// neither, and must not log the owner out (CHECKLIST 41).
fn consume_again(family: &Family, op: &Consume, fence: Time, now: Time) -> (Change, Outcome) {
    if family.issuer != op.issuer || family.client != op.client {
        return (Change::Keep, Err(Refusal::WrongClient));
    }
    family::begun_again(family, op.attempt, fence, now)
}

#[cfg(test)]
mod tests;
