//! The grant of a person: the part of an authorization that outlives its code, sealed in the family's row.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::confirmation::Confirmation;
use crate::id::Id;
use crate::protocol::scope::Scope;
use crate::protocol::uri::has_control;
use crate::token::access::PROTOCOL_CLAIMS;
use crate::vault::{Purpose, Vault};

/// Longest `acr` and single `amr`, in bytes.
pub(crate) const MAX_TEXT: usize = 512;
/// Most `amr`.
pub(crate) const MAX_AMR: usize = 16;
/// Longest further claims of one token, in bytes of JSON.
pub(crate) const MAX_CLAIMS: usize = 2048;

/// The grant of an authorization. Short names on disk: there are millions of them.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Granted {
    /// The whole granted scope; a request may narrow it for one access token.
    #[serde(rename = "s")]
    pub scope: Scope,
    /// The granted resources (RFC 8707); none means the issuer's default audience.
    #[serde(rename = "r", default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// `nonce` of the authentication request, for the first ID token.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// Time of the person's authentication, seconds since the epoch.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<u64>,
    /// Authentication context class.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// Authentication methods (RFC 8176).
    #[serde(rename = "m", default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// Further claims of access tokens.
    #[serde(rename = "a", default, skip_serializing_if = "Map::is_empty")]
    pub access_token_claims: Map<String, Value>,
    /// Further claims of ID tokens.
    #[serde(rename = "i", default, skip_serializing_if = "Map::is_empty")]
    pub id_token_claims: Map<String, Value>,
    /// Confirmation that the bearer of the refresh tokens must give (RFC 8705 section 4).
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Confirmation>,
    /// True if there is never an ID token, although the scope may have `openid`: neither now nor with a refresh token.
    #[serde(rename = "u", default, skip_serializing_if = "std::ops::Not::not")]
    pub unidentified: bool,
    /// True if the client authenticated when it got this grant: one that became public since must not go on with it.
    #[serde(rename = "p", default, skip_serializing_if = "std::ops::Not::not")]
    pub proven: bool,
}

impl Granted {
    /// Limits the grant to the `scope` and `resources` that the client may have now (CHECKLIST 56); returns `None` if
    /// nothing of either is left, because no resource would mean the default audience.
    pub fn limited_to(mut self, scope: &Scope, resources: &[String]) -> Option<Self> {
        let had = (!self.scope.is_empty(), !self.resources.is_empty());
        self.scope = self.scope.common(scope);
        self.resources.retain(|resource| resources.contains(resource));
        (had == (!self.scope.is_empty(), !self.resources.is_empty())).then_some(self)
    }

    /// Checks what somebody else said of a person: few texts, few claims, and none of the protocol's.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn check(&self) -> Result<(), &'static str> {
        let mut texts = self.acr.iter().chain(&self.amr);
        if self.amr.len() > MAX_AMR || texts.any(|text| text.len() > MAX_TEXT || has_control(text)) {
            return Err("acr, amr: at most 512 bytes each without control characters, at most 16 amr");
        }
        for claims in [&self.access_token_claims, &self.id_token_claims] {
            if claims.keys().any(|claim| PROTOCOL_CLAIMS.contains(&claim.as_str())) {
                return Err("a claim that belongs to the protocol");
            }
            if serde_json::to_string(claims).map_or(usize::MAX, |text| text.len()) > MAX_CLAIMS {
                return Err("claims: at most 2048 bytes of JSON for a token");
            }
        }
        Ok(())
    }

    /// Seals the grant for the store, under the family's id and its issuer.
    pub fn seal(&self, family: &Id, issuer: &str, vault: &Vault) -> Box<[u8]> {
        // a struct of strings and JSON values always serialises
        let plain = serde_json::to_vec(self).unwrap_or_default();
        vault.seal(Purpose::Grant, family, issuer.as_bytes(), &plain).into_boxed_slice()
    }

    /// Opens a stored grant; `None` if it was sealed under other keys, or for another family or issuer.
    pub fn open(sealed: &[u8], family: &Id, issuer: &str, vault: &Vault) -> Option<Self> {
        let plain = vault.open(Purpose::Grant, family, issuer.as_bytes(), sealed)?;
        serde_json::from_slice(&plain).ok()
    }
}
