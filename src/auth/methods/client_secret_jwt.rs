//! client_secret_jwt (RFC 7523 section 2.2, OpenID Connect Core section 9): a JWT with an HMAC keyed with the client
//! secret.
//!
//! No other secrets are kept in a form that can be recovered: sealed by the vault, and only while this is
//! the client's method. The HMAC is made for everybody, with a secret of ours if the client has none.

use crate::auth::assertion::{self, Assertion};
use crate::auth::assertion_rules::accept;
use crate::auth::attempt::AuthAttempt;
use crate::auth::claim::{Claim, ClientProof};
use crate::auth::evidence::Evidence;
use crate::auth::method::{Method, VerifyFuture};
use crate::jose::{Jws, Scheme};
use crate::protocol::auth_method::{AuthMethod, CredentialKind};
use crate::protocol::error::OAuthError;

/// The key of the HMAC where there is no secret; its verdict does not count.
const DECOY: [u8; 64] = [0; 64];

const METHOD: AuthMethod =
    AuthMethod { name: "client_secret_jwt", credential: CredentialKind::HmacSecret, algorithms: &Scheme::MACS };

/// An assertion under the client secret.
pub(super) struct ClientSecretJwt;

impl Method for ClientSecretJwt {
    fn method(&self) -> AuthMethod {
        METHOD
    }

    fn detect<'a>(&self, evidence: &Evidence<'a>) -> Result<Option<Claim<'a>>, OAuthError> {
        let form = evidence.form;
        let text = assertion::of(form).filter(|text| Jws::peek(text).is_ok_and(|header| header.alg.mac().is_some()));
        Ok(text.map(|text| Claim::of_assertion(METHOD, text, form)))
    }

    fn verify<'a>(&self, attempt: &'a AuthAttempt<'a>, proof: &'a ClientProof<'a>) -> VerifyFuture<'a> {
        Box::pin(async move {
            let assertion = match proof.assertion() {
                Ok(assertion) => assertion,
                Err(reason) => return attempt.judge(Err(reason)),
            };
            let checked = signed(attempt, assertion).and_then(|()| assertion.check(attempt));
            accept(attempt, checked).await
        })
    }
}

/// Checks that one of the client's live secrets made the HMAC.
fn signed(attempt: &AuthAttempt<'_>, assertion: &Assertion<'_>) -> Result<(), &'static str> {
    let alg = assertion.jws.header().alg;
    let made_by = |secret: &[u8]| assertion.jws.verify_mac(secret, alg).is_ok();
    let mut right = made_by(&DECOY) & false;
    let ours = attempt.client.iter().filter(|client| client.settings.auth_method == METHOD);
    for secret in ours.flat_map(|client| &client.secrets).filter(|secret| secret.is_live(attempt.now)) {
        let text = secret.stored.unseal(&attempt.services.vault, &attempt.issuer.id, attempt.client_id);
        right |= text.is_some_and(|text| made_by(&text));
    }
    if right { attempt.allows(alg) } else { Err("no live secret made the assertion's HMAC") }
}
