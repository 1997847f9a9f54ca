//! Client metadata (RFC 7591 section 2) and the `jeton` object that extends it; `rules` says what both must keep.

pub(crate) mod certificate;
mod credentials;
mod error;
mod id;
mod redirect;
mod rules;
mod written;

use serde::{Deserialize, Serialize};

pub(crate) use self::error::MetadataError;
pub(crate) use self::id::{MAX_CLIENT_ID, check_client_id, check_new_client_id};
use crate::federation::FederatedCredential;
use crate::issuer::SecretTransport;
use crate::jose::{Algorithm, Scheme};
use crate::protocol::auth_method::MethodName;
use crate::protocol::grant_type::GrantType;
use crate::protocol::scope::Scope;
use crate::token::access::{AccessTokenFormat, AccessTokenTyp};

const MAX_REDIRECT_URIS: usize = 64;
const MAX_URI: usize = 2048;

/// The tokens that a client may introspect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IntrospectionReach {
    /// Tokens issued to it, or whose audience names it.
    #[default]
    Own,
    /// Every token of the issuer: a resource server or gateway.
    Any,
}

/// The rule for the redirect URI of the token request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CodeRedirect {
    /// The token request repeats that of the authorization request, byte for byte (RFC 6749 section 4.1.3).
    #[default]
    Required,
    /// The token request may leave it out, as in OAuth 2.1; one that is sent must be the same.
    Optional,
}

/// The ports that a redirect URI at `http://localhost` may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LocalhostPort {
    /// Any, as at the loopback addresses: the exception of RFC 9700 section 2.1, which names localhost.
    #[default]
    Any,
    /// The registered one.
    Exact,
}

/// The audience that an assertion of a client must have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AssertionAudience {
    /// The issuer, the URL of its token endpoint or that of the endpoint it is sent to, alone or in a list of nothing else:
    /// what client libraries send.
    #[default]
    Tolerant,
    /// The issuer, as a string (FAPI 2.0 section 5.3.2.1, draft-ietf-oauth-rfc7523bis).
    Issuer,
}

/// The metadata that a client registers; secrets are not part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are those of RFC 7591 section 2 and RFC 8705")]
pub struct ClientMetadata {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    #[serde(default)]
    pub token_endpoint_auth_method: MethodName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<Scheme>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_subject_dn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_dns: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_ip: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_email: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tls_client_certificate_bound_access_tokens: bool,
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
    pub jeton: JetonMetadata,
}

/// Settings beyond RFC 7591. What is absent follows the issuer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JetonMetadata {
    /// Lifetime of access tokens, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_lifetime: Option<u64>,
    /// Lifetime of ID tokens, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_lifetime: Option<u64>,
    /// True if a refresh token is replaced when it is used; a public client's always is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token_rotation: Option<bool>,
    /// Seconds for which a spent refresh token still gives the same successor; 0 is strict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token_grace: Option<u64>,
    /// Retries that are answered within the grace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token_replays: Option<u16>,
    /// Lifetime of an unused refresh token, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token_idle_lifetime: Option<u64>,
    /// Lifetime of a family however much it is used, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token_lifetime: Option<u64>,
    /// True if a code needs a PKCE challenge; a public client's always does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_pkce: Option<bool>,
    /// The rule for the redirect URI of the token request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_redirect_uri: Option<CodeRedirect>,
    /// The ports that a redirect URI at `http://localhost` may have; one at `127.0.0.1` or `[::1]` may have any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub localhost_port: Option<LocalhostPort>,
    /// Algorithm of access tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_signed_response_alg: Option<Algorithm>,
    /// Resources the client may ask for (RFC 8707), from those of its issuer; absent means all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Vec<String>>,
    /// Audiences the client may ask for, from those of its issuer; absent means all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audiences: Option<Vec<String>>,
    /// Format of access tokens; absent follows the issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_format: Option<AccessTokenFormat>,
    /// `typ` of access tokens that are JWTs; absent follows the issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_typ: Option<AccessTokenTyp>,
    /// The ways to send the secret; absent follows the issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_transport: Option<SecretTransport>,
    /// The audience that assertions of the client must have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assertion_audience: Option<AssertionAudience>,
    /// The tokens that the client may introspect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection: Option<IntrospectionReach>,
    /// Token requests a second it may make; absent follows the issuer, which by default sets no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<u32>,
    /// Rights with the token exchange grant; absent is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_exchange: Option<ExchangePolicy>,
    /// Federated credentials, for the federated methods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub federated_credentials: Vec<FederatedCredential>,
    /// A disabled client is refused like an unknown one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
}

/// The rights of a client with the token exchange grant (RFC 8693).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExchangePolicy {
    /// Audiences and resources it may get tokens for; absent means those of the subject token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audiences: Option<Vec<String>>,
    /// True if the client may exchange without an actor token: nobody sees that somebody acts.
    pub impersonation: bool,
    /// True if the client may exchange with an actor token: the new token says who acts.
    pub delegation: bool,
}

fn default_grant_types() -> Vec<GrantType> {
    vec![GrantType::AUTHORIZATION_CODE]
}
