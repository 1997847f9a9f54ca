//! The suite of engines and of shared engines.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::TestServer;
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::store::contract::shared::{Node, SharedSubject};
use crate::store::postgres::config::{PostgresCell, PostgresTls, UnsafeEngine};
use crate::store::postgres::{Postgres, PostgresConfig, migrate};

/// The settings of an engine in a schema of the shared server.
fn config(schema: &str, lanes: u16) -> PostgresConfig {
    config_on(TestServer::shared(), schema, lanes)
}

/// The settings of an engine in a schema of a server.
pub(super) fn config_on(server: &TestServer, schema: &str, lanes: u16) -> PostgresConfig {
    PostgresConfig {
        deployment: "test".to_owned(),
        allow_unsafe_engine: UnsafeEngine::Always,
        cells: vec![PostgresCell {
            id: 0,
            hosts: vec![server.directory.display().to_string()],
            database: "postgres".to_owned(),
            schema: schema.to_owned(),
            user: "postgres".to_owned(),
            password_file: None,
            client_certificate_file: None,
            client_key_file: None,
            tls: PostgresTls::Off,
            root_certificate_file: None,
            changes_lanes: lanes,
            begins_lanes: 1,
        }],
        ..PostgresConfig::default()
    }
}

/// Runs work of its own on a thread of its own, in the middle of a test that has a runtime.
fn elsewhere<T: Send>(work: impl Future<Output = T> + Send) -> T {
    let limited = async { tokio::time::timeout(Duration::from_secs(20), work).await.unwrap() };
    std::thread::scope(|scope| {
        let run = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(limited);
        scope.spawn(run).join().unwrap()
    })
}

thread_local! {
    /// The schema of this thread, and a session of its own to empty it: each test has a thread.
    static SCHEMA: RefCell<Option<(String, tokio::runtime::Runtime, tokio_postgres::Client)>> = const { RefCell::new(None) };
}

/// Gives the schema of this thread, empty.
fn empty_schema() -> String {
    SCHEMA.with_borrow_mut(|own| {
        let (schema, runtime, client) = own.get_or_insert_with(new_schema);
        let empty = "DELETE FROM family; DELETE FROM mark; DELETE FROM fence; DELETE FROM user_code; DELETE FROM feed; \
                     DELETE FROM document; DELETE FROM signing_key";
        std::thread::scope(|scope| {
            scope.spawn(|| runtime.block_on(client.batch_execute(empty)).unwrap()).join().unwrap();
        });
        schema.clone()
    })
}

fn new_schema() -> (String, tokio::runtime::Runtime, tokio_postgres::Client) {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let schema = format!("t{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let settings = config(&schema, 1);
    elsewhere(migrate(&settings)).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut session = tokio_postgres::Config::new();
    session.host_path(&TestServer::shared().directory).user("postgres").dbname("postgres");
    session.options(format!("-c search_path={schema}"));
    let client = std::thread::scope(|scope| {
        let connect = || {
            runtime.block_on(async {
                let (client, connection) = session.connect(tokio_postgres::NoTls).await.unwrap();
                tokio::spawn(connection);
                client
            })
        };
        scope.spawn(connect).join().unwrap()
    });
    (schema, runtime, client)
}

/// PostgreSQL under test.
struct Shared;

impl SharedSubject for Shared {
    type Engine = Postgres;

    fn open(lanes: u16, clock: Clock) -> Arc<Postgres> {
        Arc::new(Postgres::start(&config(&empty_schema(), lanes), clock, &Metrics::new()).unwrap())
    }

    fn reopen(engine: Arc<Postgres>) -> Arc<Postgres> {
        let schema = SCHEMA.with_borrow(|own| own.as_ref().unwrap().0.clone());
        let clock = engine.time.clock.clone();
        Arc::new(Postgres::start(&config(&schema, engine.changes_lanes), clock, &Metrics::new()).unwrap())
    }
}

mod as_a_ledger {
    crate::engine_contract!(super::Node<super::Shared>);
}

mod as_rows {
    crate::rows_contract!(super::Shared);
}
