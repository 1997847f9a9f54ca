//! private_key_jwt (RFC 7523 section 2.2, OpenID Connect Core section 9): a JWT signed with a key whose public part is
//! registered (CHECKLIST 26-36).
//!
//! The key comes from our records and the algorithm must fit it; `jwk`, `jku`, `x5u` and `x5c` of the header are never
//! looked at, `kid` only chooses. Where there is no key, a decoy is asked, so that the time is the same.

use std::sync::{Arc, LazyLock};

use super::assertion::{self, Assertion};
use super::{Case, Claim, Evidence, Method, Proof, Refused, Verdict};
use crate::client::Client;
use crate::client::keyset::{ClientKeys, KeySet};
use crate::client::metadata::AuthMethod;
use crate::client::remote::RemoteError;
use crate::jose::{Jws, Scheme};
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
            let client = case.judge(checked.as_ref().map(|_| ()).map_err(|reason| *reason))?;
            if let Ok(single) = checked {
                single.spend(case, &client).await?;
            }
            Ok(client)
        })
    }
}

/// Whether one of the client's keys made the signature. At least one key is asked, whatever the claim.
async fn signed(case: &Case<'_>, assertion: &Assertion<'_>) -> Result<Result<(), &'static str>, Refused> {
    let header = assertion.jws.header();
    let (kid, alg) = (header.kid.as_deref(), header.alg);
    let ours = case.client.as_ref().filter(|client| client.settings.auth_method == AuthMethod::PrivateKeyJwt);
    let keys = match ours {
        Some(client) => keys(case, client, kid, alg).await?,
        None => None,
    };
    let mut asked = false;
    for key in keys.iter().flat_map(|keys| keys.candidates(kid, alg)) {
        asked = true;
        if assertion.jws.verify_with(key, alg).is_ok() {
            let registered = ours.and_then(|client| client.settings.assertions.alg);
            let allowed = registered.is_none_or(|registered| registered == alg);
            return Ok(if allowed { Ok(()) } else { Err("the assertion's alg is not the registered one") });
        }
    }
    if !asked && let Some(decoy) = DECOYS.candidates(None, alg).next() {
        let _ = assertion.jws.verify_with(decoy, alg);
    }
    Ok(Err("no registered key made the assertion's signature"))
}

async fn keys(
    case: &Case<'_>,
    client: &Client,
    kid: Option<&str>,
    alg: Scheme,
) -> Result<Option<Arc<KeySet>>, Refused> {
    match &client.settings.assertions.keys {
        ClientKeys::None => Ok(None),
        ClientKeys::Inline(keys) => Ok(Some(keys.clone())),
        ClientKeys::Remote(url) => match case.by.remote.keys(url, kid, alg, case.now).await {
            Ok(keys) => Ok(Some(keys)),
            Err(RemoteError::Busy) => Err(Refused::Later("too many key sets are being fetched")),
            Err(RemoteError::Unknown) => Ok(None),
        },
    }
}

/// A key of each kind that nobody has the private part of, or (the generators) that no client has.
static DECOYS: LazyLock<KeySet> = LazyLock::new(|| {
    serde_json::from_str(include_str!("decoys.json")).ok().and_then(|jwks| KeySet::new(&jwks).ok()).unwrap_or_default()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checklist_16_there_is_a_decoy_for_every_algorithm() {
        for alg in Scheme::SIGNATURES {
            assert_eq!(DECOYS.candidates(None, alg).count(), 1, "{alg}");
        }
    }
}
