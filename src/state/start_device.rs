//! Begin a device authorization (RFC 8628 section 3.1).

use super::device::{Decision, Device};
use super::family::SenderBinding;
use super::key::Key;
use super::row::Row;
use super::transition::{Operation, Seen, Transition};
use crate::clock::Time;
use crate::id::Id;

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
    /// The request that asks.
    pub attempt: Id,
    /// When both codes expire.
    pub expires_at: Time,
    /// What whoever consumes the device code must show.
    pub binding: Option<SenderBinding>,
}

/// Why a device authorization cannot begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartRefusal {
    /// The id names something else.
    #[error("taken")]
    Taken,
}

impl Operation for StartDevice {
    type Done = ();
    type Refusal = StartRefusal;

    const NAME: &'static str = "start_device";
    const BEGINS: bool = true;

    fn key(&self) -> Key {
        Key::Family(self.family)
    }

    fn size(&self) -> usize {
        self.issuer.len() + self.client.len() + self.grant.len()
    }

    fn step(&self, row: Option<&Row>, seen: Seen) -> Transition<Result<(), StartRefusal>> {
        match row {
            None => {}
            Some(Row::Device(device)) if device.attempt == self.attempt => return Transition::keep(Ok(())),
            Some(_) => return Transition::keep(Err(StartRefusal::Taken)),
        }
        let device = Device {
            issuer: self.issuer.clone(),
            client: self.client.clone(),
            grant: self.grant.clone(),
            attempt: self.attempt,
            started_at: seen.now,
            expires_at: self.expires_at,
            decision: Decision::Pending,
            binding: self.binding,
        };
        Transition::put(Row::Device(Box::new(device)), Ok(()))
    }
}
