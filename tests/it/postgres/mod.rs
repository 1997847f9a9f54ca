//! Daemons on PostgreSQL: every grant, two nodes on one database, a server that goes away, and the commands for it.
//!
//! The suite of shared engines runs beside the engine, in `src/store/postgres/tests`.

mod commands;
mod nodes;
mod outage;
mod races;
#[path = "../../../src/store/postgres/tests/server.rs"]
mod server;
mod start;
mod tls;

use std::process::Output;

use serde_json::{Value, json};
use server::TestServer;

use crate::support::process::jeton;
use crate::support::{Server, refused};

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const SETTINGS: &str = r#"
    grant_types = ["authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code"]
    verification_uri = "https://portal.example/device"
"#;

/// The members of `store` for a schema on a server.
fn store(server: &TestServer, schema: &str) -> String {
    let hosts = server.directory.display();
    format!(
        r#"engine = "postgres", postgres = {{ deployment = "test", allow_unsafe_engine = "always", cells = [{{ id = 0, hosts = ["{hosts}"], database = "postgres", schema = "{schema}", user = "postgres", tls = "off" }}] }}"#
    )
}

/// Runs a command of jeton with a configuration file that says this of `store`, and a word more.
fn command(store: &str, words: &[&str]) -> Output {
    let dir = tempfile::TempDir::new().unwrap();
    let config = dir.path().join("jeton.toml");
    crate::support::secret(&dir.path().join("master.key"), &jeton::internals::Vault::generate());
    crate::support::secret(&dir.path().join("admin.token"), crate::support::ADMIN_TOKEN);
    let (public, admin) = (crate::support::free_port(), crate::support::free_port());
    let path = dir.path().display();
    let text = format!(
        "store = {{ {store} }}\npublic.listen = \"{public}\"\nadmin.listen = \"{admin}\"\nsecrets = {{ master_key_file = \
         \"{path}/master.key\", admin_token_file = \"{path}/admin.token\" }}\n[issuers.main]\nurl = \"http://{public}\"\n\
         algorithms = [\"EdDSA\"]\nid_token_alg = \"EdDSA\"\n"
    );
    std::fs::write(&config, text).unwrap();
    let mut command = jeton();
    command.args(words).arg("--config").arg(&config);
    command.output().unwrap()
}

/// The members of `store` for a new schema on a server, with its tables.
fn migrated(server: &TestServer, schema: &str) -> String {
    let store = store(server, schema);
    let output = command(&store, &["migrate"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    store
}

/// A daemon on a schema of its own, on the server of this process.
async fn daemon(schema: &str) -> Server {
    Server::on_store(&migrated(TestServer::shared(), schema), SETTINGS).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_runs_on_postgres() {
    let mut server = daemon("runs").await;
    let client = server.web_client().await;
    let gateway = server.gateway().await;
    let code = server.code(&client.0, json!({})).await;
    let first = server.redeem(&client, &code).await;
    assert_eq!(first.status, 200, "{}", first.text());
    let next = server.refresh(&client, &first.get("refresh_token")).await;
    assert_eq!(next.status, 200, "{}", next.text());
    assert_ne!(next.get("refresh_token"), first.get("refresh_token"));
    let access = next.get("access_token");
    assert_eq!(server.introspect(&gateway, &access).await["active"], true);
    // everything is there after a restart
    server.restart().await;
    assert_eq!(server.introspect(&gateway, &access).await["active"], true);
    let last = server.refresh(&client, &next.get("refresh_token")).await;
    assert_eq!(last.status, 200, "{}", last.text());
    // the second redemption is a replay, and ends what the first one began
    refused(&server.redeem(&client, &code).await, "invalid_grant");
    refused(&server.refresh(&client, &last.get("refresh_token")).await, "invalid_grant");
    assert_eq!(server.introspect(&gateway, &access).await["active"], false);
    let keys = server.jwks().await.json()["keys"].as_array().unwrap().len();
    assert!(keys >= 2, "signing keys live there too");
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7009_a_revoked_token_is_inactive_and_a_revoked_subject_is_out() {
    let server = daemon("revokes").await;
    let client = server.web_client().await;
    let gateway = server.gateway().await;
    let (one, two) = (server.login(&client).await, server.login(&client).await);
    let text = |tokens: &Value, name: &str| tokens[name].as_str().unwrap().to_owned();
    let (token, id) = (text(&one, "refresh_token"), client.0.as_str());
    let fields = [("token", token.as_str()), ("client_id", id), ("client_secret", client.1.as_str())];
    assert_eq!(server.post("/oauth2/revoke", &[], &fields).await.status, 200);
    refused(&server.refresh(&client, &token).await, "invalid_grant");
    server.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(server.introspect(&gateway, &text(&one, "access_token")).await["active"], false);
    assert_eq!(server.introspect(&gateway, &text(&two, "access_token")).await["active"], true);
    server.revoke_by_operator(json!({ "subject": "alice" })).await;
    server.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(server.introspect(&gateway, &text(&two, "access_token")).await["active"], false);
    refused(&server.refresh(&client, &text(&two, "refresh_token")).await, "invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8628_a_device_gets_its_tokens_once() {
    let server = daemon("devices").await;
    let client = server
        .client(json!({
            "client_name": "Television", "token_endpoint_auth_method": "none",
            "grant_types": [DEVICE, "refresh_token"], "scope": "openid offline_access api:read",
        }))
        .await;
    let fields = [("client_id", client.0.as_str()), ("scope", "openid offline_access api:read")];
    let codes = server.post("/oauth2/device_authorization", &[], &fields).await.json();
    let (code, typed) = (codes["device_code"].as_str().unwrap(), codes["user_code"].as_str().unwrap());
    let poll = [("grant_type", DEVICE), ("device_code", code), ("client_id", client.0.as_str())];
    server.token(&poll).await.refused(400, "authorization_pending");
    let path = format!("/issuers/main/device/{typed}/approve");
    assert_eq!(server.admin("POST", &path, json!({ "subject": "bob" })).await.status, 204);
    server.clock.advance(std::time::Duration::from_secs(6));
    let tokens = server.token(&poll).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text());
    assert_eq!(server.refresh(&client, &tokens.get("refresh_token")).await.status, 200);
    server.clock.advance(std::time::Duration::from_secs(6));
    server.token(&poll).await.refused(400, "invalid_grant");
}
