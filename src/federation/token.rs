//! Trust in tokens, and their origin.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::settings::TokenProvider;
use crate::jwks::keyset::{ClientKeys, KeySet, Skipped};
use crate::protocol::uri;

/// The longest a token of a provider may be good for.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// Trust in tokens (OpenID Connect ID tokens, Kubernetes service account tokens, JWT-SVIDs).
#[derive(Debug)]
pub struct TokenTrust {
    /// The origin of the tokens.
    pub origin: TokenOrigin,
    /// The audiences that tokens may have; empty means the issuer here and its token endpoint.
    pub audiences: Vec<String>,
    /// The keys that sign them.
    pub keys: ClientKeys,
    /// The keys in the settings that cannot be used.
    pub skipped: Vec<Skipped>,
    /// Time that `exp` may be ahead.
    pub longest_lifetime: Duration,
}

/// The origin that a token names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenOrigin {
    /// The `iss`, byte for byte.
    Issuer(String),
    /// The trust domain of the SPIFFE id in `sub`; a JWT-SVID needs no `iss`.
    TrustDomain(String),
}

impl TokenOrigin {
    /// Returns whether a token with these claims says that it comes from there.
    pub fn is_of(&self, issuer: Option<&str>, subject: Option<&str>) -> bool {
        match self {
            Self::Issuer(own) => issuer == Some(own),
            Self::TrustDomain(own) => subject.and_then(trust_domain) == Some(own),
        }
    }
}

impl TokenTrust {
    /// Checks the settings of a provider of tokens for the issuer with `url`.
    pub(super) fn new(own: &TokenProvider, url: &str) -> Result<Self, String> {
        let wrong = |rule: &str| Err(rule.to_owned());
        let origin = match (&own.issuer, &own.trust_domain) {
            (Some(issuer), None) if issuer.is_empty() || issuer == url => {
                return wrong("issuer: the `iss` of somebody else's tokens, byte for byte");
            }
            (Some(issuer), None) => {
                uri::identifier(issuer).map_err(|error| format!("issuer {error}"))?;
                TokenOrigin::Issuer(issuer.clone())
            }
            (None, Some(domain)) if trust_domain(&format!("spiffe://{domain}")) != Some(domain) => {
                return wrong("trust_domain: lower-case letters, digits, `.`, `-` and `_`, without spiffe://");
            }
            (None, Some(domain)) => TokenOrigin::TrustDomain(domain.clone()),
            (Some(_), Some(_)) | (None, None) => return wrong("exactly one of issuer and trust_domain"),
        };
        if own.audiences.iter().any(String::is_empty) {
            return wrong("audiences: none may be empty");
        }
        for audience in &own.audiences {
            uri::identifier(audience).map_err(|error| format!("audiences: {audience:?} {error}"))?;
        }
        if own.longest_lifetime.is_zero() || own.longest_lifetime > LONGEST {
            return wrong("longest_lifetime: 1s to 366d");
        }
        let mut skipped = Vec::new();
        let keys = match (&own.jwks, &own.jwks_file, &own.jwks_uri) {
            (Some(jwks), None, None) => {
                let (keys, unused) = KeySet::read(jwks).map_err(|error| format!("jwks: {error}"))?;
                if let Some(private) = unused.iter().find(|skipped| skipped.is_private()) {
                    return Err(format!("jwks: {private}"));
                }
                skipped = unused;
                ClientKeys::Inline(Arc::new(keys))
            }
            (None, None, Some(text)) => {
                let plain =
                    |url: &Url| url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
                let url = Url::parse(text).ok().filter(|url| url.scheme() == "https" && plain(url));
                let Some(url) = url else { return wrong("jwks_uri: an https URL without user and fragment") };
                uri::canonical(text).map_err(|error| format!("jwks_uri {error}"))?;
                ClientKeys::Remote(url)
            }
            _ => return wrong("exactly one of jwks, jwks_file and jwks_uri"),
        };
        Ok(Self { origin, audiences: own.audiences.clone(), keys, skipped, longest_lifetime: own.longest_lifetime })
    }
}

/// The trust domain of a well-formed SPIFFE id (SPIFFE-ID sections 2.1 to 2.4). What is ambiguous to compare by its
/// beginning (`..`, empty segments, percent-escapes) is not well-formed.
pub(crate) fn trust_domain(id: &str) -> Option<&str> {
    let rest = id.strip_prefix("spiffe://").filter(|_| id.len() <= 2048)?;
    let (domain, path) = rest.split_once('/').map_or((rest, None), |(domain, path)| (domain, Some(path)));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(plain);
    let lower = |byte: u8| plain(byte) && !byte.is_ascii_uppercase();
    let whole = path.is_none_or(|path| path.split('/').all(segment));
    (!domain.is_empty() && domain.len() <= 255 && domain.bytes().all(lower) && whole).then_some(domain)
}
