//! RFC 7523: client authentication by JWT (CHECKLIST 19, 21, 26-36).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jeton::internals::{Fetch, Fetching};
use serde_json::{Value, json};
use url::Url;

use crate::support::assertion::{JWT_BEARER, Signer, encode};
use crate::support::{Answer, Server, merge, race, refused};

const SIGNATURES: [&str; 11] =
    ["EdDSA", "Ed25519", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"];
const GRANT: (&str, &str) = ("grant_type", "client_credentials");

/// A client that signs.
struct Client {
    id: String,
    key: Signer,
    alg: &'static str,
}

fn metadata(more: Value) -> Value {
    let mut metadata = json!({
        "token_endpoint_auth_method": "private_key_jwt", "grant_types": ["client_credentials"], "scope": "api:read",
    });
    metadata.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    metadata
}

impl Client {
    async fn with(server: &Server, alg: &'static str, more: Value) -> Self {
        let key = Signer::new(alg);
        let mut metadata = metadata(more);
        metadata["jwks"] = json!({ "keys": [key.jwk()] });
        let (id, secret) = server.client(metadata).await;
        assert_eq!(secret, "", "a client with a key has no secret");
        Self { id, key, alg }
    }

    async fn new(server: &Server) -> Self {
        Self::with(server, "ES256", json!({})).await
    }

    fn claims(&self, server: &Server) -> Value {
        let now = server.clock.now().as_secs();
        json!({
            "iss": self.id, "sub": self.id, "aud": format!("http://{}", server.public), "iat": now, "exp": now + 60,
            "jti": encode(jeton::Id::random().0),
        })
    }

    /// An assertion with `change` made to its claims; `null` leaves a claim out.
    fn assertion(&self, server: &Server, change: Value) -> String {
        self.headed(server, json!({}), change)
    }

    fn headed(&self, server: &Server, header: Value, change: Value) -> String {
        let mut claims = self.claims(server);
        let mut head = json!({ "alg": self.alg });
        merge(&mut claims, change);
        merge(&mut head, header);
        self.key.jws(&head, &claims)
    }
}

async fn ask(server: &Server, assertion: &str) -> Answer {
    server.token(&[GRANT, ("client_assertion_type", JWT_BEARER), ("client_assertion", assertion)]).await
}

async fn works(server: &Server, assertion: &str) {
    let answer = ask(server, assertion).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Refused as everything is; time goes on, so that the throttle is no part of it.
async fn fails(server: &Server, assertion: &str, what: &str) {
    let answer = ask(server, assertion).await;
    assert_eq!((answer.status, answer.error().as_str()), (401, "invalid_client"), "{what}: {}", answer.text());
    server.clock.advance(Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc_7523_every_algorithm_works_at_every_endpoint() {
    let server = Server::start().await;
    for alg in SIGNATURES {
        let client = Client::with(&server, alg, json!({})).await;
        works(&server, &client.assertion(&server, json!({}))).await;
        for path in ["/oauth2/introspect", "/oauth2/revoke"] {
            let assertion = client.assertion(&server, json!({}));
            let fields =
                [("token", "x"), ("client_assertion_type", JWT_BEARER), ("client_assertion", assertion.as_str())];
            assert_eq!(server.post(path, &[], &fields).await.status, 200, "{alg} at {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn client_secret_jwt_works_with_each_hmac_and_the_secret_is_sealed_only_for_it() {
    let server = Server::start().await;
    let mut metadata = metadata(json!({ "token_endpoint_auth_method": "client_secret_jwt" }));
    let (id, secret) = server.client(metadata.clone()).await;
    for alg in ["HS256", "HS384", "HS512"] {
        let client = Client { id: id.clone(), key: Signer::Secret(secret.clone().into_bytes()), alg };
        works(&server, &client.assertion(&server, json!({}))).await;
        let wrong = Client { id: id.clone(), key: Signer::Secret(vec![0; 64]), alg };
        fails(&server, &wrong.assertion(&server, json!({})), "the decoy").await;
    }
    refused(&server.token(&[GRANT, ("client_id", &id), ("client_secret", &secret)]).await, "invalid_client");
    let client = Client { id: id.clone(), key: Signer::Secret(secret.into_bytes()), alg: "HS256" };
    // while another method is registered the sealed form is gone, for good
    for method in ["client_secret_post", "client_secret_jwt"] {
        metadata["token_endpoint_auth_method"] = json!(method);
        assert_eq!(server.replace(&id, metadata.clone()).await.status, 200);
        fails(&server, &client.assertion(&server, json!({})), method).await;
    }
    let more = server.admin("POST", &format!("/issuers/main/clients/{id}/secrets"), json!({})).await;
    let client = Client { id, key: Signer::Secret(more.get("client_secret").into_bytes()), alg: "HS256" };
    works(&server, &client.assertion(&server, json!({}))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_26_each_claim_is_required_and_of_its_type() {
    let server = Server::start().await;
    let client = Client::new(&server).await;
    for claim in ["iss", "sub", "aud", "exp", "jti"] {
        fails(&server, &client.assertion(&server, json!({ claim: null })), claim).await;
        for wrong in [json!([]), json!({}), json!(true), json!("")] {
            fails(&server, &client.assertion(&server, json!({ claim: wrong })), claim).await;
        }
    }
    works(&server, &client.assertion(&server, json!({ "iat": null }))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_27_iss_and_sub_and_client_id_are_one() {
    let server = Server::start().await;
    let (client, other) = (Client::new(&server).await, Client::new(&server).await);
    for change in [
        json!({ "iss": other.id }),
        json!({ "sub": other.id }),
        json!({ "iss": other.id, "sub": other.id }),
        json!({ "iss": "nobody", "sub": "nobody" }),
    ] {
        fails(&server, &client.assertion(&server, change.clone()), &change.to_string()).await;
    }
    let kind = ("client_assertion_type", JWT_BEARER);
    let assertion = client.assertion(&server, json!({}));
    let with = |id| [GRANT, kind, ("client_assertion", assertion.as_str()), ("client_id", id)];
    refused(&server.token(&with(&other.id)).await, "invalid_request");
    assert_eq!(server.token(&with(&client.id)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_28_the_audience_is_the_issuer_and_for_tolerant_clients_the_token_endpoint() {
    let server = Server::start().await;
    let tolerant = Client::new(&server).await;
    let strict = Client::with(&server, "ES256", json!({ "jeton": { "assertion_audience": "issuer" } })).await;
    let issuer = format!("http://{}", server.public);
    let endpoint = format!("{issuer}/oauth2/token");
    for (aud, lenient, exact) in [
        (json!(issuer), true, true),
        (json!(endpoint), true, false),
        (json!([issuer]), true, false),
        (json!([issuer, endpoint]), true, false),
        (json!([issuer, "https://other.example"]), false, false),
        (json!(format!("{issuer}/")), false, false),
        (json!(format!("{issuer}/oauth2/introspect")), false, false),
        (json!("https://other.example"), false, false),
        (json!([]), false, false),
        (json!([[issuer]]), false, false),
    ] {
        for (client, accepted) in [(&tolerant, lenient), (&strict, exact)] {
            let assertion = client.assertion(&server, json!({ "aud": aud }));
            if accepted { works(&server, &assertion).await } else { fails(&server, &assertion, &aud.to_string()).await }
        }
    }
    let metrics = server.metrics().await;
    for line in [r#"{form="issuer"} 2"#, r#"{form="endpoint"} 1"#, r#"{form="list"} 2"#] {
        assert!(metrics.contains(&format!("jeton_assertion_audiences_total{line}")), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_28_at_each_endpoint_its_own_url_is_an_audience_for_tolerant_clients() {
    const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
    for dialect in ["rfc", "identityserver3"] {
        let server = Server::with(&format!(
            "dialect = \"{dialect}\"\ngrant_types = [\"client_credentials\", \"{DEVICE}\"]\n\
             verification_uri = \"https://portal.example/device\"\nscopes = \"api:read\"\n\
             access_token_alg = \"EdDSA\""
        ))
        .await;
        let discovery = server.get("/.well-known/openid-configuration").await.json();
        let may = |more: Value| {
            let mut metadata = json!({ "grant_types": ["client_credentials", DEVICE] });
            metadata.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            metadata
        };
        let tolerant = Client::with(&server, "ES256", may(json!({}))).await;
        let issuer = json!({ "jeton": { "assertion_audience": "issuer" } });
        let strict = Client::with(&server, "ES256", may(issuer)).await;
        let endpoints = ["introspection", "revocation", "device_authorization"];
        let url = |name: &str| discovery[format!("{name}_endpoint")].as_str().unwrap().to_owned();
        for name in endpoints {
            let path = url(name).strip_prefix(&format!("http://{}", server.public)).unwrap().to_owned();
            let ask = async |client: &Client, aud: Value| {
                let assertion = client.assertion(&server, json!({ "aud": aud }));
                let kind = ("client_assertion_type", JWT_BEARER);
                server.post(&path, &[], &[("token", "x"), kind, ("client_assertion", &assertion)]).await.status
            };
            assert_eq!(ask(&tolerant, json!(url(name))).await, 200, "{dialect} {name}");
            assert_eq!(ask(&tolerant, json!([url(name), url("token")])).await, 200, "{dialect} {name}");
            assert_ne!(ask(&strict, json!(url(name))).await, 200, "{dialect} {name}");
            for other in endpoints.into_iter().filter(|other| *other != name) {
                assert_ne!(ask(&tolerant, json!(url(other))).await, 200, "{dialect} {name}: {other}");
            }
        }
        // at the token endpoint none of them is
        for name in endpoints {
            let assertion = tolerant.assertion(&server, json!({ "aud": url(name) }));
            let kind = ("client_assertion_type", JWT_BEARER);
            let path = url("token").strip_prefix(&format!("http://{}", server.public)).unwrap().to_owned();
            let asked = [GRANT, ("scope", "api:read"), kind, ("client_assertion", &assertion)];
            assert_ne!(server.post(&path, &[], &asked).await.status, 200, "{dialect} {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_24_a_right_assertion_passes_while_wrong_ones_are_throttled() {
    let server = Server::start().await;
    let client = Client::new(&server).await;
    let forger = Client { id: client.id.clone(), key: Signer::new("ES256"), alg: "ES256" };
    for n in 0..30 {
        let answer = ask(&server, &forger.assertion(&server, json!({}))).await;
        let expected = if n < 20 { (401, "invalid_client") } else { (429, "temporarily_unavailable") };
        assert_eq!((answer.status, answer.error().as_str()), expected, "{n}");
    }
    works(&server, &client.assertion(&server, json!({}))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_28_the_typ_is_absent_or_names_a_jwt_for_this() {
    let server = Server::start().await;
    let client = Client::new(&server).await;
    for typ in ["JWT", "jwt", "client-authentication+jwt", "application/client-authentication+jwt"] {
        works(&server, &client.headed(&server, json!({ "typ": typ }), json!({}))).await;
    }
    for typ in ["at+jwt", "dpop+jwt", "logout+jwt", "oauth-authz-req+jwt", "JWS", ""] {
        fails(&server, &client.headed(&server, json!({ "typ": typ }), json!({})), typ).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_29_times_are_checked() {
    let server = Server::start().await;
    let client = Client::new(&server).await;
    // `fails` moves the clock by two seconds, so now is taken for each
    let at = |claim: &str, offset: i64| json!({ claim: server.clock.now().as_secs() as i64 + offset });
    for (claim, offset) in [("exp", 1), ("exp", 3600), ("iat", 10), ("nbf", 10), ("iat", -3600), ("nbf", -3600)] {
        works(&server, &client.assertion(&server, at(claim, offset))).await;
    }
    for (claim, offset) in [("exp", 0), ("exp", -1), ("exp", 3700), ("exp", 86_400), ("iat", 61), ("nbf", 61)] {
        fails(&server, &client.assertion(&server, at(claim, offset)), &format!("{claim} {offset}")).await;
    }
    let exp = server.clock.now().as_secs() + 60;
    for exp in [json!(exp.to_string()), json!(-1), json!(1e300), json!([exp])] {
        fails(&server, &client.assertion(&server, json!({ "exp": exp })), &exp.to_string()).await;
    }
    fails(&server, &client.assertion(&server, json!({ "iat": "now" })), "iat").await;
    let exp = server.clock.now().as_secs() as f64 + 60.5;
    works(&server, &client.assertion(&server, json!({ "exp": exp }))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_30_an_assertion_works_once_also_in_a_race_and_after_a_restart() {
    let mut server = Server::durable("").await;
    let client = Client::new(&server).await;
    let assertion = client.assertion(&server, json!({}));
    works(&server, &assertion).await;
    fails(&server, &assertion, "the same again").await;
    let jti = json!({ "jti": crate::support::claims(&assertion)["jti"] });
    fails(&server, &client.assertion(&server, jti.clone()), "the same jti in another assertion").await;
    let other = Client::new(&server).await;
    works(&server, &other.assertion(&server, jti.clone())).await;
    assert!(server.metrics().await.contains("jeton_assertion_replays_total 2"));
    server.restart().await;
    fails(&server, &client.assertion(&server, jti), "after a restart").await;

    let raced = client.assertion(&server, json!({}));
    let fields = [GRANT, ("client_assertion_type", JWT_BEARER), ("client_assertion", raced.as_str())];
    let answers = race(server.public, 16, &fields).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == 401).count(), 15);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_31_algorithms_are_not_confused() {
    let server = Server::start().await;
    let client = Client::with(&server, "RS256", json!({})).await;
    for alg in ["none", "None", "nOnE", "NONE", ""] {
        let unsigned = client.headed(&server, json!({ "alg": alg }), json!({}));
        fails(&server, &unsigned, alg).await;
        let (input, _) = unsigned.rsplit_once('.').unwrap();
        fails(&server, &format!("{input}."), alg).await;
    }
    let jwk = client.key.jwk();
    let jwks = json!({ "keys": [jwk] }).to_string();
    for secret in [jwk.to_string(), jwks, jwk["n"].as_str().unwrap().to_owned(), String::new(), "x".repeat(64)] {
        let forger = Client { id: client.id.clone(), key: Signer::Secret(secret.into_bytes()), alg: "HS256" };
        fails(&server, &forger.assertion(&server, json!({})), "HS256").await;
    }
    // the header says another than was used
    let genuine = client.assertion(&server, json!({}));
    let (_, rest) = genuine.split_once('.').unwrap();
    for alg in ["PS256", "RS512", "ES256", "EdDSA"] {
        fails(&server, &format!("{}.{rest}", encode(json!({ "alg": alg }).to_string())), alg).await;
    }
    works(&server, &genuine).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_31_the_registered_algorithm_is_enforced() {
    let server = Server::start().await;
    let registered = json!({ "token_endpoint_auth_signing_alg": "PS256" });
    let mut client = Client::with(&server, "PS256", registered).await;
    works(&server, &client.assertion(&server, json!({}))).await;
    for alg in ["RS256", "PS384"] {
        client.alg = alg;
        fails(&server, &client.assertion(&server, json!({})), alg).await;
    }
    // so is the `alg` of the key
    let key = Signer::new("RS256");
    let mut jwk = key.jwk();
    jwk["alg"] = json!("PS256");
    let (id, _) = server.client(metadata(json!({ "jwks": { "keys": [jwk] } }))).await;
    let mut client = Client { id, key, alg: "RS256" };
    fails(&server, &client.assertion(&server, json!({})), "RS256").await;
    client.alg = "PS256";
    works(&server, &client.assertion(&server, json!({}))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_32_keys_of_the_header_are_not_trusted_and_nothing_is_fetched() {
    let trap = Arc::new(Trap::default());
    let server = Server::fetching(trap.clone()).await;
    let client = Client::new(&server).await;
    let forger = Client { id: client.id.clone(), key: Signer::new("ES256"), alg: "ES256" };
    let url = "https://keys.example/jwks";
    for header in [
        json!({ "jwk": forger.key.jwk() }),
        json!({ "jku": url }),
        json!({ "x5u": url }),
        json!({ "x5c": [encode("certificate")] }),
        json!({ "kid": "../../../etc/passwd" }),
        json!({ "kid": "' or 1=1 --" }),
        json!({ "kid": "k".repeat(8000) }),
        json!({ "kid": "\u{1F511}" }),
    ] {
        fails(&server, &forger.headed(&server, header.clone(), json!({})), &header.to_string()).await;
    }
    for header in [json!({ "crit": ["exp"] }), json!({ "b64": false }), json!({ "b64": false, "crit": ["b64"] })] {
        fails(&server, &client.headed(&server, header.clone(), json!({})), &header.to_string()).await;
    }
    assert_eq!(trap.0.load(Ordering::Relaxed), 0, "something was fetched");
    // it would have been noticed
    let (id, _) = server.client(metadata(json!({ "jwks_uri": url }))).await;
    let remote = Client { id, key: Signer::new("ES256"), alg: "ES256" };
    assert_eq!(ask(&server, &remote.assertion(&server, json!({}))).await.status, 503);
    assert_eq!(trap.0.load(Ordering::Relaxed), 1);
}

/// Counts what is fetched.
#[derive(Default)]
struct Trap(AtomicUsize);

impl Fetch for Trap {
    fn fetch<'a>(&'a self, _url: &'a Url) -> Fetching<'a> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(Err("a trap".to_owned())))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_34_our_own_tokens_are_no_assertions() {
    let server = Server::start().await;
    let client = server.web_client().await;
    let tokens = server.login(&client).await;
    for name in ["access_token", "id_token"] {
        fails(&server, tokens[name].as_str().unwrap(), name).await;
    }
    // nor is one whose subject is a client that signs
    let client = Client::new(&server).await;
    let token = ask(&server, &client.assertion(&server, json!({}))).await.get("access_token");
    assert_eq!(crate::support::claims(&token)["sub"], client.id.as_str());
    fails(&server, &token, "the client's own access token").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_35_a_jwe_is_refused() {
    let server = Server::start().await;
    let client = Client::new(&server).await;
    for alg in ["RSA1_5", "RSA-OAEP", "PBES2-HS256+A128KW", "dir", "ES256"] {
        let header = json!({ "alg": alg, "enc": "A128GCM", "zip": "DEF", "p2c": 10_000_000, "p2s": "AA" });
        let jwe = format!("{}.AA.AA.{}.AA", encode(header.to_string()), "A".repeat(1000));
        fails(&server, &jwe, alg).await;
        let fields = [
            GRANT,
            ("client_id", client.id.as_str()),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", &jwe),
        ];
        refused(&server.token(&fields).await, "invalid_client");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_36_both_names_of_ed25519_are_accepted_for_one_key() {
    let server = Server::start().await;
    let mut client = Client::with(&server, "EdDSA", json!({ "token_endpoint_auth_signing_alg": "Ed25519" })).await;
    for alg in ["EdDSA", "Ed25519"] {
        client.alg = alg;
        works(&server, &client.assertion(&server, json!({}))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_type_is_no_method_and_a_second_method_is_one_too_many() {
    let server = Server::start().await;
    let client = Client::new(&server).await;
    let assertion = client.assertion(&server, json!({}));
    let own = ("client_assertion", assertion.as_str());
    for kind in ["urn:ietf:params:oauth:client-assertion-type:saml2-bearer", "x"] {
        refused(&server.token(&[GRANT, own, ("client_assertion_type", kind)]).await, "invalid_client");
    }
    let kind = ("client_assertion_type", JWT_BEARER);
    for fields in [&[GRANT, own][..], &[GRANT, kind], &[GRANT, kind, ("client_id", &client.id)]] {
        refused(&server.token(fields).await, "invalid_client");
    }
    refused(&server.token(&[GRANT, own, kind, ("client_secret", "x")]).await, "invalid_request");
    let basic = [("Authorization", "Basic YTpi")];
    refused(&server.post("/oauth2/token", &basic, &[GRANT, own, kind]).await, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_72_metadata_with_wrong_keys_is_refused() {
    let server = Server::start().await;
    let jwk = Signer::new("ES256").jwk();
    let mut private = jwk.clone();
    private["d"] = json!("AQ");
    let small = json!({ "kty": "RSA", "n": encode([0xff; 128]), "e": "AQAB" });
    let set = |key: &Value| json!({ "jwks": { "keys": [key] } });
    for wrong in [
        json!({}),
        json!({ "jwks": {} }),
        json!({ "jwks": { "keys": [] } }),
        set(&private),
        set(&small),
        set(&json!({ "kty": "oct", "k": "AAAA" })),
        json!({ "jwks_uri": "http://client.example/jwks" }),
        json!({ "jwks_uri": "file:///etc/passwd" }),
        json!({ "jwks_uri": "https://user:password@client.example/jwks" }),
        json!({ "jwks_uri": "https://client.example/jwks", "jwks": { "keys": [jwk] } }),
        json!({ "jwks": { "keys": [jwk] }, "token_endpoint_auth_signing_alg": "HS256" }),
        json!({ "jwks": { "keys": [jwk] }, "token_endpoint_auth_signing_alg": "none" }),
        json!({ "jwks": { "keys": [jwk] }, "client_secret": "x" }),
    ] {
        let answer = server.admin("POST", "/issuers/main/clients", metadata(wrong.clone())).await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7515_4_a_repeated_member_of_a_client_assertion_is_refused_wherever_it_stands() {
    let server = Server::start().await;
    let client = Client::new(&server).await;
    let send = |header: &str, more: &str| {
        let mut payload = client.claims(&server).to_string();
        payload.insert_str(payload.len() - 1, more);
        client.key.jws_text(client.alg, header, &payload)
    };
    const HEADER: &str = r#"{"alg":"ES256"}"#;
    works(&server, &send(HEADER, r#","note":{"a":1}"#)).await;
    for more in
        [r#","sub":"x""#, r#","note":1,"note":1"#, r#","note":{"a":1,"a":2}"#, r#","note":[{"a":1,"\u0061":2}]"#]
    {
        fails(&server, &send(HEADER, more), more).await;
    }
    for header in
        [r#"{"alg":"ES256","alg":"ES256"}"#, r#"{"alg":"ES256","x":1,"x":1}"#, r#"{"alg":"ES256","x":{"a":1,"a":1}}"#]
    {
        fails(&server, &send(header, ""), header).await;
    }
}

/// Its owner is there and can mend it, and nobody relies on the set yet.
#[tokio::test(flavor = "multi_thread")]
async fn rfc7591_2_a_key_that_is_registered_and_cannot_be_used_is_named() {
    let server = Server::start().await;
    let good = Signer::new("ES256").jwk();
    let weak = json!({ "kty": "RSA", "n": encode([0xff; 128]), "e": "AQAB" });
    for (bad, named) in
        [(weak, "keys[1]"), (json!("key"), "keys[1]"), (json!({ "kty": "RSA", "x5c": ["MIIB"] }), "keys[1]")]
    {
        let set = json!({ "jwks": { "keys": [good, bad] } });
        let answer = server.admin("POST", "/issuers/main/clients", metadata(set)).await;
        assert!(answer.status == 400 && answer.text().contains(named), "{}", answer.text());
    }
    let many = json!({ "jwks": { "keys": vec![good.clone(); 17] } });
    assert_eq!(server.admin("POST", "/issuers/main/clients", metadata(many)).await.status, 400);
    // what is for something else is passed over, as RFC 7517 section 5 has it
    let mixed = json!({ "jwks": { "keys": [{ "kty": "XYZ" }, good] } });
    assert_eq!(server.admin("POST", "/issuers/main/clients", metadata(mixed)).await.status, 201);
}
