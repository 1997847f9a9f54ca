//! Reloads, other nodes and changes at the same time.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::clock::{Clock, Time};
use crate::issuer::{Issuer, IssuerParts, IssuerSettings};
use crate::store::Lifecycle;
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
    let registry = Registry::open(store.clone(), snapshot, false).await.unwrap();
    store.close().await.unwrap();
    assert!(registry.read().await.is_err());
}

#[tokio::test]
async fn a_client_that_was_created_during_a_reload_goes_by_the_new_issuer() {
    let (issuer, snapshot) = one_issuer();
    let store = Arc::new(Memory::new(1, Clock::manual(Time::from_secs(1))));
    let registry = Registry::open(store, snapshot, false).await.unwrap();
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
    let registry = Registry::open(store, snapshot, false).await.unwrap();
    let mut slow = batch_client();
    slow.metadata.jeton.rate_limit = Some(1);
    let own = registry.create(&issuer, "batch", slow).await.unwrap();
    registry.follow().await.unwrap();
    let now = Time::from_secs(1000);
    assert!(own.rate.admit(now, 1).is_ok());
    assert!(registry.client("main", "batch").unwrap().rate.admit(now, 1).is_err());
}

#[tokio::test]
async fn a_client_deleted_during_a_reload_does_not_come_back() {
    let (issuer, snapshot) = one_issuer();
    let store = Arc::new(Memory::new(1, Clock::manual(Time::from_secs(1))));
    let registry = Registry::open(store, snapshot, false).await.unwrap();
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
    let registry = Registry::open(store, snapshot, false).await.unwrap();
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
    let here = Registry::open(store.clone(), snapshot, false).await.unwrap();
    here.create(&issuer, "batch", batch_client()).await.unwrap();
    here.follow().await.unwrap();
    let there = Registry::open(store, one_issuer().1, false).await.unwrap();
    there.delete(&issuer, "batch").await.unwrap();
    // nothing was followed since
    let read = here.read().await.unwrap();
    here.swap(one_issuer().1, read).await;
    here.follow().await.unwrap();
    assert!(here.client("main", "batch").is_none());
}
