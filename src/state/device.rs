//! A device authorization (RFC 8628): a row that waits for a person's decision and *becomes* a family in the one step
//! in which its approved code is consumed.
//!
//! Always true: it is decided once; only an approved one is consumed, by its own client; a second consumption is a
//! replay that revokes the family (section 5.1 to 5.4, CHECKLIST 69).

use serde::{Deserialize, Serialize};

use super::family::SenderBinding;
use crate::clock::Time;
use crate::id::Id;

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
    /// What whoever consumes its device code must show.
    pub binding: Option<SenderBinding>,
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
