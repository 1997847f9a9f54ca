//! A dialect of an embedding program: another path, another success, another error; everything else as the RFCs have it.

use jeton::extend::{Dialect, Endpoint, Path, Refused, TokenResponse, default_dialect};
use serde_json::json;

pub(crate) struct Acme;

impl Dialect for Acme {
    fn name(&self) -> &'static str {
        "acme"
    }

    fn paths(&self, endpoint: Endpoint) -> &'static [Path] {
        match endpoint {
            Endpoint::Token => &[Path::Below("/issue-token")],
            other => default_dialect().paths(other),
        }
    }

    fn success(&self, response: &TokenResponse) -> Vec<u8> {
        json!({ "token": response.access_token, "seconds": response.expires_in }).to_string().into_bytes()
    }

    fn error(&self, refused: &Refused<'_>) -> (u16, Vec<u8>) {
        let (name, status) = refused.wire();
        (status, json!({ "problem": name, "because": refused.description() }).to_string().into_bytes())
    }
}
