//! How clients send their secrets (RFC 6749 section 2.3.1).

use serde::{Deserialize, Serialize};

/// How a client may send its secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretTransport {
    /// By Basic or in the body, whichever is registered: many client libraries try one and then the other.
    #[default]
    Any,
    /// As registered, and not otherwise.
    Registered,
}
