//! Issue 8, number 29: secrets are changed by a reload, without a restart.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{Serve, TOKEN, admin};
use crate::support::http::{post_form, request};
use crate::support::process::Dev;
use crate::support::{Answer, CALLBACK, CHALLENGE, VERIFIER, secret};

/// A file of the daemon's directory.
fn file(serve: &Serve, name: &str) -> PathBuf {
    serve.dir.path().join(name)
}

async fn reload_as(serve: &Serve, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    request(serve.admin, "POST", "/admin/v1/reload", &[("Authorization", bearer.as_str())], b"").await
}

fn replace(path: &Path, text: &str) {
    let fresh = path.with_extension("new");
    secret(&fresh, text);
    std::fs::rename(fresh, path).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_takes_in_a_new_admin_token_and_the_old_one_stops_at_once() {
    let serve = Serve::start("").await;
    let (old, new) = (crate::support::ADMIN_TOKEN, "another-admin-token-0123456789");
    replace(&file(&serve, "admin.token"), &format!("{new}\n"));
    assert_eq!(reload_as(&serve, new).await.status, 401, "not before the reload");
    assert_eq!(reload_as(&serve, old).await.json(), json!({ "changed": true, "needs_restart": [] }));
    assert_eq!(reload_as(&serve, old).await.status, 401);
    assert_eq!(reload_as(&serve, new).await.json(), json!({ "changed": false, "needs_restart": [] }));
    // one that cannot be used changes nothing
    for (text, rule) in [("short", "at least 22"), ("two\nlines", "more than one line")] {
        replace(&file(&serve, "admin.token"), text);
        let refused = reload_as(&serve, new).await;
        assert!(refused.status == 400 && refused.text().contains(rule), "{}", refused.text());
    }
    assert_eq!(super::metric(&serve, "jeton_config_reloads_total{outcome=\"refused\"}").await, Some(2.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_a_flag_is_not_replaced_by_the_file() {
    let dir = tempfile::TempDir::new().unwrap();
    let dev = Dev::start(&dir.path().join("data"), &dir.path().join("log")).await;
    replace(&dir.path().join("data/admin.token"), "another-admin-token-0123456789");
    assert_eq!(dev.admin("POST", "/reload", Value::Null).await.status, 200);
    assert_eq!(dev.admin("GET", "/config", Value::Null).await.status, 200);
}

/// A login with a refresh token, of a public client.
async fn login(serve: &Serve) -> (String, String) {
    let metadata = json!({
        "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"],
        "redirect_uris": [CALLBACK], "scope": "offline_access",
    });
    let client = admin(serve, "POST", "/issuers/main/clients", metadata).await.get("client_id");
    let wanted = json!({
        "client_id": client, "redirect_uri": CALLBACK, "subject": "alice", "scope": "offline_access",
        "code_challenge": CHALLENGE, "code_challenge_method": "S256",
    });
    let code = admin(serve, "POST", "/issuers/main/codes", wanted).await.get("code");
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", client.as_str()),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let answer = post_form(serve.public, TOKEN, &[], &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let refresh = answer.get("refresh_token");
    (client, refresh)
}

async fn refresh(serve: &Serve, client: &str, token: &str) -> String {
    let fields = [("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token)];
    let answer = post_form(serve.public, TOKEN, &[], &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.get("refresh_token")
}

/// The id of the master key behind a token.
fn key_of(token: &str) -> u8 {
    URL_SAFE_NO_PAD.decode(token.split_once('_').unwrap().1).unwrap()[1]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_takes_in_a_new_master_key_and_what_older_ones_made_stays_valid() {
    let serve = Serve::dressed("", |command| _ = command.env("JETON__ISSUERS__MAIN__SCOPES", "offline_access")).await;
    let (old, path) = (crate::support::ADMIN_TOKEN, file(&serve, "master.key"));
    let first = std::fs::read_to_string(&path).unwrap().lines().last().unwrap().to_owned();
    let (client, token) = login(&serve).await;
    assert_eq!(key_of(&token), 1);

    let second = format!("2 {}", STANDARD.encode([7; 32]));
    replace(&path, &format!("{second}\n{first}\n"));
    assert_eq!(reload_as(&serve, old).await.json(), json!({ "changed": true, "needs_restart": [] }));
    let token = refresh(&serve, &client, &token).await;
    assert_eq!(key_of(&token), 2, "the first line makes new values");
    let (other, fresh) = login(&serve).await;
    assert_eq!(key_of(&fresh), 2);

    // another key under a known id would make everything of it void: refused, and nothing changes
    replace(&path, &format!("3 {}\n2 {}\n{first}\n", STANDARD.encode([9; 32]), STANDARD.encode([8; 32])));
    let refused = reload_as(&serve, old).await;
    assert!(refused.status == 400 && refused.text().contains("another key"), "{}", refused.text());
    assert!(refused.text().contains("secrets.master_key_file"), "{}", refused.text());
    let token = refresh(&serve, &client, &token).await;
    assert_eq!(key_of(&token), 2);

    // a line that is gone stays in use until a restart, and the answer says so
    replace(&path, &format!("{second}\n"));
    let answer = json!({ "changed": true, "needs_restart": ["secrets.master_key_file"] });
    assert_eq!(reload_as(&serve, old).await.json(), answer);
    refresh(&serve, &client, &token).await;
    refresh(&serve, &other, &fresh).await;
    let answer = json!({ "changed": false, "needs_restart": ["secrets.master_key_file"] });
    assert_eq!(reload_as(&serve, old).await.json(), answer);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_says_that_the_content_of_a_secret_file_changed() {
    let dir = tempfile::TempDir::new().unwrap();
    let made = |letter: &str| format!("jcs_{}", letter.repeat(43));
    let path = dir.path().join("batch.secret");
    secret(&path, &made("A"));
    let serve = Serve::start(&format!(
        "[[clients]]\nissuer = \"main\"\nclient_id = \"batch\"\nsecrets = [{{ file = \"{}\" }}]\n\
         [clients.metadata]\ngrant_types = [\"client_credentials\"]\ntoken_endpoint_auth_method = \"client_secret_post\"\n",
        path.display()
    ))
    .await;
    let ask = async |key: &str| {
        let fields = [("grant_type", "client_credentials"), ("client_id", "batch"), ("client_secret", key)];
        post_form(serve.public, TOKEN, &[], &fields).await.status
    };
    assert_eq!((ask(&made("A")).await, ask(&made("E")).await), (200, 401));
    replace(&path, &made("E"));
    let old = crate::support::ADMIN_TOKEN;
    assert_eq!(reload_as(&serve, old).await.json(), json!({ "changed": true, "needs_restart": [] }));
    assert_eq!((ask(&made("A")).await, ask(&made("E")).await), (401, 200));
    assert_eq!(reload_as(&serve, old).await.json(), json!({ "changed": false, "needs_restart": [] }));
}
