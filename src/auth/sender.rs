//! The proof of the sender: the key that a request proves to hold, whatever authenticates its client, and the tokens that
//! are bound to it (RFC 8705 sections 3 and 4). Computed once, where the request arrives, and carried with it.

use crate::client::Client;
use crate::protocol::error::OAuthError;
use crate::state::SenderBinding;
use crate::x509::{Chain, Thumbprint};

const UNBOUND: OAuthError =
    OAuthError::invalid_request("the client's tokens are bound to its certificate, and it showed none");

/// The proof of the sender of a request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SenderProof {
    certificate: Option<Thumbprint>,
}

impl SenderProof {
    /// Takes the certificate of the connection, whose key the sender holds.
    pub(crate) fn of(certificate: Option<&Chain>) -> Self {
        Self { certificate: certificate.map(|chain| chain.leaf().thumbprint()) }
    }

    /// Returns the certificate, whatever it was shown for.
    pub(super) fn certificate(&self) -> Option<Thumbprint> {
        self.certificate
    }

    /// Returns the key that the sender proved to hold, whatever it was shown for.
    pub(super) fn shown(&self) -> Option<SenderBinding> {
        self.certificate.map(SenderBinding::Certificate)
    }

    /// Returns the key that access tokens of `client` are bound to (RFC 8705 section 3).
    ///
    /// # Errors
    /// `invalid_request` if they are bound to one and there is none.
    pub(super) fn binding(&self, client: &Client) -> Result<Option<SenderBinding>, OAuthError> {
        if client.settings.certificate_bound { self.shown().map(Some).ok_or(UNBOUND) } else { Ok(None) }
    }

    /// Returns the key that refresh tokens of `client` are bound to as well: a public client's, because nothing else
    /// proves who uses them (RFC 8705 section 4).
    ///
    /// # Errors
    /// As [`SenderProof::binding`].
    pub(super) fn refresh_binding(&self, client: &Client) -> Result<Option<SenderBinding>, OAuthError> {
        Ok(self.binding(client)?.filter(|_| client.is_public()))
    }
}
