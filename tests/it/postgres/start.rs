//! A node that starts while the database is away: it says so, and serves when the database is there.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use super::{TestServer, migrated};
use crate::support::http::request;
use crate::support::process::jeton;
use crate::support::{ADMIN_TOKEN, Answer, free_port, secret};

/// Asks until the status is as wanted, for at most fifteen seconds.
async fn until(wanted: u16, to: std::net::SocketAddr, path: &str) -> Answer {
    let answered = async {
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        loop {
            tick.tick().await;
            // a port that nobody listens on yet gives no answer
            if tokio::net::TcpStream::connect(to).await.is_ok() {
                let answer = request(to, "GET", path, &[], b"").await;
                if answer.status == wanted {
                    return answer;
                }
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(15), answered).await.unwrap_or_else(|_| panic!("{path}: no {wanted}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_43_a_node_that_starts_without_its_database_waits_for_it() {
    let database = TestServer::start();
    let store = migrated(&database, "jeton");
    let dir = tempfile::TempDir::new().unwrap();
    secret(&dir.path().join("master.key"), &jeton::internals::Vault::generate());
    secret(&dir.path().join("admin.token"), ADMIN_TOKEN);
    let (public, admin, path) = (free_port(), free_port(), dir.path().display());
    let text = format!(
        "store = {{ {store} }}\npublic.listen = \"{public}\"\nadmin.listen = \"{admin}\"\nsecrets = {{ master_key_file = \
         \"{path}/master.key\", admin_token_file = \"{path}/admin.token\" }}\n[issuers.main]\nurl = \"http://{public}\"\n\
         algorithms = [\"EdDSA\"]\nid_token_alg = \"EdDSA\"\n"
    );
    let config = dir.path().join("jeton.toml");
    std::fs::write(&config, text).unwrap();
    let start = || {
        let mut command = jeton();
        command.args(["serve", "--config"]).arg(&config).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    database.stop("immediate");
    for ends_before in [true, false] {
        let mut node = start();
        let told = until(503, admin, "/readyz").await;
        assert!(told.text().contains("the store is unavailable"), "{}", told.text());
        assert_eq!(until(200, admin, "/livez").await.status, 200);
        assert!(until(200, admin, "/metrics").await.text().contains("jeton_build_info"));
        for path in ["/oauth2/jwks", "/.well-known/openid-configuration", "/oauth2/token"] {
            let refused = until(503, public, path).await;
            assert!(refused.header("Retry-After").is_some(), "{path}");
            assert_eq!(refused.json()["error"], Value::from("temporarily_unavailable"), "{path}");
        }
        if !ends_before {
            database.resume();
            until(200, admin, "/readyz").await;
            assert_eq!(until(200, public, "/oauth2/jwks").await.status, 200);
        }
        let told = std::process::Command::new("kill").args(["-s", "TERM", &node.id().to_string()]).status().unwrap();
        assert!(told.success());
        let ended = async {
            let mut tick = tokio::time::interval(Duration::from_millis(20));
            loop {
                tick.tick().await;
                if let Some(status) = node.try_wait().unwrap() {
                    return status;
                }
            }
        };
        let status = tokio::time::timeout(Duration::from_secs(20), ended).await.expect("it ends when told to");
        assert!(status.success(), "{status}");
    }
}
