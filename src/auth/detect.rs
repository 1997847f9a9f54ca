//! Finds the method that a request uses (RFC 6749 section 2.3): not more than one, and for one client.

use super::claim::{Claim, ClientProof};
use super::claimed_name::ClaimedName;
use super::evidence::Evidence;
use super::external::ExternalMethod;
use super::failure::AuthFailure;
use super::method::Method;
use super::methods::METHODS;
use crate::client::metadata::MAX_CLIENT_ID;
use crate::client::secret::MAX_SECRET;
use crate::protocol::auth_method::CredentialKind;
use crate::protocol::error::{BrokenRule, ErrorCause, OAuthError};

/// Returns the one method that the request uses, and its claim.
///
/// # Errors
/// If it uses none, several or one that is malformed.
pub(super) fn detect<'a>(
    others: &'a [ExternalMethod],
    evidence: &Evidence<'a>,
) -> Result<(&'a dyn Method, Claim<'a>), AuthFailure> {
    let failed = |error, reason| {
        let claimed = evidence.form.get("client_id").map(ClaimedName::new);
        AuthFailure { error, retry_after: None, reason, claimed }
    };
    match find(others, evidence) {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err(failed(
            OAuthError::INVALID_CLIENT.because(ErrorCause::Credential(BrokenRule::Required)),
            "no client authentication",
        )),
        Err(error) => Err(failed(error, "malformed client authentication")),
    }
}

fn find<'a>(
    others: &'a [ExternalMethod],
    evidence: &Evidence<'a>,
) -> Result<Option<(&'a dyn Method, Claim<'a>)>, OAuthError> {
    const SEVERAL: OAuthError = OAuthError::invalid_request("more than one client authentication method");
    let form = evidence.form;
    let mut found: Option<(&'a dyn Method, Claim<'a>)> = None;
    for method in others.iter().map(|other| other as &dyn Method).chain(METHODS.iter().copied()) {
        let by_other =
            found.as_ref().is_some_and(|(_, claim)| others.iter().any(|other| other.declared == claim.method));
        match method.detect(evidence) {
            // the bare client_id and the header of a method that is not built in are no second one
            Ok(Some(claim)) if by_other && claim.method.credential == CredentialKind::None => {}
            Err(_) if by_other => {}
            Ok(Some(_)) if found.is_some() => return Err(SEVERAL),
            Ok(claim) => found = claim.map(|claim| (method, claim)).or(found),
            Err(error) => return Err(error),
        }
    }
    let asserted =
        matches!(&found, Some((_, Claim { proof: ClientProof::Assertion(_) | ClientProof::Federated(_), .. })));
    if !asserted && (form.get("client_assertion").is_some() || form.get("client_assertion_type").is_some()) {
        // a type that no method knows is an unsupported method (RFC 7521 section 4.2.1), but a second one all the same
        return Err(if found.is_some() { SEVERAL } else { OAuthError::INVALID_CLIENT });
    }
    let Some((method, mut claim)) = found else { return Ok(None) };
    // client_id in the body, if there, is the authenticated one (RFC 6749 section 3.2.1)
    match form.get("client_id") {
        Some(id) if claim.sent_id.as_deref() == Some(id) => claim.client_id = id.to_owned(),
        Some(id) if claim.client_id != id => {
            let error = OAuthError::invalid_request("client_id differs from the authenticated client");
            return Err(error.because(ErrorCause::Parameter("client_id", BrokenRule::Agreement)));
        }
        Some(_) => claim.sent_id = None,
        None => {}
    }
    let long = matches!(&claim.proof, ClientProof::Secret(secret) if secret.first().len() > MAX_SECRET);
    if claim.client_id.len() > MAX_CLIENT_ID || long {
        let error = OAuthError::invalid_request("client_id or client_secret is too long");
        return Err(error.because(ErrorCause::Credential(BrokenRule::Length)));
    }
    if claim.client_id.is_empty() {
        return Err(OAuthError::INVALID_CLIENT);
    }
    Ok(Some((method, claim)))
}
