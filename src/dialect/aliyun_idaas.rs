//! Alibaba Cloud IDaaS (EIAM), authorization server of an instance: SEEDS.md 000.1 and 000.2.
//!
//! The issuer's URL is the vendor's token endpoint without `/token`, such as
//! `https://<instance>.aliyunidaas.com/api/v2/iauths_system/oauth2`. With `vendor.instance_id` the OpenAPI paths
//! (`/v2/{instanceId}/authorizationServer/...`) answer too, and the generated SDK may send everything in the query of a
//! POST without body. Statuses are not published: those of RFC 6749 section 5.2 stand.

use serde_json::{Value, json};

use super::{Carrier, Dialect, Path, Refused, rfc};
use crate::id::Id;
use crate::protocol::endpoint::Endpoint;
use crate::protocol::response::TokenResponse;

/// `aliyun-idaas`.
pub(super) struct AliyunIdaas;

impl Dialect for AliyunIdaas {
    fn name(&self) -> &'static str {
        "aliyun-idaas"
    }

    fn paths(&self, endpoint: Endpoint) -> &'static [Path] {
        match endpoint {
            Endpoint::Token => &[
                Path::Below("/token"),
                Path::AtRoot("/v2/{instance_id}/authorizationServer/{authorization_server_id}/oauth2/token"),
            ],
            Endpoint::Revocation => &[
                Path::Below("/revoke"),
                Path::AtRoot("/v2/{instance_id}/authorizationServer/{authorization_server_id}/oauth2/revoke"),
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
        ]
    }

    fn carrier(&self) -> Carrier {
        Carrier::FormOrQuery
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

    /// With `expires_at`, the second at which the access token expires.
    fn success(&self, response: &TokenResponse) -> Vec<u8> {
        let mut members = super::members(response);
        members.insert("expires_at".to_owned(), Value::from(response.expires_at));
        super::bytes(members)
    }

    fn error(&self, refused: &Refused<'_>) -> (u16, Vec<u8>) {
        let (name, status) = refused.wire();
        let mut body = json!({ "error": name, "error_description": refused.description() });
        if let Some(id) = refused.request_id {
            body["request_id"] = Value::from(id);
        }
        (status, super::bytes(body))
    }
}
