//! Clients written in Go, built by `ops/install`.

use super::against_portal;
use crate::support::tools::{bounded, installed, skip};

async fn go(program: &str) {
    let Some(binary) = installed(&format!("go/{program}")) else { return skip("go clients") };
    against_portal(program, bounded(binary)).await;
}

/// Code with PKCE and refresh, a device to its end, and client credentials by thirty processes one after another: each
/// of them tries Basic first, however the client is registered.
#[tokio::test(flavor = "multi_thread")]
async fn golang_x_oauth2() {
    go("xoauth2").await;
}

/// A relying party and a resource server; the code is redeemed by Basic, a refresh by the body.
#[tokio::test(flavor = "multi_thread")]
async fn zitadel_oidc() {
    go("zitadel").await;
}
