//! Tencent Cloud CIAM: SEEDS.md 004.1 and 004.2.
//!
//! The engine is a Spring Authorization Server, so some errors name their parameter and carry `error_uri`, and others
//! are a bare `error`. Not copied: a verifier that is not checked when the secret was right, an unknown client that is
//! answered otherwise than a wrong secret, access tokens of `typ` `JWT`.

use serde_json::{Value, json};

use super::{Carrier, Dialect, Headers, Path, Refused, body, rfc};
use crate::issuer::Issuer;
use crate::protocol::endpoint::Endpoint;
use crate::protocol::error::{ErrorCode, OAuthError, Occasion};
use crate::protocol::form::Form;
use crate::protocol::grant_type::GrantType;
use crate::protocol::response::TokenResponse;
use crate::token::access::{ClaimStyle, ScopeStyle};

/// `tencent-ciam`.
pub(super) struct TencentCiam;

const ERROR_URI: &str = "https://datatracker.ietf.org/doc/html/rfc6749#section-5.2";

impl Dialect for TencentCiam {
    fn name(&self) -> &'static str {
        "tencent-ciam"
    }

    fn paths(&self, endpoint: Endpoint) -> &'static [Path] {
        rfc::Rfc.paths(endpoint)
    }

    fn defaults(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("access_token_alg", "RS256"),
            ("access_token_lifetime", "5m"),
            ("id_token_lifetime", "30m"),
            ("refresh_token_idle_lifetime", "1h"),
            ("refresh_token_lifetime", "1h"),
            ("refresh_without_offline_access", "true"),
            ("default_audience", "{client_id}"),
            // the engine refuses a method that is not registered
            ("secret_transport", "registered"),
            ("users.parameters", "auth_source_id"),
        ]
    }

    fn style(&self, _issuer: &Issuer) -> ClaimStyle {
        ClaimStyle { scope: ScopeStyle::Array, nbf: true, ..ClaimStyle::default() }
    }

    fn carrier(&self, endpoint: Endpoint) -> Carrier {
        if endpoint == Endpoint::Token { Carrier::FormOrJson } else { Carrier::Form }
    }

    /// A login says which of the tenant's authentication sources it means; a webhook is told.
    fn check(&self, endpoint: Endpoint, form: &Form<'_>) -> Result<(), OAuthError> {
        let login = endpoint == Endpoint::Token && form.get("grant_type") == Some(GrantType::PASSWORD.as_str());
        let missing = OAuthError::invalid_request("OAuth 2.0 Parameter: auth_source_id");
        let complete = !login || form.get("auth_source_id").is_some();
        if complete { Ok(()) } else { Err(missing.on(Occasion::NoVendorParameter)) }
    }

    fn headers(&self) -> Headers {
        Headers { content_type: "application/json;charset=UTF-8", cache_control: "no-store" }
    }

    /// `expires_in` counts from the second after the issue.
    fn success(&self, response: &TokenResponse) -> Vec<u8> {
        let mut members = body::members(response);
        members.insert("expires_in".to_owned(), Value::from(response.expires_in.saturating_sub(1)));
        body::bytes(members)
    }

    /// "wrong client" is 401 there.
    fn tells_whose(&self) -> bool {
        true
    }

    fn error(&self, refused: &Refused<'_>) -> (u16, Vec<u8>) {
        let (name, status) = refused.wire();
        match refused.error.occasion {
            Occasion::NoCredential => (401, Vec::new()),
            Occasion::CodeOfAnother => (401, body::bytes(json!({ "error": "invalid_client" }))),
            Occasion::RefreshTokenOfAnother => (400, body::bytes(json!({ "error": "invalid_client" }))),
            Occasion::NoGrantType => parameter(name, "OAuth 2.0 Parameter: grant_type"),
            Occasion::NoCode => parameter(name, "OAuth 2.0 Parameter: code"),
            Occasion::NoRedirectUri => parameter(name, "OAuth 2.0 Parameter: redirect_uri"),
            Occasion::NoRefreshToken => parameter(name, "OAuth 2.0 Parameter: refresh_token"),
            Occasion::NoToken => parameter(name, "OAuth 2.0 Parameter: token"),
            Occasion::NoVendorParameter => parameter(name, refused.error.description),
            Occasion::NoLogin => parameter(name, "OAuth 2.0 Parameter: username"),
            // as incorrect as any other
            Occasion::LongCode | Occasion::BadVerifier => (400, body::bytes(json!({ "error": "invalid_grant" }))),
            Occasion::Plain
            | Occasion::LongCredential
            | Occasion::OtherClientId
            | Occasion::OtherRedirectUri
            | Occasion::CustomGrantOfOthers
            | Occasion::ScopeOfOthers => match refused.error.code {
                ErrorCode::UnsupportedGrantType => parameter(name, "OAuth 2.0 Parameter: grant_type"),
                // an unknown client there; a wrong secret is answered alike (CHECKLIST 16)
                ErrorCode::InvalidClient if refused.endpoint == Endpoint::Token => (status, Vec::new()),
                ErrorCode::InvalidClient
                | ErrorCode::InvalidGrant
                | ErrorCode::InvalidScope
                | ErrorCode::UnauthorizedClient => (status, body::bytes(json!({ "error": name }))),
                ErrorCode::InvalidRequest
                | ErrorCode::InvalidTarget
                | ErrorCode::AuthorizationPending
                | ErrorCode::PollSlower
                | ErrorCode::AccessDenied
                | ErrorCode::ExpiredToken
                | ErrorCode::UnsupportedTokenType
                | ErrorCode::TooManyRequests
                | ErrorCode::OfGrant
                | ErrorCode::TemporarilyUnavailable
                | ErrorCode::ServerError => {
                    let body = json!({ "error": name, "error_description": refused.description() });
                    (status, body::bytes(body))
                }
            },
        }
    }
}

fn parameter(error: &str, description: &str) -> (u16, Vec<u8>) {
    (400, body::bytes(json!({ "error": error, "error_description": description, "error_uri": ERROR_URI })))
}
