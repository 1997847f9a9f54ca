//! Who means whom: names of credentials, both conditions, registration, discovery, keys behind a URL.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jeton::internals::{Fetch, Fetching, Issuer, IssuerParts};
use url::Url;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn seeds_000_both_conditions_must_hold_and_the_named_credential_is_the_one() {
    let world = World::start().await;
    let id = world.client(json!([account(), namespace()])).await;
    let anything = credential("any", "cluster", "StartsWith(jwt.claims.sub, \"system:serviceaccount:\")");
    let other = world.client(json!([anything])).await;
    let token = world.service_account("payments", "api", json!({}));
    works(&world.ask(&id, "pod", &token).await, "named");
    works(&world.ask(&id, "", &token).await, "the one that fits");
    works(&world.ask(&other, "any", &token).await, "another client that means it, too");
    for (client, name, why) in [
        (&id, "mesh", "a credential of another provider"),
        (&id, "any", "a credential of another client"),
        (&id, "POD", "another case"),
        (&id, "../pod", "no name at all"),
        (&other, "pod", "a credential of another client"),
        (&"nobody".to_owned(), "pod", "no such client"),
    ] {
        world.refused(&world.ask(client, name, &token).await, why);
    }
    // whose word it is counts even where the words are the same
    let words = "Contains(jwt.claims.aud, \"https://id.example.com\")";
    let foreign = world.client(json!([credential("mesh", "mesh", words)])).await;
    for name in ["mesh", ""] {
        world.refused(&world.ask(&foreign, name, &token).await, "a token of another provider");
    }
    let stranger = world.service_account("payments", "web", json!({}));
    world.refused(&world.ask(&id, "pod", &stranger).await, "the credential's condition");
    works(&world.ask(&other, "any", &stranger).await, "which is not the other's");
    let system = world.service_account("kube-system", "api", json!({}));
    world.refused(&world.ask(&other, "any", &system).await, "the provider's condition");
    let bare = world.service_account("payments", "api", json!({ "kubernetes.io": null }));
    world.refused(&world.ask(&other, "any", &bare).await, "a provider's Not about a claim that is missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_19_21_the_registered_method_is_the_only_one_and_one_at_a_time() {
    let world = World::start().await;
    let id = world.client(json!([account()])).await;
    let token = world.service_account("payments", "api", json!({}));
    let (secret, _) = world.server.service_client().await;
    world.refused(&world.ask(&secret, "pod", &token).await, "a client with a secret");
    world.refused(&world.ask(&secret, "", &token).await, "a client with a secret, no name");
    let own = [("client_id", id.as_str()), ("client_secret", "jcs_whatever")];
    let grant = ("grant_type", "client_credentials");
    world.refused(&world.server.token(&[&[grant], &own[..]].concat()).await, "a secret");
    let assertion = [("client_assertion_type", ID_TOKEN), ("client_assertion", token.as_str())];
    let both = world.server.token(&[&[grant], &own[..], &assertion].concat()).await;
    assert_eq!((both.status, both.error().as_str()), (400, "invalid_request"), "two methods");
    let nameless = world.server.token(&[&[grant], &assertion[..]].concat()).await;
    world.refused(&nameless, "no client_id");
    let unknown = "urn:cloud:idaas:params:oauth:client-assertion-type:unknown";
    world.refused(&world.ask_as(unknown, &id, "pod", &token).await, "an unknown type");
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc_7591_section_2_credentials_that_break_a_rule_are_refused_with_it() {
    let world = World::start().await;
    let register = async |method: &str, credentials: Value| {
        let metadata = json!({
            "token_endpoint_auth_method": method, "grant_types": ["client_credentials"], "scope": "api:read",
            "jeton": { "federated_credentials": credentials },
        });
        world.server.admin("POST", "/issuers/main/clients", metadata).await
    };
    for (method, credentials, rule) in [
        ("id_token_bearer", json!([]), "at least one"),
        ("client_secret_post", json!([account()]), "none for another"),
        ("id_token_bearer", json!([account(), account()]), "each name once"),
        ("id_token_bearer", json!([credential("a", "unknown", "Equals(client.id, \"a\")")]), "a: provider"),
        ("id_token_bearer", json!([credential("a", "cluster", "Equals(jwt.claims.sub)")]), "character 22"),
        ("id_token_bearer", json!([credential("A", "cluster", "Equals(client.id, \"a\")")]), "name"),
        ("x509_jwt_bearer", json!([account()]), "id_token_bearer"),
        ("pkcs7_bearer", json!([account()]), "id_token_bearer"),
    ] {
        let answer = register(method, credentials.clone()).await;
        assert_eq!(answer.status, 400, "{method} {credentials}");
        assert!(answer.text().contains(rule), "{credentials}: {}", answer.text());
    }
    let many: Vec<Value> =
        (0..33).map(|n| credential(&format!("c{n}"), "cluster", "Equals(client.id, \"a\")")).collect();
    assert!(register("id_token_bearer", json!(many)).await.text().contains("at most 32"));
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_73_a_federated_method_is_offered_where_a_provider_is() {
    let methods = async |server: &Server| {
        let document = server.get("/.well-known/openid-configuration").await.json();
        document["token_endpoint_auth_methods_supported"].as_array().unwrap().clone()
    };
    let world = World::start().await;
    assert!(methods(&world.server).await.contains(&json!("id_token_bearer")));
    let plain = Server::start().await;
    let offered = methods(&plain).await;
    assert!(!offered.iter().any(|method| method.as_str().unwrap().ends_with("_bearer")), "{offered:?}");
}

/// The keys of a provider, and how often they were asked for.
struct Published(Signer, AtomicUsize);

impl Fetch for Published {
    fn fetch<'a>(&'a self, url: &'a Url) -> Fetching<'a> {
        Box::pin(async move {
            assert_eq!(url.as_str(), "https://keys.example/jwks");
            self.1.fetch_add(1, Ordering::Relaxed);
            let mut jwk = self.0.jwk();
            jwk["kid"] = json!("1");
            Ok(json!({ "keys": [jwk] }).to_string().into())
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_37_keys_behind_a_url_are_fetched_once_whoever_guesses() {
    const PROVIDER: &str = r#"
[[issuers.main.federated_providers]]
type = "oidc"
name = "builds"
issuer = "https://builds.example"
jwks_uri = "https://keys.example/jwks"
"#;
    let keys = Arc::new(Published(Signer::new("ES256"), AtomicUsize::new(0)));
    let server = Server::fetching_with(PROVIDER, keys.clone()).await;
    let metadata = json!({
        "token_endpoint_auth_method": "id_token_bearer", "grant_types": ["client_credentials"], "scope": "api:read",
        "jeton": { "federated_credentials": [
            credential("main", "builds", "Equals(jwt.claims.sub, \"repo:app:ref:main\")"),
        ] },
    });
    let (id, _) = server.client(metadata).await;
    let ask = async |kid: &str, signer: &Signer| {
        let claims = json!({
            "iss": "https://builds.example", "sub": "repo:app:ref:main", "aud": format!("http://{}", server.public),
            "exp": server.clock.now().as_secs() + 60,
        });
        let token = signer.jws(&json!({ "alg": "ES256", "kid": kid }), &claims);
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", id.as_str()),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", token.as_str()),
        ];
        server.token(&fields).await.status
    };
    for _ in 0..3 {
        assert_eq!(ask("1", &keys.0).await, 200);
    }
    let stranger = Signer::new("ES256");
    for n in 2..8 {
        assert_eq!(ask(&n.to_string(), &stranger).await, 401);
    }
    assert_eq!(keys.1.load(Ordering::Relaxed), 1);
}

#[test]
fn the_example_of_the_dialect_is_right_without_its_comment_signs() {
    let text = include_str!("../../../config/dialects/aliyun-idaas.toml");
    let (head, example) = text.split_once("# ---- federated credentials").unwrap();
    let lines = example.lines().skip(1).map(|line| line.strip_prefix("# ").unwrap_or_default());
    let toml = format!("{head}\n{}", lines.collect::<Vec<_>>().join("\n"));
    let config: jeton::internals::Config = toml::from_str(&toml).unwrap();
    let mut settings = config.issuers["idaas"].clone();
    let jwks = json!({ "keys": [Signer::new("ES256").jwk()] }).to_string();
    let ca = super::pki::Ca::root("root").pem;
    for provider in &mut settings.federated_providers {
        let json = |path: &std::path::Path| path.extension().is_some_and(|extension| extension == "json");
        provider.read_files(|path| Ok(if json(path) { jwks.clone() } else { ca.clone() })).unwrap();
    }
    let parts = IssuerParts { methods: jeton::internals::built_in_methods(), ..IssuerParts::default() };
    let issuer = Issuer::new("idaas", settings, parts).unwrap();
    assert_eq!(issuer.providers.len(), 4);
    let client = &config.clients[0];
    client.metadata.clone().resolve(client.client_id.clone(), Vec::new(), 0, &issuer).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_in_a_file_are_read_again_at_a_reload() {
    let world = World::start().await;
    let id = world.client(json!([account()])).await;
    let old = world.service_account("payments", "api", json!({}));
    works(&world.ask(&id, "pod", &old).await, "before");
    let next = Signer::new("RS256");
    let mut jwk = next.jwk();
    jwk["kid"] = json!("cluster-2");
    let file = world.dir.path().join("cluster.json");
    std::fs::write(&file, json!({ "keys": [jwk] }).to_string()).unwrap();
    let new = next.jws(&json!({ "alg": "RS256", "kid": "cluster-2" }), &crate::support::claims(&old));
    world.refused(&world.ask(&id, "pod", &new).await, "not read yet");
    assert_eq!(world.server.admin("POST", "/reload", json!({})).await.status, 200);
    works(&world.ask(&id, "pod", &new).await, "after");
    world.refused(&world.ask(&id, "pod", &old).await, "the old key is gone");
    // a file that is broken changes nothing
    std::fs::write(&file, "{").unwrap();
    let answer = world.server.admin("POST", "/reload", json!({})).await;
    assert!(answer.status != 200 && answer.text().contains("cluster.json is no JSON"), "{}", answer.text());
    works(&world.ask(&id, "pod", &new).await, "still");
}
