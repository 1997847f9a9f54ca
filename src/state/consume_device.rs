//! Redemption of an approved device code (RFC 8628 section 3.4): its device becomes a family in one step.

use super::device::{Decision, Device};
use super::event::{Event, RevocationCause};
use super::family::{Beginning, Family, Lifetimes, SecondRedemption, SenderBinding};
use super::key::Key;
use super::row::Row;
use super::transition::{Operation, Seen, Transition};
use crate::id::Id;

/// The redemption of an approved device code.
#[derive(Clone, Debug)]
pub struct ConsumeDevice {
    /// Id in the device code.
    pub family: Id,
    /// Id of the issuer that received the request.
    pub issuer: Box<str>,
    /// Id of the client, already authenticated.
    pub client: Box<str>,
    /// Number of the vault's current master key.
    pub key: u8,
    /// Id of the request.
    pub attempt: Id,
    /// Lifetimes of the tokens that the family will issue.
    pub lifetimes: Lifetimes,
    /// Proof of possession that the sender presented, if any.
    pub shown: Option<SenderBinding>,
}

/// The reasons for which a device code is not redeemed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ConsumeRefusal {
    /// No such device exists.
    #[error("unknown")]
    Unknown,
    /// The device belongs to another client.
    #[error("wrong client")]
    WrongClient,
    /// The device is bound to a key of which the sender presented no proof.
    #[error("wrong sender: the device code is bound to another certificate")]
    WrongSender,
    /// The device code and user code have expired.
    #[error("expired")]
    Expired,
    /// The person has not decided yet.
    #[error("pending")]
    Pending,
    /// The person denied the request.
    #[error("denied")]
    Denied,
    /// The device was revoked, by itself or with its issuer, client or subject.
    #[error("revoked")]
    Revoked,
    /// The code was used before; its family is now revoked.
    #[error("replayed")]
    Replayed,
}

impl Operation for ConsumeDevice {
    type Done = ();
    type Refusal = ConsumeRefusal;

    const NAME: &'static str = "consume";

    fn key(&self) -> Key {
        Key::Family(self.family)
    }

    fn not_before(&self, row: Option<&Row>) -> Option<[Key; 3]> {
        match row {
            Some(Row::Family(family)) => Some(Key::all_not_before(&family.issuer, &family.client, &family.subject)),
            Some(Row::Device(device)) => match &device.decision {
                Decision::Approved { subject, .. } => {
                    Some(Key::all_not_before(&device.issuer, &device.client, subject))
                }
                Decision::Pending | Decision::Denied => None,
            },
            _ => None,
        }
    }

    fn step(&self, row: Option<&Row>, seen: Seen) -> Transition<Result<(), ConsumeRefusal>> {
        match row {
            Some(Row::Device(device)) if device.issuer != self.issuer || device.client != self.client => {
                self.of_another()
            }
            Some(Row::Device(device)) => self.consume(device, seen),
            // another client's is no replay, and must not log the owner out (CHECKLIST 41)
            Some(Row::Family(family)) if family.issuer != self.issuer || family.client != self.client => {
                self.of_another()
            }
            Some(Row::Family(family)) if !SenderBinding::is_met(family.binding, self.shown) => {
                Transition::keep(Err(ConsumeRefusal::WrongSender))
            }
            Some(Row::Family(family)) => match family.redeemed_again(self.attempt, seen.not_before) {
                SecondRedemption::OwnRetry => Transition::keep(Ok(())),
                SecondRedemption::Ended => Transition::keep(Err(ConsumeRefusal::Revoked)),
                SecondRedemption::Replay => {
                    let refusal = Err(ConsumeRefusal::Replayed);
                    Transition::revoke(family, self.family, RevocationCause::DeviceCodeReplayed, seen.now, refusal)
                }
            },
            _ => Transition::keep(Err(ConsumeRefusal::Unknown)),
        }
    }
}

impl ConsumeDevice {
    fn of_another(&self) -> Transition<Result<(), ConsumeRefusal>> {
        let (issuer, client) = (self.issuer.clone(), self.client.clone());
        Transition::keep(Err(ConsumeRefusal::WrongClient)).telling(Event::DeviceCodeOfAnother { issuer, client })
    }

    fn consume(&self, device: &Device, seen: Seen) -> Transition<Result<(), ConsumeRefusal>> {
        if seen.now >= device.expires_at {
            return Transition::keep(Err(ConsumeRefusal::Expired));
        }
        let (subject, at) = match &device.decision {
            Decision::Pending => return Transition::keep(Err(ConsumeRefusal::Pending)),
            Decision::Denied => return Transition::keep(Err(ConsumeRefusal::Denied)),
            Decision::Approved { subject, at } => (subject, *at),
        };
        if !SenderBinding::is_met(device.binding, self.shown) {
            return Transition::keep(Err(ConsumeRefusal::WrongSender));
        }
        if at <= seen.not_before {
            return Transition::keep(Err(ConsumeRefusal::Revoked));
        }
        let family = Family::begin(Beginning {
            issuer: &device.issuer,
            client: &device.client,
            subject,
            grant: &device.grant,
            authorized_at: at,
            key: self.key,
            attempt: self.attempt,
            lifetimes: self.lifetimes,
            now: seen.now,
            // the row is also the memory that the code was used
            code_expires_at: device.expires_at,
            binding: device.binding,
        });
        Transition::put(Row::Family(Box::new(family)), Ok(()))
    }
}
