//! A resource server of Spring Boot, configured by nothing but `issuer-uri` for JWTs, and by the introspection endpoint
//! with a client of its own for opaque tokens.

use std::net::SocketAddr;

use serde_json::json;
use tempfile::TempDir;

use super::portal::register;
use crate::support::free_port;
use crate::support::http::{post_form, request};
use crate::support::process::Serve;
use crate::support::tools::{Running, bounded, installed, program, skip};

/// What Spring Security verifies by itself: Nimbus has no EdDSA, and it refuses `at+jwt` unless told otherwise.
const ISSUERS: &str = r#"
    [issuers.jwt]
    url = "http://@PUBLIC@/jwt"
    scopes = "api:read api:write"
    algorithms = ["ES256"]
    access_token_alg = "ES256"
    access_token_typ = "JWT"
    id_token_alg = "ES256"
    [issuers.opaque]
    url = "http://@PUBLIC@/opaque"
    scopes = "api:read api:write"
    algorithms = ["ES256"]
    access_token_alg = "ES256"
    access_token_format = "opaque"
    id_token_alg = "ES256"
"#;

/// A token of the client credentials grant.
async fn token(serve: &Serve, issuer: &str, scope: &str) -> (String, String) {
    let metadata = json!({
        "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["client_credentials"], "scope": "api:read api:write",
    });
    let (id, secret) = register(serve.admin, issuer, metadata).await;
    let fields =
        [("grant_type", "client_credentials"), ("scope", scope), ("client_id", &id), ("client_secret", &secret)];
    let answer = post_form(serve.public, &format!("/{issuer}/oauth2/token"), &[], &fields).await;
    (id, answer.get("access_token"))
}

/// What the resource server answers to a bearer.
async fn call(server: SocketAddr, path: &str, token: Option<&str>) -> (u16, String) {
    let bearer = format!("Bearer {}", token.unwrap_or_default());
    let headers = [("Authorization", bearer.as_str())];
    let sent = if token.is_some() { &headers[..] } else { &[] };
    let answer = request(server, "GET", path, sent, b"").await;
    (answer.status, answer.text())
}

#[tokio::test(flavor = "multi_thread")]
async fn spring_boot_resource_server() {
    let Some(jar) = installed("java/resource-server.jar") else { return skip("the resource server of Spring Boot") };
    let Some(java) = program("java") else { return skip("java") };
    let dir = TempDir::new().unwrap();
    let serve = Serve::start(ISSUERS).await;
    let own = register(
        serve.admin,
        "opaque",
        json!({
            "token_endpoint_auth_method": "client_secret_basic",
            "grant_types": ["client_credentials"], "jeton": { "introspection": "any" },
        }),
    )
    .await;
    let server = free_port();
    let mut command = bounded(java);
    // small and quick to start: it answers a dozen requests
    command.args(["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-jar"]).arg(jar);
    command.current_dir(dir.path());
    for (name, value) in [
        ("server.address", "127.0.0.1"),
        ("server.port", &server.port().to_string()),
        ("spring.security.oauth2.resourceserver.jwt.issuer-uri", &format!("http://{}/jwt", serve.public)),
        (
            "spring.security.oauth2.resourceserver.opaquetoken.introspection-uri",
            &format!("http://{}/opaque/oauth2/introspect", serve.public),
        ),
        ("spring.security.oauth2.resourceserver.opaquetoken.client-id", &own.0),
        ("spring.security.oauth2.resourceserver.opaquetoken.client-secret", &own.1),
    ] {
        command.arg(format!("--{name}={value}"));
    }
    let running = Running::start(command, server, dir.path().join("log")).await;

    for issuer in ["jwt", "opaque"] {
        let path = format!("/{issuer}");
        let (id, good) = token(&serve, issuer, "api:read").await;
        assert_eq!(call(server, &path, Some(&good)).await, (200, id), "{issuer}: {}", running.log());
        let (_, other) = token(&serve, issuer, "api:write").await;
        assert_eq!(call(server, &path, Some(&other)).await.0, 403, "{issuer}: another scope");
        assert_eq!(call(server, &path, None).await.0, 401, "{issuer}: no token");
        // the last character has bits that base64 leaves unused; the one before it has none
        let (rest, last) = good.split_at(good.len() - 2);
        let forged = format!("{rest}{}{}", if last.starts_with('A') { 'B' } else { 'A' }, &last[1..]);
        assert_eq!(call(server, &path, Some(&forged)).await.0, 401, "{issuer}: a forged token");
    }
    let (_, foreign) = token(&serve, "opaque", "api:read").await;
    assert_eq!(call(server, "/jwt", Some(&foreign)).await.0, 401, "a token of another issuer");
}
