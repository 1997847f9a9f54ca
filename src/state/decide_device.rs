//! Make a person's decision about a device stand (RFC 8628 section 3.3).

use super::device::{Decision, Device};
use super::key::{Key, NotBeforeOf};
use super::row::Row;
use super::transition::{Operation, Seen, Transition};
use crate::id::Id;

/// The longest client id, in bytes: what a decision does not say and its row holds.
const LONGEST_CLIENT: usize = 128;

/// Decide about a device.
#[derive(Clone, Debug)]
pub struct DecideDevice {
    /// The family that the user code names.
    pub family: Id,
    /// The issuer it must belong to.
    pub issuer: Box<str>,
    /// What the person decided.
    pub decision: DeviceDecision,
}

/// What a person decided, with what follows from it.
#[derive(Clone, Debug)]
pub enum DeviceDecision {
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

/// Why a decision does not stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecideRefusal {
    /// There is no such device.
    #[error("unknown")]
    Unknown,
    /// Its codes are over.
    #[error("expired")]
    Expired,
    /// It was revoked, with its issuer or client.
    #[error("revoked")]
    Revoked,
    /// The person decided otherwise before.
    #[error("decided already")]
    Decided,
}

impl Operation for DecideDevice {
    type Done = ();
    type Refusal = DecideRefusal;

    const NAME: &'static str = "decide";

    fn key(&self) -> Key {
        Key::Family(self.family)
    }

    // whose it will be is not known before: the client's moment stands in for the subject's
    fn not_before(&self, row: Option<&Row>) -> Option<[Key; 3]> {
        let Some(Row::Device(device)) = row else { return None };
        let client = Key::not_before(&device.issuer, &NotBeforeOf::Client(&*device.client));
        Some([Key::not_before::<&str>(&device.issuer, &NotBeforeOf::Issuer), client, client])
    }

    fn size(&self) -> usize {
        match &self.decision {
            DeviceDecision::Approve { subject, grant } => {
                self.issuer.len() + LONGEST_CLIENT + subject.len() + grant.len()
            }
            DeviceDecision::Deny => 0,
        }
    }

    fn step(&self, row: Option<&Row>, seen: Seen) -> Transition<Result<(), DecideRefusal>> {
        let device = match row {
            Some(Row::Device(device)) if device.issuer == self.issuer => device,
            Some(Row::Family(family)) if family.issuer == self.issuer => {
                return Transition::keep(Err(DecideRefusal::Decided));
            }
            _ => return Transition::keep(Err(DecideRefusal::Unknown)),
        };
        if seen.now >= device.expires_at {
            return Transition::keep(Err(DecideRefusal::Expired));
        }
        if device.started_at <= seen.not_before {
            return Transition::keep(Err(DecideRefusal::Revoked));
        }
        let decided = match (&device.decision, &self.decision) {
            (Decision::Pending, DeviceDecision::Approve { subject, grant }) => Device {
                grant: grant.clone(),
                decision: Decision::Approved { subject: subject.clone(), at: seen.now },
                ..Device::clone(device)
            },
            (Decision::Pending, DeviceDecision::Deny) => Device { decision: Decision::Denied, ..Device::clone(device) },
            // the same decision again is its retry
            (Decision::Denied, DeviceDecision::Deny) => return Transition::keep(Ok(())),
            (Decision::Approved { subject: own, .. }, DeviceDecision::Approve { subject, grant })
                if own == subject && device.grant == *grant =>
            {
                return Transition::keep(Ok(()));
            }
            (Decision::Approved { .. } | Decision::Denied, _) => {
                return Transition::keep(Err(DecideRefusal::Decided));
            }
        };
        Transition::put(Row::Device(Box::new(decided)), Ok(()))
    }
}
