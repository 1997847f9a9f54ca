//! An attempt to authenticate: a claim with everything that is needed to decide about it.

use std::net::IpAddr;
use std::sync::Arc;

use super::failure::ClaimError;
use super::guesses::Guess;
use super::services::AuthServices;
use crate::client::Client;
use crate::clock::Time;
use crate::issuer::{Issuer, SecretTransport};
use crate::jose::{PublicJwk, Scheme};
use crate::protocol::auth_method::{AuthMethod, CredentialKind};
use crate::protocol::endpoint::Endpoint;
use crate::x509::{Chain, Thumbprint};

/// A certificate beside a bare `client_id`.
pub(super) struct PresentedCertificate<'a> {
    pub(super) chain: &'a Chain,
    /// True if an authority that is trusted for clients issued it.
    pub(super) trusted: bool,
    pub(super) thumbprint: Thumbprint,
    /// `None` if it is of a kind that no client can register.
    pub(super) key: Option<PublicJwk>,
}

/// A claim with everything that is needed to decide about it.
pub(super) struct AuthAttempt<'a> {
    pub(super) services: &'a AuthServices,
    pub(super) issuer: &'a Issuer,
    /// The endpoint that the request arrived at.
    pub(super) endpoint: Endpoint,
    pub(super) method: AuthMethod,
    pub(super) client_id: &'a str,
    /// `None` if there is no such client, which a method must not let show.
    pub(super) client: Option<Arc<Client>>,
    pub(super) certificate: Option<PresentedCertificate<'a>>,
    pub(super) peer: IpAddr,
    pub(super) now: Time,
}

impl<'a> AuthAttempt<'a> {
    /// Decides whether the claim holds; the proof is made first and for everybody, so that nothing here can be told apart by
    /// time.
    pub(super) fn judge(&self, proof: Result<(), &'static str>) -> Result<Arc<Client>, ClaimError> {
        self.judge_with(proof).map(|(client, ())| client)
    }

    /// As [`AuthAttempt::judge`], of a proof that leaves something to do if it holds: only then is anything spent.
    pub(super) fn judge_with<T>(&self, proof: Result<T, &'static str>) -> Result<(Arc<Client>, T), ClaimError> {
        let client = self.client.clone().ok_or(ClaimError::Wrong("unknown client"))?;
        if client.settings.disabled {
            Err(ClaimError::Wrong("disabled client"))
        } else if !self.has_method(&client) {
            Err(ClaimError::Wrong("another method is registered"))
        } else {
            proof.map(|left| (client, left)).map_err(ClaimError::Wrong)
        }
    }

    /// Returns whether the client may authenticate by the method. Basic and the body are the same one but for a strict client.
    fn has_method(&self, client: &Client) -> bool {
        let (registered, used) = (client.settings.auth_method, self.method);
        let any = client.settings.secret_transport == SecretTransport::Any;
        registered == used || any && [registered, used].iter().all(|method| method.credential == CredentialKind::Secret)
    }

    /// Checks that the client may sign by `alg`: any that its key allows, unless it registered one.
    pub(super) fn allows(&self, alg: Scheme) -> Result<(), &'static str> {
        let registered = self.client.as_ref().and_then(|client| client.settings.assertions.alg);
        if registered.is_none_or(|registered| registered == alg) {
            Ok(())
        } else {
            Err("the assertion's alg is not the registered one")
        }
    }

    /// Returns whether `aud` is the URL of an endpoint that an assertion to this one may be for: the token endpoint, or the
    /// endpoint itself.
    pub(super) fn is_endpoint(&self, aud: &str) -> bool {
        [Endpoint::Token, self.endpoint].into_iter().any(|endpoint| self.issuer.has_endpoint(endpoint, aud))
    }

    /// Returns the key that failures are counted by.
    pub(super) fn guess(&self) -> Guess<'a> {
        Guess { issuer: &self.issuer.id, client: self.client_id, source: self.peer, now: self.now }
    }
}
