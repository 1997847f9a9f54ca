//! What a login portal says about a person, wherever it says it: for a code, for a device.

use super::problem::Problem;
use crate::token::access::is_subject;
use crate::token::granted::{MAX_AMR, MAX_TEXT};
pub(super) use crate::user::Claims;

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
    claims.check().map_err(|rule| Problem::new(400, rule))
}
