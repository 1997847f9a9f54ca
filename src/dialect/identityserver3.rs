//! IdentityServer3 2.6: SEEDS.md 002.1 and, case by case, 002.2.
//!
//! The token and revocation endpoints refuse with 400 and an `error`, `invalid_client` too; several cases have
//! another code than RFC 6749 would give them. There is an `error_description` only for what the user service says about
//! a login and for what is wrong with a proof key. Not copied: a wrong client or verifier burning the code, a code that
//! lives five minutes, `plain`, Basic credentials that are never form-decoded.

use serde_json::{Value, json};

use super::{Dialect, Headers, Refused, body, rfc};
use crate::issuer::IssuerSettings;
use crate::protocol::endpoint::{Endpoint, Path};
use crate::protocol::error::{BrokenRule, ErrorCause, ErrorCode, OAuthError};
use crate::protocol::form::Form;
use crate::protocol::grant_type::GrantType;
use crate::protocol::response::TokenResponse;
use crate::token::access::{ClaimStyle, ScopeStyle};
use crate::token::proof_key::ProofKey;

/// `identityserver3`.
pub(super) struct IdentityServer3;

impl Dialect for IdentityServer3 {
    fn name(&self) -> &'static str {
        "identityserver3"
    }

    fn paths(&self, endpoint: Endpoint) -> &'static [Path] {
        match endpoint {
            Endpoint::Token => &[Path::Below("/connect/token")],
            Endpoint::Introspection => &[Path::Below("/connect/introspect")],
            Endpoint::Revocation => &[Path::Below("/connect/revocation")],
            Endpoint::Jwks => &[Path::Below("/.well-known/jwks")],
            other => rfc::Rfc.paths(other),
        }
    }

    fn defaults(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("access_token_alg", "RS256"),
            ("access_token_lifetime", "1h"),
            ("id_token_lifetime", "5m"),
            ("refresh_token_idle_lifetime", "30days"),
            ("refresh_token_lifetime", "30days"),
            ("refresh_needs_whole_scope", "true"),
            ("default_audience", "{issuer}/resources"),
            ("users.id_token", "false"),
        ]
    }

    fn style(&self, _settings: &IssuerSettings) -> ClaimStyle {
        ClaimStyle { scope: ScopeStyle::TextOrArray, nbf: true, proof_keys: true, ..ClaimStyle::default() }
    }

    /// A refresh cannot narrow its scope; the parameter is ignored.
    fn read<'a>(&self, form: Form<'a>) -> Result<Form<'a>, OAuthError> {
        let refresh = form.get("grant_type") == Some(GrantType::REFRESH_TOKEN.as_str());
        Ok(if refresh { form.without("scope") } else { form })
    }

    /// A grant that does not come from an authorization says which scope it wants; a proof key is looked at before
    /// anything is spent.
    fn check(&self, endpoint: Endpoint, form: &Form<'_>) -> Result<(), OAuthError> {
        if endpoint != Endpoint::Token {
            return Ok(());
        }
        ProofKey::asked(form)?;
        let authorized = [GrantType::AUTHORIZATION_CODE, GrantType::REFRESH_TOKEN];
        let named = authorized.iter().any(|grant| form.get("grant_type") == Some(grant.as_str()));
        if named || form.get("scope").is_some() {
            return Ok(());
        }
        Err(OAuthError::new(ErrorCode::InvalidScope, "scope is missing"))
    }

    fn headers(&self) -> Headers {
        Headers { content_type: "application/json", cache_control: "no-store, no-cache, max-age=0, private" }
    }

    fn success(&self, response: &TokenResponse) -> Vec<u8> {
        let mut members = body::members(response);
        members.remove("scope");
        body::bytes(members)
    }

    fn knows_hint(&self, hint: &str) -> bool {
        matches!(hint, "access_token" | "refresh_token")
    }

    fn error(&self, refused: &Refused<'_>) -> (u16, Vec<u8>) {
        let (name, status) = refused.wire();
        let introspection = refused.endpoint == Endpoint::Introspection;
        let name = match refused.error.cause {
            Some(
                ErrorCause::Parameter("grant_type", BrokenRule::Required)
                | ErrorCause::CustomGrant(BrokenRule::Registration),
            ) => "unsupported_grant_type",
            Some(
                ErrorCause::Parameter("code" | "username" | "password", BrokenRule::Required | BrokenRule::Length)
                | ErrorCause::Parameter("code_verifier", BrokenRule::Syntax),
            ) => "invalid_grant",
            Some(ErrorCause::Parameter("redirect_uri", BrokenRule::Required | BrokenRule::Agreement)) => {
                "unauthorized_client"
            }
            Some(
                ErrorCause::Credential(BrokenRule::Length) | ErrorCause::Parameter("client_id", BrokenRule::Agreement),
            ) => "invalid_client",
            Some(ErrorCause::Parameter("token", BrokenRule::Required)) if introspection => "missing_token",
            // the vendor answers the rest as RFC 6749 does
            _ => name,
        };
        let status = if status == 401 && !introspection { 400 } else { status };
        let mut body = json!({ "error": name });
        let of_key = matches!(refused.error.cause, Some(ErrorCause::Parameter("alg" | "key", _)));
        if let Some(description) = refused.message.or(of_key.then_some(refused.error.description)) {
            body["error_description"] = Value::from(description);
        }
        (status, body::bytes(body))
    }
}
