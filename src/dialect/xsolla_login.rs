//! Xsolla Login, "Generate JWT": SEEDS.md 001.1 and 001.2.
//!
//! Errors are nested and numeric, and a failed client authentication is 400. Codes that no page gives (an unknown
//! grant type, a scope, a grant that the client may not use) are `0`, the code of a request that is wrong in general.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::{Dialect, Refused, body, rfc};
use crate::issuer::IssuerSettings;
use crate::protocol::endpoint::{Endpoint, Path};
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::form::Form;
use crate::protocol::response::TokenResponse;
use crate::token::access::ClaimStyle;

/// `xsolla-login`.
pub(super) struct XsollaLogin;

/// Theirs and ours: the grant is spelled with an underscore, the token types are short.
const WORDS: [(&str, &str, &str); 6] = [
    (
        "grant_type",
        "urn:ietf:params:oauth:grant-type:token_exchange",
        "urn:ietf:params:oauth:grant-type:token-exchange",
    ),
    ("subject_token_type", "access_token", ACCESS_TOKEN),
    ("subject_token_type", "server_token", ACCESS_TOKEN),
    ("actor_token_type", "access_token", ACCESS_TOKEN),
    ("actor_token_type", "server_token", ACCESS_TOKEN),
    ("requested_token_type", "access_token", ACCESS_TOKEN),
];
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

impl Dialect for XsollaLogin {
    fn name(&self) -> &'static str {
        "xsolla-login"
    }

    fn paths(&self, endpoint: Endpoint) -> &'static [Path] {
        match endpoint {
            Endpoint::Token => &[Path::Below("/api/oauth2/token")],
            Endpoint::Revocation => &[Path::Below("/api/oauth2/token/revoke")],
            Endpoint::Introspection => &[Path::Below("/api/oauth2/introspect")],
            Endpoint::Jwks => &[Path::Below("/api/oauth2/jwks"), Path::Below("/api/projects/{project_id}/keys")],
            other => rfc::Rfc.paths(other),
        }
    }

    fn settings(&self) -> &'static [&'static str] {
        &["project_id", "publisher_id"]
    }

    fn defaults(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("access_token_alg", "RS256"),
            ("access_token_lifetime", "1h"),
            ("scopes", "openid email user_profile offline"),
            ("offline_scope", "offline"),
            // "unsupported authentication method"
            ("secret_transport", "registered"),
        ]
    }

    fn style(&self, settings: &IssuerSettings) -> ClaimStyle {
        let mut constant = Map::new();
        constant.insert("type".to_owned(), Value::from("oauth"));
        if let Some(project) = settings.vendor.get("project_id") {
            constant.insert("xsolla_login_project_id".to_owned(), Value::from(project.as_str()));
        }
        if let Some(publisher) = settings.vendor.get("publisher_id") {
            let number = publisher.parse::<u64>().map(Value::from);
            constant.insert("publisher_id".to_owned(), number.unwrap_or_else(|_| Value::from(publisher.as_str())));
        }
        ClaimStyle { constant, ..ClaimStyle::default() }
    }

    /// Theirs in our words; `audience` is a list in one parameter.
    fn read<'a>(&self, form: Form<'a>) -> Result<Form<'a>, OAuthError> {
        form.reword(&WORDS).split("audience")
    }

    /// Below `/api/projects` an array of RSA keys whose numbers are hexadecimal.
    fn keys(&self, path: &str, jwks: &[u8]) -> Option<Vec<u8>> {
        if !path.ends_with("/keys") {
            return None;
        }
        let mut set: Value = serde_json::from_slice(jwks).ok()?;
        let keys = set.get_mut("keys")?.as_array_mut()?;
        keys.retain(|key| key["kty"] == "RSA");
        for key in keys.iter_mut() {
            for member in ["n", "e"] {
                let bytes = URL_SAFE_NO_PAD.decode(key[member].as_str()?).ok()?;
                let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                key[member] = Value::from(digits);
            }
        }
        Some(body::bytes(std::mem::take(keys)))
    }

    fn success(&self, response: &TokenResponse) -> Vec<u8> {
        let mut members = body::members(response);
        members.insert("token_type".to_owned(), Value::from(response.token_type.to_ascii_lowercase()));
        body::bytes(members)
    }

    fn error(&self, refused: &Refused<'_>) -> (u16, Vec<u8>) {
        let (code, status) = match refused.error.code {
            ErrorCode::InvalidClient => ("010-019", 400),
            ErrorCode::InvalidGrant => ("010-023", 400),
            ErrorCode::InvalidRequest
            | ErrorCode::UnauthorizedClient
            | ErrorCode::UnsupportedGrantType
            | ErrorCode::InvalidScope
            | ErrorCode::InvalidTarget
            | ErrorCode::AuthorizationPending
            | ErrorCode::DeviceSlowDown
            | ErrorCode::AccessDenied
            | ErrorCode::ExpiredToken
            | ErrorCode::UnsupportedTokenType
            | ErrorCode::Extension => ("0", 400),
            ErrorCode::TooManyRequests => ("002-057", 429),
            ErrorCode::TemporarilyUnavailable => ("0", 503),
            // a teapot, literally
            ErrorCode::ServerError => ("004-001", 418),
        };
        let error = json!({ "code": code, "description": refused.description(), "details": {} });
        (status, body::bytes(json!({ "error": error })))
    }
}
