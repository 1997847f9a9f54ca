//! An issuer: one authorization server with its own URL, keys, clients, lifetimes and rules.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use url::Url;

use super::secret::ColdCount;
use super::trust::{Trusted, TrustedIssuer};
use crate::jose::alg::Algorithm;
use crate::protocol::endpoint::Endpoint;
use crate::protocol::grant_type::GrantType;
use crate::protocol::scope::Scope;
use crate::token::access::{ClaimStyle, MAX_DEPTH};

/// The longest grace of refresh tokens: while it lasts, reuse cannot be told from a lost answer.
pub const LONGEST_GRACE: Duration = Duration::from_secs(300);

/// The settings of an issuer, as they stand in the configuration. Durations are written like `10m` or `90d`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IssuerSettings {
    /// The issuer identifier: https, or http on loopback; no query, no fragment, no slash at the end.
    pub url: String,
    /// How the endpoints are spelled; it also brings the vendor's defaults for what is not set here.
    pub dialect: String,
    /// What the dialect needs to know, such as the ids in its paths; the names are the dialect's.
    pub vendor: BTreeMap<String, String>,
    /// Grant types that its clients may register.
    pub grant_types: Vec<GrantType>,
    /// Scopes that its clients may register.
    pub scopes: Scope,
    /// Resources that its clients may ask for (RFC 8707).
    pub resources: Vec<String>,
    /// Audience of access tokens for which no resource was asked; empty means the issuer itself. `{issuer}` and
    /// `{client_id}` stand for the issuer's URL and the client.
    pub default_audience: String,
    /// Lifetime of authorization codes, at most 60 s.
    #[serde(with = "humantime_serde")]
    pub code_lifetime: Duration,
    /// Wrong proofs (PKCE verifier, redirect URI) after which a code is void.
    pub code_misses: u8,
    /// Whether confidential clients need PKCE too; public ones always do.
    pub require_pkce: bool,
    /// Lifetime of access tokens.
    #[serde(with = "humantime_serde")]
    pub access_token_lifetime: Duration,
    /// The longest lifetime a client may be given for its access and ID tokens; retired keys stay published so long.
    #[serde(with = "humantime_serde")]
    pub longest_access_token: Duration,
    /// Lifetime of ID tokens.
    #[serde(with = "humantime_serde")]
    pub id_token_lifetime: Duration,
    /// How long a refresh token lives unused.
    #[serde(with = "humantime_serde")]
    pub refresh_token_idle_lifetime: Duration,
    /// How long a family lives however much it is used.
    #[serde(with = "humantime_serde")]
    pub refresh_token_lifetime: Duration,
    /// For how long a spent refresh token still gives the same successor; `0s` is strict.
    #[serde(with = "humantime_serde")]
    pub refresh_token_grace: Duration,
    /// How many retries are answered within the grace.
    pub refresh_token_replays: u16,
    /// The scope without which a login gets no refresh token.
    pub offline_scope: String,
    /// Whether the `refresh_token` grant of the client is enough, without that scope.
    pub refresh_without_offline_access: bool,
    /// Token requests a second that each client may make; absent is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_rate_limit: Option<u32>,
    /// Signing algorithms; each has a ring of keys of its own.
    pub algorithms: Vec<Algorithm>,
    /// Algorithm of access tokens.
    pub access_token_alg: Algorithm,
    /// Algorithm of ID tokens; RS256 is what every client understands (OpenID Connect Core section 15.1).
    pub id_token_alg: Algorithm,
    /// How long a key signs.
    #[serde(with = "humantime_serde")]
    pub key_period: Duration,
    /// For how long a key is published before it signs.
    #[serde(with = "humantime_serde")]
    pub key_announce: Duration,
    /// Origins that may call the token endpoint from a browser (CORS).
    pub allowed_origins: Vec<String>,
    /// Lifetime of device codes and user codes.
    #[serde(with = "humantime_serde")]
    pub device_code_lifetime: Duration,
    /// How long a device waits between two polls.
    #[serde(with = "humantime_serde")]
    pub device_interval: Duration,
    /// Where a person types a user code: the login portal's page. Needed if the device grant is offered.
    pub verification_uri: String,
    /// How many token exchanges may follow each other, at most 15.
    pub token_exchange_depth: u8,
    /// Whose assertions are grants (RFC 7523 section 2.1).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trusted_issuers: Vec<TrustedIssuer>,
    /// `authorization_endpoint` of discovery: the login portal's, which asks jeton for codes. Empty leaves it out.
    pub authorization_endpoint: String,
}

impl Default for IssuerSettings {
    fn default() -> Self {
        const DAY: u64 = 86_400;
        Self {
            url: String::new(),
            dialect: "rfc".to_owned(),
            vendor: BTreeMap::new(),
            grant_types: vec![GrantType::AUTHORIZATION_CODE, GrantType::REFRESH_TOKEN, GrantType::CLIENT_CREDENTIALS],
            scopes: Scope::parse("openid profile email offline_access").unwrap_or_default(),
            resources: Vec::new(),
            default_audience: String::new(),
            code_lifetime: Duration::from_secs(60),
            code_misses: 5,
            require_pkce: false,
            access_token_lifetime: Duration::from_secs(600),
            longest_access_token: Duration::from_secs(DAY),
            id_token_lifetime: Duration::from_secs(600),
            refresh_token_idle_lifetime: Duration::from_secs(14 * DAY),
            refresh_token_lifetime: Duration::from_secs(90 * DAY),
            refresh_token_grace: Duration::from_secs(10),
            refresh_token_replays: 16,
            offline_scope: "offline_access".to_owned(),
            refresh_without_offline_access: false,
            client_rate_limit: None,
            algorithms: vec![Algorithm::EdDsa, Algorithm::Rs256, Algorithm::Es256],
            access_token_alg: Algorithm::EdDsa,
            id_token_alg: Algorithm::Rs256,
            key_period: Duration::from_secs(30 * DAY),
            key_announce: Duration::from_secs(DAY),
            allowed_origins: Vec::new(),
            device_code_lifetime: Duration::from_secs(600),
            device_interval: Duration::from_secs(5),
            verification_uri: String::new(),
            token_exchange_depth: 3,
            trusted_issuers: Vec::new(),
            authorization_endpoint: String::new(),
        }
    }
}

/// An issuer in use.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// Its name in the configuration and the admin API.
    pub id: String,
    /// Its URL, byte for byte: `iss` of every token.
    pub url: String,
    /// The path of its URL without slash at the end: `` or `/tenant`.
    pub path: String,
    /// The URLs of its token endpoint; its dialect decides.
    pub token_endpoints: Vec<String>,
    /// Everything else.
    pub settings: IssuerSettings,
    /// How its access tokens look; the dialect's.
    pub style: ClaimStyle,
    /// Whose assertions are grants.
    pub trusted: Vec<Trusted>,
    /// Its metadata document and the ETag of it, made at the first request; a reload makes a new issuer.
    pub document: OnceLock<(Bytes, String)>,
    /// Its imported secrets that nobody has used since the start.
    pub cold: ColdCount,
}

/// A setting that breaks a rule; the message names setting, value and rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("issuers.{issuer}.{setting}: {rule} (it is {value})")]
pub struct IssuerError {
    issuer: String,
    setting: &'static str,
    value: String,
    rule: &'static str,
}

impl Issuer {
    /// Checks the settings of issuer `id`.
    ///
    /// # Errors
    /// The first setting that breaks a rule.
    pub fn new(id: &str, settings: IssuerSettings) -> Result<Self, IssuerError> {
        let refuse = |setting, value: String, rule| Err(IssuerError { issuer: id.to_owned(), setting, value, rule });
        let s = &settings;
        if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            || id.is_empty()
            || id.len() > 64
        {
            return refuse("id", id.to_owned(), "1 to 64 letters, digits, - and _");
        }
        let url = match Url::parse(&s.url) {
            Ok(url) => url,
            Err(_) => return refuse("url", s.url.clone(), "must be an absolute URL"),
        };
        if !is_protected(&url) {
            return refuse("url", s.url.clone(), "must be https, or http on a loopback address");
        }
        if s.url.ends_with('/') || s.url.contains(['?', '#', '%']) || !url.username().is_empty() {
            return refuse("url", s.url.clone(), "no slash at the end, no query, fragment, user or percent-escape");
        }
        let day = Duration::from_secs(86_400);
        let spans = [
            (
                "code_lifetime",
                s.code_lifetime,
                Duration::from_secs(1),
                Duration::from_secs(60),
                "1s to 60s (RFC 6749 section 4.1.2, OAuth 2.1)",
            ),
            ("longest_access_token", s.longest_access_token, Duration::from_secs(1), 7 * day, "1s to 7d"),
            (
                "access_token_lifetime",
                s.access_token_lifetime,
                Duration::from_secs(1),
                s.longest_access_token,
                "1s up to longest_access_token",
            ),
            (
                "id_token_lifetime",
                s.id_token_lifetime,
                Duration::from_secs(1),
                s.longest_access_token,
                "1s up to longest_access_token",
            ),
            ("refresh_token_lifetime", s.refresh_token_lifetime, Duration::from_secs(1), 3660 * day, "1s to 10 years"),
            (
                "refresh_token_idle_lifetime",
                s.refresh_token_idle_lifetime,
                Duration::from_secs(1),
                s.refresh_token_lifetime,
                "1s up to refresh_token_lifetime",
            ),
            ("refresh_token_grace", s.refresh_token_grace, Duration::ZERO, LONGEST_GRACE, "0s to 5m"),
            (
                "device_code_lifetime",
                s.device_code_lifetime,
                Duration::from_secs(30),
                Duration::from_secs(3600),
                "30s to 1h",
            ),
            ("device_interval", s.device_interval, Duration::from_secs(1), Duration::from_secs(60), "1s to 60s"),
            ("key_announce", s.key_announce, Duration::from_secs(1), 30 * day, "1s to 30d"),
            ("key_period", s.key_period, 2 * s.key_announce, 3660 * day, "at least twice key_announce"),
        ];
        for (setting, value, least, most, rule) in spans {
            if value < least || value > most {
                return refuse(setting, humantime(value), rule);
            }
        }
        if s.offline_scope.is_empty()
            || Scope::parse(&s.offline_scope).map_or(true, |scope| scope.tokens().count() != 1)
        {
            return refuse("offline_scope", s.offline_scope.clone(), "one scope token");
        }
        if s.code_misses == 0 {
            return refuse("code_misses", "0".to_owned(), "at least 1");
        }
        if !(1..=MAX_DEPTH).contains(&s.token_exchange_depth) {
            return refuse("token_exchange_depth", s.token_exchange_depth.to_string(), "1 to 15");
        }
        for (setting, alg) in [("access_token_alg", s.access_token_alg), ("id_token_alg", s.id_token_alg)] {
            if !s.algorithms.contains(&alg) {
                return refuse(setting, alg.name().to_owned(), "must be one of `algorithms`");
            }
        }
        if let Some(bad) = s.resources.iter().find(|resource| resource.contains('#') || Url::parse(resource).is_err()) {
            return refuse("resources", bad.clone(), "absolute URIs without fragment (RFC 8707 section 2)");
        }
        if let Some(bad) = s.allowed_origins.iter().find(|origin| {
            Url::parse(origin).is_ok_and(|url| url.origin().ascii_serialization() != **origin)
                || Url::parse(origin).is_err()
        }) {
            return refuse("allowed_origins", bad.clone(), "origins like https://app.example, without path and slash");
        }
        if s.grant_types.contains(&GrantType::DEVICE_CODE) && !is_page(&s.verification_uri) {
            let rule = "the device grant needs an https URL, or http on a loopback address, without fragment";
            return refuse("verification_uri", s.verification_uri.clone(), rule);
        }
        let mut trusted: Vec<Trusted> = Vec::with_capacity(s.trusted_issuers.len());
        for one in &s.trusted_issuers {
            match Trusted::new(one) {
                Ok(_) if trusted.iter().any(|other| other.issuer == one.issuer) => {
                    return refuse("trusted_issuers", one.issuer.clone(), "each issuer once");
                }
                Ok(checked) => trusted.push(checked),
                Err(rule) => return refuse("trusted_issuers", one.issuer.clone(), rule),
            }
        }
        let path = url.path().trim_end_matches('/').to_owned();
        Ok(Self {
            id: id.to_owned(),
            url: s.url.clone(),
            path,
            token_endpoints: Vec::new(),
            settings,
            style: ClaimStyle::default(),
            trusted,
            document: OnceLock::new(),
            cold: ColdCount::default(),
        })
    }

    /// Audience of an access token for which no resource was asked.
    pub fn default_audience(&self, client: &str) -> Cow<'_, str> {
        let audience = self.settings.default_audience.as_str();
        if audience.is_empty() {
            Cow::Borrowed(&self.url)
        } else if audience.contains('{') {
            Cow::Owned(audience.replace("{issuer}", &self.url).replace("{client_id}", client))
        } else {
            Cow::Borrowed(audience)
        }
    }

    /// Whether a login with this scope may have a refresh token.
    pub fn is_offline(&self, scope: &Scope) -> bool {
        self.settings.refresh_without_offline_access || scope.contains(&self.settings.offline_scope)
    }

    /// Whether the endpoint is there: that of a grant only if the grant is offered.
    pub fn offers(&self, endpoint: Endpoint) -> bool {
        endpoint != Endpoint::DeviceAuthorization || self.settings.grant_types.contains(&GrantType::DEVICE_CODE)
    }

    /// How long anything issued now can live: what a fence must outlive.
    pub fn longest_lifetime(&self) -> Duration {
        // clients may have refresh tokens of up to a year (metadata.rs)
        self.settings.refresh_token_lifetime.max(Duration::from_secs(366 * 86_400)) + self.settings.longest_access_token
    }
}

/// Whether a URL is https, or http on this machine.
fn is_protected(url: &Url) -> bool {
    let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    url.scheme() == "https" || url.scheme() == "http" && loopback
}

/// Whether a person can be sent there.
fn is_page(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| is_protected(&url) && url.fragment().is_none())
}

/// A duration as it is written in the configuration.
fn humantime(span: Duration) -> String {
    let text = serde_json::to_value(humantime_serde::Serde::from(span)).unwrap_or_default();
    text.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut IssuerSettings)) -> Result<Issuer, IssuerError> {
        let mut settings = IssuerSettings { url: "https://id.example/t".to_owned(), ..Default::default() };
        change(&mut settings);
        Issuer::new("main", settings)
    }

    #[test]
    fn the_defaults_hold_their_own_rules() {
        assert_eq!(with(|_| ()).unwrap().path, "/t");
    }

    #[test]
    fn a_wrong_setting_names_itself_its_value_and_the_rule() {
        let error = with(|s| s.code_lifetime = Duration::from_secs(61)).unwrap_err().to_string();
        assert_eq!(error, "issuers.main.code_lifetime: 1s to 60s (RFC 6749 section 4.1.2, OAuth 2.1) (it is 1m 1s)");
        for url in ["http://id.example", "https://id.example/", "https://id.example/?a", "id.example"] {
            assert!(with(|s| s.url = url.to_owned()).is_err(), "{url}");
        }
        assert!(with(|s| s.algorithms = vec![Algorithm::EdDsa]).is_err());
        assert!(with(|s| s.allowed_origins = vec!["https://a.example/".to_owned()]).is_err());
    }
}
