//! What a request says about who sends it, and what is there to decide whether that holds.

use std::net::IpAddr;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::assertion::Assertion;
use super::federated::Federated;
use super::guesses::Guess;
use super::{Authenticator, Refused};
use crate::client::Client;
use crate::clock::Time;
use crate::issuer::{Issuer, SecretTransport};
use crate::jose::{PublicJwk, Scheme};
use crate::protocol::auth_method::AuthMethod;
use crate::protocol::endpoint::Endpoint;
use crate::protocol::form::Form;
use crate::x509::{Chain, Thumbprint};

/// What a request says about who sends it. The proof in it never gets a `Debug`.
pub(super) struct Claim<'a> {
    pub(super) method: AuthMethod,
    pub(super) client_id: String,
    /// The id as it was sent, if that is another text: whom it means if nobody is called `client_id`.
    pub(super) sent_id: Option<String>,
    pub(super) proof: Proof<'a>,
}

/// What a claim is proven with.
pub(super) enum Proof<'a> {
    /// A client secret.
    Secret(Sent),
    /// A JWT by the client (RFC 7523 section 3), or why it is none.
    Assertion(Box<Result<Assertion<'a>, &'static str>>),
    /// Something that an outside provider says of it.
    Federated(Federated<'a>),
    /// Nothing.
    None,
}

/// A secret that was sent, in each spelling that may be meant: at least one, at most two.
pub(super) struct Sent {
    first: Zeroizing<String>,
    second: Option<Zeroizing<String>>,
}

impl Sent {
    /// One that can be read in one way only.
    pub(super) fn plain(secret: Zeroizing<String>) -> Self {
        Self { first: secret, second: None }
    }

    /// One that was sent decoded or raw; nothing if it is neither.
    pub(super) fn either(decoded: Option<Zeroizing<String>>, raw: Option<Zeroizing<String>>) -> Option<Self> {
        let raw = raw.filter(|raw| decoded.as_ref() != Some(raw));
        match (decoded, raw) {
            (Some(first), second) => Some(Self { first, second }),
            (None, raw) => raw.map(Self::plain),
        }
    }

    /// The spelling that counts by the RFC.
    pub(super) fn first(&self) -> &str {
        &self.first
    }

    /// All of them; how many there are follows from what was sent.
    pub(super) fn spellings(&self) -> impl Iterator<Item = &str> {
        [Some(&self.first), self.second.as_ref()].into_iter().flatten().map(|secret| secret.as_str())
    }
}

impl<'a> Claim<'a> {
    /// The claim to be `client_id`.
    pub(super) fn new(method: AuthMethod, client_id: impl Into<String>, proof: Proof<'a>) -> Self {
        Self { method, client_id: client_id.into(), sent_id: None, proof }
    }

    /// The claim of whom the assertion names; if it names nobody, of whom `client_id` names.
    pub(super) fn of_assertion(method: AuthMethod, text: &'a str, form: &'a Form<'_>) -> Self {
        let assertion = Assertion::parse(text);
        let named = assertion.as_ref().ok().and_then(Assertion::client_id);
        let client_id = named.or_else(|| form.get("client_id")).unwrap_or_default().to_owned();
        Self::new(method, client_id, Proof::Assertion(Box::new(assertion)))
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

/// A certificate beside a bare `client_id`.
pub(super) struct Shown<'a> {
    pub(super) chain: &'a Chain,
    /// Whether an authority that is trusted for clients issued it.
    pub(super) trusted: bool,
    pub(super) thumbprint: Thumbprint,
    /// `None` if it is of a kind that no client can register.
    pub(super) key: Option<PublicJwk>,
}

/// A claim with everything that is needed to decide about it.
pub(super) struct Case<'a> {
    pub(super) by: &'a Authenticator,
    pub(super) issuer: &'a Issuer,
    /// Where the request arrived.
    pub(super) endpoint: Endpoint,
    pub(super) method: AuthMethod,
    pub(super) client_id: &'a str,
    /// `None` if there is no such client, which a method must not let show.
    pub(super) client: Option<Arc<Client>>,
    pub(super) certificate: Option<Shown<'a>>,
    pub(super) peer: IpAddr,
    pub(super) now: Time,
}

impl<'a> Case<'a> {
    /// Whether the claim holds; the proof is made first and for everybody, so that nothing here can be told apart by
    /// time.
    pub(super) fn judge(&self, proof: Result<(), &'static str>) -> Result<Arc<Client>, Refused> {
        self.judge_with(proof).map(|(client, ())| client)
    }

    /// As [`Case::judge`], of a proof that leaves something to do if it holds: only then is anything spent.
    pub(super) fn judge_with<T>(&self, proof: Result<T, &'static str>) -> Result<(Arc<Client>, T), Refused> {
        let client = self.client.clone().ok_or(Refused::Because("unknown client"))?;
        if client.settings.disabled {
            Err(Refused::Because("disabled client"))
        } else if !self.has_method(&client) {
            Err(Refused::Because("another method is registered"))
        } else {
            proof.map(|left| (client, left)).map_err(Refused::Because)
        }
    }

    /// Whether the client may authenticate in this way. By Basic or in the body is the same method but for a strict one.
    fn has_method(&self, client: &Client) -> bool {
        let (registered, used) = (client.settings.auth_method, self.method);
        let any = client.settings.secret_transport == SecretTransport::Any;
        registered == used || any && registered.sends_secret() && used.sends_secret()
    }

    /// Whether the client may sign by `alg`: any that its key allows, unless it registered one.
    pub(super) fn allows(&self, alg: Scheme) -> Result<(), &'static str> {
        let registered = self.client.as_ref().and_then(|client| client.settings.assertions.alg);
        if registered.is_none_or(|registered| registered == alg) {
            Ok(())
        } else {
            Err("the assertion's alg is not the registered one")
        }
    }

    /// Whether `aud` is the URL of an endpoint that an assertion to this one may be for: the token endpoint, or the
    /// endpoint itself.
    pub(super) fn is_endpoint(&self, aud: &str) -> bool {
        [Endpoint::Token, self.endpoint].into_iter().any(|endpoint| self.issuer.has_endpoint(endpoint, aud))
    }

    /// What failures are counted by.
    pub(super) fn guess(&self) -> Guess<'a> {
        Guess { issuer: &self.issuer.id, client: self.client_id, source: self.peer, now: self.now }
    }
}
