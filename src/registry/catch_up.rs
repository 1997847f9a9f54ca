//! Changes that other nodes made a moment ago: the feed is read when they matter, and not only each second.

use std::sync::Arc;
use std::time::Duration;

use super::live::Registry;
use crate::client::Client;
use crate::store::StoreError;

/// Longest time of a look at the feed.
const LIMIT: Duration = Duration::from_secs(1);

impl Registry {
    /// Takes in what other nodes changed, if there are any: whoever changes clients must not do so on an old copy.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        if self.looks.is_none() {
            return Ok(());
        }
        let late =
            |_| StoreError::Unavailable { reason: "the changes of other nodes were not read in time".to_owned() };
        tokio::time::timeout(LIMIT, self.follow()).await.map_err(late)?
    }

    /// Does the same as [`Registry::catch_up`] for anybody who names a client, as often as the budget allows. Whether there
    /// is such a client makes no difference to what is read.
    ///
    /// # Errors
    /// If the store cannot be read: then nobody can say whether there is such a client.
    pub async fn look_again(&self) -> Result<(), StoreError> {
        match &self.looks {
            Some(budget) if budget.take() => self.catch_up().await,
            Some(_) | None => Ok(()),
        }
    }

    /// Returns a client of an issuer, whichever node registered it.
    ///
    /// # Errors
    /// As [`Registry::look_again`].
    pub async fn find(&self, issuer: &str, id: &str) -> Result<Option<Arc<Client>>, StoreError> {
        match self.client(issuer, id) {
            Some(client) => Ok(Some(client)),
            None => self.look_again().await.map(|()| self.client(issuer, id)),
        }
    }

    /// Returns whether there is such a client and it is not disabled; tokens of any other are worth nothing.
    ///
    /// # Errors
    /// As [`Registry::look_again`].
    pub async fn serves(&self, issuer: &str, id: &str) -> Result<bool, StoreError> {
        Ok(self.find(issuer, id).await?.is_some_and(|client| !client.settings.disabled))
    }
}
