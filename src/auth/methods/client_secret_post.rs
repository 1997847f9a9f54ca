//! client_secret_post (RFC 6749 section 2.3.1): `client_id` and `client_secret` in the body.

use zeroize::Zeroizing;

use crate::auth::attempt::AuthAttempt;
use crate::auth::claim::{Claim, ClientProof};
use crate::auth::evidence::Evidence;
use crate::auth::method::{Method, VerifyFuture};
use crate::auth::password;
use crate::auth::spellings::SecretSpellings;
use crate::protocol::auth_method::{AuthMethod, CredentialKind};
use crate::protocol::error::OAuthError;

const METHOD: AuthMethod =
    AuthMethod { name: "client_secret_post", credential: CredentialKind::Secret, algorithms: &[] };

/// A `client_secret` in the body.
pub(super) struct ClientSecretPost;

impl Method for ClientSecretPost {
    fn method(&self) -> AuthMethod {
        METHOD
    }

    fn detect<'a>(&self, evidence: &Evidence<'a>) -> Result<Option<Claim<'a>>, OAuthError> {
        let form = evidence.form;
        let Some(secret) = form.get("client_secret") else { return Ok(None) };
        let client_id = form.get("client_id").unwrap_or_default();
        let proof = ClientProof::Secret(SecretSpellings::plain(Zeroizing::new(secret.to_owned())));
        Ok(Some(Claim::new(METHOD, client_id, proof)))
    }

    fn verify<'a>(&self, attempt: &'a AuthAttempt<'a>, proof: &'a ClientProof<'a>) -> VerifyFuture<'a> {
        Box::pin(async move {
            match proof {
                ClientProof::Secret(secret) => password::verify(attempt, secret).await,
                ClientProof::Assertion(_) | ClientProof::Federated(_) | ClientProof::None => {
                    attempt.judge(Err("no secret"))
                }
            }
        })
    }
}
