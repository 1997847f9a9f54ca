//! The example `embed`, which adds two grants, one with an endpoint, a client authentication method and a dialect: its files,
//! against a real daemon.

#[path = "../../examples/embed/acme.rs"]
mod acme;
#[path = "../../examples/embed/api_key.rs"]
mod api_key;
#[path = "../../examples/embed/backchannel.rs"]
mod backchannel;
mod edits;
#[path = "../../examples/embed/voucher.rs"]
mod voucher;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jeton::internals::Vault;
use jeton::{Daemon, Environment, Extensions, Source, prepare};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::http::{post_form, request};
use crate::support::{ADMIN_TOKEN, Answer, claims, free_port, secret};

fn extensions() -> Extensions {
    Extensions {
        grants: vec![Arc::new(voucher::Voucher), Arc::new(backchannel::Backchannel::asking(|who| who == "alice"))],
        client_auth: vec![Arc::new(api_key::ApiKey([("robot".to_owned(), "key-of-robot".to_owned())].into()))],
        dialects: vec![&acme::Acme],
        engine: None,
    }
}

struct World {
    daemon: Daemon,
    public: SocketAddr,
    _dir: TempDir,
}

impl World {
    async fn start() -> Self {
        let dir = TempDir::new().unwrap();
        secret(&dir.path().join("master.key"), &Vault::generate());
        secret(&dir.path().join("admin.token"), ADMIN_TOKEN);
        let (public, admin, path) = (free_port(), free_port(), dir.path().display());
        let preset = format!(
            r#"
            public.listen = "{public}"
            admin.listen = "{admin}"
            secrets = {{ master_key_file = "{path}/master.key", admin_token_file = "{path}/admin.token" }}
            store.engine = "memory"
            [issuers.acme]
            url = "http://{public}/acme"
            dialect = "acme"
            grant_types = ["voucher", "client_credentials", "urn:openid:params:grant-type:ciba"]
            scopes = "openid read"
            algorithms = ["EdDSA"]
            id_token_alg = "EdDSA"
            "#
        );
        let source = Source { preset: Some(preset), extensions: extensions(), ..Source::default() };
        let environment = Environment::system(Arc::new(|_| Ok(())));
        let daemon = Daemon::start(prepare(source).unwrap(), environment).await.unwrap();
        let world = Self { daemon, public, _dir: dir };
        let metadata = json!({
            "client_id": "robot", "token_endpoint_auth_method": "api_key", "scope": "openid read",
            "grant_types": ["voucher", "client_credentials", "urn:openid:params:grant-type:ciba"],
        });
        assert_eq!(world.admin(metadata).await.status, 201);
        world
    }

    async fn admin(&self, metadata: Value) -> Answer {
        let bearer = format!("Bearer {ADMIN_TOKEN}");
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        let path = "/admin/v1/issuers/acme/clients";
        request(self.daemon.admin, "POST", path, &headers, metadata.to_string().as_bytes()).await
    }

    async fn token(&self, key: &str, fields: &[(&str, &str)]) -> Answer {
        post_form(self.public, "/acme/issue-token", &[("Authorization", key)], fields).await
    }

    async fn stop(self) {
        self.daemon.stop(Duration::ZERO, Duration::from_secs(1)).await;
    }
}

const KEY: &str = "ApiKey robot.key-of-robot";

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_a_client_authentication_method_and_a_dialect_of_ones_own_work_together() {
    let world = World::start().await;
    let answer = world.token(KEY, &[("grant_type", "voucher"), ("voucher", "good-for-alice")]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["seconds", "token"]);
    assert_eq!(claims(&answer.get("token"))["sub"], "alice");
    let problem = async |key: &str, fields: &[(&str, &str)]| {
        let answer = world.token(key, fields).await;
        (answer.status, answer.json()["problem"].as_str().unwrap_or_default().to_owned())
    };
    let refused = |status: u16, name: &str| (status, name.to_owned());
    let voucher = [("grant_type", "voucher"), ("voucher", "forged")];
    assert_eq!(problem(KEY, &voucher).await, refused(400, "invalid_grant"));
    assert_eq!(problem(KEY, &[("grant_type", "voucher")]).await, refused(400, "invalid_request"));
    // what is built in goes on working beside it
    let own = [("grant_type", "client_credentials"), ("client_id", "robot")];
    assert_eq!(claims(&world.token(KEY, &own).await.get("token"))["sub"], "robot");
    let metrics = request(world.daemon.admin, "GET", "/metrics", &[], b"").await.text();
    for line in [
        "jeton_token_requests_total{grant=\"voucher\",outcome=\"ok\"} 1",
        "jeton_client_authentications_total{method=\"api_key\",outcome=\"ok\"} 4",
    ] {
        assert!(metrics.contains(line), "{line}");
    }
    let discovery = request(world.public, "GET", "/acme/.well-known/openid-configuration", &[], b"").await.json();
    let has = |list: &str, name: &str| discovery[list].as_array().unwrap().iter().any(|one| one == name);
    assert!(has("grant_types_supported", "voucher") && has("token_endpoint_auth_methods_supported", "api_key"));
    assert_eq!(discovery["token_endpoint"], format!("http://{}/acme/issue-token", world.public));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_with_an_endpoint_of_its_own_begins_there_and_ends_at_the_token_endpoint() {
    const CIBA: &str = "urn:openid:params:grant-type:ciba";
    let world = World::start().await;
    let ask = async |key: &str, fields: &[(&str, &str)]| {
        post_form(world.public, "/acme/backchannel", &[("Authorization", key)], fields).await
    };
    let poll = async |started: &Answer| {
        world.token(KEY, &[("grant_type", CIBA), ("auth_req_id", &started.get("auth_req_id"))]).await
    };
    let [alice, bob] = [ask(KEY, &[("login_hint", "alice")]).await, ask(KEY, &[("login_hint", "bob")]).await];
    assert_eq!((alice.status, alice.json()["interval"].as_u64()), (200, Some(5)), "{}", alice.text());
    assert_eq!(alice.header("cache-control"), Some("no-store"));
    assert_eq!(claims(&poll(&alice).await.get("token"))["sub"], "alice");
    for (answer, problem) in [(poll(&alice).await, "invalid_grant"), (poll(&bob).await, "authorization_pending")] {
        assert_eq!((answer.status, answer.json()["problem"].as_str()), (400, Some(problem)));
    }
    // the endpoint refuses what the token endpoint would, in the issuer's dialect
    assert_eq!(ask("ApiKey robot.wrong", &[("login_hint", "alice")]).await.status, 401);
    let unasked = ask(KEY, &[]).await;
    assert_eq!((unasked.status, unasked.json()["problem"].as_str()), (400, Some("invalid_request")));
    let other = json!({
        "client_id": "web", "client_secret": "secret-of-web-0123456789-0123456789", "scope": "read",
        "token_endpoint_auth_method": "client_secret_post", "grant_types": ["client_credentials"],
    });
    assert_eq!(world.admin(other).await.status, 201);
    let secret = [("client_id", "web"), ("client_secret", "secret-of-web-0123456789-0123456789")];
    let answer = post_form(world.public, "/acme/backchannel", &[], &secret).await;
    assert_eq!((answer.status, answer.json()["problem"].as_str()), (400, Some("unauthorized_client")));
    let discovery = request(world.public, "GET", "/acme/.well-known/openid-configuration", &[], b"").await.json();
    let url = format!("http://{}/acme/backchannel", world.public);
    assert_eq!(discovery["backchannel_authentication_endpoint"], url);
    assert_eq!(discovery.get("device_authorization_endpoint"), None, "that of a grant that is not offered");
    let metrics = request(world.daemon.admin, "GET", "/metrics", &[], b"").await.text();
    let line = "jeton_http_requests_total{endpoint=\"backchannel_authentication\",status=\"200\"} 2";
    assert!(metrics.contains(line), "{metrics}");
    world.stop().await;
}

#[test]
fn an_operator_does_not_state_the_endpoint_of_a_grant() {
    let preset = "[issuers.a]\nurl = \"https://id.example\"\ngrant_types = [\"urn:openid:params:grant-type:ciba\"]\n\
                  metadata.backchannel_authentication_endpoint = \"https://id.example/elsewhere\"\n";
    let source = Source { preset: Some(preset.to_owned()), extensions: extensions(), ..Source::default() };
    let config = jeton::internals::load(&source).unwrap().config;
    let error = jeton::internals::snapshot(&config, &Vault::ephemeral(), &source.extensions).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("issuers.a.metadata"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_of_ones_own_keeps_the_rules_of_client_authentication() {
    let world = World::start().await;
    let other = json!({
        "client_id": "web", "client_secret": "secret-of-web-0123456789-0123456789", "scope": "read",
        "token_endpoint_auth_method": "client_secret_post", "grant_types": ["client_credentials"],
    });
    assert_eq!(world.admin(other).await.status, 201);
    let grant = ("grant_type", "client_credentials");
    let unknown = world.token("ApiKey nobody.key-of-robot", &[grant]).await;
    for wrong in ["ApiKey robot.wrong", "ApiKey robot.", "ApiKey web.none", "ApiKey web.", "ApiKey robot"] {
        let answer = world.token(wrong, &[grant]).await;
        assert_eq!((answer.status, &answer.body), (401, &unknown.body), "{wrong}");
    }
    // two methods are one too many, and no other method proves its client
    let secret = ("client_secret", "secret-of-web-0123456789-0123456789");
    for (fields, status) in [
        (vec![grant, ("client_id", "robot"), secret], 400),
        (vec![grant, ("client_id", "web"), secret], 400),
        (vec![grant, ("client_id", "web")], 400),
        (vec![grant, ("client_assertion", "a.b.c")], 400),
    ] {
        assert_eq!(world.token(KEY, &fields).await.status, status, "{fields:?}");
    }
    let answer = post_form(world.public, "/acme/issue-token", &[], &[grant, ("client_id", "robot")]).await;
    assert_eq!((answer.status, &answer.body), (401, &unknown.body), "a bare client_id");
    let unregistered = json!({ "token_endpoint_auth_method": "smart_card", "grant_types": ["client_credentials"] });
    let answer = world.admin(unregistered).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("token_endpoint_auth_method"), "{}", answer.text());
    world.stop().await;
}

#[test]
fn what_has_a_name_that_is_taken_is_refused() {
    let check = |extensions: Extensions| {
        let preset = "[issuers.a]\nurl = \"https://id.example\"\n".to_owned();
        let source = Source { preset: Some(preset), extensions, ..Source::default() };
        let config = jeton::internals::load(&source).unwrap().config;
        jeton::internals::snapshot(&config, &Vault::ephemeral(), &source.extensions)
            .map(|_| ())
            .map_err(|e| e.to_string())
    };
    assert_eq!(check(extensions()), Ok(()));
    let mut twice = extensions();
    twice.grants.push(Arc::new(voucher::Voucher));
    let grants = Extensions { grants: jeton::internals::built_in_grants()[..1].to_vec(), ..Extensions::default() };
    let mut methods = extensions();
    methods.client_auth.push(methods.client_auth[0].clone());
    let dialects = Extensions { dialects: vec![dialect()], ..Extensions::default() };
    for (extensions, what) in [(twice, "grants"), (grants, "grants"), (methods, "client_auth"), (dialects, "dialects")]
    {
        let error = check(extensions).unwrap_err();
        assert!(error.contains(&format!("extensions.{what}")), "{error}");
    }
}

fn dialect() -> &'static dyn jeton::extend::Dialect {
    jeton::extend::default_dialect()
}

/// The README cannot drift: what it shows is what is compiled and run above.
#[test]
fn the_readme_shows_these_files() {
    let readme = include_str!("../../../src/README.md");
    for (file, from) in [
        (include_str!("../../examples/embed/voucher.rs"), "impl Grant"),
        (include_str!("../../examples/embed/backchannel.rs"), "impl Grant"),
        (include_str!("../../examples/embed/api_key.rs"), "impl ClientAuth"),
        (include_str!("../../examples/embed/acme.rs"), "impl Dialect"),
    ] {
        let example = &file[file.find(from).unwrap()..];
        assert!(readme.contains(example.trim_end()), "the README lacks:\n{example}");
    }
    let lines = include_str!("../../examples/embed/main.rs");
    let of_extensions: Vec<&str> = lines.lines().map(str::trim).filter(|line| line.contains(": vec![")).collect();
    assert_eq!(of_extensions.len(), 3, "one line each");
    for line in of_extensions {
        assert!(readme.contains(line), "the README lacks: {line}");
        assert!(include_str!("mod.rs").contains(line), "this test lacks: {line}");
    }
}
