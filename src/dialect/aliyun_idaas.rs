//! Alibaba Cloud IDaaS (EIAM), authorization server of an instance: SEEDS.md 000.1 and 000.2.
//!
//! The issuer's URL is the vendor's token endpoint without `/token`, such as
//! `https://<instance>.aliyunidaas.com/api/v2/iauths_system/oauth2`. With `vendor.instance_id` the OpenAPI paths
//! (`/v2/{instanceId}/authorizationServer/...`, `/v2/{instanceId}/{applicationId}/...`) answer too, and the generated SDK
//! may send everything in the query of a POST without body. Statuses are not published: those of RFC 6749 section 5.2 stand.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Carrier, Dialect, Refused, body, rfc};
use crate::grant::device;
use crate::id::Id;
use crate::issuer::IssuerSettings;
use crate::protocol::endpoint::{Endpoint, Path};
use crate::protocol::error::{BrokenRule, ErrorCause, ErrorCode, OAuthError};
use crate::protocol::form::Form;
use crate::protocol::grant_type::GrantType;
use crate::protocol::resource::INVALID_TARGET;
use crate::protocol::response::{StartResponse, TokenResponse};
use crate::token::access::ClaimStyle;

/// `aliyun-idaas`.
pub(super) struct AliyunIdaas;

/// The description that the vendor's clients look for.
const UNAUTHORIZED: &str = "the client has not been authorized by resource server for this scope";

impl Dialect for AliyunIdaas {
    fn name(&self) -> &'static str {
        "aliyun-idaas"
    }

    fn paths(&self, endpoint: Endpoint) -> &'static [Path] {
        match endpoint {
            Endpoint::Token => &[
                Path::Below("/token"),
                Path::AtRoot("/v2/{instance_id}/authorizationServer/{authorization_server_id}/oauth2/token"),
                Path::AtRoot("/v2/{instance_id}/{client_id}/oauth2/token"),
            ],
            Endpoint::Revocation => &[
                Path::Below("/revoke"),
                Path::AtRoot("/v2/{instance_id}/authorizationServer/{authorization_server_id}/oauth2/revoke"),
                Path::AtRoot("/v2/{instance_id}/{client_id}/oauth2/revoke"),
            ],
            Endpoint::OfGrant(device::ENDPOINT) => &[
                Path::Below("/device/code"),
                Path::AtRoot("/v2/{instance_id}/authorizationServer/{authorization_server_id}/oauth2/device/code"),
                Path::AtRoot("/v2/{instance_id}/{client_id}/oauth2/device/code"),
            ],
            Endpoint::Introspection => &[Path::Below("/introspect")],
            Endpoint::Jwks => &[Path::Below("/jwks")],
            other => rfc::Rfc.paths(other),
        }
    }

    fn settings(&self) -> &'static [&'static str] {
        &["instance_id", "authorization_server_id"]
    }

    fn defaults(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("vendor.authorization_server_id", "iauths_system"),
            ("access_token_alg", "RS256"),
            ("access_token_lifetime", "20m"),
            ("id_token_lifetime", "5m"),
            ("code_lifetime", "60s"),
            ("refresh_token_idle_lifetime", "1day"),
            ("refresh_token_lifetime", "1day"),
            ("device_code_lifetime", "20m"),
        ]
    }

    /// The part of a scope before `|` is the identifier of a resource server, and `orders|.all` all that may be had of it.
    fn style(&self, _settings: &IssuerSettings) -> ClaimStyle {
        ClaimStyle { scope_names_audience: true, ..ClaimStyle::default() }
    }

    /// The endpoints that the generated SDK calls take the query, in which it sends everything.
    fn carrier(&self, endpoint: Endpoint) -> Carrier {
        match endpoint {
            Endpoint::Token | Endpoint::OfGrant(device::ENDPOINT) | Endpoint::Revocation => Carrier::FormOrQuery,
            Endpoint::Introspection
            | Endpoint::Jwks
            | Endpoint::OpenIdConfiguration
            | Endpoint::AuthorizationServerMetadata
            | Endpoint::OfGrant(_) => Carrier::Form,
        }
    }

    /// An `audience` must be the one that the scope names, and then says nothing new; another one is left to the rules.
    /// So is that of an exchange, where the scope does not decide what the new token is for (CHECKLIST 61).
    fn read<'a>(&self, form: Form<'a>) -> Result<Form<'a>, OAuthError> {
        let asked: BTreeSet<&str> = form.all("audience").collect();
        let exchange = form.get("grant_type") == Some(GrantType::TOKEN_EXCHANGE.as_str());
        let same = asked == named(&form);
        Ok(if same && !exchange { form.without("audience") } else { form })
    }

    /// A token is for one resource server, which the vendor's SDK does not even ask more of; an `audience` names the same.
    fn check(&self, _endpoint: Endpoint, form: &Form<'_>) -> Result<(), OAuthError> {
        let (asked, named) = (form.all("audience").collect::<BTreeSet<_>>(), named(form));
        if named.len() > 1 {
            return Err(OAuthError::new(ErrorCode::InvalidScope, "a token is for one resource server"));
        }
        if asked.is_empty() || named.is_empty() || asked == named { Ok(()) } else { Err(INVALID_TARGET) }
    }

    fn request_id(&self) -> Option<String> {
        let mut text = String::with_capacity(36);
        for (at, byte) in Id::random().0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            text.push_str(&format!("{byte:02X}"));
        }
        Some(text)
    }

    /// With `expires_at`, the second at which both codes of a device expire.
    fn started(&self, response: &StartResponse) -> Vec<u8> {
        let mut members: Map<String, Value> = serde_json::from_slice(&response.body).unwrap_or_default();
        members.insert("expires_at".to_owned(), Value::from(response.expires_at));
        body::bytes(members)
    }

    /// With `expires_at`, the second at which the access token expires.
    fn success(&self, response: &TokenResponse) -> Vec<u8> {
        let mut members = body::members(response);
        members.insert("expires_at".to_owned(), Value::from(response.expires_at));
        body::bytes(members)
    }

    /// The generated SDK reads JSON out of every answer, this one too.
    fn revoked(&self) -> &'static str {
        "{}"
    }

    fn error(&self, refused: &Refused<'_>) -> (u16, Vec<u8>) {
        let (name, status) = refused.wire();
        let (name, description) = match (refused.error.code, refused.error.cause) {
            (_, Some(ErrorCause::Scope(BrokenRule::Registration))) => ("invalid_request", UNAUTHORIZED),
            // a grant that is not enabled for the application
            (ErrorCode::UnauthorizedClient, _) => ("invalid_client", refused.description()),
            _ => (name, refused.description()),
        };
        let mut body = json!({ "error": name, "error_description": description });
        if let Some(id) = refused.request_id {
            body["request_id"] = Value::from(id);
        }
        (status, body::bytes(body))
    }
}

/// The resource servers that the scope of a request names.
fn named<'f>(form: &'f Form<'_>) -> BTreeSet<&'f str> {
    let scope = form.get("scope").unwrap_or_default().split(' ');
    scope.filter_map(|token| token.split_once('|')).map(|(named, _)| named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checklist_61_the_audience_of_an_exchange_is_left_to_the_rules() {
        let kept = |grant: &str| {
            let text = format!("grant_type={grant}&scope=orders%7Cread&audience=orders");
            let form = AliyunIdaas.read(Form::parse(text.as_bytes()).unwrap()).unwrap();
            form.get("audience").is_some()
        };
        assert!(!kept("client_credentials"));
        assert!(kept(GrantType::TOKEN_EXCHANGE.as_str()));
    }
}
