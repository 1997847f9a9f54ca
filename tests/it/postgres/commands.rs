//! `jeton migrate`, `jeton doctor` and what a daemon says at its start.

use std::process::Output;

use serde_json::Value;

use super::{TestServer, command, store};

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
fn ends(output: &Output, code: i32, says: &str) {
    assert_eq!(output.status.code(), Some(code), "{}", told(output));
    assert!(told(output).contains(says), "{}", told(output));
}

#[test]
fn a_daemon_starts_on_a_schema_that_it_knows_and_names_the_command_for_any_other() {
    let server = TestServer::shared();
    let store = store(server, "schemas");
    ends(&command(&store, &["serve"]), 69, "run `jeton migrate`");
    ends(
        &command(&store, &["migrate", "--check"]),
        1,
        "the schema is 0, and this jeton leads to 2: run `jeton migrate`",
    );
    ends(&command(&store, &["migrate"]), 0, "good: the schema was 0 and is 2 now");
    ends(&command(&store, &["migrate"]), 0, "good: the schema is 2 already");
    ends(&command(&store, &["migrate", "--check"]), 0, "good: the schema is 2");
    server.sql("UPDATE schemas.meta SET schema = 99, oldest = 99");
    ends(&command(&store, &["serve"]), 69, "schema 99");
    ends(&command(&store, &["serve"]), 69, "start the jeton that wrote it");
    ends(&command(&store, &["migrate"]), 69, "the schema is 99");
    ends(&command(&store, &["migrate", "--check"]), 1, "the schema is 99");
    server.sql("UPDATE schemas.meta SET schema = 2, oldest = 2, deployment = 'another'");
    ends(&command(&store, &["serve"]), 69, "this node is of \"test\"");
    ends(&command(&store, &["migrate"]), 69, "this node is of \"test\"");
}

#[test]
fn a_server_that_promises_nothing_is_refused_unless_the_settings_say_otherwise() {
    let store = super::migrated(TestServer::shared(), "promises");
    let strict = store.replace("\"always\"", "\"never\"");
    ends(&command(&strict, &["serve"]), 69, "fsync = off; set fsync = on on the server");
    ends(&command(&strict, &["serve"]), 69, "synchronous_standby_names = empty");
    let elsewhere = store.replace("user = \"postgres\"", "user = \"nobody_here\"");
    ends(&command(&elsewhere, &["migrate"]), 69, "role \"nobody_here\" does not exist");
}

#[test]
fn the_doctor_goes_through_the_gate_rule_by_rule() {
    let store = super::migrated(TestServer::shared(), "examined");
    let findings = |store: &str| -> Vec<(String, String, String)> {
        let output = command(store, &["doctor", "--json"]);
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
        let all = told["findings"].as_array().unwrap().iter();
        let own = all.filter(|finding| finding["check"].as_str().unwrap().starts_with("store_"));
        own.map(|own| (text(own, "check"), text(own, "status"), text(own, "message"))).collect()
    };
    let has = |found: &[(String, String, String)], check: &str, status: &str, says: &str| {
        let fits = |own: &&(String, String, String)| own.0 == check && own.1 == status && own.2.contains(says);
        assert!(found.iter().any(|own| fits(&own)), "{check}, {status}, {says}: {found:#?}");
    };
    let found = findings(&store);
    has(&found, "store_gate", "good", "it is a primary");
    has(&found, "store_gate", "good", "PostgreSQL 1");
    has(&found, "store_gate", "warning", "fsync = off");
    has(&found, "store_gate", "warning", "synchronous_standby_names = empty");
    has(&found, "store_schema", "good", "schema 2");
    has(&found, "store_confirmation", "good", "5 commits were confirmed");
    has(&found, "store_clock", "good", "ahead of this machine's");
    has(&found, "store_standbys", "warning", "it has no standby");
    has(&found, "store_commits", "good", "no commit waits");
    has(&found, "store_transaction_ids", "good", "million transaction ids");
    has(&found, "store_rows", "good", "family: about 0 rows");
    has(&found, "store_sweep", "good", "deleted in time");
    has(&found, "store_nodes", "good", "no node runs");
    let found = findings(&store.replace("\"always\"", "\"never\""));
    has(&found, "store_gate", "bad", "set fsync = on on the server");
    let found = findings(&store.replace("\"examined\"", "\"not_there\""));
    has(&found, "store_schema", "bad", "run `jeton migrate`");
    let found = findings(&store.replace("jeton-pg-", "jeton-nothing-"));
    has(&found, "store_host", "bad", "is it running");
    has(&found, "store_primary", "bad", "none of the hosts is a primary");
}

#[test]
fn settings_that_break_a_rule_are_refused_with_the_rule() {
    let good = store(TestServer::shared(), "rules");
    let cell = |change: (&str, &str)| good.replace(change.0, change.1);
    for (store, says) in [
        (cell(("\"test\"", "\"\"")), "store.postgres.deployment: a name of the installation"),
        (cell(("id = 0", "id = 1")), "store.postgres.cells[0].id: 0"),
        (
            cell(("}] }", "}, { id = 1, hosts = [\"b\"], database = \"b\", user = \"b\" }] }")),
            "serves no further cells",
        ),
        (cell(("tls = \"off\"", "tls = \"verify-full\"")), "off for a Unix socket"),
        (cell(("hosts = [\"", "hosts = [\"db.example:5432\", \"")), "verify-full or verify-ca"),
        (cell(("\"rules\"", "\"a b\"")), "store.postgres.cells[0].schema"),
        (cell(("tls = \"off\"", "tls = \"off\", begins_lanes = 0")), "store.postgres.cells[0].begins_lanes: 1 to 64"),
        (cell(("\"always\"", "\"sometimes\"")), "allow_unsafe_engine"),
        (cell(("allow_unsafe", "max_staleness = \"1m\", allow_unsafe")), "store.postgres.max_staleness: at most 10s"),
    ] {
        ends(&command(&store, &["migrate", "--check"]), 64, says);
    }
    ends(&command("engine = \"memory\"", &["migrate"]), 64, "other engines need no migration");
}

#[test]
fn the_example_of_a_cluster_is_read() {
    let text = include_str!("../../../config/cluster.toml");
    let config: jeton::internals::Config = toml::from_str(text).unwrap();
    config.check().unwrap();
    let store = serde_json::to_value(&config.store).unwrap();
    assert_eq!(store["engine"], "postgres");
    assert_eq!(store["postgres"]["cells"][0]["hosts"].as_array().map(Vec::len), Some(3));
    assert_eq!(store["postgres"]["cells"][0]["tls"], "verify-full");
}
