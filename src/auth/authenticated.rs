//! A client that proved who it is, and what its tokens are bound to (RFC 8705 sections 3 and 4).

use std::sync::Arc;

use crate::client::Client;
use crate::protocol::auth_method::AuthMethod;
use crate::protocol::error::OAuthError;
use crate::protocol::naming::Naming;
use crate::x509::Thumbprint;

/// A client that proved who it is. Only [`Authenticator`](super::Authenticator) makes one.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient {
    pub(super) client: Arc<Client>,
    pub(super) method: AuthMethod,
    pub(super) certificate: Option<Thumbprint>,
    pub(super) naming: Naming,
}

impl AuthenticatedClient {
    /// How it proved it.
    pub fn method(&self) -> AuthMethod {
        self.method
    }

    /// Where the request named it.
    pub fn naming(&self) -> Naming {
        self.naming
    }

    /// The certificate that its tokens are bound to (RFC 8705 section 3).
    ///
    /// # Errors
    /// If its tokens are bound to one and it showed none.
    pub fn binding(&self) -> Result<Option<Thumbprint>, OAuthError> {
        const UNBOUND: OAuthError =
            OAuthError::invalid_request("the client's tokens are bound to its certificate, and it showed none");
        if self.client.settings.certificate_bound { self.certificate.map(Some).ok_or(UNBOUND) } else { Ok(None) }
    }

    /// The certificate that its refresh tokens are bound to as well: a public client's, because nothing else says who
    /// uses them (RFC 8705 section 4).
    ///
    /// # Errors
    /// Like [`AuthenticatedClient::binding`].
    pub fn refresh_binding(&self) -> Result<Option<Thumbprint>, OAuthError> {
        Ok(self.binding()?.filter(|_| self.client.is_public()))
    }

    /// The certificate it showed, whatever for.
    pub fn certificate(&self) -> Option<Thumbprint> {
        self.certificate
    }
}

impl std::ops::Deref for AuthenticatedClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}
