//! What nodes on one database learn of each other, and within what time.

use std::time::Duration;

use jeton::internals::Vault;
use serde_json::{Value, json};

use super::{SETTINGS, TestServer, daemon, migrated};
use crate::support::assertion::{JWT_BEARER, Signer};
use crate::support::{Server, refused};

/// Time within which clients, keys and the number of nodes are the same everywhere.
const BOUND: Duration = Duration::from_secs(2);

/// Waits until `holds`, for at most twice the bound: the machine may have other things to do.
async fn within(bound: Duration, what: &str, holds: impl AsyncFn() -> bool) {
    let held = async {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        while !holds().await {
            tick.tick().await;
        }
    };
    tokio::time::timeout(bound * 2, held).await.unwrap_or_else(|_| panic!("{what} takes longer than twice {bound:?}"));
}

/// The value of a series of a node.
async fn metric(server: &Server, series: &str) -> Option<i64> {
    let metrics = server.metrics().await;
    let line = metrics.lines().find(|line| line.starts_with(&format!("{series} ")))?;
    line.rsplit(' ').next()?.parse().ok()
}

fn by_secret(client: &(String, String)) -> [(&str, &str); 3] {
    [("grant_type", "client_credentials"), ("client_id", &client.0), ("client_secret", &client.1)]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_one_node_registered_is_known_to_the_other_at_once() {
    let one = daemon("read_through").await;
    let two = one.peer().await;
    for _ in 0..8 {
        let client = one.service_client().await;
        let answer = two.token(&by_secret(&client)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        // and a resource server that asks there about its token
        let (client, gateway) = (one.service_client().await, one.gateway().await);
        let token = one.token(&by_secret(&client)).await.get("access_token");
        assert!(two.is_active(&gateway, &token).await);
    }
    let unknown = ("no-such-client".to_owned(), "x".repeat(43));
    refused(&two.token(&by_secret(&unknown)).await, "invalid_client");
    let login = one.web_client().await;
    assert_eq!(two.code_answer(&login.0, json!({})).await.status, 201, "a portal that asks the other node");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_call_sees_what_another_node_changed_before() {
    let one = daemon("behind").await;
    let two = one.peer().await;
    for round in 0..8 {
        let (id, _) = one.service_client().await;
        let path = format!("/issuers/main/clients/{id}");
        let named = json!({
            "client_name": format!("round {round}"), "grant_types": ["client_credentials"], "scope": "api:read",
            "token_endpoint_auth_method": "client_secret_basic",
        });
        for node in [&two, &one, &two] {
            let changed = node.admin("PUT", &path, named.clone()).await;
            assert_eq!(changed.status, 200, "{round}: {}", changed.text());
        }
        assert_eq!(one.admin("GET", &path, Value::Null).await.json()["client_name"], named["client_name"]);
        assert_eq!(two.admin("DELETE", &path, Value::Null).await.status, 204);
        assert_eq!(one.admin("GET", &path, Value::Null).await.status, 404);
        let again = json!({ "client_id": id, "grant_types": ["client_credentials"], "scope": "api:read" });
        assert_eq!(one.admin("POST", "/issuers/main/clients", again).await.status, 201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_deleted_is_soon_unknown_everywhere() {
    let one = daemon("deleted_elsewhere").await;
    let two = one.peer().await;
    let client = one.service_client().await;
    assert_eq!(two.token(&by_secret(&client)).await.status, 200);
    let path = format!("/issuers/main/clients/{}", client.0);
    assert_eq!(one.admin("DELETE", &path, Value::Null).await.status, 204);
    within(BOUND, "the deletion of a client", async || two.token(&by_secret(&client)).await.status == 401).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_key_is_soon_gone_everywhere() {
    let one = daemon("withdrawn").await;
    let two = one.peer().await;
    let (client, gateway) = (one.service_client().await, one.gateway().await);
    for _ in 0..3 {
        let token = two.token(&by_secret(&client)).await.get("access_token");
        assert!(two.is_active(&gateway, &token).await);
        let before = two.jwks().await.json();
        let rotated = one.admin("POST", "/issuers/main/keys/rotate", json!({ "withdraw": true })).await;
        assert_eq!(rotated.status, 200, "{}", rotated.text());
        let kids = |set: &Value| -> Vec<String> {
            set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
        };
        let old = kids(&before);
        let is_gone = async || kids(&two.jwks().await.json()).iter().all(|kid| !old.contains(kid));
        within(BOUND, "the withdrawal of a key", is_gone).await;
        assert!(!two.is_active(&gateway, &token).await, "what it signed is void");
        let next = two.token(&by_secret(&client)).await.get("access_token");
        assert!(one.is_active(&gateway, &next).await, "and it signs no more");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_are_counted_and_limits_divided_by_them() {
    let one =
        Server::on_store(&migrated(TestServer::shared(), "counted"), &format!("client_rate_limit = 10\n{SETTINGS}"))
            .await;
    let client = one.service_client().await;
    let admitted = async |server: &Server| {
        let mut admitted = 0;
        for _ in 0..20 {
            admitted += usize::from(server.token(&by_secret(&client)).await.status == 200);
        }
        // the bucket is full again
        one.clock.advance(Duration::from_secs(60));
        admitted
    };
    assert_eq!(admitted(&one).await, 10);
    let mut two = one.peer().await;
    let counts = async |many: i64| metric(&one, "jeton_nodes").await == Some(many);
    within(BOUND, "a node that starts", async || counts(2).await).await;
    assert_eq!([admitted(&one).await, admitted(&two).await], [5, 5]);
    for series in ["settings", "master_keys", "version"].map(|what| format!("jeton_nodes_differ{{what=\"{what}\"}}")) {
        assert_eq!(metric(&one, &series).await, Some(0), "{series}");
    }
    two.stop().await;
    within(BOUND, "a node that ends", async || counts(1).await).await;
    assert_eq!(admitted(&one).await, 10);
}

/// RFC 7523 section 3, item 7: an assertion is used once, whichever node is asked.
#[tokio::test(flavor = "multi_thread")]
async fn rfc7523_3_an_assertion_is_used_once_by_two_nodes() {
    let one = daemon("assertions").await;
    let two = one.peer().await;
    let key = Signer::new("EdDSA");
    let metadata = json!({
        "token_endpoint_auth_method": "private_key_jwt", "grant_types": ["client_credentials"], "scope": "api:read",
        "jwks": { "keys": [key.jwk()] },
    });
    let (client, _) = one.client(metadata).await;
    for round in 0..200 {
        // failures are counted, and these are many
        one.clock.advance(Duration::from_secs(3));
        let now = one.clock.now().as_secs();
        let audience = format!("http://{}", one.public);
        let claims =
            json!({ "iss": client, "sub": client, "aud": audience, "exp": now + 60, "jti": format!("j{round}") });
        let assertion = key.jws(&json!({ "alg": "EdDSA" }), &claims);
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", client.as_str()),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", assertion.as_str()),
        ];
        if round % 2 == 0 {
            assert_eq!(one.token(&fields).await.status, 200);
            refused(&two.token(&fields).await, "invalid_client");
        } else {
            let (a, b) = tokio::join!(one.token(&fields), two.token(&fields));
            assert_eq!([a.status, b.status].iter().filter(|status| **status == 200).count(), 1, "{round}");
        }
    }
}

/// A node makes nothing with a master key that another one lacks: there it would pass for a forgery.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_master_key_is_used_once_every_node_has_it() {
    let one = daemon("master_keys").await;
    let two = one.peer().await;
    let current = |server: &Server| server.daemon().service().context.vault.current();
    let file = one.file("master.key");
    let old = std::fs::read_to_string(&file).unwrap();
    let fresh = Vault::generate().lines().last().unwrap().replacen("1 ", "2 ", 1);
    crate::support::secret(&file, &format!("{fresh}\n{old}"));
    let reload = async |server: &Server| {
        let answer = server.admin("POST", "/reload", Value::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    };
    reload(&one).await;
    let client = one.web_client().await;
    let differs = "jeton_nodes_differ{what=\"master_keys\"}";
    within(BOUND, "the other node", async || metric(&two, differs).await == Some(1)).await;
    assert_eq!((current(&one), current(&two)), (1, 1), "two nodes, and one of them has the new key");
    // what one makes now is good at the other
    let login = one.login(&client).await;
    let next = two.refresh(&client, login["refresh_token"].as_str().unwrap()).await;
    assert_eq!(next.status, 200, "{}", next.text());
    reload(&two).await;
    within(BOUND, "the new key", async || (current(&one), current(&two)) == (2, 2)).await;
    assert_eq!(one.refresh(&client, &next.get("refresh_token")).await.status, 200);
}
