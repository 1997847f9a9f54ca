//! Issuers of assertions that an operator trusts (RFC 7523 section 3): whose word about a subject counts, signed with
//! which keys, for which scopes. Keys stand in the settings; nothing is fetched.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::jose::{Algorithm, Owner, PublicJwk, VerifyingKey};
use crate::protocol::scope::Scope;
use crate::protocol::uri::{self, UriError};

/// A trusted issuer, as it stands in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedIssuer {
    /// Its `iss`, byte for byte.
    pub issuer: String,
    /// Its public keys; each needs `alg`, and `kid` if there are several.
    pub jwks: KeySet,
    /// The `aud` its assertions must have; absent means the URL of the issuer here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// The claim that becomes the subject.
    #[serde(default = "sub")]
    pub subject_claim: String,
    /// The scopes it may grant.
    #[serde(default)]
    pub scopes: Scope,
    /// How far ahead the `exp` of an assertion may be.
    #[serde(default = "hour", with = "humantime_serde")]
    pub longest_lifetime: Duration,
}

/// A JWK Set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySet {
    /// Its keys.
    pub keys: Vec<Map<String, Value>>,
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
    /// Its `iss`.
    pub issuer: String,
    /// The `aud` its assertions must have, if it is not the issuer's URL.
    pub audience: Option<String>,
    /// The claim that becomes the subject.
    pub subject_claim: String,
    /// The scopes it may grant.
    pub scopes: Scope,
    /// How far ahead the `exp` of an assertion may be.
    pub longest_lifetime: Duration,
    keys: Vec<TrustedKey>,
}

#[derive(Clone, Debug)]
struct TrustedKey {
    kid: Option<String>,
    alg: Algorithm,
    key: std::sync::Arc<VerifyingKey>,
}

impl Trusted {
    /// Checks the settings.
    ///
    /// # Errors
    /// The rule that they break.
    pub fn new(settings: &TrustedIssuer) -> Result<Self, String> {
        let keys: Vec<TrustedKey> = settings.jwks.keys.iter().map(TrustedKey::new).collect::<Result<_, _>>()?;
        let unnamed = keys.iter().any(|key| key.kid.is_none());
        let repeated = keys.iter().enumerate().any(|(at, key)| keys[..at].iter().any(|other| other.kid == key.kid));
        if keys.is_empty() || repeated || unnamed && keys.len() > 1 {
            return Err("jwks.keys: at least one, and a kid of its own for each if there are several".to_owned());
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
            keys,
        })
    }

    /// The key named `kid` and the only algorithm it may be used with; without a name, the only key.
    pub fn key(&self, kid: Option<&str>) -> Option<(&VerifyingKey, Algorithm)> {
        let found = match (kid, &self.keys[..]) {
            (None, [only]) => Some(only),
            (Some(kid), keys) => keys.iter().find(|key| key.kid.as_deref() == Some(kid)),
            (None, _) => None,
        };
        found.map(|found| (&*found.key, found.alg))
    }
}

impl TrustedKey {
    fn new(jwk: &Map<String, Value>) -> Result<Self, &'static str> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let alg = text("alg").and_then(Algorithm::parse).ok_or("jwks.keys: each needs an `alg` that jeton knows")?;
        if text("use").is_some_and(|usage| usage != "sig") {
            return Err("jwks.keys: `use` must be sig");
        }
        let public = PublicJwk::try_from(jwk.clone()).map_err(|_| "jwks.keys: a public OKP, EC or RSA key")?;
        let key = VerifyingKey::new(&public, Owner::SomebodyElse).map_err(|_| "jwks.keys: no usable key")?;
        Ok(Self { kid: text("kid").map(str::to_owned), alg, key: key.into() })
    }
}
