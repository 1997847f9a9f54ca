//! self_signed_tls_client_auth (RFC 8705 section 2.2): a certificate that the client registered, or one for a key that it
//! registered without a certificate, in `jwks` or behind `jwks_uri`.
//!
//! No field of the certificate counts, not even its dates: it stands for its key, and it is withdrawn by taking it out of
//! the key set.

use crate::auth::attempt::{AuthAttempt, PresentedCertificate};
use crate::auth::claim::{Claim, ClientProof};
use crate::auth::evidence::Evidence;
use crate::auth::failure::ClaimError;
use crate::auth::method::{Method, VerifyFuture};
use crate::jose::PublicJwk;
use crate::jwks::keyset::ClientKeys;
use crate::protocol::auth_method::{AuthMethod, CredentialKind};
use crate::protocol::error::OAuthError;
use crate::x509::Thumbprint;

const METHOD: AuthMethod = AuthMethod {
    name: "self_signed_tls_client_auth",
    credential: CredentialKind::RegisteredCertificate,
    algorithms: &[],
};

/// A registered certificate.
pub(super) struct SelfSignedTlsClientAuth;

impl Method for SelfSignedTlsClientAuth {
    fn method(&self) -> AuthMethod {
        METHOD
    }

    /// A bare `client_id` is told apart by what is registered.
    fn detect<'a>(&self, _evidence: &Evidence<'a>) -> Result<Option<Claim<'a>>, OAuthError> {
        Ok(None)
    }

    fn verify<'a>(&self, attempt: &'a AuthAttempt<'a>, _proof: &'a ClientProof<'a>) -> VerifyFuture<'a> {
        Box::pin(async move {
            let proven = match &attempt.certificate {
                Some(PresentedCertificate { thumbprint, key: Some(key), .. }) => {
                    registered(attempt, *thumbprint, key).await?
                }
                Some(PresentedCertificate { key: None, .. }) | None => false,
            };
            attempt.judge(proven.then_some(()).ok_or("the certificate is not registered"))
        })
    }
}

async fn registered(attempt: &AuthAttempt<'_>, thumbprint: Thumbprint, key: &PublicJwk) -> Result<bool, ClaimError> {
    let Some(client) = &attempt.client else { return Ok(false) };
    match &client.settings.assertions.keys {
        ClientKeys::None => Ok(false),
        ClientKeys::Inline(keys) => Ok(keys.recognises(thumbprint, key)),
        ClientKeys::Remote(url) => {
            let keys =
                attempt.services.remote.keys_with(url, |keys| keys.recognises(thumbprint, key), attempt.now).await;
            keys.map(|keys| keys.recognises(thumbprint, key)).map_err(|error| ClaimError::Unavailable(error.reason()))
        }
    }
}
