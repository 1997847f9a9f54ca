//! Clients that this node has not heard of yet: another node may have registered them a moment ago.

use std::sync::Arc;
use std::time::Duration;

use super::live::Registry;
use super::stored::{KIND, name};
use crate::client::Client;
use crate::clock::Time;
use crate::limit::bucket::{Bucket, Quota};
use crate::metrics::Stopwatch;
use crate::store::StoreError;

/// Reads of single clients: a hundred at once, then two hundred a second. Anybody can name a client that does not exist;
/// what is not read is known a second later, from the feed.
const READS: Quota = Quota { every: Duration::from_millis(5), burst: 100 };
/// Longest time of a read.
const LIMIT: Duration = Duration::from_secs(1);

/// The budget of reads.
pub(super) struct ReadBudget {
    bucket: Bucket,
    since: Stopwatch,
}

impl ReadBudget {
    pub(super) fn new() -> Self {
        Self { bucket: Bucket::default(), since: Stopwatch::start() }
    }

    fn take(&self) -> bool {
        let now = Time::from_secs(1) + self.since.elapsed();
        self.bucket.take(READS, now).is_ok()
    }
}

impl Registry {
    /// Reads a client from the store, if other nodes may have changed it; afterwards this node knows it as it is.
    ///
    /// # Errors
    /// If the store cannot be read: then nobody can say whether there is such a client.
    pub async fn read_through(&self, issuer: &str, id: &str) -> Result<(), StoreError> {
        let Some(budget) = &self.reads else { return Ok(()) };
        if id.is_empty() || !budget.take() {
            return Ok(());
        }
        let late = || StoreError::Unavailable { reason: "the client was not read in time".to_owned() };
        let read = tokio::time::timeout(LIMIT, async { self.store.get(KIND, &name(issuer, id)).await });
        if let Some(document) = read.await.map_err(|_| late())?? {
            self.take_in(&document);
        }
        Ok(())
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
        if self.reads.is_some() { self.follow().await } else { Ok(()) }
    }
}
