//! Tokens of outside providers: Kubernetes service accounts and JWT-SVIDs (CHECKLIST 19, 21, 26-34).

use super::*;
use crate::support::{claims, race};

#[tokio::test(flavor = "multi_thread")]
async fn seeds_000_a_service_account_gets_a_token_by_the_vendors_request_and_by_the_standard_one() {
    let world = World::start().await;
    let id = world.client(json!([account()])).await;
    // the file in the pod is the same until the kubelet writes another one
    let token = world.service_account("payments", "api", json!({}));
    for (kind, name) in [(ID_TOKEN, "pod"), (ID_TOKEN, ""), (JWT_BEARER, "pod"), (JWT_BEARER, ""), (JWT_SPIFFE, "")] {
        let answer = world.ask_as(kind, &id, name, &token).await;
        works(&answer, kind);
        assert_eq!(claims(&answer.get("access_token"))["sub"], json!(id));
    }
    for path in ["/oauth2/introspect", "/oauth2/revoke"] {
        let fields = [
            ("token", "x"),
            ("client_id", id.as_str()),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", token.as_str()),
        ];
        assert_eq!(world.server.post(path, &[], &fields).await.status, 200, "{path}");
    }
    let metrics = world.server.metrics().await;
    assert!(metrics.contains(r#"jeton_client_authentications_total{method="id_token_bearer",outcome="ok"} 7"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn spiffe_jwt_svid_section_3_one_rule_is_for_a_whole_trust_domain_or_a_part_of_it() {
    let world = World::start().await;
    let payments = world.client(json!([namespace()])).await;
    let everybody = credential("all", "mesh", "StartsWith(jwt.claims.sub, \"spiffe://prod.example/\")");
    let everybody = world.client(json!([everybody])).await;
    for sub in ["spiffe://prod.example/ns/payments/sa/api", "spiffe://prod.example/ns/payments/sa/worker"] {
        let svid = world.svid(sub, json!({}));
        for (kind, name) in [(JWT_SPIFFE, ""), (JWT_SPIFFE, "mesh"), (ID_TOKEN, "mesh")] {
            works(&world.ask_as(kind, &payments, name, &svid).await, sub);
        }
        works(&world.ask_as(JWT_SPIFFE, &everybody, "", &svid).await, sub);
    }
    let other = world.svid("spiffe://prod.example/ns/payments-test/sa/api", json!({}));
    works(&world.ask_as(JWT_SPIFFE, &everybody, "", &other).await, "another namespace");
    for sub in [
        "spiffe://prod.example/ns/payments-test/sa/api",
        "spiffe://prod.example/ns/payments/../admin",
        "spiffe://prod.example/ns/payments//api",
        "spiffe://prod.example/ns/payments/",
        "spiffe://prod.example.evil.example/ns/payments/sa/api",
        "spiffe://other.example/ns/payments/sa/api",
        "spiffe://PROD.example/ns/payments/sa/api",
        "system:serviceaccount:payments:api",
        "",
    ] {
        let answer = world.ask_as(JWT_SPIFFE, &payments, "", &world.svid(sub, json!({}))).await;
        world.refused(&answer, sub);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_26_to_29_what_is_missing_expired_or_for_another_is_refused() {
    let world = World::start().await;
    let id = world.client(json!([account()])).await;
    let now = world.server.clock.now().as_secs();
    let issuer = world.issuer();
    for change in [
        json!({ "iss": null }),
        json!({ "iss": "https://other.example" }),
        json!({ "iss": issuer }),
        json!({ "iss": 1 }),
        json!({ "sub": null }),
        json!({ "sub": "" }),
        json!({ "sub": ["system:serviceaccount:payments:api"] }),
        json!({ "aud": null }),
        json!({ "aud": [] }),
        json!({ "aud": "https://kubernetes.default.svc" }),
        json!({ "aud": ["https://id.example.com", "https://other.example"] }),
        json!({ "aud": ["https://id.example.com", 1] }),
        json!({ "aud": "https://id.example.com/" }),
        json!({ "aud": { "a": "https://id.example.com" } }),
        json!({ "exp": null }),
        json!({ "exp": now - 1 }),
        json!({ "exp": (now + 60).to_string() }),
        json!({ "exp": now + 3 * 86_400 }),
        json!({ "nbf": now + 3600 }),
        json!({ "iat": now + 3600 }),
        json!({ "nbf": "now" }),
        json!({ "kubernetes.io": null }),
        json!({ "kubernetes.io": "payments" }),
        json!({ "kubernetes.io": { "namespace": ["payments"], "serviceaccount": { "name": "api" } } }),
    ] {
        let token = world.service_account("payments", "api", change.clone());
        world.refused(&world.ask(&id, "pod", &token).await, &change.to_string());
    }
    for aud in [json!("https://id.example.com"), json!([issuer]), json!([issuer, "https://id.example.com"])] {
        let token = world.service_account("payments", "api", json!({ "aud": aud }));
        works(&world.ask(&id, "pod", &token).await, &aud.to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_28_a_strict_client_takes_the_issuer_alone() {
    let world = World::start().await;
    let strict = json!({ "assertion_audience": "issuer" });
    let id = world.client_with("id_token_bearer", json!([account()]), strict).await;
    let issuer = world.issuer();
    for (aud, good) in [
        (json!(issuer), true),
        (json!([issuer]), true),
        (json!(["https://id.example.com"]), false),
        (json!([issuer, "https://id.example.com"]), false),
        (json!(format!("{issuer}/oauth2/token")), false),
    ] {
        let token = world.service_account("payments", "api", json!({ "aud": aud }));
        let answer = world.ask(&id, "pod", &token).await;
        if good { works(&answer, &aud.to_string()) } else { world.refused(&answer, &aud.to_string()) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_31_32_algorithms_and_keys_come_from_the_provider() {
    let world = World::start().await;
    let id = world.client(json!([account()])).await;
    let good = world.service_account("payments", "api", json!({}));
    works(&world.ask(&id, "pod", &good).await, "the token itself");
    let claims = claims(&good);
    let stranger = Signer::new("RS256");
    let body = encode(claims.to_string());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let modulus = world.cluster.jwk()["n"].as_str().unwrap().to_owned();
    let secret = |secret: &str| Signer::Secret(secret.as_bytes().to_vec());
    let mut bad = vec![
        ("another key", stranger.jws(&json!({ "alg": "RS256", "kid": "cluster-1" }), &claims)),
        ("no signature", format!("{signed}.")),
        ("another kid", world.cluster.jws(&json!({ "alg": "RS256", "kid": "../cluster-1" }), &claims)),
        ("PS256 for an RS256 key", world.cluster.jws(&json!({ "alg": "PS256", "kid": "cluster-1" }), &claims)),
        ("HS256 with the modulus", secret(&modulus).jws(&json!({ "alg": "HS256", "kid": "cluster-1" }), &claims)),
        ("HS256 with nothing", secret("").jws(&json!({ "alg": "HS256", "kid": "cluster-1" }), &claims)),
        (
            "an access token",
            world.cluster.jws(&json!({ "alg": "RS256", "kid": "cluster-1", "typ": "at+jwt" }), &claims),
        ),
        ("crit", world.cluster.jws(&json!({ "alg": "RS256", "kid": "cluster-1", "crit": ["exp"] }), &claims)),
        ("the mesh's key", world.mesh.jws(&json!({ "alg": "ES256", "kid": "mesh-1" }), &claims)),
        ("other claims", {
            let mut other = claims.clone();
            other["kubernetes.io"]["namespace"] = json!("payments");
            other["exp"] = json!(other["exp"].as_u64().unwrap() + 1);
            format!("{}.{}.{signature}", signed.split('.').next().unwrap(), encode(other.to_string()))
        }),
        ("five parts", format!("{good}.e30.e30")),
        ("a longer signature", format!("{good}{}", "A".repeat(9_000))),
        ("nothing", ".".to_owned()),
        ("a list", world.cluster.jws(&json!({ "alg": "RS256", "kid": "cluster-1" }), &json!(["sub"]))),
    ];
    for alg in ["none", "None", "nOnE", ""] {
        bad.push(("none", format!("{}.{body}.", encode(json!({ "alg": alg, "kid": "cluster-1" }).to_string()))));
    }
    for (name, value) in [
        ("jwk", stranger.jwk()),
        ("jku", json!("https://127.0.0.1:1/keys")),
        ("x5u", json!("https://127.0.0.1:1/keys")),
        ("x5c", json!(["MIIB"])),
    ] {
        bad.push((name, stranger.jws(&json!({ "alg": "RS256", name: value }), &claims)));
    }
    for (what, token) in bad {
        world.refused(&world.ask(&id, "pod", &token).await, what);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_34_our_own_tokens_and_the_clients_own_assertions_are_nobodys_word() {
    let world = World::start().await;
    let id = world.client(json!([account()])).await;
    let web = world.server.web_client().await;
    let tokens = world.server.login(&web).await;
    for name in ["access_token", "id_token"] {
        let token = tokens[name].as_str().unwrap();
        for kind in [ID_TOKEN, JWT_BEARER, JWT_SPIFFE] {
            world.refused(&world.ask_as(kind, &id, "pod", token).await, name);
        }
    }
    let now = world.server.clock.now().as_secs();
    let own = json!({ "iss": id, "sub": id, "aud": world.issuer(), "exp": now + 60, "jti": "1" });
    let own = world.cluster.jws(&json!({ "alg": "RS256", "kid": "cluster-1" }), &own);
    world.refused(&world.ask_as(JWT_BEARER, &id, "", &own).await, "its own assertion under the cluster's key");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_30_a_credential_for_one_use_remembers_its_proofs_over_a_restart() {
    let mut world = World::durable().await;
    let mut once = account();
    once["single_use"] = json!(true);
    let mut mesh = namespace();
    mesh["single_use"] = json!(true);
    let id = world.client(json!([once, mesh])).await;
    let now = world.server.clock.now().as_secs();
    let token = world.service_account("payments", "api", json!({ "jti": "one" }));
    let again = world.service_account("payments", "api", json!({ "jti": "one", "iat": now - 1 }));
    // without a jti it is what was signed that counts: an ECDSA signature of the same has many forms
    let sub = "spiffe://prod.example/ns/payments/sa/api";
    let (svid, resigned) = (world.svid(sub, json!({})), world.svid(sub, json!({})));
    assert_ne!(svid, resigned);
    works(&world.ask(&id, "pod", &token).await, "first");
    works(&world.ask(&id, "mesh", &svid).await, "first");
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_assertion_type", ID_TOKEN),
        ("application_federated_credential_name", "pod"),
    ];
    let fresh = world.service_account("payments", "api", json!({}));
    let racing = [&fields[..], &[("client_assertion", fresh.as_str())]].concat();
    let won = race(world.server.public, 16, &racing).await.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(won, 1);
    world.server.clock.advance(Duration::from_secs(30));
    for _ in 0..2 {
        for token in [&token, &again] {
            world.refused(&world.ask(&id, "pod", token).await, "the same jti");
        }
        for svid in [&svid, &resigned] {
            world.refused(&world.ask(&id, "mesh", svid).await, "the same signed part");
        }
        world.server.restart().await;
    }
    works(&world.ask(&id, "pod", &world.service_account("payments", "api", json!({}))).await, "another");
}

/// With typ JWT nothing but its claims tells an access token of another jeton from an ID token.
#[tokio::test(flavor = "multi_thread")]
async fn checklist_34_an_access_token_of_another_issuer_is_nobodys_word_whatever_its_typ() {
    let world = World::start().await;
    let id = world.client(json!([account()])).await;
    let jti = jeton::internals::Jti::new(world.server.clock.now(), Default::default(), None).encode();
    let access = world.service_account("payments", "api", json!({ "jti": jti, "client_id": "theirs" }));
    world.refused(&world.ask(&id, "pod", &access).await, "an access token");
    works(
        &world.ask(&id, "pod", &world.service_account("payments", "api", json!({ "jti": jti }))).await,
        "no client_id",
    );
    works(
        &world.ask(&id, "pod", &world.service_account("payments", "api", json!({ "client_id": "x" }))).await,
        "no jti",
    );
}
