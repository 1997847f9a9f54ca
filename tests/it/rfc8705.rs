//! RFC 8705, CHECKLIST 16-22 and 65: clients that authenticate with a certificate, over real TLS sockets.

mod bound;
mod metadata;
mod proxy;

use std::path::Path;
use std::process::Command;

use rcgen::{ExtendedKeyUsagePurpose, SanType};
use rustls::version::{TLS12, TLS13};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::assertion::{JWT_BEARER, Signer};
use crate::support::http::Answer;
use crate::support::tls::{Authority, Caller, Identity, server_certificate, subject};
use crate::support::tools::{bounded, succeeds};
use crate::support::{Server, refused, secret};

/// A server that asks for certificates, and an authority that it trusts.
struct World {
    server: Server,
    authority: Authority,
    roots: rustls::RootCertStore,
    dir: TempDir,
}

/// The settings of a listener that asks for certificates, its files in `dir`.
fn settings(dir: &Path) -> String {
    let dir = dir.display();
    format!(
        r#"
        public.client_ca_file = "{dir}/ca.pem"
        public.tls = {{ certificate = "{dir}/tls.pem", key = "{dir}/tls.key", client_certificates = "optional" }}
        "#
    )
}

impl World {
    async fn start() -> Self {
        Self::with("").await
    }

    async fn with(more: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let (authority, roots) = (Authority::new("ca"), server_certificate(dir.path()));
        std::fs::write(dir.path().join("ca.pem"), &authority.pem).unwrap();
        let server = Server::with(&format!("{}{more}", settings(dir.path()))).await;
        Self { server, authority, roots, dir }
    }

    fn caller(&self, identity: &Identity) -> Caller {
        Caller::new(&self.roots, Some(identity))
    }

    /// A client of the client credentials grant with this metadata besides; gives its id.
    async fn client(&self, more: Value) -> String {
        client(&self.server, more).await
    }

    /// Asks for a token with nothing but a certificate.
    async fn ask(&self, identity: &Identity, client: &str) -> Answer {
        self.caller(identity).token(self.server.public, &credentials(client)).await
    }
}

async fn client(server: &Server, more: Value) -> String {
    let mut metadata = json!({ "grant_types": ["client_credentials"], "scope": "api:read" });
    metadata.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    server.client(metadata).await.0
}

fn credentials(client: &str) -> [(&str, &str); 2] {
    [("grant_type", "client_credentials"), ("client_id", client)]
}

fn named(field: &str, value: &str) -> Value {
    json!({ "token_endpoint_auth_method": "tls_client_auth", field: value })
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8705_2_1_2_each_registered_name_in_a_certificate_of_the_authority_authenticates() {
    let world = World::start().await;
    let mut params = subject("client");
    params.subject_alt_names = vec![
        SanType::DnsName("client.example".try_into().unwrap()),
        SanType::URI("spiffe://example/client".try_into().unwrap()),
        SanType::IpAddress("2001:db8::1".parse().unwrap()),
        SanType::Rfc822Name("client@mail.example".try_into().unwrap()),
    ];
    let (right, other) = (world.authority.issue(&params), world.authority.issue(&subject("other")));
    for (field, value, wrong) in [
        ("tls_client_auth_subject_dn", "cn=Client, O=example", "O=Example,CN=client"),
        ("tls_client_auth_san_dns", "CLIENT.example", "other.example"),
        ("tls_client_auth_san_uri", "spiffe://example/client", "spiffe://example/Client"),
        ("tls_client_auth_san_ip", "2001:DB8:0::1", "2001:db8::2"),
        ("tls_client_auth_san_email", "client@MAIL.example", "Client@mail.example"),
    ] {
        let id = world.client(named(field, value)).await;
        for version in [&TLS12, &TLS13] {
            let caller = Caller::speaking(&[version], &world.roots, Some(&right));
            let answer = caller.token(world.server.public, &credentials(&id)).await;
            assert_eq!(answer.status, 200, "{field} {version:?}: {}", answer.text());
        }
        refused(&world.ask(&other, &id).await, "invalid_client");
        let id = world.client(named(field, wrong)).await;
        refused(&world.ask(&right, &id).await, "invalid_client");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8705_2_1_whatever_is_wrong_with_a_certificate_has_one_answer() {
    let world = World::start().await;
    let id = world.client(named("tls_client_auth_subject_dn", "CN=client,O=Example")).await;
    let dated = |from: i32, to: i32| {
        let mut params = subject("client");
        (params.not_before, params.not_after) = (rcgen::date_time_ymd(from, 1, 1), rcgen::date_time_ymd(to, 1, 1));
        params
    };
    let mut for_servers = subject("client");
    for_servers.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let middle = world.authority.below("middle");
    // the clock stands at March 2030
    let wrong = [
        ("expired", world.authority.issue(&dated(2020, 2030))),
        ("not yet valid", world.authority.issue(&dated(2031, 2040))),
        ("for servers", world.authority.issue(&for_servers)),
        ("self-signed", Identity::self_signed(&subject("client"))),
        ("another authority", Authority::new("ca").issue(&subject("client"))),
        ("an intermediate is missing", middle.issue(&subject("client"))),
    ];
    let unknown = world.ask(&wrong[0].1, "nobody").await;
    refused(&unknown, "invalid_client");
    for (what, identity) in &wrong {
        let answer = world.ask(identity, &id).await;
        refused(&answer, "invalid_client");
        assert_eq!(answer.text(), unknown.text(), "{what}");
    }
    let bare = Caller::new(&world.roots, None).token(world.server.public, &credentials(&id)).await;
    refused(&bare, "invalid_client");
    assert_eq!(bare.text(), unknown.text());
    assert_eq!(world.ask(&world.authority.issue(&subject("client")), &id).await.status, 200);
    let through = middle.issue(&subject("client")).with(&middle);
    assert_eq!(world.ask(&through, &id).await.status, 200, "the intermediate comes along");
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8705_2_2_2_a_registered_certificate_or_the_key_of_one_authenticates() {
    let world = World::start().await;
    let registered = Identity::self_signed(&subject("client"));
    let (key, mut exact, mut hashed) = (registered.jwk(), registered.jwk(), registered.jwk());
    exact["x5c"] = json!([registered.base64()]);
    hashed["x5t#S256"] = json!(registered.thumbprint());
    let method =
        |jwk: &Value| json!({ "token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": { "keys": [jwk] } });
    let by_key = world.client(method(&key)).await;
    let by_certificate = [world.client(method(&exact)).await, world.client(method(&hashed)).await];
    assert_eq!(world.ask(&registered, &by_key).await.status, 200);
    for id in &by_certificate {
        assert_eq!(world.ask(&registered, id).await.status, 200);
        refused(&world.ask(&world.authority.issue(&subject("client")), id).await, "invalid_client");
    }
    refused(&world.ask(&Identity::self_signed(&subject("client")), &by_key).await, "invalid_client");
    // a new certificate for the old key
    let renewed = Identity::renewed(&subject("client"), registered.key);
    assert_eq!(world.ask(&renewed, &by_key).await.status, 200);
    for id in &by_certificate {
        refused(&world.ask(&renewed, id).await, "invalid_client");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_19_a_certificate_is_no_second_method_and_never_replaces_the_registered_one() {
    let world = World::start().await;
    let identity = world.authority.issue(&subject("client"));
    let caller = world.caller(&identity);
    let (id, secret) = world.server.service_client().await;
    let with_secret = [&credentials(&id)[..], &[("client_secret", &secret)]].concat();
    assert_eq!(caller.token(world.server.public, &with_secret).await.status, 200);
    refused(&world.ask(&identity, &id).await, "invalid_client");
    let signer = Signer::new("ES256");
    let jwks = json!({ "keys": [signer.jwk()] });
    let id = world.client(json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks })).await;
    let payload = json!({
        "iss": id, "sub": id, "aud": format!("http://{}", world.server.public), "jti": "1", "exp": 1_900_000_060,
    });
    let assertion = signer.jws(&json!({ "alg": "ES256" }), &payload);
    let asserted =
        [&credentials(&id)[..], &[("client_assertion_type", JWT_BEARER), ("client_assertion", &assertion)]].concat();
    assert_eq!(caller.token(world.server.public, &asserted).await.status, 200);
    // the certificate of a client that registered it, and a secret of nobody's
    let id = world.client(named("tls_client_auth_subject_dn", "CN=client,O=Example")).await;
    let both = [&credentials(&id)[..], &[("client_secret", "x")]].concat();
    refused(&caller.token(world.server.public, &both).await, "invalid_client");
    assert_eq!(world.ask(&identity, &id).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_65_who_has_not_the_key_of_a_certificate_gets_no_answer_at_all() {
    let world = World::start().await;
    let id = world.client(named("tls_client_auth_subject_dn", "CN=client,O=Example")).await;
    let (shown, own) = (world.authority.issue(&subject("client")), Identity::self_signed(&subject("client")));
    for version in [&TLS12, &TLS13] {
        let thief = Caller::thief(version, &world.roots, &shown, &own);
        let answer = thief.attempt(world.server.public, "/oauth2/token", &[], &credentials(&id)).await;
        assert!(answer.is_err(), "{version:?}: {}", answer.unwrap().0.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resumed_session_keeps_its_certificate_and_another_has_its_own() {
    let world = World::start().await;
    let id = world.client(named("tls_client_auth_subject_dn", "CN=client,O=Example")).await;
    let identity = world.authority.issue(&subject("client"));
    for version in [&TLS12, &TLS13] {
        let caller = Caller::speaking(&[version], &world.roots, Some(&identity));
        for resumed in [false, true] {
            let answer = caller.exchange(world.server.public, "/oauth2/token", &[], &credentials(&id)).await;
            assert_eq!((answer.0.status, answer.1), (200, resumed), "{version:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_replaces_the_authorities_and_a_broken_file_changes_nothing() {
    let world = World::start().await;
    let id = world.client(named("tls_client_auth_subject_dn", "CN=client,O=Example")).await;
    let (old, next) = (world.authority.issue(&subject("client")), Authority::new("next"));
    let file = world.dir.path().join("ca.pem");
    std::fs::write(&file, "nothing").unwrap();
    assert!(world.server.daemon().reload().await.unwrap_err().contains("public.client_ca_file"));
    assert_eq!(world.ask(&old, &id).await.status, 200);
    std::fs::write(&file, &next.pem).unwrap();
    world.server.daemon().reload().await.unwrap();
    refused(&world.ask(&old, &id).await, "invalid_client");
    assert_eq!(world.ask(&next.issue(&subject("client")), &id).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_authenticates_with_its_certificate() {
    let world = World::start().await;
    let id = world.client(named("tls_client_auth_subject_dn", "CN=client,O=Example")).await;
    let identity = world.authority.issue(&subject("client"));
    let path = |name: &str| world.dir.path().join(name);
    std::fs::write(path("client.pem"), &identity.pem).unwrap();
    secret(&path("client.key"), &identity.key.serialize_pem());
    for version in ["--tlsv1.3", "--tls-max"] {
        let mut curl: Command = bounded("curl");
        curl.args(["--silent", "--show-error", "--fail", "--noproxy", "*", version]);
        curl.args(if version == "--tls-max" { &["1.2"][..] } else { &[] });
        curl.arg("--cert").arg(path("client.pem")).arg("--key").arg(path("client.key"));
        curl.arg("--cacert").arg(path("tls.pem"));
        curl.args(["--data", &format!("grant_type=client_credentials&client_id={id}")]);
        curl.arg(format!("https://localhost:{}/oauth2/token", world.server.public.port()));
        let said = succeeds("curl", curl).await;
        assert!(said.contains("access_token"), "{version}: {said}");
    }
}
