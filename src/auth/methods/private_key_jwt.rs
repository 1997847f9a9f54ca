//! private_key_jwt (RFC 7523 section 2.2, OpenID Connect Core section 9): a JWT signed with a key whose public part is
//! registered (CHECKLIST 26-36).
//!
//! Keys in the header are never believed (see [`signature`]).

use crate::auth::assertion::{self, Assertion};
use crate::auth::assertion_rules::accept;
use crate::auth::attempt::AuthAttempt;
use crate::auth::claim::{Claim, ClientProof};
use crate::auth::evidence::Evidence;
use crate::auth::failure::ClaimError;
use crate::auth::method::{Method, VerifyFuture};
use crate::auth::signature;
use crate::jose::{Jws, Scheme};
use crate::protocol::auth_method::{AuthMethod, CredentialKind};
use crate::protocol::error::OAuthError;

const METHOD: AuthMethod =
    AuthMethod { name: "private_key_jwt", credential: CredentialKind::KeyPair, algorithms: &Scheme::SIGNATURES };

/// An assertion under a public key. What is no JWS at all comes here too, to be refused.
pub(super) struct PrivateKeyJwt;

impl Method for PrivateKeyJwt {
    fn method(&self) -> AuthMethod {
        METHOD
    }

    fn detect<'a>(&self, evidence: &Evidence<'a>) -> Result<Option<Claim<'a>>, OAuthError> {
        let form = evidence.form;
        let Some(text) = assertion::of(form) else { return Ok(None) };
        if Jws::peek(text).is_ok_and(|header| header.alg.mac().is_some()) {
            return Ok(None);
        }
        Ok(Some(Claim::of_assertion(METHOD, text, form)))
    }

    fn verify<'a>(&self, attempt: &'a AuthAttempt<'a>, proof: &'a ClientProof<'a>) -> VerifyFuture<'a> {
        Box::pin(async move {
            let assertion = match proof.assertion() {
                Ok(assertion) => assertion,
                Err(reason) => return attempt.judge(Err(reason)),
            };
            let signed = signed(attempt, assertion).await?;
            let checked = signed.and_then(|()| assertion.check(attempt));
            accept(attempt, checked).await
        })
    }
}

/// Checks that one of the client's keys made the signature.
async fn signed(attempt: &AuthAttempt<'_>, assertion: &Assertion<'_>) -> Result<Result<(), &'static str>, ClaimError> {
    let ours = attempt.client.as_ref().filter(|client| client.settings.auth_method == METHOD);
    let keys = match ours {
        Some(client) => signature::keys(attempt, &client.settings.assertions.keys, &assertion.jws).await?,
        None => None,
    };
    if !signature::is_by(&assertion.jws, keys.as_deref()) {
        return Ok(Err("no registered key made the assertion's signature"));
    }
    Ok(attempt.allows(assertion.jws.header().alg))
}
