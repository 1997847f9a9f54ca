//! client_secret_post (RFC 6749 section 2.3.1): `client_id` and `client_secret` in the body.

use zeroize::Zeroizing;

use super::claim::Sent;
use super::{Case, Claim, Evidence, Method, Proof, Verdict, password};
use crate::protocol::auth_method::AuthMethod;
use crate::protocol::error::OAuthError;

/// A `client_secret` in the body.
pub(super) struct Post;

impl Method for Post {
    fn detect<'a>(&self, evidence: &Evidence<'a>) -> Result<Option<Claim<'a>>, OAuthError> {
        let form = evidence.form;
        let Some(secret) = form.get("client_secret") else { return Ok(None) };
        let client_id = form.get("client_id").unwrap_or_default();
        let proof = Proof::Secret(Sent::plain(Zeroizing::new(secret.to_owned())));
        Ok(Some(Claim::new(AuthMethod::ClientSecretPost, client_id, proof)))
    }

    fn verify<'a>(&self, case: &'a Case<'a>, proof: &'a Proof<'a>) -> Verdict<'a> {
        Box::pin(async move {
            match proof {
                Proof::Secret(secret) => password::verify(case, secret).await,
                Proof::Assertion(_) | Proof::Federated(_) | Proof::None => case.judge(Err("no secret")),
            }
        })
    }
}
