//! Clients as the store keeps them.

use serde::{Deserialize, Serialize};

use super::error::RegistryError;
use crate::client::Client;
use crate::client::metadata::{ClientMetadata, MetadataError};
use crate::client::secret::{Secret, StoredSecret};
use crate::issuer::Issuer;
use crate::protocol::auth_method::CredentialKind;
use crate::store::{Document, StoreError, check_document};

/// Kind of the documents that hold clients.
pub(super) const KIND: &str = "client";

/// A client at rest.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct StoredClient {
    /// The registered metadata.
    pub metadata: ClientMetadata,
    /// The secrets, hashed.
    pub secrets: Vec<StoredSecret>,
}

/// Makes the client behind a stored or configured body.
///
/// # Errors
/// The first rule that its metadata breaks.
pub(crate) fn resolve(body: StoredClient, id: &str, version: u64, issuer: &Issuer) -> Result<Client, MetadataError> {
    // nobody gets in by a secret of a disabled client, so what it costs to check need not be hidden
    let cold = (!body.metadata.jeton.disabled).then_some(&issuer.cold);
    let secrets = body.secrets.into_iter().map(|stored| Secret::new(stored, cold)).collect();
    body.metadata.resolve(id.to_owned(), secrets, version, issuer)
}

/// Removes secrets that the method has no use for: one can be recovered only as long as its method needs that, and those
/// of a public client must not be good again if it is confidential again.
pub(super) fn trimmed(mut body: StoredClient, issuer: &Issuer) -> StoredClient {
    match issuer.method(body.metadata.token_endpoint_auth_method).map(|method| method.credential) {
        Some(CredentialKind::HmacSecret) => {}
        Some(CredentialKind::None) => body.secrets.clear(),
        Some(_) | None => body.secrets.iter_mut().for_each(|secret| secret.sealed = None),
    }
    body
}

/// Makes the document of a client.
///
/// # Errors
/// If its metadata breaks a rule, or it is too large.
pub(super) fn document(issuer: &Issuer, id: &str, body: &StoredClient) -> Result<Document, RegistryError> {
    resolve(body.clone(), id, 0, issuer)?;
    let text = serde_json::to_string(body).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let document = Document { kind: KIND.to_owned(), name: name(&issuer.id, id), version: 0, body: Some(text) };
    check_document(&document)?;
    Ok(document)
}

/// Returns the name of a document.
pub(super) fn name(issuer: &str, id: &str) -> String {
    format!("{issuer}/{id}")
}
