//! The settings of an issuer and what they are if nobody sets them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::custom::CustomGrantSettings;
use super::secret_transport::SecretTransport;
use super::users::UsersSettings;
use crate::federation::FederatedProvider;
use crate::federation::trust::TrustedIssuer;
use crate::jose::alg::Algorithm;
use crate::protocol::grant_type::GrantType;
use crate::protocol::scope::Scope;
use crate::token::access::{AccessTokenFormat, AccessTokenTyp};

/// The settings of an issuer, as they stand in the configuration. Durations are written like `10m` or `90d`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IssuerSettings {
    /// The issuer identifier: https, or http on loopback; no query, no fragment, no slash at the end.
    pub url: String,
    /// The dialect of the endpoints, which also brings the vendor's defaults for settings that are absent.
    pub dialect: String,
    /// Values that the dialect needs, such as the ids in its paths, by names of the dialect.
    pub vendor: BTreeMap<String, String>,
    /// Grant types that its clients may register.
    pub grant_types: Vec<GrantType>,
    /// Scopes that its clients may register.
    pub scopes: Scope,
    /// Resources that its clients may ask for (RFC 8707).
    pub resources: Vec<String>,
    /// Audiences that its clients may ask for beside the resources: any names, such as domains.
    pub audiences: Vec<String>,
    /// Audience of access tokens for which no resource was asked; empty means the issuer itself. `{issuer}` and
    /// `{client_id}` stand for the issuer's URL and the client.
    pub default_audience: String,
    /// Lifetime of authorization codes, at most 60 s.
    #[serde(with = "humantime_serde")]
    pub code_lifetime: Duration,
    /// Wrong proofs (PKCE verifier, redirect URI) after which a code is void.
    pub code_misses: u8,
    /// True if confidential clients need PKCE too; public ones always do.
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
    /// Lifetime of an unused refresh token.
    #[serde(with = "humantime_serde")]
    pub refresh_token_idle_lifetime: Duration,
    /// Lifetime of a family however much it is used.
    #[serde(with = "humantime_serde")]
    pub refresh_token_lifetime: Duration,
    /// Time in which a spent refresh token still gives the same successor; `0s` is strict.
    #[serde(with = "humantime_serde")]
    pub refresh_token_grace: Duration,
    /// Retries that are answered within the grace.
    pub refresh_token_replays: u16,
    /// The scope without which a login gets no refresh token.
    pub offline_scope: String,
    /// True if the `refresh_token` grant of the client is enough, without that scope.
    pub refresh_without_offline_access: bool,
    /// True if a refresh is refused once the client lost a scope of the login, instead of going on without it.
    pub refresh_needs_whole_scope: bool,
    /// Token requests a second that each client may make; absent is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_rate_limit: Option<u32>,
    /// The ways to send a secret, for clients that register none.
    pub secret_transport: SecretTransport,
    /// Signing algorithms; each has a ring of keys of its own.
    pub algorithms: Vec<Algorithm>,
    /// Format of access tokens.
    pub access_token_format: AccessTokenFormat,
    /// `typ` of access tokens that are JWTs; `JWT` is for resource servers that know no other.
    pub access_token_typ: AccessTokenTyp,
    /// Algorithm of access tokens.
    pub access_token_alg: Algorithm,
    /// Algorithm of ID tokens; RS256 is what every client understands (OpenID Connect Core section 15.1).
    pub id_token_alg: Algorithm,
    /// Time for which a key signs.
    #[serde(with = "humantime_serde")]
    pub key_period: Duration,
    /// Time for which a key is published before it signs.
    #[serde(with = "humantime_serde")]
    pub key_announce: Duration,
    /// Origins that may call the token endpoint from a browser (CORS).
    pub allowed_origins: Vec<String>,
    /// Lifetime of device codes and user codes.
    #[serde(with = "humantime_serde")]
    pub device_code_lifetime: Duration,
    /// Time that a device waits between two polls.
    #[serde(with = "humantime_serde")]
    pub device_interval: Duration,
    /// The login portal's page where a person types a user code. Needed if the device grant is offered.
    pub verification_uri: String,
    /// Token exchanges that may follow each other, at most 15.
    pub token_exchange_depth: u8,
    /// Issuers whose assertions are grants (RFC 7523 section 2.1).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trusted_issuers: Vec<TrustedIssuer>,
    /// The users; needed if the password grant is offered.
    pub users: UsersSettings,
    /// Federated providers that vouch for clients of this issuer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub federated_providers: Vec<FederatedProvider>,
    /// Grants that hooks of the operator's decide.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub custom_grants: Vec<CustomGrantSettings>,
    /// `authorization_endpoint` of discovery: the login portal's, which asks jeton for codes. Empty leaves it out.
    pub authorization_endpoint: String,
    /// Further members of discovery, such as the portal's `userinfo_endpoint`; none that jeton states itself.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

impl IssuerSettings {
    /// The path of the URL without slash at the end: `` or `/tenant`.
    pub fn path(&self) -> &str {
        let host = self.url.split_once("://").map_or("", |(_, rest)| rest);
        host.find('/').map_or("", |at| host[at..].trim_end_matches('/'))
    }
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
            audiences: Vec::new(),
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
            refresh_needs_whole_scope: false,
            client_rate_limit: None,
            secret_transport: SecretTransport::Any,
            algorithms: vec![Algorithm::EdDsa, Algorithm::Rs256, Algorithm::Es256],
            access_token_format: AccessTokenFormat::Jwt,
            access_token_typ: AccessTokenTyp::AtJwt,
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
            users: UsersSettings::default(),
            federated_providers: Vec::new(),
            custom_grants: Vec::new(),
            authorization_endpoint: String::new(),
            metadata: Map::new(),
        }
    }
}
