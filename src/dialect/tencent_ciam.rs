//! Tencent Cloud CIAM: SEEDS.md 004.1 and 004.2.
//!
//! The engine is a Spring Authorization Server, so some errors name their parameter and carry `error_uri`, and others
//! are a bare `error`. Not copied: a verifier that is not checked when the secret was right, an unknown client that is
//! answered otherwise than a wrong secret, access tokens of `typ` `JWT`.

use serde_json::{Value, json};

use super::{Carrier, Dialect, Headers, Refused, body, rfc};
use crate::issuer::IssuerSettings;
use crate::protocol::endpoint::{Endpoint, Path};
use crate::protocol::error::{BrokenRule, ErrorCause, ErrorCode, OAuthError};
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

    fn style(&self, _settings: &IssuerSettings) -> ClaimStyle {
        ClaimStyle { scope: ScopeStyle::Array, nbf: true, ..ClaimStyle::default() }
    }

    fn carrier(&self, endpoint: Endpoint) -> Carrier {
        if endpoint == Endpoint::Token { Carrier::FormOrJson } else { Carrier::Form }
    }

    /// A login says which of the tenant's authentication sources it means; a webhook is told.
    fn check(&self, endpoint: Endpoint, form: &Form<'_>) -> Result<(), OAuthError> {
        let login = endpoint == Endpoint::Token && form.get("grant_type") == Some(GrantType::PASSWORD.as_str());
        if login { form.require("auth_source_id", "auth_source_id is missing").map(drop) } else { Ok(()) }
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
        match refused.error.cause {
            Some(ErrorCause::Credential(BrokenRule::Required)) => (401, Vec::new()),
            Some(ErrorCause::Parameter("code", BrokenRule::Ownership)) => of_another_client(401),
            Some(ErrorCause::EarlierGrant(BrokenRule::Ownership)) => of_another_client(400),
            Some(ErrorCause::Parameter(
                missing @ ("grant_type" | "code" | "redirect_uri" | "refresh_token" | "token" | "auth_source_id"),
                BrokenRule::Required,
            )) => parameter(name, missing),
            Some(ErrorCause::Parameter("username" | "password", BrokenRule::Required | BrokenRule::Length)) => {
                parameter(name, "username")
            }
            // as incorrect as any other
            Some(
                ErrorCause::Parameter("code", BrokenRule::Length)
                | ErrorCause::Parameter("code_verifier", BrokenRule::Syntax),
            ) => (400, body::bytes(json!({ "error": "invalid_grant" }))),
            _ => by_code(refused, name, status),
        }
    }
}

fn by_code(refused: &Refused<'_>, name: &str, status: u16) -> (u16, Vec<u8>) {
    match refused.error.code {
        ErrorCode::UnsupportedGrantType => parameter(name, "grant_type"),
        // an unknown client there; a wrong secret is answered alike (CHECKLIST 16)
        ErrorCode::InvalidClient if refused.endpoint == Endpoint::Token => (status, Vec::new()),
        ErrorCode::InvalidClient
        | ErrorCode::InvalidGrant
        | ErrorCode::InvalidScope
        | ErrorCode::UnauthorizedClient => (status, body::bytes(json!({ "error": name }))),
        ErrorCode::InvalidRequest
        | ErrorCode::InvalidTarget
        | ErrorCode::AuthorizationPending
        | ErrorCode::DeviceSlowDown
        | ErrorCode::AccessDenied
        | ErrorCode::ExpiredToken
        | ErrorCode::UnsupportedTokenType
        | ErrorCode::TooManyRequests
        | ErrorCode::Extension
        | ErrorCode::TemporarilyUnavailable
        | ErrorCode::ServerError => {
            let body = json!({ "error": name, "error_description": refused.description() });
            (status, body::bytes(body))
        }
    }
}

fn of_another_client(status: u16) -> (u16, Vec<u8>) {
    (status, body::bytes(json!({ "error": "invalid_client" })))
}

fn parameter(error: &str, name: &str) -> (u16, Vec<u8>) {
    let description = format!("OAuth 2.0 Parameter: {name}");
    (400, body::bytes(json!({ "error": error, "error_description": description, "error_uri": ERROR_URI })))
}
