//! self_signed_tls_client_auth (RFC 8705 section 2.2): a certificate that the client registered, or one for a key that it
//! registered without a certificate, in `jwks` or behind `jwks_uri`.
//!
//! Nothing in the certificate counts, not even its dates: it stands for its key, and it is withdrawn by taking it out of
//! the key set.

use super::{Case, Claim, Evidence, Method, Proof, Refused, Shown, Verdict};
use crate::jose::PublicJwk;
use crate::jwks::keyset::ClientKeys;
use crate::protocol::error::OAuthError;
use crate::x509::Thumbprint;

/// A registered certificate.
pub(super) struct SelfSignedTlsClientAuth;

impl Method for SelfSignedTlsClientAuth {
    /// A bare `client_id` is told apart by what is registered.
    fn detect<'a>(&self, _evidence: &Evidence<'a>) -> Result<Option<Claim<'a>>, OAuthError> {
        Ok(None)
    }

    fn verify<'a>(&self, case: &'a Case<'a>, _proof: &'a Proof<'a>) -> Verdict<'a> {
        Box::pin(async move {
            let proven = match &case.certificate {
                Some(Shown { thumbprint, key: Some(key), .. }) => registered(case, *thumbprint, key).await?,
                Some(Shown { key: None, .. }) | None => false,
            };
            case.judge(proven.then_some(()).ok_or("the certificate is not registered"))
        })
    }
}

async fn registered(case: &Case<'_>, thumbprint: Thumbprint, key: &PublicJwk) -> Result<bool, Refused> {
    let Some(client) = &case.client else { return Ok(false) };
    match &client.settings.assertions.keys {
        ClientKeys::None => Ok(false),
        ClientKeys::Inline(keys) => Ok(keys.recognises(thumbprint, key)),
        ClientKeys::Remote(url) => {
            let keys = case.by.remote.keys_with(url, |keys| keys.recognises(thumbprint, key), case.now).await;
            keys.map(|keys| keys.recognises(thumbprint, key)).map_err(|error| Refused::Later(error.reason()))
        }
    }
}
