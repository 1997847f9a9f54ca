//! The method `none` (RFC 7591 section 2): a public client only says who it is, in `client_id`.

use crate::auth::attempt::AuthAttempt;
use crate::auth::claim::{Claim, ClientProof};
use crate::auth::evidence::Evidence;
use crate::auth::method::{Method, VerifyFuture};
use crate::protocol::auth_method::{AuthMethod, CredentialKind};
use crate::protocol::error::OAuthError;

pub(super) const METHOD: AuthMethod = AuthMethod { name: "none", credential: CredentialKind::None, algorithms: &[] };

/// A `client_id` and nothing that could prove it.
pub(super) struct NoCredential;

impl Method for NoCredential {
    fn method(&self) -> AuthMethod {
        METHOD
    }

    fn detect<'a>(&self, evidence: &Evidence<'a>) -> Result<Option<Claim<'a>>, OAuthError> {
        let client_id = evidence.bare_client_id();
        Ok(client_id.map(|id| Claim::new(METHOD, id, ClientProof::None)))
    }

    fn verify<'a>(&self, attempt: &'a AuthAttempt<'a>, _proof: &'a ClientProof<'a>) -> VerifyFuture<'a> {
        Box::pin(std::future::ready(attempt.judge(Ok(()))))
    }
}
