//! The claim that a request makes about its client, and the proof that it brings along.

use std::sync::Arc;

use super::assertion::Assertion;
use super::evidence::CREDENTIAL;
use super::spellings::SecretSpellings;
use crate::client::Client;
use crate::protocol::auth_method::AuthMethod;
use crate::protocol::form::Form;

/// A claim to be a client. The proof in it never gets a `Debug`.
pub(super) struct Claim<'a> {
    pub(super) method: AuthMethod,
    pub(super) client_id: String,
    /// The id as it was sent, if that is another text: the client that is meant if there is none of `client_id`.
    pub(super) sent_id: Option<String>,
    pub(super) proof: ClientProof<'a>,
}

/// The proof of a claim.
pub(super) enum ClientProof<'a> {
    /// A client secret.
    Secret(SecretSpellings),
    /// A JWT by the client (RFC 7523 section 3), or why it is none.
    Assertion(Box<Result<Assertion<'a>, &'static str>>),
    /// The word of a federated provider.
    Federated(FederatedProof<'a>),
    /// No proof.
    None,
}

/// The proof of a request by a federated method.
pub(super) struct FederatedProof<'a> {
    /// The token, the assertion or the document.
    pub(super) assertion: &'a str,
    /// The name of the credential, if it was sent.
    pub(super) credential: Option<&'a str>,
    /// The certificate that the assertion is signed with, in PEM.
    pub(super) certificate: Option<&'a str>,
    /// The certificates between it and an authority, in PEM.
    pub(super) chain: Option<&'a str>,
}

impl<'a> ClientProof<'a> {
    /// Returns the client's own assertion.
    ///
    /// # Errors
    /// If there is none, or it cannot be read.
    pub(super) fn assertion(&self) -> Result<&Assertion<'a>, &'static str> {
        match self {
            Self::Assertion(assertion) => (**assertion).as_ref().map_err(|reason| *reason),
            Self::Secret(_) | Self::Federated(_) | Self::None => Err("no assertion"),
        }
    }
}

impl<'a> Claim<'a> {
    /// Makes the claim to be `client_id`.
    pub(super) fn new(method: AuthMethod, client_id: impl Into<String>, proof: ClientProof<'a>) -> Self {
        Self { method, client_id: client_id.into(), sent_id: None, proof }
    }

    /// Makes the claim to be the client that the assertion names; if it names none, that of `client_id`.
    pub(super) fn of_assertion(method: AuthMethod, text: &'a str, form: &'a Form<'_>) -> Self {
        let assertion = Assertion::parse(text);
        let named = assertion.as_ref().ok().and_then(Assertion::client_id);
        let client_id = named.or_else(|| form.get("client_id")).unwrap_or_default().to_owned();
        Self::new(method, client_id, ClientProof::Assertion(Box::new(assertion)))
    }

    /// Makes the claim to be `client_id` by an outside proof, which names no client.
    pub(super) fn federated(method: AuthMethod, assertion: &'a str, form: &'a Form<'_>) -> Self {
        let client_id = form.get("client_id").unwrap_or_default().to_owned();
        let sent = FederatedProof {
            assertion,
            credential: form.get(CREDENTIAL),
            certificate: form.get("client_x509"),
            chain: form.get("client_x509_chain"),
        };
        Self::new(method, client_id, ClientProof::Federated(sent))
    }

    /// Finds the client, by the id as it was sent only if nobody has the decoded one: both are looked for, whatever is
    /// found.
    pub(super) fn resolve(&mut self, find: impl Fn(&str) -> Option<Arc<Client>>) -> Option<Arc<Client>> {
        let by_sent = self.sent_id.as_deref().map(&find);
        let decoded = find(&self.client_id);
        match (decoded, by_sent.flatten(), self.sent_id.take()) {
            (None, Some(client), Some(id)) => {
                self.client_id = id;
                Some(client)
            }
            (decoded, _, _) => decoded,
        }
    }
}
