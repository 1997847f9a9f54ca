//! private_key_jwt (RFC 7523 section 2.2, OpenID Connect Core section 9): a JWT signed with a key whose public part is
//! registered (CHECKLIST 26-36).
//!
//! What the header says about keys is never believed (see [`signature`]).

use super::assertion::{self, Assertion};
use super::{Case, Claim, Evidence, Method, Proof, Refused, Verdict, signature};
use crate::jose::Jws;
use crate::protocol::auth_method::AuthMethod;
use crate::protocol::error::OAuthError;

/// An assertion under a public key. What is no JWS at all comes here too, to be refused.
pub(super) struct PrivateKeyJwt;

impl Method for PrivateKeyJwt {
    fn detect<'a>(&self, evidence: &Evidence<'a>) -> Result<Option<Claim<'a>>, OAuthError> {
        let form = evidence.form;
        let Some(text) = assertion::of(form) else { return Ok(None) };
        if Jws::peek(text).is_ok_and(|header| header.alg.mac().is_some()) {
            return Ok(None);
        }
        Ok(Some(Claim::of_assertion(AuthMethod::PrivateKeyJwt, text, form)))
    }

    fn verify<'a>(&self, case: &'a Case<'a>, proof: &'a Proof<'a>) -> Verdict<'a> {
        Box::pin(async move {
            let Proof::Assertion(assertion) = proof else { return case.judge(Err("no assertion")) };
            let assertion = match &**assertion {
                Ok(assertion) => assertion,
                Err(reason) => return case.judge(Err(reason)),
            };
            let signed = signed(case, assertion).await?;
            let checked = signed.and_then(|()| assertion.check(case));
            let (client, single) = case.judge_with(checked)?;
            single.spend(case, &client).await?;
            Ok(client)
        })
    }
}

/// Whether one of the client's keys made the signature.
async fn signed(case: &Case<'_>, assertion: &Assertion<'_>) -> Result<Result<(), &'static str>, Refused> {
    let ours = case.client.as_ref().filter(|client| client.settings.auth_method == AuthMethod::PrivateKeyJwt);
    let keys = match ours {
        Some(client) => signature::keys(case, &client.settings.assertions.keys, &assertion.jws).await?,
        None => None,
    };
    if !signature::is_by(&assertion.jws, keys.as_deref()) {
        return Ok(Err("no registered key made the assertion's signature"));
    }
    Ok(case.allows(assertion.jws.header().alg))
}
