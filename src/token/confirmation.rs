//! The claim `cnf`: the key that the bearer of a token must prove to hold (RFC 7800 section 3.1).

use serde::{Deserialize, Serialize};

use super::proof_key::POP;
use crate::jose::PublicJwk;
use crate::state::SenderBinding;

/// The confirmation that a token demands of its bearer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// The certificate with this SHA-256, in base64url (RFC 8705 section 3.1).
    #[serde(rename = "x5t#S256", default, skip_serializing_if = "Option::is_none")]
    pub x5t_s256: Option<String>,
    /// The private half of this key (RFC 7800 section 3.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwk: Option<Box<PublicJwk>>,
}

impl Confirmation {
    /// Returns the `token_type` of an access token that is bound so (RFC 6749 section 7.1).
    pub fn token_type(bound: Option<&Self>) -> &'static str {
        if bound.is_some_and(|confirmation| confirmation.jwk.is_some()) { POP } else { "Bearer" }
    }

    /// Demands what the sender proved, a key that it named, or both; `None` if neither is given.
    pub fn of(sender: Option<SenderBinding>, key: Option<&PublicJwk>) -> Option<Self> {
        let x5t_s256 = sender.map(|SenderBinding::Certificate(thumbprint)| thumbprint.encode());
        let all = Self { x5t_s256, jwk: key.cloned().map(Box::new) };
        (all != Self::default()).then_some(all)
    }
}
