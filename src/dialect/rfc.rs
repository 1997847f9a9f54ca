//! The RFCs as they stand: RFC 6749 sections 5.1 and 5.2 for shapes, our own paths.

use serde_json::json;

use super::{Dialect, Refused, body};
use crate::protocol::endpoint::{Endpoint, Path};
use crate::protocol::response::TokenResponse;

/// `rfc`.
pub(super) struct Rfc;

impl Dialect for Rfc {
    fn name(&self) -> &'static str {
        "rfc"
    }

    fn paths(&self, endpoint: Endpoint) -> &'static [Path] {
        match endpoint {
            Endpoint::Token => &[Path::Below("/oauth2/token")],
            Endpoint::Introspection => &[Path::Below("/oauth2/introspect")],
            Endpoint::Revocation => &[Path::Below("/oauth2/revoke")],
            Endpoint::Jwks => &[Path::Below("/oauth2/jwks")],
            Endpoint::OpenIdConfiguration => &[Path::Below("/.well-known/openid-configuration")],
            Endpoint::AuthorizationServerMetadata => &[Path::Below("/.well-known/oauth-authorization-server")],
            Endpoint::OfGrant(own) => own.paths,
        }
    }

    fn success(&self, response: &TokenResponse) -> Vec<u8> {
        // strings and numbers always serialise
        serde_json::to_vec(response).unwrap_or_default()
    }

    fn error(&self, refused: &Refused<'_>) -> (u16, Vec<u8>) {
        let (name, status) = refused.wire();
        let body = json!({ "error": name, "error_description": refused.description() });
        (status, body::bytes(body))
    }
}
