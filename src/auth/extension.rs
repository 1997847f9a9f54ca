//! Client authentication methods that are not built in: what somebody who embeds jeton implements, and how it becomes a
//! method like any other. Throttling, equal time for unknown clients and the one answer for every failure are the same.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::claim::Sent;
use super::{Case, Claim, Evidence, Method, Proof, Refused, Verdict};
use crate::client::Client;
use crate::protocol::auth_method::{AuthMethod, MethodName};
use crate::protocol::error::OAuthError;
use crate::protocol::form::Form;

/// A client authentication method. A client has it if its `token_endpoint_auth_method` is the name.
pub trait ClientAuth: Send + Sync + 'static {
    /// Its name: 1 to 32 lower-case letters, digits, `_` and `-`, and none that is built in.
    fn name(&self) -> &'static str;

    /// What a request claims by this method, if it uses it. `client_assertion` belongs to the methods that are built in.
    fn detect(&self, authorization: Option<&[u8]>, form: &Form<'_>) -> Option<Claimed>;

    /// Whether the proof holds. `client` is `None` if there is no such client or it has another method: the same work
    /// must be done then, and the answer does not count. The reason of a refusal goes to the log.
    fn verify<'a>(&'a self, client: Option<&'a Client>, proof: &'a str) -> Verifying<'a>;
}

/// What [`ClientAuth::verify`] gives.
pub type Verifying<'a> = Pin<Box<dyn Future<Output = Result<(), &'static str>> + Send + 'a>>;

/// Who a request says it is from, and what proves it. No `Debug`: the proof is a secret.
pub struct Claimed {
    /// `client_id`.
    pub client_id: String,
    /// What proves it, at most 512 bytes.
    pub proof: Zeroizing<String>,
}

impl Claimed {
    /// By `client_id`, with what proves it.
    pub fn new(client_id: &str, proof: &str) -> Self {
        Self { client_id: client_id.to_owned(), proof: Zeroizing::new(proof.to_owned()) }
    }
}

/// One of them as a method.
#[derive(Clone)]
pub(super) struct Extension {
    pub(super) method: AuthMethod,
    inner: Arc<dyn ClientAuth>,
}

impl Extension {
    /// Returns `None` if the name is invalid.
    pub(super) fn new(inner: &Arc<dyn ClientAuth>) -> Option<Self> {
        let method = AuthMethod::Other(MethodName::new(inner.name())?);
        Some(Self { method, inner: inner.clone() })
    }
}

impl Method for Extension {
    fn detect<'a>(&self, evidence: &Evidence<'a>) -> Result<Option<Claim<'a>>, OAuthError> {
        let claimed = self.inner.detect(evidence.authorization, evidence.form);
        Ok(claimed
            .map(|Claimed { client_id, proof }| Claim::new(self.method, client_id, Proof::Secret(Sent::plain(proof)))))
    }

    fn verify<'a>(&'a self, case: &'a Case<'a>, proof: &'a Proof<'a>) -> Verdict<'a> {
        Box::pin(async move {
            let Proof::Secret(proof) = proof else { return case.judge(Err("no proof")) };
            let own = case.client.as_deref().filter(|client| client.settings.auth_method == self.method);
            let verdict = self.inner.verify(own, proof.first()).await;
            let client = case.judge(verdict)?;
            // nobody says that its proofs cannot be guessed
            case.by.guesses.right(case.guess()).map_err(Refused::Throttled)?;
            Ok(client)
        })
    }
}
