//! A server that goes away and comes back: what needs it is answered 503 soon, the rest goes on, and no daemon restarts.

use std::time::Duration;

use jeton::internals::Stopwatch;
use serde_json::json;

use super::{SETTINGS, TestServer, migrated};
use crate::support::http::request;
use crate::support::{Answer, Server};

/// Longest time for the answer to a request while the server is away.
const SOON: Duration = Duration::from_secs(3);

/// Asks until the answer is as wanted, for at most ten seconds.
async fn until<F: Future<Output = Answer>>(wanted: u16, ask: impl Fn() -> F) -> Answer {
    let answered = async {
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        loop {
            let answer = ask().await;
            if answer.status == wanted {
                return answer;
            }
            tick.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), answered).await.expect("it recovers within ten seconds")
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_43_what_needs_the_database_is_503_while_it_is_away_and_the_rest_goes_on() {
    let database = TestServer::start();
    let server = Server::on_store(&migrated(&database, "jeton"), SETTINGS).await;
    let (client, gateway, service) = (server.web_client().await, server.gateway().await, server.service_client().await);
    let login = server.login(&client).await;
    let (mut refresh, access) =
        (login["refresh_token"].as_str().unwrap().to_owned(), login["access_token"].as_str().unwrap());
    server.jwks().await;
    let readiness = || request(server.admin, "GET", "/readyz", &[], b"");
    let by_secret = [
        ("grant_type", "client_credentials"),
        ("client_id", service.0.as_str()),
        ("client_secret", service.1.as_str()),
    ];
    for (mode, used) in [("immediate", "once"), ("fast", "twice")] {
        database.stop(mode);
        until(503, readiness).await;
        let began = Stopwatch::start();
        let refused = server.refresh(&client, &refresh).await;
        assert_eq!(refused.status, 503, "{used}: {}", refused.text());
        assert!(refused.header("Retry-After").is_some());
        let fields = [("token", access), ("client_id", gateway.0.as_str()), ("client_secret", gateway.1.as_str())];
        assert_eq!(server.post("/oauth2/introspect", &[], &fields).await.status, 503, "no word about a token");
        // a code that was issued meanwhile, which writes nothing, is redeemed later
        let code = server.code(&client.0, json!({})).await;
        assert_eq!(server.redeem(&client, &code).await.status, 503);
        assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
        // these need no engine
        assert_eq!(server.token(&by_secret).await.status, 200);
        assert_eq!(server.get("/oauth2/jwks").await.status, 200);
        assert_eq!(server.get("/.well-known/openid-configuration").await.status, 200);
        database.resume();
        until(200, readiness).await;
        let next = until(200, || server.refresh(&client, &refresh)).await;
        refresh = next.get("refresh_token");
        assert_eq!(until(200, || server.redeem(&client, &code)).await.status, 200, "{used}");
        assert_eq!(server.introspect(&gateway, access).await["active"], true);
    }
}

/// A failover takes longer than the grace: a client whose answer was lost in it comes back after it.
#[tokio::test(flavor = "multi_thread")]
async fn rfc9700_4_14_a_refresh_whose_answer_was_lost_in_an_outage_is_answered_after_it() {
    let database = TestServer::start();
    let one = Server::on_store(&migrated(&database, "jeton"), SETTINGS).await;
    let two = one.peer().await;
    let client = one.web_client().await;
    let (lost, old) = (one.login(&client).await, one.login(&client).await);
    let text = |login: &serde_json::Value| login["refresh_token"].as_str().unwrap().to_owned();
    let (lost, old) = (text(&lost), text(&old));
    assert_eq!(one.refresh(&client, &old).await.status, 200);
    one.clock.advance(Duration::from_secs(11));
    let successor = one.refresh(&client, &lost).await.get("refresh_token");
    let outage = Stopwatch::start();
    database.stop("immediate");
    let readiness = |of: &Server| {
        let admin = of.admin;
        move || request(admin, "GET", "/readyz", &[], b"")
    };
    until(503, readiness(&one)).await;
    // long enough to count as one
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    while outage.elapsed() < Duration::from_secs(4) {
        tick.tick().await;
    }
    one.clock.advance(Duration::from_secs(12));
    database.resume();
    until(200, readiness(&one)).await;
    until(200, readiness(&two)).await;
    one.clock.advance(Duration::from_secs(29));
    let again = until(200, || two.refresh(&client, &lost)).await;
    assert_eq!(again.get("refresh_token"), successor, "the same one again");
    // one that was spent long before has no second grace
    crate::support::refused(&one.refresh(&client, &old).await, "invalid_grant");
    // a node that starts now has the outage from the database
    let late = one.peer().await;
    assert_eq!(late.refresh(&client, &lost).await.get("refresh_token"), successor);
    one.clock.advance(Duration::from_secs(2));
    crate::support::refused(&late.refresh(&client, &lost).await, "invalid_grant");
}

/// A backend that is ended by an operator costs at most the requests that it was answering.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_ended_comes_back_by_itself() {
    let database = TestServer::start();
    let server = Server::on_store(&migrated(&database, "jeton"), SETTINGS).await;
    let client = server.web_client().await;
    let mut refresh = server.login(&client).await["refresh_token"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'jeton'");
        let next = until(200, || server.refresh(&client, &refresh)).await;
        refresh = next.get("refresh_token");
    }
}

/// What holds a row in the database keeps one lane, not the daemon.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_waits_is_answered_in_time_and_done_in_the_end() {
    let database = TestServer::start();
    let more = format!("public.limits.max_age = \"10m\"\n{SETTINGS}");
    let server = Server::on_store(&migrated(&database, "jeton"), &more).await;
    let client = server.web_client().await;
    let refresh = server.login(&client).await["refresh_token"].as_str().unwrap().to_owned();
    let (directory, ready) = (database.directory.clone(), tokio::sync::Notify::new());
    let hold = async {
        let mut session = tokio_postgres::Config::new();
        session.host_path(&directory).user("postgres").dbname("postgres");
        let (holder, connection) = session.connect(tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        holder.batch_execute("BEGIN; LOCK TABLE jeton.family IN SHARE MODE").await.unwrap();
        ready.notify_one();
        holder
    };
    let holder = hold.await;
    let began = Stopwatch::start();
    let late = server.refresh(&client, &refresh).await;
    assert_eq!(late.status, 503, "{}", late.text());
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    holder.batch_execute("COMMIT").await.unwrap();
    // the client comes back with the same token: what was done is answered again
    assert_eq!(until(200, || server.refresh(&client, &refresh)).await.status, 200);
}
