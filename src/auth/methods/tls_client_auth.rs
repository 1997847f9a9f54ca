//! tls_client_auth (RFC 8705 section 2.1): a certificate that a trusted authority issued, about the registered name.
//!
//! The trusted authorities are asked before anybody looks who the client is; here only the name is compared.

use crate::auth::attempt::{AuthAttempt, PresentedCertificate};
use crate::auth::claim::{Claim, ClientProof};
use crate::auth::evidence::Evidence;
use crate::auth::method::{Method, VerifyFuture};
use crate::client::Client;
use crate::protocol::auth_method::{AuthMethod, CredentialKind};
use crate::protocol::error::OAuthError;

const METHOD: AuthMethod =
    AuthMethod { name: "tls_client_auth", credential: CredentialKind::NamedCertificate, algorithms: &[] };

/// A certificate from an authority.
pub(super) struct TlsClientAuth;

impl Method for TlsClientAuth {
    fn method(&self) -> AuthMethod {
        METHOD
    }

    /// A bare `client_id` is told apart by what is registered.
    fn detect<'a>(&self, _evidence: &Evidence<'a>) -> Result<Option<Claim<'a>>, OAuthError> {
        Ok(None)
    }

    fn verify<'a>(&self, attempt: &'a AuthAttempt<'a>, _proof: &'a ClientProof<'a>) -> VerifyFuture<'a> {
        let proven = attempt
            .certificate
            .as_ref()
            .zip(attempt.client.as_deref())
            .is_some_and(|(shown, client)| is_of(shown, client));
        let verdict =
            attempt.judge(proven.then_some(()).ok_or("no certificate of the registered name from an authority"));
        Box::pin(std::future::ready(verdict))
    }
}

fn is_of(shown: &PresentedCertificate<'_>, client: &Client) -> bool {
    // reading a name takes as long as whoever made the certificate likes, so no stranger's is read: it would tell by time
    // which clients have one registered
    shown.trusted && client.settings.certificate.as_ref().is_some_and(|name| name.is_of(shown.chain.leaf()))
}
