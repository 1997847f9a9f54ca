//! The register of the nodes: who lives, what changed, and what time it is.

use std::time::Duration;

use super::TestServer;
use super::contract::config_on;
use crate::clock::Clock;
use crate::id::Id;
use crate::store::nodes::{KEYS, NodeInfo, Nodes};
use crate::store::postgres::{Postgres, migrate};
use crate::store::{Document, Documents, KeyRings, Lifecycle};

fn node(name: &str) -> NodeInfo {
    NodeInfo {
        id: Id::random(),
        name: name.to_owned(),
        version: "1".to_owned(),
        settings: "s".to_owned(),
        master_keys: vec!["1:a".to_owned(), "2:b".to_owned()],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_see_each_other_and_what_was_changed() {
    let server = TestServer::shared();
    let config = config_on(server, "register", 1);
    migrate(&config).await.unwrap();
    let engine = Postgres::open(&config, Clock::system()).await.unwrap();
    let (one, two) = (node("one"), node("two"));
    assert_eq!(engine.beat(&one).await.unwrap().others, []);
    assert_eq!(engine.beat(&two).await.unwrap().others, std::slice::from_ref(&one));
    let changed = NodeInfo { settings: "other".to_owned(), ..two.clone() };
    engine.beat(&changed).await.unwrap();
    let heartbeat = engine.beat(&one).await.unwrap();
    assert_eq!(heartbeat.others, [changed]);
    let before = heartbeat.versions;
    let document =
        Document { kind: "client".to_owned(), name: "a/b".to_owned(), version: 0, body: Some("{}".to_owned()) };
    let version = engine.put(document, 0).await.unwrap().unwrap();
    engine.drop_up_to("main/EdDSA", 1).await.unwrap();
    let after = engine.beat(&one).await.unwrap().versions;
    assert_eq!(after.get("client"), Some(&version));
    assert!(after.get(KEYS) > before.get(KEYS), "{before:?} {after:?}");
    // one that is gone for long is forgotten, one that took its leave at once
    server.sql("UPDATE register.node SET seen = seen - interval '11 seconds' WHERE name = 'two'");
    assert_eq!(engine.beat(&one).await.unwrap().others, []);
    engine.beat(&two).await.unwrap();
    engine.leave(two.id).await.unwrap();
    assert_eq!(engine.beat(&one).await.unwrap().others, []);
    server.sql("UPDATE register.node SET seen = seen - interval '2 days'");
    engine.beat(&two).await.unwrap();
    assert_eq!(server.sql("SELECT count(*) FROM register.node"), "1");
    engine.close().await.unwrap();
}

/// A node whose own clock is an hour off decides by the database's, before it has read a row.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_of_life_brings_the_time_of_the_database() {
    let config = config_on(TestServer::shared(), "clocks", 1);
    migrate(&config).await.unwrap();
    let (clock, right) = (Clock::system(), Clock::system());
    clock.follow(right.now() + Duration::from_secs(3600));
    let engine = Postgres::open(&config, clock.clone()).await.unwrap();
    let own = node("ahead");
    let now = async {
        loop {
            // the first answer may have taken too long to say anything
            if let Some(now) = engine.beat(&own).await.unwrap().now {
                return now;
            }
        }
    };
    let now = tokio::time::timeout(Duration::from_secs(10), now).await.expect("an answer within half a second");
    let off = right.now().as_millis().abs_diff(now.as_millis());
    assert!(off < 1000, "{off} ms");
    clock.follow(now);
    assert!(right.now().as_millis().abs_diff(clock.now().as_millis()) < 1000);
    engine.close().await.unwrap();
}
