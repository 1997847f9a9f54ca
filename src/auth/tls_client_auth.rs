//! tls_client_auth (RFC 8705 section 2.1): a certificate that a trusted authority issued, about the registered name.
//!
//! Which authorities are trusted is asked before anybody looks who the client is; here only the name is compared.

use std::fmt;

use arc_swap::ArcSwapOption;

use super::{Case, Claim, Evidence, Method, Proof, Shown, Verdict};
use crate::client::Client;
use crate::clock::Time;
use crate::protocol::error::OAuthError;
use crate::x509::{Anchors, Chain, Usage};

/// Who issues certificates to clients. Can be replaced while serving.
#[derive(Default)]
pub struct Authorities(ArcSwapOption<Anchors>);

impl Authorities {
    /// These, or none.
    pub fn new(anchors: Option<Anchors>) -> Self {
        Self(ArcSwapOption::from_pointee(anchors))
    }

    /// From now on these.
    pub fn replace(&self, anchors: Option<Anchors>) {
        self.0.store(anchors.map(Into::into));
    }

    /// Whether one of them issued the certificate, for clients and for now.
    pub(super) fn trust(&self, chain: &Chain, now: Time) -> bool {
        let anchors = self.0.load();
        anchors.as_ref().is_some_and(|anchors| chain.verify(anchors, Usage::ClientAuth, now).is_ok())
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.load().fmt(f)
    }
}

/// A certificate from an authority.
pub(super) struct TlsClientAuth;

impl Method for TlsClientAuth {
    /// A bare `client_id` is told apart by what is registered.
    fn detect<'a>(&self, _evidence: &Evidence<'a>) -> Result<Option<Claim<'a>>, OAuthError> {
        Ok(None)
    }

    fn verify<'a>(&self, case: &'a Case<'a>, _proof: &'a Proof<'a>) -> Verdict<'a> {
        let proven =
            case.certificate.as_ref().zip(case.client.as_deref()).is_some_and(|(shown, client)| is_of(shown, client));
        let verdict = case.judge(proven.then_some(()).ok_or("no certificate of the registered name from an authority"));
        Box::pin(std::future::ready(verdict))
    }
}

fn is_of(shown: &Shown<'_>, client: &Client) -> bool {
    // reading a name takes as long as whoever made the certificate likes, so no stranger's is read: it would tell by time
    // which clients have one registered
    shown.trusted && client.settings.certificate.as_ref().is_some_and(|name| name.is_of(shown.chain.leaf()))
}
