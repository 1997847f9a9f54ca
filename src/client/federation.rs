//! Federated credentials: an outside provider says who a workload is, and a client is who that provider's word, judged by
//! rules, makes it (Alibaba Cloud IDaaS; Kubernetes service accounts; SPIFFE).
//!
//! A provider is an issuer's: what is trusted, and an optional condition for everybody. A credential is a client's: a
//! provider and the condition under which its word means this client. Both conditions must hold, and a credential always
//! has one: what a provider says of all of its workloads must not make each of them this client.

pub mod facts;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use url::Url;

pub use self::settings::{
    CertificateProvider, DocumentProvider, FederatedCredential, FederatedProvider, TokenProvider, Verification,
};
use super::condition::{Condition, Facts, Subject};
use super::keyset::{ClientKeys, KeySet};
use super::metadata::AuthMethod;
use crate::x509::{Anchors, Certificate, X509Error};

/// Longest name of a provider or a credential, in bytes.
pub const MAX_NAME: usize = 64;
/// Most credentials of a client.
pub const MAX_CREDENTIALS: usize = 32;
/// Most providers of an issuer.
pub const MAX_PROVIDERS: usize = 256;
/// The longest an attested document may be good for.
const LONGEST_DOCUMENT: Duration = Duration::from_secs(86_400);
/// The longest a token of a provider may be good for.
const LONGEST_TOKEN: Duration = Duration::from_secs(366 * 86_400);

/// A provider in use.
#[derive(Debug)]
pub struct Provider {
    /// Its name, unique at its issuer.
    pub name: String,
    /// What must be true of everything it says.
    pub condition: Option<Condition>,
    /// What is trusted.
    pub trust: Trust,
}

/// What a provider is trusted for.
#[derive(Debug)]
pub enum Trust {
    /// The claims of tokens that it signs.
    Tokens(TokenTrust),
    /// The certificates that it issues.
    Certificates(Anchors),
    /// The documents that it signs.
    Documents(DocumentTrust),
}

/// Whose attested documents count, and how they look.
#[derive(Debug)]
pub struct DocumentTrust {
    /// Who signs them.
    pub signers: Signers,
    /// `aud` of what was attested.
    pub audience: String,
    /// How long after its `signingTime` a document is good.
    pub effective_time: Duration,
    /// The member with what was attested, if it is not the document itself.
    pub statement: Option<String>,
}

/// Who signs documents.
#[derive(Debug)]
pub enum Signers {
    /// Whoever one of these authorities gave a certificate.
    Of(Anchors),
    /// The holders of these certificates.
    Are(Vec<Certificate>),
}

/// Whose tokens count (OpenID Connect ID tokens, Kubernetes service account tokens, JWT-SVIDs).
#[derive(Debug)]
pub struct TokenTrust {
    /// Where they come from.
    pub origin: Origin,
    /// What their audience may be; empty means the issuer here and its token endpoint.
    pub audiences: Vec<String>,
    /// Whose signature they bear.
    pub keys: ClientKeys,
    /// How far ahead `exp` may be.
    pub longest_lifetime: Duration,
}

/// How a token says where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// By `iss`, byte for byte.
    Issuer(String),
    /// By the trust domain of the SPIFFE id in `sub`; a JWT-SVID needs no `iss`.
    TrustDomain(String),
}

impl Origin {
    /// Whether a token with these claims says that it comes from there.
    pub fn is_of(&self, issuer: Option<&str>, subject: Option<&str>) -> bool {
        match self {
            Self::Issuer(own) => issuer == Some(own),
            Self::TrustDomain(own) => subject.and_then(trust_domain) == Some(own),
        }
    }
}

/// The trust domain of a well-formed SPIFFE id (SPIFFE-ID sections 2.1 to 2.4). What is ambiguous to compare by its
/// beginning (`..`, empty segments, percent-escapes) is not well-formed.
pub fn trust_domain(id: &str) -> Option<&str> {
    let rest = id.strip_prefix("spiffe://").filter(|_| id.len() <= 2048)?;
    let (domain, path) = rest.split_once('/').map_or((rest, None), |(domain, path)| (domain, Some(path)));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(plain);
    let lower = |byte: u8| plain(byte) && !byte.is_ascii_uppercase();
    let whole = path.is_none_or(|path| path.split('/').all(segment));
    (!domain.is_empty() && domain.len() <= 255 && domain.bytes().all(lower) && whole).then_some(domain)
}

impl Provider {
    /// Checks the settings of a provider of the issuer with `url`.
    ///
    /// # Errors
    /// The rule that they break.
    pub fn new(settings: &FederatedProvider, url: &str) -> Result<Self, String> {
        let (condition, trust) = match settings {
            FederatedProvider::Oidc(own) => (&own.condition, Trust::Tokens(TokenTrust::new(own, url)?)),
            FederatedProvider::X509(own) => {
                let pem = certificates(&own.certificates, own.certificates_file.is_some())?;
                (&own.condition, Trust::Certificates(anchors(pem)?))
            }
            FederatedProvider::Pkcs7(own) => (&own.condition, Trust::Documents(DocumentTrust::new(own)?)),
        };
        check_name(settings.name())?;
        let mut provider = Self { name: settings.name().to_owned(), condition: None, trust };
        if let Some(text) = condition {
            let parsed = Condition::parse(text, provider.subject());
            provider.condition = Some(parsed.map_err(|error| format!("condition: {error}"))?);
        }
        Ok(provider)
    }

    /// The method of clients that it vouches for.
    pub fn method(&self) -> AuthMethod {
        match &self.trust {
            Trust::Tokens(_) => AuthMethod::IdTokenBearer,
            Trust::Certificates(_) => AuthMethod::X509JwtBearer,
            Trust::Documents(_) => AuthMethod::Pkcs7Bearer,
        }
    }

    fn subject(&self) -> Subject {
        match &self.trust {
            Trust::Tokens(_) => Subject::Token,
            Trust::Certificates(_) => Subject::CertifiedToken,
            Trust::Documents(_) => Subject::Document,
        }
    }

    /// Whether it has the name of another one, or its tokens would be taken for the other's.
    pub fn is_like(&self, other: &Self) -> bool {
        let origin = |provider: &Self| match &provider.trust {
            Trust::Tokens(trust) => Some(trust.origin.clone()),
            Trust::Certificates(_) | Trust::Documents(_) => None,
        };
        self.name == other.name || origin(self).is_some() && origin(self) == origin(other)
    }

    /// Whether what it says meets its own condition.
    pub fn vouches(&self, facts: &Facts) -> bool {
        self.condition.as_ref().is_none_or(|condition| condition.holds(facts))
    }
}

impl TokenTrust {
    fn new(own: &TokenProvider, url: &str) -> Result<Self, String> {
        let wrong = |rule: &str| Err(rule.to_owned());
        let origin = match (&own.issuer, &own.trust_domain) {
            (Some(issuer), None) if issuer.is_empty() || issuer == url => {
                return wrong("issuer: the `iss` of somebody else's tokens, byte for byte");
            }
            (Some(issuer), None) => Origin::Issuer(issuer.clone()),
            (None, Some(domain)) if trust_domain(&format!("spiffe://{domain}")) != Some(domain) => {
                return wrong("trust_domain: lower-case letters, digits, `.`, `-` and `_`, without spiffe://");
            }
            (None, Some(domain)) => Origin::TrustDomain(domain.clone()),
            (Some(_), Some(_)) | (None, None) => return wrong("exactly one of issuer and trust_domain"),
        };
        if own.audiences.iter().any(String::is_empty) {
            return wrong("audiences: none may be empty");
        }
        if own.longest_lifetime.is_zero() || own.longest_lifetime > LONGEST_TOKEN {
            return wrong("longest_lifetime: 1s to 366d");
        }
        let keys = match (&own.jwks, &own.jwks_file, &own.jwks_uri) {
            (Some(jwks), None, None) => KeySet::new(jwks).map(|keys| ClientKeys::Inline(Arc::new(keys))),
            (None, None, Some(uri)) => {
                let url = Url::parse(uri).ok().filter(|url| url.scheme() == "https" && url.fragment().is_none());
                let Some(url) = url else { return wrong("jwks_uri: an https URL without fragment") };
                Ok(ClientKeys::Remote(url))
            }
            _ => return wrong("exactly one of jwks, jwks_file and jwks_uri"),
        };
        Ok(Self {
            origin,
            audiences: own.audiences.clone(),
            keys: keys.map_err(|error| format!("jwks: {error}"))?,
            longest_lifetime: own.longest_lifetime,
        })
    }
}

impl DocumentTrust {
    fn new(own: &DocumentProvider) -> Result<Self, String> {
        let pem = certificates(&own.certificates, own.certificates_file.is_some())?;
        if own.audience.is_empty() {
            return Err("audience: the `aud` of what is attested, such as the instance id of the vendor".to_owned());
        }
        if own.signature_effective_time.is_zero() || own.signature_effective_time > LONGEST_DOCUMENT {
            return Err("signature_effective_time: 1s to 1d".to_owned());
        }
        let signers = match own.verification {
            Verification::CertChain => Signers::Of(anchors(pem)?),
            Verification::Cert => Signers::Are(Certificate::all_from_pem(pem.as_bytes()).map_err(about_certificates)?),
        };
        Ok(Self {
            signers,
            audience: own.audience.clone(),
            effective_time: own.signature_effective_time,
            statement: Some(own.statement.clone()).filter(|statement| !statement.is_empty()),
        })
    }
}

/// The PEM of a provider.
fn certificates(pem: &Option<String>, has_file: bool) -> Result<&str, String> {
    let rule = || "exactly one of certificates and certificates_file".to_owned();
    pem.as_deref().filter(|_| !has_file).ok_or_else(rule)
}

fn anchors(pem: &str) -> Result<Anchors, String> {
    Anchors::from_pem(pem.as_bytes()).map_err(about_certificates)
}

fn about_certificates(error: X509Error) -> String {
    format!("certificates: {error}")
}

fn check_name(name: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(plain) {
        return Err("name: 1 to 64 lower-case letters, digits, `-` and `_`".to_owned());
    }
    Ok(())
}

/// A credential of a client, in use.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Its name, unique at its client: `application_federated_credential_name`.
    pub name: String,
    /// Whose word it is.
    pub provider: Arc<Provider>,
    /// What must be true of it.
    pub condition: Condition,
    /// Whether a proof is good for one request only.
    pub single_use: bool,
}

impl Credential {
    /// Checks a credential of a client that authenticates by `method`.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn new(own: &FederatedCredential, method: AuthMethod, providers: &[Arc<Provider>]) -> Result<Self, String> {
        let about = |rule: String| format!("{}: {rule}", own.name);
        check_name(&own.name).map_err(about)?;
        let found = providers.iter().find(|provider| provider.name == own.provider);
        let provider =
            found.ok_or_else(|| about("provider: must be one of the issuer's federated_providers".to_owned()))?;
        if provider.method() != method {
            let rule = format!("provider: clients of this one have the method {}", provider.method().name());
            return Err(about(rule));
        }
        let condition = Condition::parse(&own.condition, provider.subject());
        Ok(Self {
            name: own.name.clone(),
            provider: provider.clone(),
            condition: condition.map_err(|error| about(format!("condition: {error}")))?,
            single_use: single_use(own, method).map_err(about)?,
        })
    }
}

fn single_use(own: &FederatedCredential, method: AuthMethod) -> Result<bool, String> {
    // the client makes the assertion itself and can always make another one (RFC 7523 section 3)
    let always = method == AuthMethod::X509JwtBearer;
    match own.single_use {
        Some(false) if always => {
            Err("single_use: an x509_jwt_bearer assertion always is (RFC 7523 section 3)".to_owned())
        }
        Some(chosen) => Ok(chosen),
        None => Ok(always),
    }
}

#[cfg(test)]
mod tests;
