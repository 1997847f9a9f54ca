//! Issuers and clients as every request reads them.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use tokio::sync::Mutex;

use super::error::RegistryError;
use super::look_budget::LookBudget;
use super::registered::Registered;
use super::route::Route;
use super::snapshot::Snapshot;
use super::stored::{KIND, StoredClient, resolve};
use crate::client::Client;
use crate::issuer::Issuer;
use crate::store::{Document, Documents, StoreError};

/// Issuers and clients.
pub struct Registry {
    pub(super) store: Arc<dyn Documents>,
    pub(super) snapshot: ArcSwap<Snapshot>,
    /// Clients of the store, by issuer id and client id. Guards never cross an await (see .clippy.toml).
    pub(super) stored: DashMap<(String, String), Arc<Client>>,
    /// Clients of the store that cannot be used as they are, until they are changed or their issuer is.
    pub(super) unusable: DashMap<(String, String), Registered>,
    /// The newest change of the store that has been read; one reader at a time.
    pub(super) version: Mutex<u64>,
    /// The budget of looks at the feed between those of each second; `None` if no other node changes anything.
    pub(super) looks: Option<LookBudget>,
}

impl Registry {
    /// Reads every client of the store, which may be `shared` with other nodes; `snapshot` comes from the configuration.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn open(
        store: Arc<dyn Documents>,
        snapshot: impl Into<Arc<Snapshot>>,
        shared: bool,
    ) -> Result<Self, StoreError> {
        let (documents, version) = store.list(KIND).await?;
        let registry = Self {
            store,
            snapshot: ArcSwap::new(snapshot.into()),
            stored: DashMap::new(),
            unusable: DashMap::new(),
            version: Mutex::new(version),
            looks: shared.then(LookBudget::new),
        };
        documents.iter().for_each(|document| registry.take_in(document));
        Ok(registry)
    }

    /// Returns the issuers and the clients of the configuration file, as of now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Returns the route of `path`.
    pub fn route(&self, path: &str) -> Option<Route> {
        self.snapshot.load().routes.get(path)
    }

    /// Returns the issuers whose URL `path` lies below, whether it leads anywhere or not.
    pub fn issuers_of(&self, path: &str) -> Vec<Arc<Issuer>> {
        let below = |issuer: &&Arc<Issuer>| {
            path.strip_prefix(issuer.path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.snapshot.load().issuers.values().filter(below).cloned().collect()
    }

    /// Returns an issuer by id.
    pub fn issuer(&self, id: &str) -> Option<Arc<Issuer>> {
        self.snapshot.load().issuers.get(id).cloned()
    }

    /// Returns a client of an issuer.
    pub fn client(&self, issuer: &str, id: &str) -> Option<Arc<Client>> {
        let snapshot = self.snapshot.load();
        if let Some(client) = snapshot.clients.get(issuer).and_then(|clients| clients.get(id)) {
            return Some(client.clone());
        }
        let key = (issuer.to_owned(), id.to_owned());
        self.stored.get(&key).map(|client| client.clone())
    }

    /// Returns clients of an issuer in the order of their ids, at most `limit`, those after the id `after`.
    pub fn list(&self, issuer: &str, after: &str, limit: usize) -> Vec<Arc<Client>> {
        let snapshot = self.snapshot.load();
        let in_file = snapshot.clients.get(issuer);
        let mut clients: Vec<Arc<Client>> = in_file.into_iter().flat_map(HashMap::values).cloned().collect();
        let stored = self.stored.iter().filter(|entry| entry.key().0 == issuer);
        clients.extend(
            stored
                .filter(|entry| !in_file.is_some_and(|known| known.contains_key(&entry.key().1)))
                .map(|entry| entry.value().clone()),
        );
        clients.retain(|client| client.id.as_str() > after);
        clients.sort_by(|a, b| a.id.cmp(&b.id));
        clients.truncate(limit);
        clients
    }

    /// Returns the number of clients.
    pub fn len(&self) -> usize {
        self.stored.len() + self.snapshot.load().clients.values().map(HashMap::len).sum::<usize>()
    }

    /// Returns whether there are no clients.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the registration of a client, also of one that cannot be used.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`].
    pub fn registered(&self, issuer: &str, id: &str) -> Result<Registered, RegistryError> {
        if let Some(client) = self.client(issuer, id) {
            return Ok(Registered::from(&*client));
        }
        let key = (issuer.to_owned(), id.to_owned());
        self.unusable.get(&key).map(|own| own.clone()).ok_or(RegistryError::NotFound)
    }

    /// Returns the registration of a client that can be changed here.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`], or [`RegistryError::InFile`].
    pub fn changeable(&self, issuer: &str, id: &str) -> Result<Registered, RegistryError> {
        let registered = self.registered(issuer, id)?;
        if registered.version == 0 { Err(RegistryError::InFile) } else { Ok(registered) }
    }

    /// Makes a document of the store visible. One that no longer fits its issuer authenticates nobody, is logged, and waits
    /// to be mended or deleted.
    pub(super) fn take_in(&self, document: &Document) {
        let Some((issuer_id, id)) = document.name.split_once('/').filter(|_| document.kind == KIND) else { return };
        let key = (issuer_id.to_owned(), id.to_owned());
        let Some(body) = &document.body else {
            self.forget(&key);
            return;
        };
        let Some(issuer) = self.issuer(issuer_id) else {
            self.forget(&key);
            return;
        };
        let (body, client) = match serde_json::from_str::<StoredClient>(body) {
            Ok(body) => {
                let client = resolve(body.clone(), id, document.version, &issuer);
                (Some(body), client.map_err(|error| error.to_string()))
            }
            // the message must not repeat what stands there: it may be part of a secret
            Err(error) => {
                let place = format!("line {}, column {}", error.line(), error.column());
                (None, Err(format!("the stored document cannot be read ({place})")))
            }
        };
        match client {
            Ok(client) => drop(self.insert_newer(issuer_id, client)),
            Err(error) => {
                tracing::error!(
                    issuer = issuer_id,
                    client = id,
                    error,
                    "failed to load a stored client; it is refused until it is changed"
                );
                self.stored.remove(&key);
                let unusable = Some(error);
                self.unusable.insert(key, Registered { body, version: document.version, unusable });
            }
        }
    }

    pub(super) fn forget(&self, key: &(String, String)) {
        self.stored.remove(key);
        self.unusable.remove(key);
    }

    /// Puts a client in; two writers may arrive here in either order, and the newer version stays.
    pub(super) fn insert_newer(&self, issuer: &str, mut client: Client) -> Arc<Client> {
        let key = (issuer.to_owned(), client.id.clone());
        self.unusable.remove(&key);
        let before = self.stored.entry(key);
        if let Entry::Occupied(before) = &before {
            if client.version < before.get().version {
                return Arc::new(client);
            }
            client.inherit(before.get());
        }
        let client = Arc::new(client);
        before.insert(client.clone());
        client
    }
}
