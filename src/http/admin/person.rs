//! What a login portal says about a person, wherever it says it: for a code, for a device.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::problem::Problem;
use crate::token::access::{PROTOCOL_CLAIMS, is_subject};

/// Longest `nonce`, `acr` and single `amr`, in bytes.
const MAX_TEXT: usize = 512;
const MAX_AMR: usize = 16;
/// Longest further claims of one token, in bytes of JSON.
const MAX_CLAIMS: usize = 2048;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claims {
    #[serde(default)]
    pub(super) access_token: Map<String, Value>,
    #[serde(default)]
    pub(super) id_token: Map<String, Value>,
}

pub(super) fn check_subject(subject: &str) -> Result<(), Problem> {
    if is_subject(subject) {
        return Ok(());
    }
    Err(Problem::new(400, "subject: 1 to 255 printable ASCII characters (OpenID Connect Core section 2)"))
}

pub(super) fn check_texts(texts: [&Option<String>; 2], amr: &[String]) -> Result<(), Problem> {
    let too_long = |text: &Option<String>| text.as_ref().is_some_and(|text| text.len() > MAX_TEXT);
    if texts.into_iter().any(too_long) || amr.len() > MAX_AMR || amr.iter().any(|one| one.len() > MAX_TEXT) {
        return Err(Problem::new(400, "nonce, acr, amr: at most 512 bytes each, at most 16 amr"));
    }
    Ok(())
}

pub(super) fn check_claims(claims: &Claims) -> Result<(), Problem> {
    for (name, claims) in [("access_token", &claims.access_token), ("id_token", &claims.id_token)] {
        if let Some(taken) = claims.keys().find(|claim| PROTOCOL_CLAIMS.contains(&claim.as_str())) {
            return Err(Problem::new(400, format!("claims.{name}: {taken} belongs to the protocol and cannot be set")));
        }
        if serde_json::to_string(claims).map_or(usize::MAX, |text| text.len()) > MAX_CLAIMS {
            return Err(Problem::new(400, format!("claims.{name}: at most {MAX_CLAIMS} bytes of JSON")));
        }
    }
    Ok(())
}
