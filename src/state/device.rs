//! A device authorization (RFC 8628): a row that waits for a person's decision and *becomes* a family in the one step
//! in which its approved code is consumed.
//!
//! Invariants: it is decided once; only an approved one is consumed, and only by its own client; a second consumption
//! is a replay that revokes the family (section 5.1 to 5.4, CHECKLIST 69).

use serde::{Deserialize, Serialize};

use super::family::SenderBinding;
use crate::clock::Time;
use crate::id::Id;

/// A device authorization that has not been consumed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Id of the issuer.
    pub issuer: Box<str>,
    /// Id of the client that started it.
    pub client: Box<str>,
    /// The requested grant and, once it is approved, the approved one; sealed by the vault under the family's id.
    pub grant: Box<[u8]>,
    /// Id of the request that started it.
    pub attempt: Id,
    /// Time of its start.
    pub started_at: Time,
    /// Time at which both of its codes expire.
    pub expires_at: Time,
    /// The person's decision.
    pub decision: Decision,
    /// Key of which the sender must prove possession to consume the device code, if any.
    pub binding: Option<SenderBinding>,
}

/// The state of a person's decision about a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decision {
    /// The person has not decided yet.
    Pending,
    /// The person approved.
    Approved {
        /// Id of the person.
        subject: Box<str>,
        /// Time of the decision.
        at: Time,
    },
    /// The person denied.
    Denied,
}

/// Leaves out the sealed grant.
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
