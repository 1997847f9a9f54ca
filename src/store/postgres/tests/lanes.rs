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
pub(super) async fn until(what: &str, holds: impl Fn() -> bool) {
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

pub(super) fn is_ready(engine: &Postgres) -> bool {
    engine.health() == Health::Ready
}

/// Makes every commit wait for a standby that is not there; returns when the first one does, which is the connector's,
/// and so most of a second before the cell is away.
async fn demand_standby(server: &TestServer) {
    server.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    server.sql("SELECT pg_reload_conf()");
    until("commits wait", || server.sql(WAITING) == "1").await;
}

/// Lets all commits go on.
fn release(server: &TestServer) {
    server.sql("ALTER SYSTEM RESET synchronous_standby_names");
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
    demand_standby(&server).await;
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
    release(&server);
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
    demand_standby(&server).await;
    let put = tokio::spawn({
        let engine = engine.clone();
        async move { engine.put(document("second"), 0).await }
    });
    until("it waits", || server.sql(WAITING) == "2").await;
    server.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
    let ended = put.await.unwrap();
    assert!(matches!(ended, Err(StoreError::Indeterminate { .. })), "no standby has it: {ended:?}");
    release(&server);
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

/// The gate stays: an operator may change a server while it runs.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_no_longer_passes_is_left() {
    let server = TestServer::start();
    let engine = engine(&server).await;
    server.sql("UPDATE jeton.meta SET deployment = 'another'");
    let says = |text: &str| matches!(engine.health(), Health::Unavailable(why) if why.contains(text));
    until("it is left", || says("this node is of \"test\"")).await;
    let read = engine.read(Connection::Peeks, &[Key::Family(family(1))]).await;
    assert!(matches!(read, Err(StoreError::Unavailable { .. })), "{read:?}");
    server.sql("UPDATE jeton.meta SET deployment = 'test'");
    until("it is taken again", || is_ready(&engine)).await;
    assert!(engine.read(Connection::Peeks, &[Key::Family(family(1))]).await.is_ok());
}

/// A rotation is logged as the part that it changes, and moves no entry of an index.
#[tokio::test(flavor = "multi_thread")]
async fn rotations_leave_the_indexes_alone_and_log_little() {
    const ROTATIONS: u32 = 40;
    let server = TestServer::with(&["autovacuum=off", "full_page_writes=off"]);
    let engine = engine(&server).await;
    let node = Cas::new(engine.clone());
    let mut long = redeem(1, 1, START);
    long.grant = vec![7; 1_500].into();
    assert!(node.apply(0, vec![long.into()]).await.unwrap().iter().all(Result::is_ok));
    let log = || server.sql("SELECT pg_current_wal_insert_lsn() - '0/0'").parse::<u64>().unwrap();
    let before = log();
    for generation in 0..ROTATIONS {
        let answers = node.apply(0, vec![rotate(1, generation, 2).into()]).await.unwrap();
        let outcome = answers[0].as_ref().map(|answer| answer.outcome.clone());
        assert!(matches!(outcome, Ok(Outcome::Rotate(Ok(_)))), "{outcome:?}");
    }
    let each = (log() - before) / u64::from(ROTATIONS);
    assert!(each < 700, "{each} bytes for a rotation, of a row of more than 1,500");
    let updates = || {
        server.sql(
            "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_all_tables WHERE relname = 'family' AND schemaname = 'jeton'",
        )
    };
    engine.close().await.unwrap();
    until("the statistics are there", || updates().starts_with(&ROTATIONS.to_string())).await;
    assert_eq!(updates(), format!("{ROTATIONS}|{ROTATIONS}"), "each on its page");
}

/// Operations that begin something have lanes of their own: their batches wait for one commit.
#[tokio::test(flavor = "multi_thread")]
async fn what_begins_is_kept_apart_from_what_changes() {
    let server = TestServer::start();
    let engine = engine(&server).await;
    let lanes = Rows::lanes(&*engine).count;
    assert_eq!(lanes, 2);
    for n in 0..20 {
        assert_eq!(Rows::lane(&*engine, &rotate(n, 0, 1).into()), 0);
        assert_eq!(Rows::lane(&*engine, &redeem(n, 1, START).into()), 1);
    }
}

/// Raises errors by their codes (PostgreSQL, appendix A): what may have been done is told apart from what was not.
#[tokio::test(flavor = "multi_thread")]
async fn each_error_of_a_server_is_told_by_what_may_have_been_done() {
    use crate::store::postgres::job::Ran;
    use crate::store::postgres::query::Query;

    #[derive(Debug, PartialEq)]
    enum Told {
        Conflict,
        Unavailable,
        Indeterminate,
    }

    let server = TestServer::start();
    let engine = engine(&server).await;
    let links = engine.links().unwrap();
    let session = async || match links.control.run(Query::read("SELECT 1", Vec::new()), None).await {
        Ok(Ran::Done(session, _)) => session,
        other => panic!("{other:?}"),
    };
    macro_rules! raise {
        ($code:literal) => {
            concat!("DO $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '", $code, "'; END $$")
        };
    }
    for (text, written, reconnects) in [
        (raise!("40P01"), Told::Conflict, false),
        (raise!("40001"), Told::Conflict, false),
        (raise!("53100"), Told::Unavailable, false),
        (raise!("53200"), Told::Unavailable, false),
        (raise!("57P01"), Told::Indeterminate, true),
        (raise!("57P03"), Told::Indeterminate, true),
        (raise!("25006"), Told::Indeterminate, true),
        (raise!("08006"), Told::Indeterminate, true),
        (raise!("22012"), Told::Indeterminate, false),
    ] {
        let before = session().await;
        let told = match links.control.run(Query::write(text, Vec::new()), None).await {
            Ok(Ran::Conflict) => Told::Conflict,
            Err(StoreError::Unavailable { .. }) => Told::Unavailable,
            Err(StoreError::Indeterminate { .. }) => Told::Indeterminate,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!((told, session().await != before), (written, reconnects), "{text}");
        let read = links.control.run(Query::read(text, Vec::new()), None).await;
        assert!(matches!(read, Err(StoreError::Unavailable { .. })), "{text}: {read:?}");
    }
    // what the server does not understand was not done
    let wrong = links.control.run(Query::write("SELECT nothing FROM nowhere", Vec::new()), None).await;
    assert!(matches!(wrong, Err(StoreError::Unavailable { .. })), "{wrong:?}");
}
