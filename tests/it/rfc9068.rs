//! RFC 9068, RFC 8707, OpenID Connect Core sections 2, 3.1.3.6 and 12.2, RFC 7517, CHECKLIST F: what is signed, with
//! which key, and where the key is found. Signatures are checked by `support::verify`, which shares no code with us.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::http::request;
use crate::support::verify::{at_hash, verify};
use crate::support::{Server, claims, header, refused, web_metadata};

const MINUTE: Duration = Duration::from_secs(60);
const ALL: &str = "algorithms = [\"EdDSA\", \"RS256\", \"ES256\", \"PS256\"]";

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name} in {tokens}"))
}

/// The keys, once the first of RSA are there: a set that is not whole may not be kept.
async fn jwks(server: &Server) -> Value {
    server.jwks().await.json()
}

fn now(server: &Server) -> u64 {
    server.clock.now().as_secs()
}

async fn own_token(server: &Server, client: &(String, String), more: &[(&str, &str)]) -> crate::support::Answer {
    let mut fields =
        vec![("grant_type", "client_credentials"), ("client_id", client.0.as_str()), ("client_secret", &client.1)];
    fields.extend_from_slice(more);
    server.token(&fields).await
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_60_an_access_token_has_exactly_the_header_and_claims_of_rfc_9068() {
    let server = Server::start().await;
    let (service, web) = (server.service_client().await, server.web_client().await);
    let issuer = format!("http://{}", server.public);
    let keys = jwks(&server).await;
    let token = own_token(&server, &service, &[]).await.get("access_token");
    let kid = header(&token)["kid"].clone();
    assert_eq!(header(&token), json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": kid }));
    let claims = verify(&token, &keys).unwrap();
    assert_eq!(
        claims,
        json!({
            "iss": issuer, "sub": service.0, "aud": issuer, "client_id": service.0,
            "iat": now(&server), "exp": now(&server) + 600, "jti": claims["jti"], "scope": "api:read api:write",
        })
    );
    let login = server.login_with(&web, json!({ "auth_time": 1_899_999_000, "acr": "gold", "amr": ["pwd", "otp"], "nonce": "n", "claims": { "access_token": { "tenant": 7 } } })).await;
    let refreshed = server.refresh(&web, text(&login, "refresh_token")).await.json();
    for tokens in [&login, &refreshed] {
        let claims = verify(text(tokens, "access_token"), &keys).unwrap();
        assert_eq!(
            claims,
            json!({
                "iss": issuer, "sub": "alice", "aud": issuer, "client_id": web.0,
                "iat": now(&server), "exp": now(&server) + 600, "jti": claims["jti"],
                "scope": "openid offline_access api:read",
                "auth_time": 1_899_999_000, "acr": "gold", "amr": ["pwd", "otp"], "tenant": 7,
            })
        );
    }
    assert_ne!(
        self::claims(text(&login, "access_token"))["jti"],
        self::claims(text(&refreshed, "access_token"))["jti"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_60_claims_of_the_protocol_cannot_be_set_by_a_portal() {
    let server = Server::start().await;
    let web = server.web_client().await;
    for claim in jeton::internals::PROTOCOL_CLAIMS.into_iter().chain(["at_hash", "token_type"]) {
        for token in ["access_token", "id_token"] {
            let answer = server.code_answer(&web.0, json!({ "claims": { token: { claim: "mine" } } })).await;
            assert_eq!(answer.status, 400, "{claim} in {token}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_60_access_tokens_are_signed_with_the_registered_algorithm() {
    let server = Server::with(ALL).await;
    let keys = jwks(&server).await;
    for alg in ["EdDSA", "RS256", "ES256", "PS256"] {
        let client = server
            .client(json!({
                "token_endpoint_auth_method": "client_secret_post", "grant_types": ["client_credentials"],
                "scope": "api:read", "jeton": { "access_token_signed_response_alg": alg },
            }))
            .await;
        let token = own_token(&server, &client, &[]).await.get("access_token");
        assert_eq!(header(&token)["alg"], alg);
        verify(&token, &keys).unwrap();
        assert_eq!(server.introspect(&client, &token).await["active"], true);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_61_tokens_are_restricted_to_the_resources_asked_for_and_an_unknown_one_is_invalid_target() {
    let server = Server::start().await;
    let service = server.service_client().await;
    let (api, files) = (("resource", "https://api.example"), ("resource", "https://files.example"));
    for (asked, aud) in [
        (&[][..], json!(format!("http://{}", server.public))),
        (&[api], json!("https://api.example")),
        (&[api, api], json!("https://api.example")),
        (&[files, api], json!(["https://files.example", "https://api.example"])),
    ] {
        let token = own_token(&server, &service, asked).await.get("access_token");
        assert_eq!(claims(&token)["aud"], aud);
    }
    for bad in [
        "https://unknown.example",
        "https://api.example/",
        "https://api.example/x",
        "https://API.example",
        "https://api.example#fragment",
        "api.example",
        "//api.example",
        "*",
    ] {
        refused(&own_token(&server, &service, &[("resource", bad)]).await, "invalid_target");
        refused(&own_token(&server, &service, &[api, ("resource", bad)]).await, "invalid_target");
        let web = server.web_client().await;
        assert_eq!(server.code_answer(&web.0, json!({ "resource": bad })).await.status, 400, "{bad}");
    }
    let narrow = server
        .client(json!({
            "token_endpoint_auth_method": "client_secret_post", "grant_types": ["client_credentials"],
            "jeton": { "resources": ["https://files.example"] },
        }))
        .await;
    refused(&own_token(&server, &narrow, &[api]).await, "invalid_target");
    assert_eq!(own_token(&server, &narrow, &[files]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_61_the_default_audience_follows_the_issuer() {
    let server = Server::with("default_audience = \"https://api.example\"").await;
    let service = server.service_client().await;
    let token = own_token(&server, &service, &[]).await.get("access_token");
    assert_eq!(claims(&token)["aud"], "https://api.example");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_62_an_id_token_is_what_openid_connect_core_says_on_code_and_on_refresh() {
    let server = Server::with(ALL).await;
    let keys = jwks(&server).await;
    let issuer = server.get("/.well-known/openid-configuration").await.get("issuer");
    for alg in ["RS256", "ES256", "EdDSA", "PS256"] {
        let mut metadata = web_metadata();
        metadata["id_token_signed_response_alg"] = json!(alg);
        metadata["jeton"] = json!({ "id_token_lifetime": 300 });
        let web = server.client(metadata).await;
        let more = json!({
            "nonce": "n-0S6_WzA2Mj", "auth_time": 1_899_999_000, "acr": "urn:mace:gold", "amr": ["pwd"],
            "claims": { "id_token": { "email": "alice@example.org" } },
        });
        let login = server.login_with(&web, more).await;
        let at_code = now(&server);
        server.advance(MINUTE).await;
        let refreshed = server.refresh(&web, text(&login, "refresh_token")).await.json();
        let narrowed =
            server.refresh_with(&web, text(&refreshed, "refresh_token"), &[("scope", "openid")]).await.json();
        for (tokens, iat, nonce) in
            [(&login, at_code, true), (&refreshed, now(&server), false), (&narrowed, now(&server), false)]
        {
            let token = text(tokens, "id_token");
            assert_eq!(header(token), json!({ "alg": alg, "typ": "JWT", "kid": header(token)["kid"] }));
            let mut expected = json!({
                "iss": issuer, "sub": "alice", "aud": web.0, "azp": web.0, "iat": iat, "exp": iat + 300,
                "auth_time": 1_899_999_000, "acr": "urn:mace:gold", "amr": ["pwd"],
                "at_hash": at_hash(text(tokens, "access_token"), alg), "email": "alice@example.org",
            });
            if nonce {
                expected["nonce"] = json!("n-0S6_WzA2Mj");
            }
            assert_eq!(verify(token, &keys).unwrap(), expected, "{alg}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_62_id_tokens_are_rs256_unless_registered_otherwise_and_only_for_openid() {
    let server = Server::with("algorithms = [\"EdDSA\", \"RS256\"]\nid_token_alg = \"RS256\"").await;
    let web = server.web_client().await;
    let login = server.login(&web).await;
    assert_eq!(header(text(&login, "id_token"))["alg"], "RS256");
    let claims = verify(text(&login, "id_token"), &jwks(&server).await).unwrap();
    for absent in ["nonce", "auth_time", "acr", "amr"] {
        assert!(claims.get(absent).is_none(), "{absent} was not given");
    }
    let without = server.login_with(&web, json!({ "scope": "offline_access api:read" })).await;
    assert!(without.get("id_token").is_none());
    let refreshed = server.refresh(&web, text(&without, "refresh_token")).await.json();
    assert!(refreshed.get("id_token").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_62_a_subject_has_at_most_255_printable_ascii_characters() {
    let server = Server::start().await;
    let web = server.web_client().await;
    for (subject, status) in [
        ("a".repeat(255), 201),
        ("a".repeat(256), 400),
        (String::new(), 400),
        ("al\u{ef}ce".to_owned(), 400),
        ("a\nb".to_owned(), 400),
    ] {
        assert_eq!(server.code_answer(&web.0, json!({ "subject": subject })).await.status, status, "{subject:?}");
    }
}

/// RFC 7638, from the JSON alone.
fn thumbprint(key: &Value) -> String {
    let members: &[&str] = match key["kty"].as_str().unwrap() {
        "OKP" => &["crv", "kty", "x"],
        "EC" => &["crv", "kty", "x", "y"],
        _ => &["e", "kty", "n"],
    };
    let members: Vec<String> = members.iter().map(|name| format!("\"{name}\":{}", key[name])).collect();
    URL_SAFE_NO_PAD.encode(digest(&SHA256, format!("{{{}}}", members.join(",")).as_bytes()))
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_63_the_jwks_has_public_members_only_unique_kids_use_and_alg() {
    let server = Server::with(ALL).await;
    server.admin("POST", "/issuers/main/keys/rotate", json!({})).await;
    let keys = jwks(&server).await;
    let keys = keys["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 8, "one that signs and one announced of each");
    let mut kids = HashSet::new();
    for key in keys {
        let names: BTreeSet<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
        let expected: &[&str] = match (key["kty"].as_str().unwrap(), key["alg"].as_str().unwrap()) {
            ("OKP", "EdDSA") => &["kty", "crv", "x", "kid", "use", "alg"],
            ("EC", "ES256") => &["kty", "crv", "x", "y", "kid", "use", "alg"],
            ("RSA", "RS256" | "PS256") => &["kty", "n", "e", "kid", "use", "alg"],
            other => panic!("{other:?}"),
        };
        assert_eq!(names, expected.iter().copied().collect());
        assert_eq!((&key["use"], key["kid"].as_str().unwrap()), (&json!("sig"), thumbprint(key).as_str()));
        assert!(kids.insert(key["kid"].to_string()));
    }
}

/// The states of an issuer's keys of one algorithm by kid, as the operator sees them.
async fn states(server: &Server, alg: &str) -> HashMap<String, String> {
    let keys = server.admin("GET", "/issuers/main/keys", Value::Null).await.json();
    let own = keys["keys"].as_array().unwrap().iter().filter(|key| key["alg"] == alg);
    own.map(|key| (key["kid"].as_str().unwrap().to_owned(), key["state"].as_str().unwrap().to_owned())).collect()
}

const ROTATING: &str = r#"
key_announce = "1h"
key_period = "4h"
access_token_lifetime = "1h"
id_token_lifetime = "1h"
longest_access_token = "1h"
"#;

fn max_age(answer: &crate::support::Answer) -> u64 {
    let cache = answer.header("Cache-Control").unwrap();
    cache.strip_prefix("public, max-age=").unwrap_or_else(|| panic!("{cache}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_63_every_token_verifies_with_the_jwks_of_any_moment_of_its_life_and_with_any_fresh_copy() {
    let server = Server::with(ROTATING).await;
    jwks(&server).await;
    let web = server.web_client().await;
    let mut alive: Vec<(String, u64)> = Vec::new();
    let mut caches: Vec<(Value, u64)> = Vec::new();
    let mut signers = HashSet::new();
    server.jwks().await;
    for _ in 0..(30 * 60 / 5) {
        let answer = server.get("/oauth2/jwks").await;
        assert_eq!(max_age(&answer), 1800, "half the announcement");
        let keys = answer.json();
        assert!(keys["keys"].as_array().unwrap().len() <= 6, "old keys are dropped");
        caches.retain(|(_, until)| now(&server) < *until);
        caches.push((keys.clone(), now(&server) + 1800));
        let tokens = server.login(&web).await;
        for name in ["access_token", "id_token"] {
            let token = text(&tokens, name).to_owned();
            for (cached, _) in &caches {
                verify(&token, cached).expect("a verifier that cached the keys knows the new one");
            }
            signers.insert(header(&token)["kid"].to_string());
            alive.push((token, now(&server) + 3600));
        }
        alive.retain(|(_, exp)| now(&server) < *exp);
        for (token, _) in &alive {
            verify(token, &keys).expect("the key of a live token is published");
        }
        server.advance(MINUTE * 5).await;
    }
    assert!(signers.len() >= 14, "seven rotations of two algorithms: {}", signers.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_63_a_key_is_announced_signs_retires_and_is_dropped() {
    let server = Server::with(ROTATING).await;
    let service = server.service_client().await;
    let signer = async || header(&own_token(&server, &service, &[]).await.get("access_token"))["kid"].clone();
    let first = states(&server, "EdDSA").await.into_keys().next().unwrap();
    assert_eq!(states(&server, "EdDSA").await, HashMap::from([(first.clone(), "signing".to_owned())]));
    server.advance(MINUTE * 179).await;
    assert_eq!(states(&server, "EdDSA").await.len(), 1);
    server.advance(MINUTE).await;
    let both = states(&server, "EdDSA").await;
    let second = both.keys().find(|kid| **kid != first).expect("announced an hour before").clone();
    assert_eq!((both[&first].as_str(), both[&second].as_str()), ("signing", "announced"));
    assert!(jwks(&server).await.to_string().contains(&second), "published before it signs");
    server.advance(MINUTE * 60 - Duration::from_millis(1)).await;
    assert_eq!(signer().await, json!(first));
    // to the millisecond, and without anybody having to look: the clock only
    server.clock.advance(Duration::from_millis(1));
    assert_eq!(signer().await, json!(second));
    let both = states(&server, "EdDSA").await;
    assert_eq!((both[&first].as_str(), both[&second].as_str()), ("retired", "signing"));
    // an hour for the last token, two minutes for clocks
    server.advance(MINUTE * 62 - Duration::from_millis(1)).await;
    assert!(jwks(&server).await.to_string().contains(&first));
    server.advance(Duration::from_millis(1)).await;
    assert!(!jwks(&server).await.to_string().contains(&first));
    assert_eq!(states(&server, "EdDSA").await, HashMap::from([(second, "signing".to_owned())]));
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_63_a_rotation_on_request_is_announced_and_an_emergency_signs_at_once() {
    let server = Server::with(ROTATING).await;
    let service = server.service_client().await;
    let signer = async || header(&own_token(&server, &service, &[]).await.get("access_token"))["kid"].clone();
    let old = own_token(&server, &service, &[]).await.get("access_token");
    let rotate = async |body: Value| {
        let answer = server.admin("POST", "/issuers/main/keys/rotate", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer
    };
    let first = signer().await;
    for _ in 0..3 {
        rotate(json!({ "alg": "EdDSA" })).await;
        assert_eq!(states(&server, "EdDSA").await.len(), 2, "one successor, however often it is asked for");
        assert_eq!(states(&server, "ES256").await.len(), 1);
        assert_eq!(signer().await, first);
    }
    let answer = rotate(json!({ "alg": "EdDSA", "emergency": true })).await;
    for private in ["\"d\"", "sealed", "pkcs8", "\"p\"", "\"q\""] {
        assert!(!answer.text().contains(private), "no private part: {private}");
    }
    let emergency = signer().await;
    assert_ne!(emergency, first);
    let keys = jwks(&server).await;
    assert_eq!(claims(&old), verify(&old, &keys).unwrap(), "what the old key signed is still checked");
    verify(&own_token(&server, &service, &[]).await.get("access_token"), &keys).unwrap();
    assert_eq!(server.admin("POST", "/issuers/main/keys/rotate", json!({ "alg": "RS256" })).await.status, 400);
    assert_eq!(server.admin("POST", "/issuers/main/keys/rotate", json!({ "alg": "none" })).await.status, 400);
    assert_eq!(server.admin("POST", "/issuers/main/keys/rotate", json!({ "algo": "EdDSA" })).await.status, 400);
    // whatever was announced before, the emergency key goes on
    server.advance(MINUTE * 61).await;
    assert_eq!(signer().await, emergency);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_63_a_stolen_key_is_withdrawn_with_what_it_signed_also_after_a_restart() {
    let mut server = Server::durable(ROTATING).await;
    let service = server.service_client().await;
    let forged = own_token(&server, &service, &[]).await.get("access_token");
    let answer = server.admin("POST", "/issuers/main/keys/rotate", json!({ "alg": "EdDSA", "withdraw": true })).await;
    assert_eq!((answer.status, answer.json()["keys"].as_array().unwrap().len()), (200, 1), "{}", answer.text());
    for _ in 0..2 {
        assert!(verify(&forged, &jwks(&server).await).is_err(), "its key is not published any more");
        assert_eq!(server.introspect(&service, &forged).await["active"], false);
        let token = own_token(&server, &service, &[]).await.get("access_token");
        verify(&token, &jwks(&server).await).unwrap();
        assert_eq!(server.introspect(&service, &token).await["active"], true);
        server.restart().await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_63_keys_outlast_a_restart() {
    let mut server = Server::durable(ROTATING).await;
    let service = server.service_client().await;
    let token = own_token(&server, &service, &[]).await.get("access_token");
    let before = jwks(&server).await;
    server.restart().await;
    assert_eq!(jwks(&server).await, before);
    verify(&token, &jwks(&server).await).unwrap();
    assert_eq!(server.introspect(&service, &token).await["active"], true);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_63_the_jwks_is_cached_by_etag_until_it_changes() {
    let server = Server::with(ROTATING).await;
    let first = server.jwks().await;
    let etag = first.header("ETag").unwrap().to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"') && etag.len() > 10, "{etag}");
    assert_eq!(first.header("Content-Type"), Some("application/json"));
    let ask = async |value: &str| request(server.public, "GET", "/oauth2/jwks", &[("If-None-Match", value)], b"").await;
    for same in [etag.clone(), format!("W/{etag}"), format!("\"other\", {etag}"), "*".to_owned()] {
        let answer = ask(&same).await;
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{same}");
        assert_eq!(answer.header("ETag"), Some(etag.as_str()));
        assert_eq!(max_age(&answer), 1800);
    }
    for other in ["\"other\"", &etag[1..etag.len() - 1], ""] {
        assert_eq!(ask(other).await.status, 200, "{other}");
    }
    server.admin("POST", "/issuers/main/keys/rotate", json!({ "alg": "EdDSA" })).await;
    let changed = ask(&etag).await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("ETag"), Some(etag.as_str()));
    assert_eq!(changed.json()["keys"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9068_2_1_the_typ_of_access_tokens_can_be_jwt_per_issuer_and_client() {
    for (issuer, client, typ) in [
        ("", Value::Null, "at+jwt"),
        ("", json!("JWT"), "JWT"),
        ("access_token_typ = \"JWT\"", Value::Null, "JWT"),
        ("access_token_typ = \"JWT\"", json!("at+jwt"), "at+jwt"),
    ] {
        let server = Server::with(issuer).await;
        let mut metadata = web_metadata();
        if !client.is_null() {
            metadata["jeton"] = json!({ "access_token_typ": client });
        }
        let web = server.client(metadata).await;
        let login = server.login(&web).await;
        let refreshed = server.refresh(&web, text(&login, "refresh_token")).await.json();
        for tokens in [&login, &refreshed] {
            let access = text(tokens, "access_token");
            assert_eq!(header(access)["typ"], typ, "{issuer} {client}");
            verify(access, &jwks(&server).await).unwrap();
            assert_eq!(header(text(tokens, "id_token"))["typ"], "JWT");
        }
    }
    let server = Server::start().await;
    for wrong in ["jwt", "at+JWT", "", "JOSE"] {
        let mut metadata = web_metadata();
        metadata["jeton"] = json!({ "access_token_typ": wrong });
        assert_eq!(server.admin("POST", "/issuers/main/clients", metadata).await.status, 400, "{wrong}");
    }
}

/// A token must not look like an ID token to the client that it is for, and with this audience each would.
#[tokio::test(flavor = "multi_thread")]
async fn checklist_60_an_access_token_for_its_own_client_is_never_typ_jwt() {
    let server = Server::with("default_audience = \"{client_id}\"").await;
    let mut metadata = web_metadata();
    metadata["jeton"] = json!({ "access_token_typ": "JWT" });
    let answer = server.admin("POST", "/issuers/main/clients", metadata.clone()).await;
    assert!(answer.status == 400 && answer.text().contains("jeton.access_token_typ"), "{}", answer.text());
    let server = Server::with("audiences = [\"portal\", \"urn:api\"]").await;
    metadata["client_id"] = json!("portal");
    let web = server.client(metadata).await;
    let typ = async |audience: Value| {
        let login = server.login_with(&web, json!({ "audience": audience })).await;
        header(text(&login, "access_token"))["typ"].clone()
    };
    assert_eq!(typ(json!("portal")).await, "at+jwt");
    assert_eq!(typ(json!(["urn:api", "portal"])).await, "at+jwt");
    assert_eq!(typ(json!("urn:api")).await, "JWT");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_60_an_access_token_for_another_client_that_logs_people_in_is_never_typ_jwt() {
    let server = Server::with("audiences = [\"portal\", \"batch\", \"urn:api\"]").await;
    let mut metadata = web_metadata();
    metadata["client_id"] = json!("portal");
    server.client(metadata).await;
    let batch = json!({ "client_id": "batch", "grant_types": ["client_credentials"], "scope": "api:read" });
    server.client(batch).await;
    let mut metadata = web_metadata();
    metadata["jeton"] = json!({ "access_token_typ": "JWT" });
    let web = server.client(metadata).await;
    for (audience, typ) in [
        (json!("portal"), "at+jwt"),
        (json!(["urn:api", "portal"]), "at+jwt"),
        (json!("batch"), "JWT"),
        (json!("urn:api"), "JWT"),
    ] {
        let login = server.login_with(&web, json!({ "audience": audience })).await;
        assert_eq!(header(text(&login, "access_token"))["typ"], typ, "{audience}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_34_60_with_typ_jwt_neither_token_is_taken_for_the_other() {
    const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
    const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
    // one key signs both kinds
    let settings = "algorithms = [\"EdDSA\"]\nid_token_alg = \"EdDSA\"\naccess_token_typ = \"JWT\"\ngrant_types = \
                    [\"authorization_code\", \"refresh_token\", \"client_credentials\", \
                    \"urn:ietf:params:oauth:grant-type:token-exchange\"]";
    let server = Server::with(settings).await;
    let web = server.web_client().await;
    let gateway = server
        .client(json!({
            "token_endpoint_auth_method": "client_secret_post", "grant_types": [EXCHANGE, "client_credentials"],
            "scope": "api:read", "jeton": { "introspection": "any", "token_exchange": { "impersonation": true } },
        }))
        .await;
    let login = server.login_with(&web, json!({ "nonce": "n", "claims": { "id_token": { "tenant": "x" } } })).await;
    let exchange = async |token: &str| {
        let (id, secret) = (gateway.0.as_str(), gateway.1.as_str());
        let fields = [("subject_token", token), ("subject_token_type", ACCESS), ("grant_type", EXCHANGE)];
        server.token(&[&fields[..], &[("client_id", id), ("client_secret", secret)]].concat()).await
    };
    let (access, id) = (text(&login, "access_token"), text(&login, "id_token"));
    assert_eq!(
        (header(access)["typ"].clone(), header(access)["kid"].clone()),
        (json!("JWT"), header(id)["kid"].clone())
    );
    assert!(server.is_active(&gateway, access).await && server.is_active(&web, access).await);
    assert!(!server.is_active(&gateway, id).await && !server.is_active(&web, id).await);
    assert_eq!(exchange(access).await.status, 200);
    exchange(id).await.refused(400, "invalid_request");
    // an ID token is not revoked as if it were the access token beside it
    let revoke = async |token: &str| {
        let fields = [("token", token), ("client_id", web.0.as_str()), ("client_secret", web.1.as_str())];
        assert_eq!(server.post("/oauth2/revoke", &[], &fields).await.status, 200);
    };
    revoke(id).await;
    assert!(server.is_active(&gateway, access).await);
    revoke(access).await;
    assert!(!server.is_active(&gateway, access).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7517_5_keys_that_every_library_knows_stand_first() {
    let server = Server::with("algorithms = [\"EdDSA\", \"ES256\", \"PS256\", \"RS256\"]").await;
    let order = async || {
        let keys = jwks(&server).await["keys"].as_array().unwrap().clone();
        keys.iter().map(|key| key["alg"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(order().await, ["PS256", "RS256", "ES256", "EdDSA"], "RSA and EC before OKP, else as configured");
    server.admin("POST", "/issuers/main/keys/rotate", json!({ "emergency": true })).await;
    assert_eq!(order().await, ["PS256", "PS256", "RS256", "RS256", "ES256", "ES256", "EdDSA", "EdDSA"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn oidc_core_12_1_a_refresh_narrowed_to_a_scope_without_openid_gives_no_id_token() {
    let server = Server::start().await;
    let web = server.web_client().await;
    let login = server.login(&web).await;
    let narrowed = server.refresh_with(&web, text(&login, "refresh_token"), &[("scope", "api:read")]).await.json();
    assert!(narrowed.get("id_token").is_none(), "{narrowed}");
    // the grant is still the whole one
    let whole = server.refresh(&web, text(&narrowed, "refresh_token")).await.json();
    assert!(whole.get("id_token").is_some(), "{whole}");
}
