//! Changes that come from outside: a reload of the configuration, and other nodes.

use std::collections::HashMap;
use std::sync::Arc;

use super::live::Registry;
use super::snapshot::Snapshot;
use super::stored::KIND;
use crate::client::Client;
use crate::issuer::Issuer;
use crate::store::{Document, StoreError};

/// Every client of the store as of some version, read and not yet taken in.
#[derive(Debug)]
pub struct StoredClients {
    documents: Vec<Document>,
    version: u64,
}

/// A client that loses what it was issued.
pub struct ClientLoss {
    /// The issuer.
    pub issuer: Arc<Issuer>,
    /// The client id.
    pub client: String,
    /// The reason, as the audit stream calls it.
    pub event: &'static str,
}

/// Pairs each client with its issuer's id.
fn pairs(clients: &HashMap<String, HashMap<String, Arc<Client>>>) -> impl Iterator<Item = (&String, &Arc<Client>)> {
    clients.iter().flat_map(|(issuer, own)| own.values().map(move |client| (issuer, client)))
}

impl Registry {
    /// Reads every client of the store, for [`Registry::swap`].
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn read(&self) -> Result<StoredClients, StoreError> {
        self.store.list(KIND).await.map(|(documents, version)| StoredClients { documents, version })
    }

    /// Returns the clients that lose what they were issued if `fresh` is swapped in: those that become public, because whoever stole
    /// it could use it from then on without a proof, and those that the file has no more, because who has the id when it
    /// comes back may be another.
    pub fn lost_by(&self, fresh: &Snapshot) -> Vec<ClientLoss> {
        let now = self.snapshot.load();
        let mut lost = Vec::new();
        for (issuer, id) in pairs(&now.clients).map(|(issuer, client)| (issuer, &client.id)) {
            if fresh.clients.get(issuer).is_some_and(|own| own.contains_key(id)) {
                continue;
            }
            if let Some(issuer) = fresh.issuers.get(issuer).or_else(|| now.issuers.get(issuer)) {
                lost.push(ClientLoss { issuer: issuer.clone(), client: id.clone(), event: "client_removed" });
            }
        }
        for (issuer, new) in pairs(&fresh.clients).filter(|(_, new)| new.is_public()) {
            let was_confidential = self.registered(issuer, &new.id).is_ok_and(|old| !old.is_public());
            if let Some(issuer) = fresh.issuers.get(issuer).filter(|_| was_confidential) {
                lost.push(ClientLoss { issuer: issuer.clone(), client: new.id.clone(), event: "client_made_public" });
            }
        }
        lost
    }

    /// Swaps issuers and the clients of the configuration file; stored clients are resolved again under the new issuers.
    ///
    /// Changes are followed again from where they were, or from `stored` if that is older: what was deleted in between,
    /// here or by another node, must not stay or come back for good.
    pub async fn swap(&self, mut snapshot: Snapshot, stored: StoredClients) {
        // nobody follows meanwhile
        let mut version = self.version.lock().await;
        for (issuer, clients) in &mut snapshot.clients {
            for (id, client) in clients {
                if let (Some(client), Some(old)) = (Arc::get_mut(client), self.client(issuer, id)) {
                    client.inherit(&old);
                }
            }
        }
        self.snapshot.store(Arc::new(snapshot));
        stored.documents.iter().for_each(|document| self.take_in(document));
        *version = (*version).min(stored.version);
    }

    /// Name of the version that every change of a stored client raises.
    pub const TOPIC: &str = KIND;

    /// Takes in what other nodes changed since the last call.
    ///
    /// # Errors
    /// If the store cannot be read; what was known stays in use.
    pub async fn follow(&self) -> Result<(), StoreError> {
        self.follow_to(u64::MAX).await
    }

    /// Does the same as [`Registry::follow`], unless the changes up to `target` have been taken in.
    ///
    /// # Errors
    /// As [`Registry::follow`].
    pub async fn follow_to(&self, target: u64) -> Result<(), StoreError> {
        let mut version = self.version.lock().await;
        if *version < target {
            let (changes, read) = self.store.changes(KIND, *version).await?;
            changes.iter().for_each(|document| self.take_in(document));
            *version = read;
        }
        Ok(())
    }
}
