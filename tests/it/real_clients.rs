//! Clients that nobody here wrote, at pinned versions (`tests/clients`), against the real binary. Each is a script that
//! registers the clients it needs, does what its library can do, and ends non-zero at the first deviation.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::ADMIN_TOKEN;
use crate::support::process::Dev;
use crate::support::tools::{bounded, installed, repository, skip, succeeds};

/// Starts a daemon, points `command` at it, and expects success.
async fn against_dev(name: &str, mut command: Command) {
    let dir = TempDir::new().unwrap();
    let dev = Dev::start(&dir.path().join("data"), &dir.path().join("log")).await;
    command
        .env("JETON_ISSUER", format!("http://{}", dev.public))
        .env("JETON_ADMIN_URL", format!("http://{}", dev.admin))
        .env("JETON_ADMIN_TOKEN", ADMIN_TOKEN)
        // a proxy of the machine has no business between two loopback sockets
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1");
    succeeds(name, command).await;
}

async fn node(script: &str) {
    let Some(modules) = installed("node/node_modules") else { return skip("node clients") };
    // a module is looked for beside the script that imports it, so both go to one place
    let dir = TempDir::new().unwrap();
    std::os::unix::fs::symlink(modules, dir.path().join("node_modules")).unwrap();
    for name in ["portal.mjs", script] {
        std::fs::copy(repository("tests/clients/node").join(name), dir.path().join(name)).unwrap();
    }
    let mut command = bounded("node");
    command.arg(dir.path().join(script));
    against_dev(script, command).await;
}

async fn python(script: &str) {
    let Some(python) = installed("python/bin/python") else { return skip("python clients") };
    let mut command = bounded(python);
    command.arg("-B").arg(repository("tests/clients/python").join(script));
    against_dev(script, command).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn openid_client() {
    node("openid-client.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jose() {
    node("jose.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn authlib() {
    python("authlib_client.py").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pyjwt() {
    python("pyjwt_client.py").await;
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
