//! A person's decision about a device (RFC 8628 section 3.3).

use super::device::{Decision, Device};
use super::key::{Key, NotBeforeOf};
use super::row::Row;
use super::transition::{Operation, Seen, Transition};
use crate::id::Id;

/// Longest client id, in bytes: the row holds it, the decision does not.
const LONGEST_CLIENT: usize = 128;

/// The decision of a person about a device.
#[derive(Clone, Debug)]
pub struct DecideDevice {
    /// Id of the family that the user code names.
    pub family: Id,
    /// Id of the issuer that the device must belong to.
    pub issuer: Box<str>,
    /// The decision.
    pub decision: DeviceDecision,
}

/// A person's decision about a device, with its consequences.
#[derive(Clone, Debug)]
pub enum DeviceDecision {
    /// The person approved.
    Approve {
        /// Id of the person.
        subject: Box<str>,
        /// The grant that the person approved, sealed under the family's id.
        grant: Box<[u8]>,
    },
    /// The person denied.
    Deny,
}

/// The reasons for which a decision is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecideRefusal {
    /// No such device exists.
    #[error("unknown")]
    Unknown,
    /// The device code and user code have expired.
    #[error("expired")]
    Expired,
    /// The device was revoked, with its issuer or client.
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
