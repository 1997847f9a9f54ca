//! Providers and credentials as they are written: in the configuration and in client metadata.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::strict_json;

/// A provider of identities, by `type`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum FederatedProvider {
    /// Whoever signs tokens: an OpenID Connect issuer, a Kubernetes cluster, a SPIFFE trust domain.
    Oidc(TokenProvider),
    /// Whoever issues certificates: a private CA.
    X509(CertificateProvider),
    /// Whoever signs attested documents: a cloud.
    Pkcs7(DocumentProvider),
}

/// A provider of tokens, known by `issuer` or by `trust_domain`; its keys are in one of the three places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenProvider {
    /// The name that credentials use.
    pub name: String,
    /// The condition that each token must meet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// `iss`, byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The SPIFFE trust domain, such as `prod.example`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_domain: Option<String>,
    /// Members that `aud` may have; nothing else may stand in it. Empty means the issuer here and its token endpoint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<String>,
    /// The keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// A file with its keys, read at start and at a reload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_file: Option<PathBuf>,
    /// The URL of the keys: https, at a public address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Time that `exp` may be ahead.
    #[serde(default = "day", with = "humantime_serde")]
    pub longest_lifetime: Duration,
}

/// A provider of certificates for signing assertions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateProvider {
    /// The name that credentials use.
    pub name: String,
    /// The condition that each certificate and assertion must meet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// The certificates of its authorities, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificates: Option<String>,
    /// A file with them, read at start and at a reload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificates_file: Option<PathBuf>,
}

/// A provider of attested documents. A document is JSON, and one text member of it is what the workload asked to have
/// attested: JSON again, with `aud` and `signingTime`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentProvider {
    /// The name that credentials use.
    pub name: String,
    /// The condition that each document must meet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// Certificates in PEM; `verification` says whose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificates: Option<String>,
    /// A file with them, read at start and at a reload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificates_file: Option<PathBuf>,
    /// The owners of those certificates.
    #[serde(default)]
    pub verification: Verification,
    /// `aud` of what was attested: the vendor's instance id.
    pub audience: String,
    /// Time after `signingTime` for which a document is good.
    #[serde(default = "window", with = "humantime_serde")]
    pub signature_effective_time: Duration,
    /// The member with what was attested; empty if the document itself is that.
    #[serde(default = "audience")]
    pub statement: String,
}

/// The way in which the signer of a document is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verification {
    /// A chain of certificates leads to one of the provider's, which are of authorities.
    #[default]
    CertChain,
    /// The certificate of the signer is one of the provider's, byte for byte.
    Cert,
}

const fn day() -> Duration {
    Duration::from_secs(86_400)
}

const fn window() -> Duration {
    Duration::from_secs(1200)
}

fn audience() -> String {
    "audience".to_owned()
}

impl FederatedProvider {
    /// Returns the name that credentials use.
    pub fn name(&self) -> &str {
        match self {
            Self::Oidc(own) => &own.name,
            Self::X509(own) => &own.name,
            Self::Pkcs7(own) => &own.name,
        }
    }

    /// Replaces each file that is named by what `read` finds in it, so that what is left is pure.
    ///
    /// # Errors
    /// The setting, the file and why it cannot be used.
    pub fn read_files(&mut self, read: impl Fn(&std::path::Path) -> Result<String, String>) -> Result<(), String> {
        // beside another place for the same a file stays, and is refused as one of several
        let (file, certificates) = match self {
            Self::Oidc(own) => {
                if let (None, Some(path)) = (&own.jwks, own.jwks_file.take_if(|_| own.jwks.is_none())) {
                    let text = read(&path).map_err(|error| format!("jwks_file: {error}"))?;
                    let jwks = strict_json::from_slice(text.as_bytes());
                    own.jwks =
                        Some(jwks.map_err(|error| format!("jwks_file: {} is no JSON: {error}", path.display()))?);
                }
                return Ok(());
            }
            Self::X509(own) => (&mut own.certificates_file, &mut own.certificates),
            Self::Pkcs7(own) => (&mut own.certificates_file, &mut own.certificates),
        };
        if let (None, Some(path)) = (&certificates, file.take_if(|_| certificates.is_none())) {
            *certificates = Some(read(&path).map_err(|error| format!("certificates_file: {error}"))?);
        }
        Ok(())
    }
}

/// A credential, as it stands in the metadata of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FederatedCredential {
    /// The name, which the client sends as `application_federated_credential_name`.
    pub name: String,
    /// The provider whose word it is.
    pub provider: String,
    /// The condition under which that word means this client.
    pub condition: String,
    /// True if a proof is good for one request only; absent follows the method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub single_use: Option<bool>,
}
