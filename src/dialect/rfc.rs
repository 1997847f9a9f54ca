//! The RFCs as they stand: RFC 6749 sections 5.1 and 5.2 for shapes, DESIGN.md section 6 for paths.

use serde_json::json;

use super::Dialect;
use crate::protocol::endpoint::Endpoint;
use crate::protocol::error::OAuthError;
use crate::protocol::response::TokenResponse;

/// `rfc`.
pub(super) struct Rfc;

impl Dialect for Rfc {
    fn name(&self) -> &'static str {
        "rfc"
    }

    fn path(&self, endpoint: Endpoint) -> &'static str {
        match endpoint {
            Endpoint::Token => "/oauth2/token",
            Endpoint::Introspection => "/oauth2/introspect",
            Endpoint::Revocation => "/oauth2/revoke",
            Endpoint::DeviceAuthorization => "/oauth2/device_authorization",
            Endpoint::Jwks => "/oauth2/jwks",
            Endpoint::OpenIdConfiguration => "/.well-known/openid-configuration",
            Endpoint::AuthorizationServerMetadata => "/.well-known/oauth-authorization-server",
        }
    }

    fn success(&self, response: &TokenResponse) -> Vec<u8> {
        // strings and numbers always serialise
        serde_json::to_vec(response).unwrap_or_default()
    }

    fn error(&self, error: &OAuthError) -> (u16, Vec<u8>) {
        let (name, status) = error.code.wire();
        (status, json!({ "error": name, "error_description": error.description }).to_string().into_bytes())
    }
}
