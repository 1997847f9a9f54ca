//! Client metadata (RFC 7591 section 2) and the `jeton` object that extends it, with the rules both must keep.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use url::Url;

use super::issuer::{Issuer, LONGEST_GRACE};
use super::keyset::{ClientKeys, KeySet};
use super::rate::RateLimit;
use super::secret::Secret;
use super::{AssertionRules, Client, Settings};
use crate::jose::{Algorithm, Scheme};
use crate::protocol::grant_type::GrantType;
use crate::protocol::scope::Scope;
use crate::token::{Lifetimes, RotatePolicy};

/// Longest client id, in bytes.
pub const MAX_CLIENT_ID: usize = 128;
const MAX_REDIRECT_URIS: usize = 64;
const MAX_URI: usize = 2048;

/// How a client authenticates at the token endpoint (RFC 7591 section 2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// Not at all: a public client.
    None,
    /// Secret in the `Authorization` header (RFC 6749 section 2.3.1).
    #[default]
    ClientSecretBasic,
    /// Secret in the body (RFC 6749 section 2.3.1).
    ClientSecretPost,
    /// A JWT under a registered public key (RFC 7523 section 2.2).
    PrivateKeyJwt,
    /// A JWT under the secret (RFC 7523 section 2.2).
    ClientSecretJwt,
}

impl AuthMethod {
    /// Every method.
    pub const ALL: [Self; 5] =
        [Self::None, Self::ClientSecretBasic, Self::ClientSecretPost, Self::PrivateKeyJwt, Self::ClientSecretJwt];

    /// The registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::ClientSecretJwt => "client_secret_jwt",
        }
    }

    /// Whether a client needs a secret for it.
    pub const fn has_secret(self) -> bool {
        match self {
            Self::None | Self::PrivateKeyJwt => false,
            Self::ClientSecretBasic | Self::ClientSecretPost | Self::ClientSecretJwt => true,
        }
    }

    /// The ways in which an assertion by this method may be signed; none if it has no assertion.
    pub const fn assertion_algorithms(self) -> &'static [Scheme] {
        match self {
            Self::None | Self::ClientSecretBasic | Self::ClientSecretPost => &[],
            Self::PrivateKeyJwt => &Scheme::SIGNATURES,
            Self::ClientSecretJwt => &Scheme::MACS,
        }
    }
}

/// What a client may introspect (DESIGN.md section 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IntrospectionReach {
    /// Tokens issued to it, or whose audience names it.
    #[default]
    Own,
    /// Every token of the issuer: a resource server or gateway.
    Any,
}

/// Whether the token request must repeat the redirect URI of the authorization request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CodeRedirect {
    /// It must, byte for byte (RFC 6749 section 4.1.3).
    #[default]
    Required,
    /// It may leave it out, as OAuth 2.1 does; if it sends one, it must be the same.
    Optional,
}

/// Whom an assertion of the client must be for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AssertionAudience {
    /// The issuer or the URL of its token endpoint, alone or in a list of nothing else: what client libraries send.
    #[default]
    Tolerant,
    /// The issuer, as a string (FAPI 2.0 section 5.3.2.1, draft-ietf-oauth-rfc7523bis).
    Issuer,
}

/// What a client registers. Secrets are not part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are those of RFC 7591 section 2")]
pub struct ClientMetadata {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    #[serde(default)]
    pub token_endpoint_auth_method: AuthMethod,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<Scheme>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    #[serde(default = "default_grant_types")]
    pub grant_types: Vec<GrantType>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub response_types: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirect_uris: Vec<String>,
    #[serde(default, skip_serializing_if = "Scope::is_empty")]
    pub scope: Scope,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token_signed_response_alg: Option<Algorithm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
    #[serde(default)]
    pub jeton: Extension,
}

/// Settings beyond RFC 7591. What is absent follows the issuer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Extension {
    /// Lifetime of access tokens, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_lifetime: Option<u64>,
    /// Lifetime of ID tokens, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_lifetime: Option<u64>,
    /// Whether a refresh token is replaced when it is used; a public client's always is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token_rotation: Option<bool>,
    /// For how many seconds a spent refresh token still gives the same successor; 0 is strict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token_grace: Option<u64>,
    /// How many retries are answered within the grace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token_replays: Option<u16>,
    /// How many seconds a refresh token lives unused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token_idle_lifetime: Option<u64>,
    /// How many seconds a family lives however much it is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token_lifetime: Option<u64>,
    /// Whether a code needs a PKCE challenge; a public client's always does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_pkce: Option<bool>,
    /// Whether the token request must repeat the redirect URI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_redirect_uri: Option<CodeRedirect>,
    /// Algorithm of access tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_signed_response_alg: Option<Algorithm>,
    /// Resources the client may ask for (RFC 8707), from those of its issuer; absent means all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Vec<String>>,
    /// Whom its assertions must be for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assertion_audience: Option<AssertionAudience>,
    /// What it may introspect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection: Option<IntrospectionReach>,
    /// Token requests a second it may make; absent follows the issuer, which by default sets no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<u32>,
    /// What it may do with the token exchange grant; absent is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_exchange: Option<ExchangePolicy>,
    /// A disabled client is refused like an unknown one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
}

/// What a client may do with the token exchange grant (RFC 8693).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExchangePolicy {
    /// Audiences and resources it may get tokens for; absent means those of the subject token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audiences: Option<Vec<String>>,
    /// Whether it may exchange without an actor token: nobody sees that somebody acts.
    pub impersonation: bool,
    /// Whether it may exchange with an actor token: the new token says who acts.
    pub delegation: bool,
}

fn default_grant_types() -> Vec<GrantType> {
    vec![GrantType::AUTHORIZATION_CODE]
}

/// Metadata that asks for what it may not have; names the field, the value and the rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule} (it is {value})")]
pub struct MetadataError {
    field: &'static str,
    value: String,
    rule: &'static str,
}

fn refuse<T>(field: &'static str, value: impl std::fmt::Display, rule: &'static str) -> Result<T, MetadataError> {
    Err(MetadataError { field, value: value.to_string(), rule })
}

/// Checks a client id: 1 to 128 printable ASCII characters without slash, which separates issuer and client in the store.
///
/// # Errors
/// The rule it breaks.
pub fn check_client_id(id: &str) -> Result<(), MetadataError> {
    if id.is_empty() || id.len() > MAX_CLIENT_ID || !id.bytes().all(|byte| matches!(byte, 0x21..=0x7e) && byte != b'/')
    {
        return refuse(
            "client_id",
            format_args!("{id:?}"),
            "1 to 128 printable ASCII characters without space and slash",
        );
    }
    Ok(())
}

impl ClientMetadata {
    /// Makes the client that this metadata describes, at `issuer`.
    ///
    /// # Errors
    /// The first rule that the metadata breaks.
    pub fn resolve(
        self,
        id: String,
        secrets: Vec<Secret>,
        version: u64,
        issuer: &Issuer,
    ) -> Result<Client, MetadataError> {
        check_client_id(&id)?;
        let settings = self.settings(issuer)?;
        let rate = RateLimit::new(self.jeton.rate_limit.or(issuer.settings.client_rate_limit));
        Ok(Client { id, metadata: self, secrets, settings, rate, version })
    }

    fn settings(&self, issuer: &Issuer) -> Result<Settings, MetadataError> {
        let public = self.token_endpoint_auth_method == AuthMethod::None;
        self.check_grants(issuer, public)?;
        self.check_uris()?;
        self.check_scope(issuer)?;
        let ours = &issuer.settings;
        let own = &self.jeton;
        let resources = own.resources.clone().unwrap_or_else(|| ours.resources.clone());
        if let Some(unknown) = resources.iter().find(|resource| !ours.resources.contains(resource)) {
            return refuse("jeton.resources", unknown, "each must be one of the issuer's resources");
        }
        if public && own.refresh_token_rotation == Some(false) {
            return refuse(
                "jeton.refresh_token_rotation",
                false,
                "a public client's refresh tokens always rotate (RFC 9700 section 2.2.2)",
            );
        }
        if public && own.require_pkce == Some(false) {
            return refuse("jeton.require_pkce", false, "a public client always needs PKCE (RFC 9700 section 2.1.1)");
        }
        let seconds = std::time::Duration::from_secs;
        let lifetimes = Lifetimes {
            access: own.access_token_lifetime.map_or(ours.access_token_lifetime, seconds),
            idle: own.refresh_token_idle_lifetime.map_or(ours.refresh_token_idle_lifetime, seconds),
            absolute: own.refresh_token_lifetime.map_or(ours.refresh_token_lifetime, seconds),
        };
        let longest_access = ours.longest_access_token;
        if lifetimes.access.is_zero() || lifetimes.access > longest_access {
            return refuse(
                "jeton.access_token_lifetime",
                lifetimes.access.as_secs(),
                "1 second up to the issuer's longest_access_token",
            );
        }
        let id_token_lifetime = own.id_token_lifetime.map_or(ours.id_token_lifetime, seconds);
        if id_token_lifetime.is_zero() || id_token_lifetime > longest_access {
            return refuse(
                "jeton.id_token_lifetime",
                id_token_lifetime.as_secs(),
                "1 second up to the issuer's longest_access_token",
            );
        }
        if lifetimes.idle.is_zero()
            || lifetimes.absolute.is_zero()
            || lifetimes.absolute > issuer.settings.refresh_token_lifetime.max(seconds(366 * 86_400))
        {
            return refuse("jeton.refresh_token_lifetime", lifetimes.absolute.as_secs(), "1 second up to a year");
        }
        if let Some(grace) = own.refresh_token_grace.filter(|grace| seconds(*grace) > LONGEST_GRACE) {
            return refuse("jeton.refresh_token_grace", grace, "0 to 300 seconds; a longer one would hide a theft");
        }
        let rotation = if own.refresh_token_rotation.unwrap_or(true) {
            RotatePolicy::Rotate {
                grace: own.refresh_token_grace.map_or(ours.refresh_token_grace, seconds),
                replays: own.refresh_token_replays.unwrap_or(ours.refresh_token_replays),
            }
        } else {
            RotatePolicy::Keep
        };
        let access_token_alg = own.access_token_signed_response_alg.unwrap_or(ours.access_token_alg);
        let id_token_alg = self.id_token_signed_response_alg.unwrap_or(ours.id_token_alg);
        for (field, alg) in [
            ("jeton.access_token_signed_response_alg", access_token_alg),
            ("id_token_signed_response_alg", id_token_alg),
        ] {
            if !ours.algorithms.contains(&alg) {
                return refuse(field, alg.name(), "must be one of the issuer's algorithms");
            }
        }
        Ok(Settings {
            auth_method: self.token_endpoint_auth_method,
            grant_types: self.grant_types.clone(),
            scope: self.scope.clone(),
            resources,
            require_pkce: public || own.require_pkce.unwrap_or(ours.require_pkce),
            code_redirect: own.code_redirect_uri.unwrap_or_default(),
            lifetimes,
            id_token_lifetime,
            rotation,
            access_token_alg,
            id_token_alg,
            assertions: self.assertion_rules()?,
            introspection: own.introspection.unwrap_or_default(),
            disabled: own.disabled,
        })
    }

    fn check_grants(&self, issuer: &Issuer, public: bool) -> Result<(), MetadataError> {
        for grant in &self.grant_types {
            if !issuer.settings.grant_types.contains(grant) {
                return refuse("grant_types", grant, "must be one of the issuer's grant types");
            }
            if public && *grant == GrantType::CLIENT_CREDENTIALS {
                return refuse(
                    "grant_types",
                    grant,
                    "a public client cannot use client_credentials (RFC 6749 section 4.4)",
                );
            }
        }
        if public && self.grant_types.contains(&GrantType::TOKEN_EXCHANGE) {
            return refuse("grant_types", GrantType::TOKEN_EXCHANGE, "a public client cannot exchange tokens");
        }
        if let Some(other) = self.response_types.iter().find(|response_type| *response_type != "code") {
            return refuse("response_types", other, "only code is offered (RFC 9700 section 2.1.2)");
        }
        Ok(())
    }

    /// RFC 7591 section 2: keys inline or by URL, not both; enough of them for the method.
    fn assertion_rules(&self) -> Result<AssertionRules, MetadataError> {
        let keys = match (&self.jwks, &self.jwks_uri) {
            (Some(_), Some(uri)) => return refuse("jwks_uri", uri, "jwks or jwks_uri, not both (RFC 7591 section 2)"),
            (Some(jwks), None) => match KeySet::new(jwks) {
                Ok(keys) => ClientKeys::Inline(Arc::new(keys)),
                Err(error) => return refuse("jwks", error, "a JWK set of public keys (RFC 7517 section 5)"),
            },
            (None, Some(uri)) => ClientKeys::Remote(check_jwks_uri(uri)?),
            (None, None) => ClientKeys::None,
        };
        let method = self.token_endpoint_auth_method;
        if method == AuthMethod::PrivateKeyJwt && matches!(keys, ClientKeys::None) {
            return refuse("jwks", "absent", "private_key_jwt needs jwks or jwks_uri");
        }
        let algorithms = method.assertion_algorithms();
        if let Some(alg) = self.token_endpoint_auth_signing_alg.filter(|alg| !algorithms.contains(alg)) {
            return refuse("token_endpoint_auth_signing_alg", alg, "must be one of token_endpoint_auth_method");
        }
        let audience = self.jeton.assertion_audience.unwrap_or_default();
        Ok(AssertionRules { keys, alg: self.token_endpoint_auth_signing_alg, audience })
    }

    fn check_uris(&self) -> Result<(), MetadataError> {
        if self.redirect_uris.len() > MAX_REDIRECT_URIS {
            return refuse("redirect_uris", self.redirect_uris.len(), "at most 64");
        }
        for uri in &self.redirect_uris {
            if let Err(rule) = check_redirect_uri(uri) {
                return refuse("redirect_uris", uri, rule);
            }
        }
        if self.grant_types.contains(&GrantType::AUTHORIZATION_CODE) && self.redirect_uris.is_empty() {
            return refuse("redirect_uris", "empty", "a client of the authorization code grant needs at least one");
        }
        let pages = [
            ("client_uri", &self.client_uri),
            ("logo_uri", &self.logo_uri),
            ("tos_uri", &self.tos_uri),
            ("policy_uri", &self.policy_uri),
        ];
        for (field, uri) in pages {
            if let Some(uri) = uri
                && !Url::parse(uri).is_ok_and(|url| matches!(url.scheme(), "https" | "http"))
            {
                return refuse(field, uri, "must be an http or https URL");
            }
        }
        Ok(())
    }

    fn check_scope(&self, issuer: &Issuer) -> Result<(), MetadataError> {
        match self.scope.tokens().find(|token| !issuer.settings.scopes.contains(token)) {
            Some(unknown) => refuse("scope", unknown, "must be one of the issuer's scopes"),
            None => Ok(()),
        }
    }
}

/// https, because whoever answers there is the client (RFC 7591 section 5).
fn check_jwks_uri(uri: &str) -> Result<Url, MetadataError> {
    let url = Url::parse(uri).ok().filter(|url| url.scheme() == "https" && uri.len() <= MAX_URI);
    match url.filter(|url| url.username().is_empty() && url.password().is_none() && url.fragment().is_none()) {
        Some(url) => Ok(url),
        None => refuse("jwks_uri", uri, "an https URL of at most 2048 characters without user and fragment"),
    }
}

/// RFC 9700 section 2.1, RFC 8252 sections 7 and 8.4: absolute, no fragment, no wildcard, https, or http on loopback,
/// or a private scheme with a dot.
fn check_redirect_uri(uri: &str) -> Result<(), &'static str> {
    let url = Url::parse(uri).map_err(|_| "must be an absolute URI")?;
    if uri.len() > MAX_URI
        || uri.contains('#')
        || uri.contains('*')
        || !uri.bytes().all(|byte| matches!(byte, 0x21..=0x7e))
    {
        return Err("at most 2048 ASCII characters, without fragment and wildcard");
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(&url) => Ok(()),
        "http" => Err("http is for loopback addresses only"),
        private if private.contains('.') => Ok(()),
        _ => Err("the scheme must be https, or a private one in reverse domain notation"),
    }
}

/// Whether the host is this machine (RFC 8252 section 7.3).
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl Client {
    /// Whether `uri` is one of the registered redirect URIs: byte for byte, but for the port of a loopback address
    /// (RFC 9700 section 2.1, RFC 8252 section 7.3).
    pub fn allows_redirect(&self, uri: &str) -> bool {
        self.metadata
            .redirect_uris
            .iter()
            .any(|registered| registered == uri || same_but_loopback_port(registered, uri))
    }
}

fn same_but_loopback_port(registered: &str, asked: &str) -> bool {
    let (Ok(mut registered_url), Ok(mut asked_url)) = (Url::parse(registered), Url::parse(asked)) else {
        return false;
    };
    let literal = |url: &Url| url.scheme() == "http" && is_loopback(url) && url.host_str() != Some("localhost");
    if !literal(&registered_url) || !literal(&asked_url) || asked.contains('#') || asked.contains('@') {
        return false;
    }
    let _ = (registered_url.set_port(None), asked_url.set_port(None));
    registered_url == asked_url
}
