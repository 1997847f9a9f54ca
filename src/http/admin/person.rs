//! What a login portal says about a person, wherever it says it: for a code, for a device.

use super::problem::Problem;
use crate::protocol::uri::has_control;
use crate::token::access::is_subject;
use crate::token::granted::{MAX_AMR, MAX_TEXT};
pub(super) use crate::user::UserClaims;

pub(super) fn check_subject(subject: &str) -> Result<(), Problem> {
    if is_subject(subject) {
        return Ok(());
    }
    Err(Problem::new(400, "subject: 1 to 255 printable ASCII characters (OpenID Connect Core section 2)"))
}

pub(super) fn check_texts(texts: [&Option<String>; 2], amr: &[String]) -> Result<(), Problem> {
    let mut all = texts.into_iter().flatten().chain(amr);
    if amr.len() > MAX_AMR || all.any(|text| text.len() > MAX_TEXT || has_control(text)) {
        let rule = "nonce, acr, amr: at most 512 bytes each without control characters, at most 16 amr";
        return Err(Problem::new(400, rule));
    }
    Ok(())
}

pub(super) fn check_claims(claims: &UserClaims) -> Result<(), Problem> {
    claims.check().map_err(|rule| Problem::new(400, rule))
}
