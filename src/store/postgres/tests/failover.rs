//! Two servers, one of which follows the other: the primary is found among them, and the one of the highest timeline.

use super::TestServer;
use super::contract::config_on;
use super::lanes::{is_ready, until};
use super::server::as_postgres;
use crate::clock::Clock;
use crate::state::Key;
use crate::store::cas::Cas;
use crate::store::contract::{START, family, redeem};
use crate::store::postgres::{Postgres, PostgresConfig, migrate};
use crate::store::rows::{Connection, Rows};
use crate::store::{Health, Ledger, Lifecycle};

/// A server that follows `primary`.
fn standby_of(primary: &TestServer) -> TestServer {
    TestServer::of(&[], |bin, data| {
        let mut copy = as_postgres(&bin.join("pg_basebackup"));
        copy.args(["--no-sync", "--checkpoint=fast", "--wal-method=stream", "--write-recovery-conf"]);
        copy.args(["-U", "postgres", "-h"]).arg(&primary.directory).arg("-D").arg(data);
        copy
    })
}

/// The settings of an engine on both.
fn config(hosts: [&TestServer; 2]) -> PostgresConfig {
    let mut config = config_on(hosts[0], "jeton", 1);
    config.cells[0].hosts = hosts.map(|host| host.directory.display().to_string()).to_vec();
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_follows_the_highest_timeline_and_never_goes_back() {
    let old = TestServer::start();
    migrate(&config_on(&old, "jeton", 1)).await.unwrap();
    let new = standby_of(&old);
    // the standby is no primary, wherever it stands
    let config = config([&new, &old]);
    let engine = std::sync::Arc::new(Postgres::open(&config, Clock::manual(START)).await.unwrap());
    let node = Cas::new(engine.clone());
    let done = |answers: Vec<Result<crate::store::Answer, _>>| answers.iter().all(Result::is_ok);
    assert!(done(node.apply(0, vec![redeem(1, 1, START).into()]).await.unwrap()));
    let on_old = engine.read(Connection::Lane(0), &[Key::Family(family(1))]).await.unwrap().session;
    until("the standby has it", || new.sql("SELECT count(*) FROM jeton.family") == "1").await;
    // both are primaries now, and the old one would go on
    assert_eq!(new.sql("SELECT pg_promote()"), "t");
    let is_in_use = || new.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'jeton'") != "0";
    until("the new one is found", || is_in_use() && is_ready(&engine)).await;
    let has_left = async || !engine.confirm(Connection::Lane(0), on_old).await.unwrap_or(true);
    let left = async {
        while !has_left().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), left).await.expect("another session");
    assert!(done(node.apply(0, vec![redeem(2, 1, START).into()]).await.unwrap()));
    let count = |server: &TestServer| server.sql("SELECT count(*) FROM jeton.family");
    assert_eq!((count(&old), count(&new)), ("1".to_owned(), "2".to_owned()));
    // the new one goes away: the old one lacks what was answered since
    new.stop("immediate");
    let says = |text: &str| matches!(engine.health(), Health::Unavailable(why) if why.contains(text));
    until("the old one is left alone", || says("it was left behind by a failover")).await;
    new.resume();
    until("the new one is back", || is_ready(&engine)).await;
    let rows = engine.read(Connection::Peeks, &[Key::Family(family(2))]).await.unwrap().rows;
    assert!(rows.values().any(|row| matches!(row, Ok(Some(_)))), "{rows:?}");
    engine.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_primary_the_reason_of_each_host_is_told() {
    let old = TestServer::start();
    migrate(&config_on(&old, "jeton", 1)).await.unwrap();
    let standby = standby_of(&old);
    let engine = Postgres::open(&config([&old, &standby]), Clock::manual(START)).await.unwrap();
    old.stop("immediate");
    let told = |why: &str| why.contains("it is a standby") && why.contains("No such file");
    until("both are told", || matches!(engine.health(), Health::Unavailable(why) if told(&why))).await;
    assert_eq!(standby.sql("SELECT pg_promote()"), "t");
    until("the standby takes over", || is_ready(&engine)).await;
    engine.close().await.unwrap();
}
