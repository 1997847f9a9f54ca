//! Huawei Cloud OneAccess, "Obtaining an ID Token" and its siblings: SEEDS.md 003.1 and 003.2.
//!
//! A refresh token needs no scope: the client's `refresh_token` grant is the vendor's "refresh token validity period".
//! Client credentials have a path and an error envelope of their own. Not copied: a redirect URI that matches by its
//! domain, a grant type in the query.

use serde_json::json;

use super::{Dialect, Refused, body, rfc};
use crate::protocol::endpoint::{Endpoint, Path};
use crate::protocol::error::ErrorCode;
use crate::protocol::grant_type::GrantType;
use crate::protocol::response::TokenResponse;

/// `huawei-oneaccess`.
pub(super) struct HuaweiOneAccess;

/// The vendor's path of the client credentials grant.
const TENANT_TOKEN: &str = "/api/v2/tenant/token";

impl Dialect for HuaweiOneAccess {
    fn name(&self) -> &'static str {
        "huawei-oneaccess"
    }

    fn paths(&self, endpoint: Endpoint) -> &'static [Path] {
        match endpoint {
            Endpoint::Token => &[Path::Below("/api/v1/oauth2/token"), Path::Below(TENANT_TOKEN)],
            Endpoint::Introspection => &[Path::Below("/api/v1/oauth2/introspect")],
            Endpoint::Revocation => &[Path::Below("/api/v1/oauth2/revoke")],
            Endpoint::Jwks => &[Path::Below("/api/v1/oauth2/jwks")],
            Endpoint::OpenIdConfiguration => &[
                Path::Below("/.well-known/openid-configuration"),
                Path::Below("/api/v1/oauth2/.well-known/openid-configuration"),
            ],
            other => rfc::Rfc.paths(other),
        }
    }

    fn defaults(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("access_token_format", "opaque"),
            ("access_token_alg", "RS256"),
            ("access_token_lifetime", "2h"),
            ("scopes", "openid profile email get_user_info all"),
            ("refresh_without_offline_access", "true"),
        ]
    }

    fn success(&self, response: &TokenResponse) -> Vec<u8> {
        body::bytes(body::members(response))
    }

    /// Only 200 and 400 are listed, so a failed client authentication is 400.
    fn error(&self, refused: &Refused<'_>) -> (u16, Vec<u8>) {
        let (name, status) = refused.wire();
        let status = if status == 401 { 400 } else { status };
        if refused.path.ends_with(TENANT_TOKEN) {
            return (status, body::bytes(json!({ "error_code": name, "error_msg": refused.description() })));
        }
        let description = if refused.error.code != ErrorCode::InvalidGrant {
            refused.description()
        } else if refused.grant == GrantType::AUTHORIZATION_CODE.as_str() {
            "Invalid authorization code"
        } else if refused.grant == GrantType::REFRESH_TOKEN.as_str() {
            "Invalid refresh token"
        } else {
            refused.description()
        };
        (status, body::bytes(json!({ "error": name, "error_description": description })))
    }
}
