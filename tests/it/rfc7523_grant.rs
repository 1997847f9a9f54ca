//! RFC 7523 section 2.1, CHECKLIST 26-33 as far as they concern an assertion as a grant.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};

use crate::support::{Answer, Server, claims};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const PARTNER: &str = "https://partner.example";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn settings(more: &str) -> String {
    let x = URL_SAFE_NO_PAD.encode(key(1).verifying_key().as_bytes());
    format!(
        r#"
        grant_types = ["{GRANT}", "client_credentials"]
        [[issuers.main.trusted_issuers]]
        issuer = "{PARTNER}"
        scopes = "api:read"
        jwks = {{ keys = [{{ kty = "OKP", crv = "Ed25519", alg = "EdDSA", kid = "one", x = "{x}" }}] }}
        {more}
        "#
    )
}

struct World {
    server: Server,
    client: (String, String),
}

impl World {
    async fn start() -> Self {
        Self::on(Server::with(&settings("")).await).await
    }

    async fn on(server: Server) -> Self {
        let client = server
            .client(json!({
                "token_endpoint_auth_method": "client_secret_post", "grant_types": [GRANT],
                "scope": "openid api:read api:write",
            }))
            .await;
        Self { server, client }
    }

    /// The claims of a good assertion, with `more` merged in; `null` takes a claim away.
    fn claims(&self, more: Value) -> Value {
        let now = self.server.clock.now().as_secs();
        let mut claims = json!({
            "iss": PARTNER, "sub": "alice", "aud": format!("http://{}", self.server.public),
            "exp": now + 60, "iat": now, "jti": format!("{:?}", jeton::Id::random()),
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        claims
    }

    async fn send(&self, assertion: &str, more: &[(&str, &str)]) -> Answer {
        let mut fields = vec![
            ("grant_type", GRANT),
            ("client_id", self.client.0.as_str()),
            ("client_secret", self.client.1.as_str()),
            ("assertion", assertion),
        ];
        fields.extend_from_slice(more);
        self.server.token(&fields).await
    }

    async fn send_claims(&self, more: Value) -> Answer {
        self.send(&sign(json!({ "alg": "EdDSA", "kid": "one" }), &self.claims(more), 1), &[]).await
    }
}

fn sign(header: Value, claims: &Value, seed: u8) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", part(&header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(key(seed).sign(input.as_bytes()).to_bytes());
    format!("{input}.{signature}")
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_71_an_assertion_of_a_trusted_issuer_gives_an_access_token_about_its_subject_and_nothing_else() {
    let world = World::start().await;
    let answer = world.send_claims(json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["scope"], "api:read", "what the partner may grant");
    assert!(body.get("refresh_token").is_none() && body.get("id_token").is_none());
    let token = claims(&answer.get("access_token"));
    assert_eq!((&token["sub"], &token["client_id"]), (&json!("alice"), &json!(world.client.0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_71_an_assertion_gives_no_scope_of_a_login_however_the_issuer_calls_it() {
    let renamed = "scopes = \"openid offline_access offline api:read api:write\"\noffline_scope = \"offline\"\n";
    let settings = settings("").replace("scopes = \"api:read\"", "scopes = \"openid offline_access offline api:read\"");
    let mut world = World::on(Server::with(&format!("{renamed}{settings}")).await).await;
    let scope = "openid offline_access offline api:read";
    world.client = world
        .server
        .client(json!({
            "token_endpoint_auth_method": "client_secret_post", "grant_types": [GRANT], "scope": scope,
        }))
        .await;
    let answer = world.send_claims(json!({})).await;
    assert_eq!((answer.status, answer.get("scope").as_str()), (200, "api:read"), "{}", answer.text());
    let assertion = sign(json!({ "alg": "EdDSA", "kid": "one" }), &world.claims(json!({})), 1);
    let answer = world.send(&assertion, &[("scope", "offline")]).await;
    assert_eq!((answer.status, answer.error().as_str()), (400, "invalid_scope"));
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_26_29_claims_that_are_missing_wrong_or_out_of_time_are_refused() {
    let world = World::start().await;
    let now = world.server.clock.now().as_secs();
    for wrong in [
        json!({ "iss": null }),
        json!({ "iss": "https://other.example" }),
        json!({ "sub": null }),
        json!({ "sub": "" }),
        json!({ "sub": 7 }),
        json!({ "aud": null }),
        json!({ "aud": "https://other.example" }),
        json!({ "aud": [format!("http://{}", world.server.public), "https://other.example"] }),
        json!({ "exp": null }),
        json!({ "exp": now }),
        json!({ "exp": now + 3601 }),
        json!({ "exp": format!("{}", now + 60) }),
        json!({ "iat": now + 61 }),
        json!({ "nbf": now + 61 }),
        json!({ "nbf": "soon" }),
        json!({ "jti": null }),
        json!({ "jti": "" }),
        json!({ "jti": "x".repeat(257) }),
    ] {
        let answer = world.send_claims(wrong.clone()).await;
        assert_eq!((answer.status, answer.error().as_str()), (400, "invalid_grant"), "{wrong}");
    }
    for right in [json!({ "iat": now + 10, "nbf": now + 10 }), json!({ "exp": now + 3600 }), json!({ "iat": null })] {
        assert_eq!(world.send_claims(right.clone()).await.status, 200, "{right}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_30_an_assertion_works_once_also_after_a_restart_and_a_mistake_beside_it_does_not_use_it_up() {
    let mut world = World::on(Server::durable(&settings("")).await).await;
    let assertion = sign(json!({ "alg": "EdDSA", "kid": "one" }), &world.claims(json!({})), 1);
    world.send(&assertion, &[("scope", "api:write")]).await.refused(400, "invalid_scope");
    world.send(&assertion, &[("resource", "https://elsewhere.example")]).await.refused(400, "invalid_target");
    assert_eq!(world.send(&assertion, &[]).await.status, 200);
    world.send(&assertion, &[]).await.refused(400, "invalid_grant");
    world.server.restart().await;
    world.send(&assertion, &[]).await.refused(400, "invalid_grant");
    world.server.clock.advance(Duration::from_secs(59));
    world.server.sweep().await;
    world.send(&assertion, &[]).await.refused(400, "invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_31_33_algorithms_and_keys_come_from_the_settings_only() {
    let world = World::start().await;
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(key(2).verifying_key().as_bytes()) });
    let claims = || world.claims(json!({}));
    for (header, seed) in [
        (json!({ "alg": "EdDSA", "kid": "one" }), 2),
        (json!({ "alg": "EdDSA", "kid": "one", "jwk": jwk }), 2),
        (json!({ "alg": "EdDSA", "jwk": jwk }), 2),
        (json!({ "alg": "EdDSA", "kid": "two" }), 1),
        (json!({ "alg": "EdDSA", "kid": "../one" }), 1),
        (json!({ "alg": "none" }), 1),
        (json!({ "alg": "HS256", "kid": "one" }), 1),
        (json!({ "alg": "ES256", "kid": "one" }), 1),
        (json!({ "alg": "EdDSA", "kid": "one", "crit": ["b64"], "b64": false }), 1),
        (json!({ "alg": "EdDSA", "kid": "one", "typ": "at+jwt" }), 1),
    ] {
        let answer = world.send(&sign(header.clone(), &claims(), seed), &[]).await;
        assert_eq!((answer.status, answer.error().as_str()), (400, "invalid_grant"), "{header}");
    }
    assert_eq!(world.send(&sign(json!({ "alg": "EdDSA", "typ": "JWT" }), &claims(), 1), &[]).await.status, 200);
    world.send("", &[]).await.refused(400, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7523_3_the_operator_maps_subject_and_audience() {
    let world = World::on(Server::with(&settings("audience = \"jeton\"\nsubject_claim = \"email\"")).await).await;
    let answer = world.send_claims(json!({ "aud": "jeton", "email": "a@b.example" })).await;
    assert_eq!(claims(&answer.get("access_token"))["sub"], "a@b.example");
    world.send_claims(json!({ "email": "a@b.example" })).await.refused(400, "invalid_grant");
    world.send_claims(json!({ "aud": "jeton" })).await.refused(400, "invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7519_2_dates_of_an_assertion_may_have_a_fraction_or_an_exponent() {
    let world = World::start().await;
    let now = world.server.clock.now().as_secs();
    let send = async |exp: &str, more: &str| {
        let (aud, jti) = (format!("http://{}", world.server.public), format!("{:?}", jeton::Id::random()));
        let payload = format!(r#"{{"iss":"{PARTNER}","sub":"alice","aud":"{aud}","jti":"{jti}","exp":{exp}{more}}}"#);
        world.send(&sign_text(r#"{"alg":"EdDSA","kid":"one"}"#, &payload), &[]).await.status
    };
    let near = now + 59;
    // the clock of the tests begins at a round number of seconds
    let exponent = format!("{}e1", (now + 60) / 10);
    for right in [format!("{near}.5"), format!("{near}.0"), format!("{near}e0"), exponent] {
        assert_eq!(send(&right, "").await, 200, "{right}");
    }
    assert_eq!(send(&format!("{near}.5"), &format!(r#","iat":{now}.25,"nbf":{now}.75"#)).await, 200);
    for wrong in [
        format!("-{near}"),
        format!("\"{near}\""),
        "1e300".to_owned(),
        "1e999".to_owned(),
        "null".to_owned(),
        "[1]".to_owned(),
        "true".to_owned(),
        format!("{now}.0"),
        format!("{}.5", now - 1),
    ] {
        assert_eq!(send(&wrong, "").await, 400, "{wrong}");
    }
    for wrong in [r#","iat":-1"#, r#","iat":"0""#, r#","nbf":1e300"#, r#","nbf":-0.5"#] {
        assert_eq!(send(&near.to_string(), wrong).await, 400, "{wrong}");
    }
}

/// A signed assertion with exactly these bytes.
fn sign_text(header: &str, payload: &str) -> String {
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = URL_SAFE_NO_PAD.encode(key(1).sign(input.as_bytes()).to_bytes());
    format!("{input}.{signature}")
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7515_4_a_repeated_member_of_an_assertion_is_refused_wherever_it_stands() {
    let world = World::start().await;
    let exp = world.server.clock.now().as_secs() + 60;
    let aud = format!("http://{}", world.server.public);
    let send = async |header: &str, more: &str| {
        let jti = format!("{:?}", jeton::Id::random());
        let payload = format!(r#"{{"iss":"{PARTNER}","sub":"alice","aud":"{aud}","jti":"{jti}","exp":{exp}{more}}}"#);
        world.send(&sign_text(header, &payload), &[]).await
    };
    const HEADER: &str = r#"{"alg":"EdDSA","kid":"one"}"#;
    assert_eq!(send(HEADER, r#","address":{"street":"x"}"#).await.status, 200);
    for more in [
        r#","sub":"bob""#,
        r#","s\u0075b":"bob""#,
        r#","exp":1"#,
        r#","email":"a","email":"b""#,
        r#","address":{"street":"x","street":"y"}"#,
        r#","list":[{"a":1,"a":1}]"#,
    ] {
        send(HEADER, more).await.refused(400, "invalid_grant");
    }
    for header in [r#"{"alg":"EdDSA","alg":"EdDSA","kid":"one"}"#, r#"{"alg":"EdDSA","kid":"one","x":{"a":1,"a":2}}"#] {
        send(header, "").await.refused(400, "invalid_grant");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7517_5_an_unusable_key_of_a_trusted_issuer_does_not_spoil_the_others() {
    let weak = URL_SAFE_NO_PAD.encode([0xff; 128]);
    let others = format!(
        r#"jwks = {{ keys = [{{ kty = "RSA", alg = "RS256", kid = "weak", n = "{weak}", e = "AQAB" }}, {{ kty = "XYZ", alg = "RS256", kid = "y" }}, {{ kty = "OKP","#
    );
    let settings = settings("").replace("jwks = { keys = [{ kty = \"OKP\",", &others);
    assert!(settings.contains("weak"), "{settings}");
    let world = World::on(Server::with(&settings).await).await;
    assert_eq!(world.send_claims(json!({})).await.status, 200);
    let issuer = world.server.daemon().service().registry.issuer("main").unwrap();
    let told = issuer.skipped_keys();
    assert!(
        told.len() == 2 && told[0].contains("issuers.main.trusted_issuers") && told[0].contains("keys[0]"),
        "{told:?}"
    );
}

#[test]
fn rfc7517_4_what_a_key_in_the_settings_says_wrong_of_itself_is_said() {
    use jeton::internals::{FederatedProvider, Provider, ProviderTrust, Trusted};

    let set = |more: Value| {
        let x = URL_SAFE_NO_PAD.encode(key(1).verifying_key().as_bytes());
        let good = json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "alg": "EdDSA", "use": "sig" });
        let mut other = good.clone();
        other.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "keys": [good, other] })
    };
    let trusted = |more: Value| {
        Trusted::new(&serde_json::from_value(json!({ "issuer": PARTNER, "jwks": set(more) })).unwrap())
            .map(|own| own.skipped.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let provider = |more: Value| {
        let settings = json!({ "type": "oidc", "name": "k8s", "issuer": PARTNER, "jwks": set(more) });
        let settings: FederatedProvider = serde_json::from_value(settings).unwrap();
        match Provider::new(&settings, "https://id.example").unwrap().trust {
            ProviderTrust::Tokens(own) => own.skipped.iter().map(ToString::to_string).collect::<Vec<_>>(),
            _ => Vec::new(),
        }
    };
    let says = |told: &[String], what: &str| {
        assert!(told.len() == 1 && told[0].starts_with("keys[1]") && told[0].contains(what), "{told:?}");
    };
    // one that everybody knows and that is for something else is no mistake
    assert_eq!((trusted(json!({ "use": "enc" })), provider(json!({ "use": "enc" }))), (Ok(vec![]), vec![]));
    says(&trusted(json!({ "use": "signature" })).unwrap(), "`use` signature");
    says(&provider(json!({ "use": "signature" })), "`use` signature");
    says(&provider(json!({ "alg": "EDDSA" })), "`alg` EDDSA");
    let refused = trusted(json!({ "alg": "EDDSA" })).unwrap_err();
    assert!(refused.contains("keys[1]") && refused.contains("`alg` EDDSA"), "{refused}");
}

/// With typ JWT an access token of another jeton would otherwise be an assertion.
#[tokio::test(flavor = "multi_thread")]
async fn checklist_34_an_access_token_of_another_issuer_is_no_assertion_whatever_its_typ() {
    let world = World::start().await;
    let jti = jeton::internals::Jti::new(world.server.clock.now(), Default::default(), None).encode();
    for typ in ["at+jwt", "JWT"] {
        let claims = world.claims(json!({ "jti": jti, "client_id": "theirs", "scope": "api:read" }));
        let token = sign(json!({ "alg": "EdDSA", "kid": "one", "typ": typ }), &claims, 1);
        world.send(&token, &[]).await.refused(400, "invalid_grant");
    }
    assert_eq!(world.send_claims(json!({ "jti": jti })).await.status, 200, "no access token");
}
