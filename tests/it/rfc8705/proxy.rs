//! RFC 9440, RFC 9700 section 4.13, CHECKLIST 65: a proxy's word counts, and nobody else's.

use std::sync::Arc;

use jeton::internals::{Fetch, Fetching};
use serde_json::{Value, json};

use super::{World, client, credentials, named};
use crate::support::tls::{Authority, Caller, Identity, subject};
use crate::support::{Server, claims, refused};

/// A server that believes `trusted` what it says in `x-client-cert`.
async fn behind(trusted: &str, format: &str, authority: &Authority) -> (Server, tempfile::TempDir) {
    let dir = tempfile::TempDir::new().unwrap();
    std::fs::write(dir.path().join("ca.pem"), &authority.pem).unwrap();
    let server = Server::with(&format!(
        r#"
        public.client_ca_file = "{}/ca.pem"
        public.proxy = {{ trusted = ["{trusted}"], client_certificate_header = "x-client-cert", client_certificate_format = "{format}", forwarded_for_header = "x-forwarded-for" }}
        "#,
        dir.path().display()
    ))
    .await;
    (server, dir)
}

fn written(format: &str, identity: &Identity) -> String {
    match format {
        "pem-url" => identity.escaped(),
        "der-base64" => identity.base64(),
        _ => format!(":{}:", identity.base64()),
    }
}

const FORMATS: [&str; 3] = ["pem-url", "der-base64", "rfc9440"];

async fn token(server: &Server, headers: &[(&str, &str)], id: &str) -> crate::support::Answer {
    server.post("/oauth2/token", headers, &credentials(id)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_65_a_forwarded_certificate_counts_from_the_configured_proxy() {
    let authority = Authority::new("ca");
    let (right, other) = (authority.issue(&subject("client")), authority.issue(&subject("other")));
    for format in FORMATS {
        let (server, _dir) = behind("127.0.0.0/8", format, &authority).await;
        let mut metadata = named("tls_client_auth_subject_dn", "CN=client,O=Example");
        metadata["tls_client_certificate_bound_access_tokens"] = json!(true);
        let id = client(&server, metadata).await;
        let (right, thumbprint) = (written(format, &right), right.thumbprint());
        let answer = token(&server, &[("X-Client-Cert", &right)], &id).await;
        assert_eq!(claims(&answer.get("access_token"))["cnf"]["x5t#S256"], thumbprint);
        let other = written(format, &other);
        refused(&token(&server, &[("X-Client-Cert", &other)], &id).await, "invalid_client");
        refused(&token(&server, &[], &id).await, "invalid_client");
        refused(&token(&server, &[("X-Client-Cert", "")], &id).await, "invalid_client");
        // what cannot be read, or said twice, is the proxy's mistake or somebody's trick
        for wrong in [&[("X-Client-Cert", "x")][..], &[("X-Client-Cert", &right), ("X-Client-Cert", &other)]] {
            refused(&token(&server, wrong, &id).await, "invalid_request");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_65_certificate_headers_sent_directly_are_ignored() {
    let authority = Authority::new("ca");
    let identity = authority.issue(&subject("client"));
    for format in FORMATS {
        let (server, _dir) = behind("10.1.2.3", format, &authority).await;
        let id = client(&server, named("tls_client_auth_subject_dn", "CN=client,O=Example")).await;
        let (service, secret) = server.service_client().await;
        for name in ["X-Client-Cert", "X-SSL-Client-Cert", "Client-Cert", "X-Forwarded-Client-Cert", "SSL-Client-Cert"]
        {
            for written in [written(format, &identity), "x".to_owned()] {
                refused(&token(&server, &[(name, &written)], &id).await, "invalid_client");
                // not even an error comes of it
                let fields = [&credentials(&service)[..], &[("client_secret", secret.as_str())]].concat();
                assert_eq!(server.post("/oauth2/token", &[(name, &written)], &fields).await.status, 200);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_65_over_own_tls_no_header_replaces_the_certificate_of_the_handshake() {
    let world = World::start().await;
    let id = world.client(named("tls_client_auth_subject_dn", "CN=client,O=Example")).await;
    let right = world.authority.issue(&subject("client"));
    let header = written("pem-url", &right);
    for identity in [None, Some(&world.authority.issue(&subject("other")))] {
        let caller = Caller::new(&world.roots, identity);
        let headers = [("X-Client-Cert", header.as_str()), ("X-SSL-Client-Cert", &header)];
        let answer = caller.exchange(world.server.public, "/oauth2/token", &headers, &credentials(&id)).await;
        refused(&answer.0, "invalid_client");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_of_the_proxys_own_connection_is_no_clients() {
    let more = "public.proxy = { trusted = [\"127.0.0.1\"], client_certificate_header = \"x-client-cert\" }\n";
    let world = World::with(more).await;
    let id = world.client(named("tls_client_auth_subject_dn", "CN=client,O=Example")).await;
    let identity = world.authority.issue(&subject("client"));
    refused(&world.ask(&identity, &id).await, "invalid_client");
    let header = written("pem-url", &identity);
    let proxy = world.caller(&world.authority.issue(&subject("proxy")));
    let headers = [("X-Client-Cert", header.as_str())];
    let answer = proxy.exchange(world.server.public, "/oauth2/token", &headers, &credentials(&id)).await;
    assert_eq!(answer.0.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_24_behind_a_proxy_a_guesser_locks_out_only_its_own_address() {
    let authority = Authority::new("ca");
    let (server, _dir) = behind("127.0.0.1", "pem-url", &authority).await;
    let (id, _) = server.service_client().await;
    let guess = async |from: &str| {
        let fields = [&credentials(&id)[..], &[("client_secret", "wrong")]].concat();
        server.post("/oauth2/token", &[("X-Forwarded-For", from)], &fields).await.status
    };
    for turn in 0..20 {
        // what stands left of the address that the proxy added is the guesser's own invention
        assert_eq!(guess(&format!("203.0.113.{turn}, 198.51.100.1")).await, 401);
    }
    assert_eq!(guess("198.51.100.1").await, 429);
    assert_eq!(guess("198.51.100.2").await, 401);
    // who is no proxy cannot choose its address
    let (server, _dir) = behind("10.1.2.3", "pem-url", &authority).await;
    let (id, _) = server.service_client().await;
    let fields = [&credentials(&id)[..], &[("client_secret", "wrong")]].concat();
    let mut last = 0;
    for turn in 0..21 {
        let from = format!("198.51.100.{turn}");
        last = server.post("/oauth2/token", &[("X-Forwarded-For", &from)], &fields).await.status;
    }
    assert_eq!(last, 429);
}

/// One document, which the test can change.
struct Published(std::sync::Mutex<Value>);

impl Fetch for Published {
    fn fetch<'a>(&'a self, _url: &'a url::Url) -> Fetching<'a> {
        let text = self.0.lock().unwrap().to_string();
        Box::pin(std::future::ready(Ok(text.into())))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8705_2_2_2_certificates_behind_a_jwks_uri_change_without_a_registration() {
    let (first, second) = (Identity::self_signed(&subject("client")), Identity::self_signed(&subject("client")));
    let published = Arc::new(Published(json!({ "keys": [first.jwk()] }).into()));
    let more = "public.proxy = { trusted = [\"127.0.0.1\"], client_certificate_header = \"x-client-cert\" }\n";
    let server = Server::with_fetching(more, published.clone()).await;
    let method = "self_signed_tls_client_auth";
    let metadata = json!({ "token_endpoint_auth_method": method, "jwks_uri": "https://keys.example/jwks" });
    let id = client(&server, metadata).await;
    let ask =
        async |identity: &Identity| token(&server, &[("X-Client-Cert", &written("pem-url", identity))], &id).await;
    assert_eq!(ask(&first).await.status, 200);
    *published.0.lock().unwrap() = json!({ "keys": [second.jwk()] });
    refused(&ask(&second).await, "invalid_client");
    // a certificate that is not known is reason enough to look again, once a minute
    server.clock.advance(std::time::Duration::from_secs(61));
    assert_eq!(ask(&second).await.status, 200);
    refused(&ask(&first).await, "invalid_client");
}
