//! Connections that end, commits that wait for standbys, and waits that somebody ends.

use std::time::Duration;

use super::TestServer;
use super::contract::config_on;
use crate::clock::Clock;
use crate::metrics::Stopwatch;
use crate::state::{Key, Op, Outcome};
use crate::store::cas::Cas;
use crate::store::contract::{START, family, redeem, rotate};
use crate::store::postgres::{Postgres, migrate};
use crate::store::rows::{Connection, Rows};
use crate::store::{Document, Documents, Health, Ledger, Lifecycle, StoreError};

/// An engine on a server of its own.
async fn engine(server: &TestServer) -> std::sync::Arc<Postgres> {
    let config = config_on(server, "jeton", 1);
    migrate(&config).await.unwrap();
    std::sync::Arc::new(Postgres::open(&config, Clock::manual(START)).await.unwrap())
}

/// Waits at most ten seconds.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let watch = Stopwatch::start();
    while !holds() {
        assert!(watch.elapsed() < Duration::from_secs(10), "{what}");
        pause(20).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "a server is another process")]
async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

fn document(name: &str) -> Document {
    Document { kind: "client".to_owned(), name: name.to_owned(), version: 0, body: Some("{}".to_owned()) }
}

fn is_ready(engine: &Postgres) -> bool {
    engine.health() == Health::Ready
}

/// Makes every commit wait for a standby that is not there, or no longer.
fn demand_standby(server: &TestServer, demanded: bool) {
    server.sql(if demanded {
        "ALTER SYSTEM SET synchronous_standby_names = 'nobody'"
    } else {
        "ALTER SYSTEM RESET synchronous_standby_names"
    });
    server.sql("SELECT pg_reload_conf()");
}

const WAITING: &str = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
const CONNECTED: &str = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'jeton'";

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_its_connection() {
    let server = TestServer::start();
    let engine = engine(&server).await;
    let key = Key::Family(family(1));
    let on = Connection::Lane(0);
    let first = engine.read(on, &[key]).await.unwrap().session;
    assert_eq!(engine.read(on, &[key]).await.unwrap().session, first);
    assert!(engine.confirm(on, first).await.unwrap());
    server.stop("immediate");
    until("the cell is away", || !is_ready(&engine)).await;
    let began = Stopwatch::start();
    assert!(matches!(engine.read(on, &[key]).await, Err(StoreError::Unavailable { .. })));
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    server.resume();
    until("the cell is back", || is_ready(&engine)).await;
    assert!(!engine.confirm(on, first).await.unwrap(), "another session");
    assert_ne!(engine.read(on, &[key]).await.unwrap().session, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_whose_commits_wait_is_away_and_its_connections_do_not_grow() {
    let server = TestServer::start();
    let engine = engine(&server).await;
    let node = Cas::new(engine.clone());
    let redeemed = |answers: Vec<Result<crate::store::Answer, StoreError>>| {
        answers.into_iter().map(|answer| answer.map(|own| own.outcome)).collect::<Vec<_>>()
    };
    let first = node.apply(0, vec![redeem(1, 1, START).into()]).await.unwrap();
    assert_eq!(redeemed(first), [Ok(Outcome::RedeemCode(Ok(())))]);
    demand_standby(&server, true);
    let began = Stopwatch::start();
    let waits = redeemed(node.apply(0, vec![redeem(2, 1, START).into()]).await.unwrap());
    assert!(matches!(waits[..], [Err(StoreError::Indeterminate { .. })]), "it may be done: {waits:?}");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    until("the cell is away", || !is_ready(&engine)).await;
    let began = Stopwatch::start();
    for n in 0..50 {
        let refused = redeemed(node.apply(0, vec![rotate(1, 0, n).into()]).await.unwrap());
        assert!(matches!(refused[..], [Err(StoreError::Unavailable { .. })]), "{refused:?}");
        assert!(matches!(node.peek(&[Key::Family(family(1))]).await, Err(StoreError::Unavailable { .. })));
    }
    assert!(began.elapsed() < Duration::from_secs(1), "all at once: {:?}", began.elapsed());
    let before = (server.sql(WAITING), server.sql(CONNECTED));
    pause(3_000).await;
    assert_eq!((server.sql(WAITING), server.sql(CONNECTED)), before, "nobody hung up, and nobody came again");
    demand_standby(&server, false);
    until("the cell is back", || is_ready(&engine)).await;
    // what was written meanwhile was done, and is known by its attempt
    let ops: Vec<Op> = vec![redeem(2, 1, START).into(), rotate(1, 0, 9).into()];
    let again = redeemed(node.apply(0, ops).await.unwrap());
    assert!(matches!(&again[..], [Ok(Outcome::RedeemCode(Ok(()))), Ok(Outcome::Rotate(Ok(_)))]), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_somebody_ended_is_an_unknown_outcome() {
    let server = TestServer::start();
    let engine = engine(&server).await;
    engine.put(document("first"), 0).await.unwrap();
    demand_standby(&server, true);
    let put = tokio::spawn({
        let engine = engine.clone();
        async move { engine.put(document("second"), 0).await }
    });
    until("it waits", || server.sql(WAITING) != "0").await;
    server.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
    let ended = put.await.unwrap();
    assert!(matches!(ended, Err(StoreError::Indeterminate { .. })), "no standby has it: {ended:?}");
    demand_standby(&server, false);
    until("the cell is back", || is_ready(&engine)).await;
    let found = engine.get("client", "second").await.unwrap();
    assert!(found.is_some(), "it was done here");
}

/// The text of a warning may be in any language of the server.
#[tokio::test(flavor = "multi_thread")]
async fn a_warning_about_standbys_poisons_its_connection_alone() {
    let server = TestServer::start();
    let engine = engine(&server).await;
    let links = engine.links().unwrap();
    let run = |text: &'static str| {
        let links = links.clone();
        async move { links.control.run(crate::store::postgres::query::Query::write(text, Vec::new()), None).await }
    };
    assert!(run("DO $$ BEGIN RAISE WARNING 'something else'; END $$").await.is_ok());
    let poisoned =
        run("DO $$ BEGIN RAISE WARNING 'canceling wait for synchronous replication due to user request'; END $$").await;
    assert!(matches!(poisoned, Err(StoreError::Indeterminate { .. })), "{poisoned:?}");
    assert!(run("SELECT 1").await.is_ok(), "on a new connection");
    assert!(is_ready(&engine));
}
