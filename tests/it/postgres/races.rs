//! Two daemons on one database: a code and a refresh token are used once, whichever daemon is asked.

use std::time::Duration;

use serde_json::{Value, json};

use super::{DEVICE, SETTINGS, TestServer, daemon, migrated};
use crate::support::{Answer, Server, refused};

/// Number of codes and of tokens that are raced for.
const ROUNDS: usize = 24;

/// Waits until a daemon knows a client that another one registered.
async fn knows(server: &Server, client: &(String, String)) {
    let known = async {
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        let path = format!("/issuers/main/clients/{}", client.0);
        while server.admin("GET", &path, Value::Null).await.status != 200 {
            tick.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), known).await.expect("clients reach every node within two seconds");
}

fn won(answers: &[Answer]) -> usize {
    answers.iter().filter(|answer| answer.status == 200).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc6749_4_1_2_a_code_is_redeemed_once_by_racers_on_two_nodes() {
    let one = daemon("codes").await;
    let two = one.peer().await;
    let client = one.web_client().await;
    knows(&two, &client).await;
    for _ in 0..ROUNDS {
        let code = one.code(&client.0, json!({})).await;
        let nodes = [&one, &two, &one, &two];
        let racers = nodes.map(|node| node.redeem(&client, &code));
        let [a, b, c, d] = racers;
        let (a, b, c, d) = tokio::join!(a, b, c, d);
        let answers = [a, b, c, d];
        assert_eq!(won(&answers), 1, "{:?}", answers.map(|answer| answer.text()));
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            refused(answer, "invalid_grant");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9700_4_14_a_strict_refresh_token_is_used_once_by_racers_on_two_nodes() {
    let store = migrated(TestServer::shared(), "strict");
    let one = Server::on_store(&store, &format!("refresh_token_grace = \"0s\"\n{SETTINGS}")).await;
    let two = one.peer().await;
    let client = one.web_client().await;
    knows(&two, &client).await;
    for _ in 0..ROUNDS {
        let login = one.login(&client).await;
        let token = login["refresh_token"].as_str().unwrap();
        let (a, b) = tokio::join!(one.refresh(&client, token), two.refresh(&client, token));
        assert_eq!(won(&[a, b]), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9700_4_14_racers_on_two_nodes_get_one_successor_within_the_grace() {
    let one = daemon("grace").await;
    let two = one.peer().await;
    let client = one.web_client().await;
    knows(&two, &client).await;
    let mut token = one.login(&client).await["refresh_token"].as_str().unwrap().to_owned();
    for round in 0..ROUNDS {
        let (a, b) = tokio::join!(one.refresh(&client, &token), two.refresh(&client, &token));
        assert_eq!((a.status, b.status), (200, 200), "{round}: {} {}", a.text(), b.text());
        assert_eq!(a.get("refresh_token"), b.get("refresh_token"), "{round}");
        token = a.get("refresh_token");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8628_a_device_code_is_used_once_by_racers_on_two_nodes() {
    let one = daemon("device_races").await;
    let two = one.peer().await;
    let metadata = json!({
        "token_endpoint_auth_method": "none", "grant_types": [DEVICE, "refresh_token"], "scope": "api:read",
    });
    let client = one.client(metadata).await;
    knows(&two, &client).await;
    for _ in 0..4 {
        let fields = [("client_id", client.0.as_str()), ("scope", "api:read")];
        let codes = one.post("/oauth2/device_authorization", &[], &fields).await.json();
        let typed = codes["user_code"].as_str().unwrap();
        // the other node finds it by its user code
        let path = format!("/issuers/main/device/{typed}/approve");
        assert_eq!(two.admin("POST", &path, json!({ "subject": "bob" })).await.status, 204);
        let code = codes["device_code"].as_str().unwrap();
        let poll = [("grant_type", DEVICE), ("device_code", code), ("client_id", client.0.as_str())];
        let (a, b) = tokio::join!(one.token(&poll), two.token(&poll));
        assert_eq!(won(&[a, b]), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_on_one_node_counts_on_the_other() {
    let one = daemon("revoked_elsewhere").await;
    let two = one.peer().await;
    let (client, gateway) = (one.web_client().await, one.gateway().await);
    knows(&two, &gateway).await;
    let login = one.login(&client).await;
    let access = login["access_token"].as_str().unwrap();
    assert_eq!(two.introspect(&gateway, access).await["active"], true);
    one.revoke_by_operator(json!({ "client_id": client.0 })).await;
    refused(&two.refresh(&client, login["refresh_token"].as_str().unwrap()).await, "invalid_grant");
    // at most a second later; the clock is the tests'
    one.clock.advance(Duration::from_secs(1));
    assert_eq!(two.introspect(&gateway, access).await["active"], false);
}

/// Both nodes sign with the keys of one ring.
#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_publish_the_same_keys() {
    let one = daemon("ring").await;
    let two = one.peer().await;
    let (left, right) = (one.jwks().await.json(), two.jwks().await.json());
    assert_eq!(left["keys"], right["keys"]);
    assert!(left["keys"].as_array().is_some_and(|keys| keys.len() >= 2), "{left}");
}
