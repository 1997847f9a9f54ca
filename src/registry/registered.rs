//! A client as it is registered, whether it can be used or not: what an operator sees and changes.

use super::stored::StoredClient;
use crate::client::Client;
use crate::protocol::auth_method::MethodName;

/// The registration of a client.
#[derive(Clone)]
pub struct Registered {
    /// The stored client, if it can be read at all.
    pub body: Option<StoredClient>,
    /// The version that was looked at; 0 for a client of the configuration file.
    pub version: u64,
    /// The reason why it cannot be used, if it cannot: its issuer has other settings or rules than when it was written.
    pub unusable: Option<String>,
}

impl Registered {
    /// Returns whether the client is public. One that cannot be read may not be.
    pub fn is_public(&self) -> bool {
        self.body.as_ref().is_some_and(|body| body.metadata.token_endpoint_auth_method == MethodName::NONE)
    }
}

impl From<&Client> for Registered {
    fn from(client: &Client) -> Self {
        let body = StoredClient {
            metadata: client.metadata.clone(),
            secrets: client.secrets.iter().map(|secret| secret.stored.clone()).collect(),
        };
        Self { body: Some(body), version: client.version, unusable: None }
    }
}
