//! Clients that this node has not heard of yet: another node may have registered them a moment ago.

use std::sync::Arc;
use std::time::Duration;

use super::live::Registry;
use super::stored::{KIND, name};
use crate::client::Client;
use crate::store::{Document, StoreError};

/// Longest time of a read.
const LIMIT: Duration = Duration::from_secs(1);

impl Registry {
    /// Reads a client from the store, if other nodes may have changed it since this one followed them.
    ///
    /// # Errors
    /// If the store cannot be read: then nobody can say whether there is such a client.
    pub async fn read_through(&self, issuer: &str, id: &str) -> Result<(), StoreError> {
        let Some(budget) = &self.reads else { return Ok(()) };
        if id.is_empty() || !budget.take() {
            return Ok(());
        }
        let late = |_| StoreError::Unavailable { reason: "the client was not read in time".to_owned() };
        let read = async {
            let found = self.store.get(KIND, &name(issuer, id)).await?;
            // nobody follows meanwhile: what was followed since the read may have taken the client away
            let followed = self.version.lock().await;
            let newer = |document: &&Document| document.version > *followed;
            found.iter().filter(newer).for_each(|document| self.take_in(document));
            Ok(())
        };
        tokio::time::timeout(LIMIT, read).await.map_err(late)?
    }

    /// Returns a client of an issuer, whichever node registered it.
    ///
    /// # Errors
    /// As [`Registry::read_through`].
    pub async fn find(&self, issuer: &str, id: &str) -> Result<Option<Arc<Client>>, StoreError> {
        match self.client(issuer, id) {
            Some(client) => Ok(Some(client)),
            None => self.read_through(issuer, id).await.map(|()| self.client(issuer, id)),
        }
    }

    /// Returns whether there is such a client and it is not disabled; tokens of any other are worth nothing.
    ///
    /// # Errors
    /// As [`Registry::read_through`].
    pub async fn serves(&self, issuer: &str, id: &str) -> Result<bool, StoreError> {
        Ok(self.find(issuer, id).await?.is_some_and(|client| !client.settings.disabled))
    }

    /// Takes in what other nodes changed, if there are any: whoever changes clients must not do so on an old copy.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        if self.reads.is_none() {
            return Ok(());
        }
        let late =
            |_| StoreError::Unavailable { reason: "the changes of other nodes were not read in time".to_owned() };
        tokio::time::timeout(LIMIT, self.follow()).await.map_err(late)?
    }
}
