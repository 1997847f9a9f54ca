//! Further claims about a person in tokens: by a login portal, by the directory, by a webhook.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::token::Granted;
use crate::token::access::PROTOCOL_CLAIMS;
use crate::token::granted::MAX_CLAIMS;

/// Further claims of the tokens about a person.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UserClaims {
    /// Claims of access tokens.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub access_token: Map<String, Value>,
    /// Claims of ID tokens.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub id_token: Map<String, Value>,
}

impl From<UserClaims> for Granted {
    /// Grants nothing but the claims.
    fn from(claims: UserClaims) -> Self {
        Self { access_token_claims: claims.access_token, id_token_claims: claims.id_token, ..Self::default() }
    }
}

impl UserClaims {
    /// Returns whether there are no claims.
    pub fn is_empty(&self) -> bool {
        self.access_token.is_empty() && self.id_token.is_empty()
    }

    /// Checks that the claims are few and that none belongs to the protocol.
    ///
    /// # Errors
    /// The rule that is broken and by which claim.
    pub fn check(&self) -> Result<(), String> {
        for (name, claims) in [("access_token", &self.access_token), ("id_token", &self.id_token)] {
            if let Some(taken) = claims.keys().find(|claim| PROTOCOL_CLAIMS.contains(&claim.as_str())) {
                return Err(format!("claims.{name}: {taken} belongs to the protocol and cannot be set"));
            }
            if serde_json::to_string(claims).map_or(usize::MAX, |text| text.len()) > MAX_CLAIMS {
                return Err(format!("claims.{name}: at most {MAX_CLAIMS} bytes of JSON"));
            }
        }
        Ok(())
    }
}
