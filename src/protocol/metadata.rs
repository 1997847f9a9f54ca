//! Server metadata (RFC 8414 section 2, OpenID Connect Discovery section 3): says what works, and nothing else.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

/// The members of the document that are made from what works, whether they are in it or not.
pub(crate) const STATED: [&str; 24] = [
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "introspection_endpoint",
    "revocation_endpoint",
    "device_authorization_endpoint",
    "scopes_supported",
    "response_types_supported",
    "response_modes_supported",
    "grant_types_supported",
    "subject_types_supported",
    "id_token_signing_alg_values_supported",
    "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported",
    "introspection_endpoint_auth_methods_supported",
    "introspection_endpoint_auth_signing_alg_values_supported",
    "revocation_endpoint_auth_methods_supported",
    "revocation_endpoint_auth_signing_alg_values_supported",
    "tls_client_certificate_bound_access_tokens",
    "code_challenge_methods_supported",
    "claims_supported",
    "request_parameter_supported",
    "request_uri_parameter_supported",
];

/// The discovery document; the same for both well-known paths.
#[derive(Debug, Serialize)]
pub(crate) struct ServerMetadata<'a> {
    pub issuer: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub authorization_endpoint: &'a str,
    pub token_endpoint: &'a str,
    pub jwks_uri: &'a str,
    pub introspection_endpoint: &'a str,
    pub revocation_endpoint: &'a str,
    /// Endpoints at which grants begin, by the name of the member.
    #[serde(flatten)]
    pub grant_endpoints: BTreeMap<&'static str, &'a str>,
    pub scopes_supported: Vec<&'a str>,
    pub response_types_supported: &'static [&'static str],
    pub response_modes_supported: &'static [&'static str],
    pub grant_types_supported: Vec<&'a str>,
    pub subject_types_supported: &'static [&'static str],
    pub id_token_signing_alg_values_supported: Vec<&'static str>,
    pub token_endpoint_auth_methods_supported: Vec<&'a str>,
    pub token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    pub introspection_endpoint_auth_methods_supported: Vec<&'a str>,
    pub introspection_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    pub revocation_endpoint_auth_methods_supported: Vec<&'a str>,
    pub revocation_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tls_client_certificate_bound_access_tokens: bool,
    pub code_challenge_methods_supported: &'static [&'static str],
    pub claims_supported: &'static [&'static str],
    pub request_parameter_supported: bool,
    pub request_uri_parameter_supported: bool,
    /// Further members that the operator sets; none of [`STATED`].
    #[serde(flatten)]
    pub further: &'a Map<String, Value>,
}
