//! Issuers of assertions that an operator trusts (RFC 7523 section 3): whose word about a subject counts, signed with
//! which keys, for which scopes. Keys stand in the settings; nothing is fetched.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::jwks::keyset::{KeySet, Skipped};
use crate::protocol::scope::Scope;
use crate::protocol::uri::{self, UriError};

/// A trusted issuer, as it stands in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedIssuer {
    /// The `iss`, byte for byte.
    pub issuer: String,
    /// The public keys as a JWK Set; each needs `alg`.
    pub jwks: Value,
    /// The `aud` its assertions must have; absent means the URL of the issuer here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// The claim that becomes the subject.
    #[serde(default = "sub")]
    pub subject_claim: String,
    /// The scopes it may grant.
    #[serde(default)]
    pub scopes: Scope,
    /// Time that the `exp` of an assertion may be ahead.
    #[serde(default = "hour", with = "humantime_serde")]
    pub longest_lifetime: Duration,
}

fn sub() -> String {
    "sub".to_owned()
}

const fn hour() -> Duration {
    Duration::from_secs(3600)
}

/// A trusted issuer in use.
#[derive(Clone, Debug)]
pub struct Trusted {
    /// The `iss`.
    pub issuer: String,
    /// The `aud` its assertions must have, if it is not the issuer's URL.
    pub audience: Option<String>,
    /// The claim that becomes the subject.
    pub subject_claim: String,
    /// The scopes it may grant.
    pub scopes: Scope,
    /// Time that the `exp` of an assertion may be ahead.
    pub longest_lifetime: Duration,
    /// The keys; each may be used with the one algorithm that it names.
    pub keys: Arc<KeySet>,
    /// The keys that cannot be used.
    pub skipped: Arc<[Skipped]>,
}

impl Trusted {
    /// Checks the settings.
    ///
    /// # Errors
    /// The rule that they break.
    pub fn new(settings: &TrustedIssuer) -> Result<Self, String> {
        const RULE: &str = "jwks: a JWK set with at least one public OKP, EC or RSA key that can be used";
        let (keys, skipped) = KeySet::members(&settings.jwks).map_err(|_| RULE)?;
        if skipped.iter().any(Skipped::is_private) {
            return Err("jwks.keys: public keys only; one has a private part".to_owned());
        }
        if let Some(wrong) = skipped.iter().find(|skipped| skipped.has_unknown_alg()) {
            return Err(format!("jwks.{wrong}; each key needs an `alg` that jeton knows"));
        }
        let keys = keys.not_empty().map_err(|_| RULE)?;
        if !keys.has_algorithms() {
            return Err("jwks.keys: each needs an `alg` that jeton knows".to_owned());
        }
        if settings.issuer.is_empty() || settings.subject_claim.is_empty() || settings.audience.as_deref() == Some("") {
            return Err("issuer, audience and subject_claim cannot be empty".to_owned());
        }
        uri::identifier(&settings.issuer).map_err(|error| format!("issuer {error}"))?;
        settings.audience.as_deref().map_or(Ok(()), uri::identifier).map_err(|error| format!("audience {error}"))?;
        if !uri::is_clean(&settings.subject_claim) {
            return Err(format!("subject_claim {}", UriError::Unclean));
        }
        if settings.longest_lifetime > Duration::from_secs(86_400) || settings.longest_lifetime.is_zero() {
            return Err("longest_lifetime: 1s to 1d".to_owned());
        }
        Ok(Self {
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            subject_claim: settings.subject_claim.clone(),
            scopes: settings.scopes.clone(),
            longest_lifetime: settings.longest_lifetime,
            keys: Arc::new(keys),
            skipped: skipped.into(),
        })
    }
}
