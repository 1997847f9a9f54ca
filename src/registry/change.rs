//! Changes of clients in the store, one by one with compare-and-set.

use std::sync::Arc;

use super::error::RegistryError;
use super::live::Registry;
use super::stored::{KIND, StoredClient, document, name, resolve, trimmed};
use crate::client::Client;
use crate::client::metadata::check_new_client_id;
use crate::issuer::Issuer;
use crate::store::Document;

impl Registry {
    /// Adds a client, durably.
    ///
    /// # Errors
    /// If its metadata breaks a rule, the id is taken or the store fails; nothing is changed then.
    pub async fn create(&self, issuer: &Issuer, id: &str, new: StoredClient) -> Result<Arc<Client>, RegistryError> {
        check_new_client_id(id)?;
        new.metadata.check_written()?;
        if self.client(&issuer.id, id).is_some() {
            return Err(RegistryError::Exists);
        }
        self.write(issuer, id, new, 0).await.map_err(|error| match error {
            RegistryError::Conflict => RegistryError::Exists,
            other => other,
        })
    }

    /// Changes a client with `change`, durably.
    ///
    /// # Errors
    /// As [`Registry::create`]; [`RegistryError::Conflict`] if somebody else changed it meanwhile.
    pub async fn update(
        &self,
        issuer: &Issuer,
        id: &str,
        change: impl FnOnce(&mut StoredClient) -> Result<(), RegistryError>,
    ) -> Result<Arc<Client>, RegistryError> {
        let current = self.changeable(&issuer.id, id)?;
        let mut body = current.body.unwrap_or_default();
        change(&mut body)?;
        self.write(issuer, id, body, current.version).await
    }

    /// Checks that a client can be replaced by `new`: only what others do meanwhile, or the store, can refuse it then.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn check(&self, issuer: &Issuer, id: &str, new: &StoredClient) -> Result<(), RegistryError> {
        new.metadata.check_written()?;
        document(issuer, id, &trimmed(new.clone(), issuer)).map(drop)
    }

    /// Replaces a client whose version is still `seen` by `new`, durably.
    ///
    /// # Errors
    /// As [`Registry::check`] and [`Registry::update`].
    pub async fn replace(
        &self,
        issuer: &Issuer,
        id: &str,
        seen: u64,
        new: StoredClient,
    ) -> Result<Arc<Client>, RegistryError> {
        self.changeable(&issuer.id, id)?;
        new.metadata.check_written()?;
        self.write(issuer, id, new, seen).await
    }

    /// Removes a client, durably.
    ///
    /// # Errors
    /// As [`Registry::update`].
    pub async fn delete(&self, issuer: &Issuer, id: &str) -> Result<(), RegistryError> {
        let current = self.changeable(&issuer.id, id)?;
        let document = Document { kind: KIND.to_owned(), name: name(&issuer.id, id), version: 0, body: None };
        self.store.put(document, current.version).await?.ok_or(RegistryError::Conflict)?;
        self.forget(&(issuer.id.clone(), id.to_owned()));
        Ok(())
    }

    async fn write(
        &self,
        issuer: &Issuer,
        id: &str,
        body: StoredClient,
        expected: u64,
    ) -> Result<Arc<Client>, RegistryError> {
        let body = trimmed(body, issuer);
        let document = document(issuer, id, &body)?;
        let version = self.store.put(document, expected).await?.ok_or(RegistryError::Conflict)?;
        Ok(self.insert_newer(&issuer.id, resolve(body, id, version, issuer)?))
    }
}
