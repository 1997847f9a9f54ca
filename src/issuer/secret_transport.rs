//! The transport of client secrets (RFC 6749 section 2.3.1).

use serde::{Deserialize, Serialize};

/// The ways in which a client may send its secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretTransport {
    /// Basic or the body, whichever is registered: many client libraries try one and then the other.
    #[default]
    Any,
    /// The registered one only.
    Registered,
}
