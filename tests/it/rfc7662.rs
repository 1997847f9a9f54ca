//! RFC 7662, CHECKLIST 66: introspection says what a token is worth to whom may know, and nothing else to anybody.

use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jeton::internals::{Algorithm, Typ};
use serde_json::{Value, json};

use crate::support::http::request;
use crate::support::{Answer, Server, claims, header, refused, spa_metadata, web_metadata};

const SECOND: Duration = Duration::from_secs(1);
const INACTIVE: &str = r#"{"active":false}"#;

type Client = (String, String);

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name} in {tokens}"))
}

async fn ask(server: &Server, client: &Client, token: &str) -> Answer {
    let fields = [("token", token), ("client_id", client.0.as_str()), ("client_secret", client.1.as_str())];
    server.post("/oauth2/introspect", &[], &fields).await
}

/// Exactly `{"active":false}`, as JSON that nobody stores.
async fn inactive(server: &Server, client: &Client, token: &str) {
    let answer = ask(server, client, token).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, INACTIVE), "{token}");
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_66_a_live_token_is_described_to_its_own_client() {
    let server = Server::start().await;
    let web = server.web_client().await;
    let issuer = format!("http://{}", server.public);
    let more = json!({ "auth_time": 1_899_999_000, "claims": { "access_token": { "tenant": "t1" } } });
    let tokens = server.login_with(&web, more).await;
    let now = server.clock.now().as_secs();
    let access = text(&tokens, "access_token");
    assert_eq!(
        server.introspect(&web, access).await,
        json!({
            "active": true, "token_type": "Bearer", "client_id": web.0, "sub": "alice", "iss": issuer, "aud": issuer,
            "scope": "openid offline_access api:read", "iat": now, "exp": now + 600, "jti": claims(access)["jti"],
            "auth_time": 1_899_999_000, "tenant": "t1",
        })
    );
    assert_eq!(
        server.introspect(&web, text(&tokens, "refresh_token")).await,
        json!({
            "active": true, "token_type": "refresh_token", "client_id": web.0, "sub": "alice", "iss": issuer,
            "scope": "openid offline_access api:read", "iat": now, "exp": now + 14 * 86_400,
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_66_what_a_client_got_is_inactive_while_it_is_disabled() {
    let server = Server::start().await;
    let (web, gateway) = (server.web_client().await, server.gateway().await);
    let tokens = server.login(&web).await;
    for disabled in [false, true, false] {
        let mut metadata = web_metadata();
        metadata["jeton"] = json!({ "disabled": disabled });
        let answer = server.admin("PUT", &format!("/issuers/main/clients/{}", web.0), metadata).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        for kind in ["access_token", "refresh_token"] {
            assert_eq!(server.is_active(&gateway, text(&tokens, kind)).await, !disabled, "{kind} {disabled}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_66_another_client_sees_neither_access_nor_refresh_token() {
    let server = Server::start().await;
    let (owner, other, gateway) = (server.web_client().await, server.web_client().await, server.gateway().await);
    let tokens = server.login(&owner).await;
    for name in ["access_token", "refresh_token"] {
        inactive(&server, &other, text(&tokens, name)).await;
        assert!(server.is_active(&owner, text(&tokens, name)).await);
    }
    assert!(server.is_active(&gateway, text(&tokens, "access_token")).await, "a gateway sees every access token");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_66_a_resource_server_sees_the_tokens_whose_audience_names_it() {
    let server = Server::with(r#"resources = ["urn:api", "urn:files", "urn:apis"]"#).await;
    let resource_server = async |id: &str| {
        let mut metadata = json!({
            "client_id": id, "token_endpoint_auth_method": "client_secret_post", "grant_types": [],
        });
        metadata["client_secret"] = json!(format!("the long secret of {id}"));
        server.client(metadata).await
    };
    let (api, files) = (resource_server("urn:api").await, resource_server("urn:files").await);
    let web = server.web_client().await;
    for (resource, for_api, for_files) in [
        (json!("urn:api"), true, false),
        (json!(["urn:files", "urn:api"]), true, true),
        (json!("urn:apis"), false, false),
        (json!([]), false, false),
    ] {
        let tokens = server.login_with(&web, json!({ "resource": resource })).await;
        let access = text(&tokens, "access_token");
        assert_eq!(server.is_active(&api, access).await, for_api, "{resource}");
        assert_eq!(server.is_active(&files, access).await, for_files, "{resource}");
        inactive(&server, &api, text(&tokens, "refresh_token")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_66_an_id_token_is_not_an_access_token_nor_is_a_code() {
    let server = Server::with("algorithms = [\"EdDSA\"]\nid_token_alg = \"EdDSA\"").await;
    let (web, gateway) = (server.web_client().await, server.gateway().await);
    let code = server.code(&web.0, Value::Null).await;
    let tokens = server.redeem(&web, &code).await.json();
    let id_token = text(&tokens, "id_token");
    assert_eq!(header(id_token)["kid"], header(text(&tokens, "access_token"))["kid"], "the same key signed it");
    for token in [id_token, &code] {
        inactive(&server, &web, token).await;
        inactive(&server, &gateway, token).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_66_what_our_key_signed_for_another_purpose_or_issuer_is_no_access_token() {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    let login = server.login(&server.web_client().await).await;
    let claims = claims(text(&login, "access_token"));
    let keys = server.daemon().service().context.keys.issuer("main").unwrap();
    let signer = keys.signer(Algorithm::EdDsa, server.clock.now()).unwrap();
    let sign = async |typ, claims: &Value| signer.sign(typ, claims.to_string().as_bytes()).await.unwrap();
    assert!(server.is_active(&gateway, &sign(Typ::AtJwt, &claims).await).await, "the others differ in one thing only");
    // with typ JWT it is the claims that tell: an ID token has no client_id and no jti, an access token none of these
    assert!(server.is_active(&gateway, &sign(Typ::Jwt, &claims).await).await);
    for (name, value) in [
        ("client_id", Value::Null),
        ("jti", Value::Null),
        ("azp", json!("web")),
        ("at_hash", json!("AAAA")),
        ("c_hash", json!("AAAA")),
        ("nonce", json!("n")),
    ] {
        let mut bent = claims.clone();
        bent[name] = value;
        bent.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        inactive(&server, &gateway, &sign(Typ::Jwt, &bent).await).await;
    }
    for (name, value) in [
        ("iss", json!("https://other.example")),
        ("iss", json!(format!("http://{}/", server.public))),
        ("exp", json!(server.clock.now().as_secs())),
        ("exp", json!("never")),
        ("exp", Value::Null),
        ("jti", json!("AAAA")),
        ("jti", json!("AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
    ] {
        let mut bent = claims.clone();
        bent[name] = value.clone();
        inactive(&server, &gateway, &sign(Typ::AtJwt, &bent).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_66_an_expired_token_is_inactive_to_the_second() {
    let server = Server::start().await;
    let (service, web) = (server.service_client().await, server.web_client().await);
    let own = [("grant_type", "client_credentials"), ("client_id", &*service.0), ("client_secret", &*service.1)];
    let machine = server.token(&own).await.get("access_token");
    let login = server.login(&web).await;
    server.advance(SECOND * 599).await;
    server.sweep().await;
    assert!(server.is_active(&service, &machine).await && server.is_active(&web, text(&login, "access_token")).await);
    server.advance(SECOND).await;
    inactive(&server, &service, &machine).await;
    inactive(&server, &web, text(&login, "access_token")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_66_a_revoked_token_is_inactive_until_it_would_have_expired_and_after() {
    let server = Server::start().await;
    let (web, gateway) = (server.web_client().await, server.gateway().await);
    let tokens = server.login(&web).await;
    server.revoke_by_operator(json!({ "token": text(&tokens, "access_token") })).await;
    for _ in 0..7 {
        for client in [&web, &gateway] {
            inactive(&server, client, text(&tokens, "access_token")).await;
        }
        server.advance(SECOND * 100).await;
        server.sweep().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_66_what_is_malformed_forged_or_unknown_is_inactive_and_no_error() {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    let login = server.login(&server.web_client().await).await;
    let access = text(&login, "access_token");
    let (signed, signature) = access.rsplit_once('.').unwrap();
    let (head, payload) = signed.split_once('.').unwrap();
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let with_header = |change: &dyn Fn(&mut Value)| {
        let mut header = header(access);
        change(&mut header);
        encode(&header)
    };
    let mut wide = claims(access);
    wide["scope"] = json!("api:write");
    // an attacker's own key, brought along in every way a header can
    let mine =
        Ed25519KeyPair::from_pkcs8(Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap().as_ref()).unwrap();
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(mine.public_key().as_ref()) });
    let by_me = |header: String, payload: &str| {
        let input = format!("{header}.{payload}");
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(mine.sign(input.as_bytes())))
    };
    // RFC 8725 section 2.1: our public key as the secret of an HMAC
    let jwks = server.jwks().await.json();
    let ours = jwks["keys"].as_array().unwrap().iter().find(|key| key["alg"] == "EdDSA").unwrap().clone();
    let by_hmac = |secret: &[u8]| {
        let input = format!("{}.{payload}", with_header(&|header| header["alg"] = json!("HS256")));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag))
    };
    let none = |alg: &str| with_header(&|header| header["alg"] = json!(alg));
    let tokens = [
        "x".to_owned(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        "\u{e9}\u{1f511}".to_owned(),
        "{\"active\":true}".to_owned(),
        "jrt_AAAA".to_owned(),
        "jat_AAAA".to_owned(),
        "a".repeat(16_000),
        access[..access.len() - 1].to_owned(),
        format!("{access}A"),
        format!("{access}="),
        format!("{access}.{signature}"),
        format!(" {access}"),
        format!("{head}.{payload}."),
        format!("{head}.{}.{signature}", encode(&wide)),
        format!("{}.{payload}.", none("none")),
        format!("{}.{payload}.", none("nOnE")),
        format!("{}.{payload}.", none("")),
        format!("{}.{payload}.{signature}", none("ES256")),
        by_hmac(ours["x"].as_str().unwrap().as_bytes()),
        by_hmac(&URL_SAFE_NO_PAD.decode(ours["x"].as_str().unwrap()).unwrap()),
        by_hmac(ours.to_string().as_bytes()),
        by_hmac(b""),
        by_me(head.to_owned(), payload),
        by_me(with_header(&|header| header["jwk"] = jwk.clone()), payload),
        by_me(with_header(&|header| header["jku"] = json!("http://127.0.0.1:9/jwks")), payload),
        by_me(with_header(&|header| header["kid"] = json!("../../../dev/null")), payload),
        by_me(with_header(&|header| header["kid"] = json!("")), payload),
        by_me(with_header(&|header| header["crit"] = json!(["exp"])), payload),
        by_me(encode(&json!({ "alg": "EdDSA", "typ": "at+jwt" })), payload),
    ];
    for token in &tokens {
        inactive(&server, &gateway, token).await;
    }
    assert!(server.is_active(&gateway, access).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_66_only_post_is_answered_and_the_query_is_not_read() {
    let server = Server::start().await;
    let web = server.web_client().await;
    let login = server.login(&web).await;
    let query = crate::support::form(&[
        ("token", text(&login, "access_token")),
        ("client_id", &web.0),
        ("client_secret", &web.1),
    ]);
    for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH"] {
        let answer = request(server.public, method, &format!("/oauth2/introspect?{query}"), &[], b"").await;
        assert_eq!((answer.status, answer.header("Allow")), (405, Some("POST")), "{method}");
    }
    let answer = server.post(&format!("/oauth2/introspect?{query}"), &[], &[]).await;
    refused(&answer, "invalid_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_66_the_caller_must_authenticate_and_a_public_client_cannot() {
    let server = Server::start().await;
    let (web, public) = (server.web_client().await, server.client(spa_metadata()).await);
    let own = server.login(&public).await;
    let token = ("token", text(&own, "access_token"));
    let basic = |id: &str, secret: &str| format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    for fields in [
        vec![token],
        vec![token, ("client_id", &*public.0)],
        vec![token, ("client_id", &*public.0), ("client_secret", "x")],
        vec![token, ("client_id", &*web.0)],
        vec![token, ("client_id", &*web.0), ("client_secret", "wrong")],
        vec![token, ("client_id", "nobody"), ("client_secret", &*web.1)],
    ] {
        refused(&server.post("/oauth2/introspect", &[], &fields).await, "invalid_client");
    }
    // nor does an access token authenticate a client
    let bearer = format!("Bearer {}", token.1);
    refused(&server.post("/oauth2/introspect", &[("Authorization", &bearer)], &[token]).await, "invalid_client");
    let mut metadata = web_metadata();
    metadata["token_endpoint_auth_method"] = json!("client_secret_basic");
    let by_header = server.client(metadata).await;
    let good = basic(&by_header.0, &by_header.1);
    let answer = server.post("/oauth2/introspect", &[("Authorization", &good)], &[token]).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, INACTIVE), "authenticated, but not entitled");
    let bad = basic(&by_header.0, "wrong");
    let answer = server.post("/oauth2/introspect", &[("Authorization", &bad)], &[token]).await;
    refused(&answer, "invalid_client");
    assert!(answer.header("WWW-Authenticate").unwrap().starts_with("Basic "));
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_66_a_missing_or_repeated_token_is_invalid_request_and_a_wrong_hint_does_not_matter() {
    let server = Server::start().await;
    let web = server.web_client().await;
    let login = server.login(&web).await;
    let client = [("client_id", web.0.as_str()), ("client_secret", web.1.as_str())];
    refused(&server.post("/oauth2/introspect", &[], &client).await, "invalid_request");
    let access = ("token", text(&login, "access_token"));
    let twice: Vec<_> = client.into_iter().chain([access, access]).collect();
    refused(&server.post("/oauth2/introspect", &[], &twice).await, "invalid_request");
    for name in ["access_token", "refresh_token"] {
        for hint in ["access_token", "refresh_token", "nonsense"] {
            let fields: Vec<_> =
                client.into_iter().chain([("token", text(&login, name)), ("token_type_hint", hint)]).collect();
            assert_eq!(server.post("/oauth2/introspect", &[], &fields).await.json()["active"], true, "{name} {hint}");
        }
    }
}

/// A resource server that looks at `active` only would take one for a token of two weeks.
#[tokio::test(flavor = "multi_thread")]
async fn rfc7662_4_a_refresh_token_is_active_for_its_own_client_only() {
    let server = Server::with("audiences = [\"urn:api\"]").await;
    let (owner, gateway) = (server.web_client().await, server.gateway().await);
    let mut metadata = web_metadata();
    metadata["client_id"] = json!("urn:api");
    let api = server.client(metadata).await;
    let tokens = server.login_with(&owner, json!({ "audience": "urn:api" })).await;
    let refresh = text(&tokens, "refresh_token");
    for other in [&gateway, &api] {
        inactive(&server, other, refresh).await;
        assert_eq!(server.introspect(other, text(&tokens, "access_token")).await["active"], true);
    }
    assert_eq!(server.introspect(&owner, refresh).await["token_type"], "refresh_token");
}

/// The rule is younger than clients that have it.
#[tokio::test(flavor = "multi_thread")]
async fn rfc7662_2_1_a_public_client_that_was_stored_with_a_reach_works_and_cannot_introspect() {
    use jeton::store::Document;

    let server = Server::start().await;
    let mut metadata = spa_metadata();
    metadata["jeton"] = json!({ "introspection": "any" });
    let body = json!({ "metadata": metadata, "secrets": [] }).to_string();
    let document = Document { kind: "client".to_owned(), name: "main/old".to_owned(), version: 0, body: Some(body) };
    let service = server.daemon().service();
    service.context.shards.engine().documents.clone().put(document, 0).await.unwrap().unwrap();
    service.registry.follow().await.unwrap();
    let tokens = server.login(&("old".to_owned(), String::new())).await;
    let fields = [("token", text(&tokens, "access_token")), ("client_id", "old")];
    server.post("/oauth2/introspect", &[], &fields).await.refused(401, "invalid_client");
    assert_eq!(server.admin("GET", "/issuers/main/clients/old", Value::Null).await.status, 200);
    assert_eq!(server.replace("old", metadata).await.status, 400);
    assert_eq!(server.replace("old", spa_metadata()).await.status, 200);
    assert_eq!(server.admin("DELETE", "/issuers/main/clients/old", Value::Null).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7662_2_1_what_a_public_client_may_introspect_cannot_be_registered() {
    let server = Server::start().await;
    for reach in ["any", "own"] {
        let mut metadata = spa_metadata();
        metadata["jeton"] = json!({ "introspection": reach });
        let answer = server.admin("POST", "/issuers/main/clients", metadata.clone()).await;
        assert!(answer.status == 400 && answer.text().contains("jeton.introspection"), "{reach}: {}", answer.text());
        let (web, _) = server.web_client().await;
        assert_eq!(server.replace(&web, metadata).await.status, 400, "{reach}");
    }
}
