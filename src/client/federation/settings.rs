//! Providers and credentials as they are written: in the configuration and in client metadata.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A provider of identities, by `type`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum FederatedProvider {
    /// Whoever signs tokens: an OpenID Connect issuer, a Kubernetes cluster, a SPIFFE trust domain.
    Oidc(TokenProvider),
}

/// A provider of tokens, known by `issuer` or by `trust_domain`; its keys are in one of the three places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenProvider {
    /// How credentials name it.
    pub name: String,
    /// What must be true of each of its tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// `iss`, byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The SPIFFE trust domain, such as `prod.example`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_domain: Option<String>,
    /// What `aud` may have; nothing else may stand in it. Empty means the issuer here and its token endpoint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<String>,
    /// Its keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// A file with its keys, read at start and at a reload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_file: Option<PathBuf>,
    /// Where its keys are fetched: https, at a public address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// How far ahead `exp` may be.
    #[serde(default = "day", with = "humantime_serde")]
    pub longest_lifetime: Duration,
}

const fn day() -> Duration {
    Duration::from_secs(86_400)
}

impl FederatedProvider {
    /// How credentials name it.
    pub fn name(&self) -> &str {
        match self {
            Self::Oidc(own) => &own.name,
        }
    }

    /// Replaces each file that is named by what `read` finds in it, so that what is left is pure.
    ///
    /// # Errors
    /// The setting, the file and why it cannot be used.
    pub fn read_files(&mut self, read: impl Fn(&std::path::Path) -> Result<String, String>) -> Result<(), String> {
        match self {
            // with several places for the keys it stays, and is refused as one of several
            Self::Oidc(own) if own.jwks.is_none() => {
                let Some(path) = own.jwks_file.take() else { return Ok(()) };
                let text = read(&path).map_err(|error| format!("jwks_file: {error}"))?;
                let jwks = serde_json::from_str(&text);
                own.jwks = Some(jwks.map_err(|error| format!("jwks_file: {} is no JSON: {error}", path.display()))?);
            }
            Self::Oidc(_) => {}
        }
        Ok(())
    }
}

/// A credential, as it stands in the metadata of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FederatedCredential {
    /// Its name: what the client sends as `application_federated_credential_name`.
    pub name: String,
    /// The provider whose word it is.
    pub provider: String,
    /// When that word means this client.
    pub condition: String,
    /// Whether a proof is good for one request only; absent follows the method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub single_use: Option<bool>,
}
