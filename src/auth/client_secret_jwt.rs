//! client_secret_jwt (RFC 7523 section 2.2, OpenID Connect Core section 9): a JWT with an HMAC keyed with the client
//! secret.
//!
//! Of all secrets, these alone are kept in a form that can be recovered: sealed by the vault, and only while this is
//! the client's method. The HMAC is made for everybody, with a secret of ours if the client has none.

use super::assertion::{self, Assertion};
use super::{Case, Claim, Evidence, Method, Proof, Verdict};
use crate::jose::Jws;
use crate::protocol::auth_method::AuthMethod;
use crate::protocol::error::OAuthError;

/// What the HMAC is keyed with where there is no secret; what it says does not count.
const DECOY: [u8; 64] = [0; 64];

/// An assertion under the client secret.
pub(super) struct ClientSecretJwt;

impl Method for ClientSecretJwt {
    fn detect<'a>(&self, evidence: &Evidence<'a>) -> Result<Option<Claim<'a>>, OAuthError> {
        let form = evidence.form;
        let text = assertion::of(form).filter(|text| Jws::peek(text).is_ok_and(|header| header.alg.mac().is_some()));
        Ok(text.map(|text| Claim::of_assertion(AuthMethod::ClientSecretJwt, text, form)))
    }

    fn verify<'a>(&self, case: &'a Case<'a>, proof: &'a Proof<'a>) -> Verdict<'a> {
        Box::pin(async move {
            let Proof::Assertion(assertion) = proof else { return case.judge(Err("no assertion")) };
            let assertion = match &**assertion {
                Ok(assertion) => assertion,
                Err(reason) => return case.judge(Err(reason)),
            };
            let checked = signed(case, assertion).and_then(|()| assertion.check(case));
            let (client, single) = case.judge_with(checked)?;
            single.spend(case, &client).await?;
            Ok(client)
        })
    }
}

/// Whether one of the client's live secrets made the HMAC.
fn signed(case: &Case<'_>, assertion: &Assertion<'_>) -> Result<(), &'static str> {
    let alg = assertion.jws.header().alg;
    let made_by = |secret: &[u8]| assertion.jws.verify_mac(secret, alg).is_ok();
    let mut right = made_by(&DECOY) & false;
    let ours = case.client.iter().filter(|client| client.settings.auth_method == AuthMethod::ClientSecretJwt);
    for secret in ours.flat_map(|client| &client.secrets).filter(|secret| secret.is_live(case.now)) {
        let text = secret.stored.unseal(&case.by.vault, &case.issuer.id, case.client_id);
        right |= text.is_some_and(|text| made_by(&text));
    }
    if right { case.allows(alg) } else { Err("no live secret made the assertion's HMAC") }
}
