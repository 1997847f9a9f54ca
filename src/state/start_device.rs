//! Start of a device authorization (RFC 8628 section 3.1).

use super::device::{Decision, Device};
use super::family::SenderBinding;
use super::key::Key;
use super::row::Row;
use super::transition::{Operation, Seen, Transition};
use crate::clock::Time;
use crate::id::Id;

/// The start of a device authorization.
#[derive(Clone, Debug)]
pub struct StartDevice {
    /// Id in the device code.
    pub family: Id,
    /// Id of the issuer.
    pub issuer: Box<str>,
    /// Id of the client, already authenticated.
    pub client: Box<str>,
    /// The requested grant, sealed.
    pub grant: Box<[u8]>,
    /// Id of the request.
    pub attempt: Id,
    /// Time at which both codes expire.
    pub expires_at: Time,
    /// Key of which the sender must prove possession to consume the device code, if any.
    pub binding: Option<SenderBinding>,
}

/// The reasons for which a device authorization cannot start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartRefusal {
    /// The id is taken by another row.
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
