//! The registry: issuers and clients, as every request reads them and as files and the admin API change them.
//!
//! Clients of the configuration file are a snapshot that a reload swaps whole or not at all. Clients of the admin API
//! are documents of the store, changed one by one with compare-and-set; the file wins where both name an id.

mod registered;
pub mod route;

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

pub use self::registered::Registered;
use crate::client::Client;
use crate::client::metadata::{ClientMetadata, MetadataError, check_new_client_id};
use crate::client::secret::{Secret, StoredSecret};
use crate::issuer::Issuer;
use crate::protocol::auth_method::CredentialKind;
use crate::registry::route::{Route, Routes};
use crate::store::{Document, Store, StoreError, check_document};

/// Kind of the documents that hold clients.
const KIND: &str = "client";

/// A client at rest.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct StoredClient {
    /// What it registered.
    pub metadata: ClientMetadata,
    /// Its secrets, hashed.
    pub secrets: Vec<StoredSecret>,
}

/// Issuers and the clients of the configuration file.
#[derive(Default)]
pub struct Snapshot {
    /// By id.
    pub issuers: HashMap<String, Arc<Issuer>>,
    /// By issuer id and client id.
    pub clients: HashMap<String, HashMap<String, Arc<Client>>>,
    /// By the path of a request.
    pub routes: Routes,
}

impl Snapshot {
    /// What of the settings is allowed and hardly meant, in the order of the issuers' ids.
    pub fn warnings(&self) -> Vec<String> {
        let mut issuers: Vec<&Arc<Issuer>> = self.issuers.values().collect();
        issuers.sort_by(|a, b| a.id.cmp(&b.id));
        issuers.into_iter().flat_map(|issuer| issuer.warnings()).collect()
    }

    /// Says in the log which keys of the settings are passed over.
    pub fn report_skipped_keys(&self) {
        for key in self.issuers.values().flat_map(|issuer| issuer.skipped_keys()) {
            tracing::warn!(key, "a key in the settings cannot be used");
        }
    }
}

/// Issuers and clients.
pub struct Registry {
    store: Arc<dyn Store>,
    snapshot: ArcSwap<Snapshot>,
    /// Clients of the store, by issuer id and client id. Guards never cross an await (see .clippy.toml).
    stored: DashMap<(String, String), Arc<Client>>,
    /// Those of the store that cannot be used as they are, until they are changed or their issuer is.
    unusable: DashMap<(String, String), Registered>,
    /// The newest change of the store that has been read; one reader at a time.
    version: Mutex<u64>,
}

/// Why the registry could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The metadata breaks a rule.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The id is taken.
    #[error("a client with this id exists already")]
    Exists,
    /// There is no such client.
    #[error("there is no such client")]
    NotFound,
    /// The client has no such secret.
    #[error("the client has no such secret")]
    NoSecret,
    /// The client has as many secrets as it may have.
    #[error("the client has 8 secrets; delete one it no longer uses")]
    TooManySecrets,
    /// The client stands in the configuration file.
    #[error("this client stands in the configuration file; change it there and reload")]
    InFile,
    /// Somebody else changed the client at the same time.
    #[error("somebody else changed this client at the same time; read it again")]
    Conflict,
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Every client of the store as of some version, read and not yet taken in.
#[derive(Debug)]
pub struct Stored {
    documents: Vec<Document>,
    version: u64,
}

/// A client that loses what it was issued.
pub struct Loss {
    /// Its issuer.
    pub issuer: Arc<Issuer>,
    /// Its id.
    pub client: String,
    /// Why, as the audit stream calls it.
    pub event: &'static str,
}

/// Each client with its issuer's id.
fn pairs(clients: &HashMap<String, HashMap<String, Arc<Client>>>) -> impl Iterator<Item = (&String, &Arc<Client>)> {
    clients.iter().flat_map(|(issuer, own)| own.values().map(move |client| (issuer, client)))
}

impl Registry {
    /// Reads every client of the store; `snapshot` comes from the configuration.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn open(store: Arc<dyn Store>, snapshot: Snapshot) -> Result<Self, StoreError> {
        let (documents, version) = store.documents(KIND).await?;
        let registry = Self {
            store,
            snapshot: ArcSwap::from_pointee(snapshot),
            stored: DashMap::new(),
            unusable: DashMap::new(),
            version: Mutex::new(version),
        };
        documents.iter().for_each(|document| registry.take_in(document));
        Ok(registry)
    }

    /// The issuers and the clients of the configuration file, as of now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Where `path` leads.
    pub fn route(&self, path: &str) -> Option<Route> {
        self.snapshot.load().routes.get(path)
    }

    /// The issuers whose URL `path` lies below, whether it leads anywhere or not.
    pub fn issuers_of(&self, path: &str) -> Vec<Arc<Issuer>> {
        let below = |issuer: &&Arc<Issuer>| {
            path.strip_prefix(issuer.path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.snapshot.load().issuers.values().filter(below).cloned().collect()
    }

    /// An issuer by id.
    pub fn issuer(&self, id: &str) -> Option<Arc<Issuer>> {
        self.snapshot.load().issuers.get(id).cloned()
    }

    /// A client of an issuer.
    pub fn client(&self, issuer: &str, id: &str) -> Option<Arc<Client>> {
        let snapshot = self.snapshot.load();
        if let Some(client) = snapshot.clients.get(issuer).and_then(|clients| clients.get(id)) {
            return Some(client.clone());
        }
        let key = (issuer.to_owned(), id.to_owned());
        self.stored.get(&key).map(|client| client.clone())
    }

    /// Whether there is such a client and it is not disabled: if not, what it was issued is worth nothing.
    pub fn serves(&self, issuer: &str, id: &str) -> bool {
        self.client(issuer, id).is_some_and(|client| !client.settings.disabled)
    }

    /// Clients of an issuer in the order of their ids, at most `limit`, those after the id `after`.
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

    /// How many clients there are.
    pub fn len(&self) -> usize {
        self.stored.len() + self.snapshot.load().clients.values().map(HashMap::len).sum::<usize>()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

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
        self.store.put_document(document, current.version).await?.ok_or(RegistryError::Conflict)?;
        self.forget(&(issuer.id.clone(), id.to_owned()));
        Ok(())
    }

    /// Reads every client of the store, for [`Registry::swap`].
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn read(&self) -> Result<Stored, StoreError> {
        self.store.documents(KIND).await.map(|(documents, version)| Stored { documents, version })
    }

    /// The clients that lose what they were issued if `fresh` is swapped in: those that become public, because whoever stole
    /// it could use it from then on without a proof, and those that the file has no more, because who has the id when it
    /// comes back may be another.
    pub fn lost_by(&self, fresh: &Snapshot) -> Vec<Loss> {
        let now = self.snapshot.load();
        let mut lost = Vec::new();
        for (issuer, id) in pairs(&now.clients).map(|(issuer, client)| (issuer, &client.id)) {
            if fresh.clients.get(issuer).is_some_and(|own| own.contains_key(id)) {
                continue;
            }
            if let Some(issuer) = fresh.issuers.get(issuer).or_else(|| now.issuers.get(issuer)) {
                lost.push(Loss { issuer: issuer.clone(), client: id.clone(), event: "client_removed" });
            }
        }
        for (issuer, new) in pairs(&fresh.clients).filter(|(_, new)| new.is_public()) {
            let was_confidential = self.registered(issuer, &new.id).is_ok_and(|old| !old.is_public());
            if let Some(issuer) = fresh.issuers.get(issuer).filter(|_| was_confidential) {
                lost.push(Loss { issuer: issuer.clone(), client: new.id.clone(), event: "client_made_public" });
            }
        }
        lost
    }

    /// Swaps issuers and the clients of the configuration file; stored clients are resolved again under the new issuers.
    ///
    /// Changes are followed again from where they were, or from `stored` if that is older: what was deleted in between,
    /// here or by another node, must not stay or come back for good.
    pub async fn swap(&self, mut snapshot: Snapshot, stored: Stored) {
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

    /// Takes in what other nodes changed since the last call.
    ///
    /// # Errors
    /// If the store cannot be read; what was known stays in use.
    pub async fn follow(&self) -> Result<(), StoreError> {
        let mut version = self.version.lock().await;
        let (changes, read) = self.store.changes(KIND, *version).await?;
        changes.iter().for_each(|document| self.take_in(document));
        *version = read;
        Ok(())
    }

    /// What is registered of a client, also of one that cannot be used.
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

    /// The same of one that can be changed here.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`], or [`RegistryError::InFile`].
    pub fn changeable(&self, issuer: &str, id: &str) -> Result<Registered, RegistryError> {
        let registered = self.registered(issuer, id)?;
        if registered.version == 0 { Err(RegistryError::InFile) } else { Ok(registered) }
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
        let version = self.store.put_document(document, expected).await?.ok_or(RegistryError::Conflict)?;
        Ok(self.insert_newer(&issuer.id, resolve(body, id, version, issuer)?))
    }

    /// Makes a document of the store visible. One that no longer fits its issuer authenticates nobody, is logged, and waits
    /// to be mended or deleted.
    fn take_in(&self, document: &Document) {
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

    fn forget(&self, key: &(String, String)) {
        self.stored.remove(key);
        self.unusable.remove(key);
    }

    /// Puts a client in; two writers may arrive here in either order, and the newer version stays.
    fn insert_newer(&self, issuer: &str, mut client: Client) -> Arc<Client> {
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

/// The client behind a stored or configured body.
///
/// # Errors
/// The first rule that its metadata breaks.
pub fn resolve(body: StoredClient, id: &str, version: u64, issuer: &Issuer) -> Result<Client, MetadataError> {
    // nobody gets in by a secret of a disabled client, so what it costs to check need not be hidden
    let cold = (!body.metadata.jeton.disabled).then_some(&issuer.cold);
    let secrets = body.secrets.into_iter().map(|stored| Secret::new(stored, cold)).collect();
    body.metadata.resolve(id.to_owned(), secrets, version, issuer)
}

/// Without secrets that its method has no use for: one can be recovered only as long as its method needs that, and those
/// of a public client must not be good again if it is confidential again.
fn trimmed(mut body: StoredClient, issuer: &Issuer) -> StoredClient {
    match issuer.method(body.metadata.token_endpoint_auth_method).map(|method| method.credential) {
        Some(CredentialKind::HmacSecret) => {}
        Some(CredentialKind::None) => body.secrets.clear(),
        Some(_) | None => body.secrets.iter_mut().for_each(|secret| secret.sealed = None),
    }
    body
}

/// The document of a client.
///
/// # Errors
/// If its metadata breaks a rule, or it is too large.
fn document(issuer: &Issuer, id: &str, body: &StoredClient) -> Result<Document, RegistryError> {
    resolve(body.clone(), id, 0, issuer)?;
    let text = serde_json::to_string(body).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let document = Document { kind: KIND.to_owned(), name: name(&issuer.id, id), version: 0, body: Some(text) };
    check_document(&document)?;
    Ok(document)
}

fn name(issuer: &str, id: &str) -> String {
    format!("{issuer}/{id}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::{Clock, Time};
    use crate::issuer::{IssuerParts, IssuerSettings};
    use crate::store::memory::Memory;

    fn parts() -> IssuerParts {
        IssuerParts { methods: crate::auth::built_in(), ..IssuerParts::default() }
    }

    fn one_issuer() -> (Arc<Issuer>, Snapshot) {
        let settings = IssuerSettings { url: "https://id.example".to_owned(), ..Default::default() };
        let issuer = Arc::new(Issuer::new("main", settings, parts()).unwrap());
        let mut snapshot = Snapshot::default();
        snapshot.issuers.insert("main".to_owned(), issuer.clone());
        (issuer, snapshot)
    }

    fn batch_client() -> StoredClient {
        let metadata = serde_json::from_str(r#"{"grant_types":["client_credentials"]}"#).unwrap();
        StoredClient { metadata, secrets: Vec::new() }
    }

    #[tokio::test]
    async fn a_reload_that_cannot_read_the_store_has_nothing_to_change_to() {
        let (_, snapshot) = one_issuer();
        let store = Arc::new(Memory::new(1, Clock::manual(Time::from_secs(1))));
        let registry = Registry::open(store.clone(), snapshot).await.unwrap();
        store.close().await.unwrap();
        assert!(registry.read().await.is_err());
    }

    #[tokio::test]
    async fn a_client_that_was_created_during_a_reload_goes_by_the_new_issuer() {
        let (issuer, snapshot) = one_issuer();
        let store = Arc::new(Memory::new(1, Clock::manual(Time::from_secs(1))));
        let registry = Registry::open(store, snapshot).await.unwrap();
        let read = registry.read().await.unwrap();
        registry.create(&issuer, "batch", batch_client()).await.unwrap();
        let settings = IssuerSettings { access_token_lifetime: Duration::from_secs(77), ..issuer.settings.clone() };
        let (_, mut snapshot) = one_issuer();
        snapshot.issuers.insert("main".to_owned(), Arc::new(Issuer::new("main", settings, parts()).unwrap()));
        registry.swap(snapshot, read).await;
        registry.follow().await.unwrap();
        let lifetimes = registry.client("main", "batch").unwrap().settings.lifetimes;
        assert_eq!(lifetimes.access, Duration::from_secs(77));
    }

    #[tokio::test]
    async fn a_request_under_way_counts_in_the_rate_of_a_client_that_is_read_again() {
        let (issuer, snapshot) = one_issuer();
        let store = Arc::new(Memory::new(1, Clock::manual(Time::from_secs(1))));
        let registry = Registry::open(store, snapshot).await.unwrap();
        let mut slow = batch_client();
        slow.metadata.jeton.rate_limit = Some(1);
        let own = registry.create(&issuer, "batch", slow).await.unwrap();
        registry.follow().await.unwrap();
        let now = Time::from_secs(1000);
        assert!(own.rate.admit(now).is_ok());
        assert!(registry.client("main", "batch").unwrap().rate.admit(now).is_err());
    }

    #[tokio::test]
    async fn a_client_deleted_during_a_reload_does_not_come_back() {
        let (issuer, snapshot) = one_issuer();
        let store = Arc::new(Memory::new(1, Clock::manual(Time::from_secs(1))));
        let registry = Registry::open(store, snapshot).await.unwrap();
        registry.create(&issuer, "batch", batch_client()).await.unwrap();
        // the reload read the store, the client was deleted, and only then the reload goes on
        let read = registry.read().await.unwrap();
        registry.delete(&issuer, "batch").await.unwrap();
        registry.follow().await.unwrap();
        registry.swap(one_issuer().1, read).await;
        registry.follow().await.unwrap();
        assert!(registry.client("main", "batch").is_none());
    }

    #[tokio::test]
    async fn a_client_that_was_changed_since_it_was_judged_is_not_replaced() {
        let (issuer, snapshot) = one_issuer();
        let store = Arc::new(Memory::new(1, Clock::manual(Time::from_secs(1))));
        let registry = Registry::open(store, snapshot).await.unwrap();
        registry.create(&issuer, "batch", batch_client()).await.unwrap();
        let seen = registry.changeable("main", "batch").unwrap();
        registry.update(&issuer, "batch", |_| Ok(())).await.unwrap();
        let replaced = registry.replace(&issuer, "batch", seen.version, batch_client()).await;
        assert!(matches!(replaced, Err(RegistryError::Conflict)));
        let seen = registry.changeable("main", "batch").unwrap();
        assert!(registry.replace(&issuer, "batch", seen.version, batch_client()).await.is_ok());
    }

    #[tokio::test]
    async fn a_client_that_another_node_deleted_before_a_reload_goes_with_it() {
        let (issuer, snapshot) = one_issuer();
        let store = Arc::new(Memory::new(1, Clock::manual(Time::from_secs(1))));
        let here = Registry::open(store.clone(), snapshot).await.unwrap();
        here.create(&issuer, "batch", batch_client()).await.unwrap();
        here.follow().await.unwrap();
        let there = Registry::open(store, one_issuer().1).await.unwrap();
        there.delete(&issuer, "batch").await.unwrap();
        // nothing was followed since
        let read = here.read().await.unwrap();
        here.swap(one_issuer().1, read).await;
        here.follow().await.unwrap();
        assert!(here.client("main", "batch").is_none());
    }
}
