//! Clients that nobody here wrote, at pinned versions (`tests/clients`), against the real binary. Most are programs that
//! register the clients they need, do what their library can do, and end non-zero at the first deviation; those that are
//! servers, Apache and Spring Boot, run beside their test.

mod apache;
mod browser;
mod go;
mod portal;
mod spring;

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use portal::Portal;
use tempfile::TempDir;

use crate::support::process::{Dev, Serve};
use crate::support::tools::{bounded, installed, repository, skip, succeeds};
use crate::support::{ADMIN_TOKEN, secret};

/// An issuer with the grants that `jeton dev` leaves off, and no more store than a test needs.
const FULL: &str = r#"
    [issuers.full]
    url = "http://@PUBLIC@/full"
    grant_types = ["authorization_code", "refresh_token", "client_credentials",
        "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange"]
    scopes = "openid offline_access api:read api:write"
    resources = ["https://api.example.com", "https://files.example.com"]
    audiences = ["orders"]
    verification_uri = "https://portal.example/device"
    device_interval = "1s"
"#;

/// As a console of the vendor would have it.
const ALIBABA: &str = r#"
    [issuers.alibaba]
    url = "https://@PUBLIC@/api/v2/iauths_system/oauth2"
    dialect = "aliyun-idaas"
    vendor = { instance_id = "idaas_ue2jvisn35ea5lmthk267" }
    grant_types = ["authorization_code", "refresh_token", "client_credentials",
        "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange"]
    scopes = "openid offline_access orders|read orders|write"
    verification_uri = "https://portal.example/device"
    device_interval = "1s"
"#;

/// An issuer of IdentityServer3's dialect, whose portal is at the address that discovery gives.
const IDENTITYSERVER3: &str = r#"
    [issuers.ids3]
    url = "http://@PUBLIC@/identity"
    dialect = "identityserver3"
    scopes = "openid offline_access read"
    authorization_endpoint = "https://portal.example/identity/connect/authorize"
"#;

/// Points `command` at an issuer.
fn point(command: &mut Command, admin: SocketAddr, id: &str, url: &str) {
    command
        .env("JETON_ISSUER", url)
        .env("JETON_ISSUER_ID", id)
        .env("JETON_ADMIN_URL", format!("http://{admin}"))
        .env("JETON_ADMIN_TOKEN", ADMIN_TOKEN)
        // a proxy of the machine has no business between two loopback sockets
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1");
}

/// Starts a daemon, points `command` at it, and expects success.
async fn against_dev(name: &str, mut command: Command) {
    let dir = TempDir::new().unwrap();
    let dev = Dev::start(&dir.path().join("data"), &dir.path().join("log")).await;
    point(&mut command, dev.admin, "main", &format!("http://{}", dev.public));
    succeeds(name, command).await;
}

/// The same with the issuer [`FULL`].
async fn against_full(name: &str, mut command: Command) {
    let serve = Serve::start(FULL).await;
    point(&mut command, serve.admin, "full", &format!("http://{}/full", serve.public));
    succeeds(name, command).await;
}

/// The same with an issuer behind a login [`Portal`].
async fn against_portal(name: &str, mut command: Command) {
    let portal = Portal::start().await;
    point(&mut command, portal.jeton.admin, portal::ISSUER, &portal.url());
    succeeds(name, command).await;
}

/// Runs a node script if the clients are there.
async fn node<F: Future<Output = ()>>(script: &'static str, against: impl FnOnce(&'static str, Command) -> F) {
    let Some(modules) = installed("node/node_modules") else { return skip("node clients") };
    // a module is looked for beside the script that imports it, so both go to one place
    let dir = TempDir::new().unwrap();
    std::os::unix::fs::symlink(modules, dir.path().join("node_modules")).unwrap();
    for name in ["portal.mjs", script] {
        std::fs::copy(repository("tests/clients/node").join(name), dir.path().join(name)).unwrap();
    }
    let mut command = bounded("node");
    command.arg(dir.path().join(script));
    against(script, command).await;
}

/// Runs a Python script if the clients are there.
async fn python<F: Future<Output = ()>>(script: &'static str, against: impl FnOnce(&'static str, Command) -> F) {
    let Some(python) = installed("python/bin/python") else { return skip("python clients") };
    let mut command = bounded(python);
    command.arg("-B").arg(repository("tests/clients/python").join(script));
    against(script, command).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn openid_client() {
    node("openid-client.mjs", against_dev).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jose() {
    node("jose.mjs", against_dev).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn authlib() {
    python("authlib_client.py", against_dev).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pyjwt() {
    python("pyjwt_client.py", against_dev).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn openid_client_by_client_secret_jwt_and_private_key_jwt() {
    node("openid-client-assertions.mjs", against_full).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn openid_client_at_a_device_and_exchanging_tokens() {
    node("openid-client-delegation.mjs", against_full).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn authlib_by_client_secret_jwt_and_private_key_jwt() {
    python("authlib_assertions.py", against_dev).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn oidc_client_of_the_authors_of_identityserver3() {
    node("identityserver.mjs", async |name: &'static str, mut command: Command| {
        let serve = Serve::start(IDENTITYSERVER3).await;
        point(&mut command, serve.admin, "ids3", &format!("http://{}/identity", serve.public));
        succeeds(name, command).await;
    })
    .await;
}

/// Over TLS, because the core SDK makes every URL one of https.
#[tokio::test(flavor = "multi_thread")]
async fn the_sdks_of_alibaba() {
    python("alibaba_sdk.py", async |name: &'static str, mut command: Command| {
        let dir = TempDir::new().unwrap();
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let (certificate, key) = (dir.path().join("tls.pem"), dir.path().join("tls.key"));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        secret(&key, &made.signing_key.serialize_pem());
        let serve = Serve::dressed(ALIBABA, |command| {
            command.env("JETON__PUBLIC__TLS__CERTIFICATE", &certificate).env("JETON__PUBLIC__TLS__KEY", &key);
        })
        .await;
        let url = format!("https://{}/api/v2/iauths_system/oauth2", serve.public);
        point(&mut command, serve.admin, "alibaba", &url);
        command.env("REQUESTS_CA_BUNDLE", &certificate).env("SSL_CERT_FILE", &certificate);
        succeeds(name, command).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_oauthlib() {
    python("requests_oauthlib_client.py", against_portal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn social_auth_core() {
    python("social_auth.py", against_portal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn oauth2_crate() {
    let Some(target) = installed("oauth2-crate") else { return skip("the oauth2 crate") };
    let mut command = bounded(Path::new(env!("CARGO")));
    // built by ops/install; built again only if its source changed since
    command
        .args(["run", "--quiet", "--locked", "--offline", "--manifest-path"])
        .arg(repository("tests/clients/oauth2-crate/Cargo.toml"))
        .arg("--target-dir")
        .arg(target);
    against_dev("the oauth2 crate", command).await;
}
