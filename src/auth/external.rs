//! Client authentication methods of a program that embeds jeton, and how one becomes a method like any other. Throttling, equal time for unknown clients and the one answer for every failure are the same.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::attempt::AuthAttempt;
use super::claim::{Claim, ClientProof};
use super::evidence::Evidence;
use super::failure::ClaimError;
use super::method::{Method, VerifyFuture};
use super::spellings::SecretSpellings;
use crate::client::Client;
use crate::protocol::auth_method::AuthMethod;
use crate::protocol::error::OAuthError;
use crate::protocol::form::Form;

/// A client authentication method. A client has it if its `token_endpoint_auth_method` is the name.
pub trait ClientAuth: Send + Sync + 'static {
    /// Declares the method. The name is 1 to 32 lower-case letters, digits, `_` and `-`, and none that is built in; the
    /// credential is [`External`](crate::protocol::auth_method::CredentialKind::External) or
    /// [`KeyPair`](crate::protocol::auth_method::CredentialKind::KeyPair), whose public keys a client then registers.
    fn method(&self) -> AuthMethod;

    /// Returns the claim that a request makes by this method, if it uses it. `client_assertion` belongs to the methods that
    /// are built in.
    fn detect(&self, authorization: Option<&[u8]>, form: &Form<'_>) -> Option<Claimed>;

    /// Decides whether the proof holds. `client` is `None` if there is no such client or it has another method: the same
    /// work must be done then, and the answer does not count. The reason of a refusal goes to the log.
    fn verify<'a>(&'a self, client: Option<&'a Client>, proof: &'a str) -> Verifying<'a>;
}

/// The future of [`ClientAuth::verify`].
pub type Verifying<'a> = Pin<Box<dyn Future<Output = Result<(), &'static str>> + Send + 'a>>;

/// A claim to be a client, and its proof. No `Debug`: the proof is a secret.
pub struct Claimed {
    /// `client_id`.
    pub client_id: String,
    /// The proof, at most 512 bytes.
    pub proof: Zeroizing<String>,
}

impl Claimed {
    /// Makes the claim to be `client_id`.
    pub fn new(client_id: &str, proof: &str) -> Self {
        Self { client_id: client_id.to_owned(), proof: Zeroizing::new(proof.to_owned()) }
    }
}

/// A method of an embedding program.
#[derive(Clone)]
pub(super) struct ExternalMethod {
    pub(super) declared: AuthMethod,
    inner: Arc<dyn ClientAuth>,
}

impl ExternalMethod {
    pub(super) fn new(inner: &Arc<dyn ClientAuth>) -> Self {
        Self { declared: inner.method(), inner: inner.clone() }
    }
}

impl Method for ExternalMethod {
    fn method(&self) -> AuthMethod {
        self.declared
    }

    fn detect<'a>(&self, evidence: &Evidence<'a>) -> Result<Option<Claim<'a>>, OAuthError> {
        let claimed = self.inner.detect(evidence.authorization, evidence.form);
        let proof = |proof| ClientProof::Secret(SecretSpellings::plain(proof));
        Ok(claimed.map(|claimed| Claim::new(self.declared, claimed.client_id, proof(claimed.proof))))
    }

    fn verify<'a>(&'a self, attempt: &'a AuthAttempt<'a>, proof: &'a ClientProof<'a>) -> VerifyFuture<'a> {
        Box::pin(async move {
            let ClientProof::Secret(proof) = proof else { return attempt.judge(Err("no proof")) };
            let own = attempt.client.as_deref().filter(|client| client.settings.auth_method == self.declared);
            let verdict = self.inner.verify(own, proof.first()).await;
            let client = attempt.judge(verdict)?;
            // nobody says that its proofs cannot be guessed
            attempt.services.guesses.right(attempt.guess()).map_err(ClaimError::Throttled)?;
            Ok(client)
        })
    }
}
