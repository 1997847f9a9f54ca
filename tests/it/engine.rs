//! An engine from outside of the crate: it passes the public contract, and a daemon runs on it.

#[path = "../examples/btree_engine.rs"]
mod btree_engine;

use std::sync::Arc;

use btree_engine::BTreeEngine;
use jeton::Clock;
use jeton::store::contract::shared::{Node, SharedSubject};
use jeton::store::{Connection, Rows};
use serde_json::json;

use crate::support::{Server, refused};

/// The engine under test.
struct BTree;

impl SharedSubject for BTree {
    type Engine = BTreeEngine;

    fn open(lanes: u16, clock: Clock) -> Arc<BTreeEngine> {
        BTreeEngine::open(lanes, clock)
    }
}

mod as_a_ledger {
    jeton::engine_contract!(super::Node<super::BTree>);
}

mod as_rows {
    jeton::rows_contract!(super::BTree);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_runs_on_an_engine_from_outside() {
    let server = Server::extended(btree_engine::extensions).await;
    let client = server.web_client().await;
    let code = server.code(&client.0, json!({})).await;
    let first = server.redeem(&client, &code).await;
    assert_eq!(first.status, 200, "{}", first.text());
    let next = server.refresh(&client, &first.get("refresh_token")).await;
    assert_eq!(next.status, 200, "{}", next.text());
    assert_ne!(next.get("refresh_token"), first.get("refresh_token"));
    // the second redemption is a replay, and ends what the first one began
    refused(&server.redeem(&client, &code).await, "invalid_grant");
    refused(&server.refresh(&client, &next.get("refresh_token")).await, "invalid_grant");
    let keys = server.jwks().await.json()["keys"].as_array().unwrap().len();
    assert!(keys >= 1, "signing keys live there too");
}

#[test]
fn the_example_runs() {
    btree_engine::main().unwrap();
}

#[tokio::test]
async fn a_row_that_was_not_asked_for_need_not_come_along() {
    let engine = BTreeEngine::open(1, Clock::system());
    let key = jeton::store::Key::revoked_token("main", "jti");
    let found = engine.read(Connection::Lane(0), &[key]).await.unwrap();
    assert_eq!(found.rows.into_iter().collect::<Vec<_>>(), [(key, Ok(None))]);
}

/// What it takes to add an engine: a file, and one line where the program says what it adds.
#[test]
fn an_engine_is_one_file_and_one_line() {
    let file = include_str!("../examples/btree_engine.rs");
    let line = "engine: Some(jeton::store::Engine::shared(BTreeEngine::open(2, clock.clone()))),";
    assert_eq!(file.lines().filter(|own| own.trim() == line).count(), 1);
    assert!(include_str!("../../src/README.md").contains(line), "the README lacks: {line}");
    for own in ["impl Rows for", "impl Documents for", "impl KeyRings for", "impl Lifecycle for"] {
        assert_eq!(file.matches(own).count(), 1, "{own}");
    }
}
