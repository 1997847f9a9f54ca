//! A client that proved who it is.

use std::sync::Arc;

use super::sender::SenderProof;
use crate::client::Client;
use crate::protocol::auth_method::AuthMethod;
use crate::protocol::error::OAuthError;
use crate::protocol::naming::Naming;
use crate::state::SenderBinding;

/// A client that proved who it is. Only [`Authenticator`](super::Authenticator) makes one.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient {
    pub(super) client: Arc<Client>,
    pub(super) method: AuthMethod,
    pub(super) sender: SenderProof,
    pub(super) naming: Naming,
}

impl AuthenticatedClient {
    /// Returns the method that proved it.
    pub fn method(&self) -> AuthMethod {
        self.method
    }

    /// Returns where the request named the client.
    pub fn naming(&self) -> Naming {
        self.naming
    }

    /// Returns the key that the sender proved to hold, whatever it was shown for.
    pub fn shown(&self) -> Option<SenderBinding> {
        self.sender.shown()
    }

    /// Returns the key that access tokens of this request are bound to.
    ///
    /// # Errors
    /// As [`SenderProof::binding`].
    pub fn binding(&self) -> Result<Option<SenderBinding>, OAuthError> {
        self.sender.binding(&self.client)
    }

    /// Returns the key that refresh tokens of this request are bound to.
    ///
    /// # Errors
    /// As [`SenderProof::refresh_binding`].
    pub fn refresh_binding(&self) -> Result<Option<SenderBinding>, OAuthError> {
        self.sender.refresh_binding(&self.client)
    }
}

impl std::ops::Deref for AuthenticatedClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}
