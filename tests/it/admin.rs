//! The admin API: every call, its success and each of its refusals.

use std::time::Duration;

use jeton::store::Document;
use serde_json::{Value, json};

use crate::support::http::{parse_all, raw, request};
use crate::support::{ADMIN_TOKEN, Answer, CALLBACK, Server, claims, spa_metadata, web_metadata};

const CLIENTS: &str = "/issuers/main/clients";
const MAIN: &str = "/issuers/main";

trait Problem {
    /// Checks a problem document in full and gives its detail.
    fn problem(&self, status: u16) -> String;
}

impl Problem for Answer {
    #[track_caller]
    fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"));
        let body = self.json();
        assert_eq!((&body["type"], &body["status"]), (&json!("about:blank"), &json!(status)));
        assert!(!self.get("title").is_empty());
        assert_eq!(body.as_object().unwrap().len(), 4);
        self.get("detail")
    }
}

/// A body that is not JSON a test could have built.
async fn raw_body(server: &Server, method: &str, path: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    request(server.admin, method, &format!("/admin/v1{path}"), &[("Authorization", &bearer)], body.as_bytes()).await
}

async fn active(server: &Server, caller: &(String, String), token: &str) -> bool {
    server.is_active(caller, token).await
}

/// Writes a client's document as another version of the service, or under other settings, has left it.
async fn leave(server: &Server, id: &str, body: String) {
    let service = server.daemon().service();
    let (store, name) = (service.context.shards.engine().documents.clone(), format!("main/{id}"));
    let before = store.get("client", &name).await.unwrap().map_or(0, |document| document.version);
    let document = Document { kind: "client".to_owned(), name, version: 0, body: Some(body) };
    store.put(document, before).await.unwrap().unwrap();
    service.registry.follow().await.unwrap();
}

/// A client that may introspect everything.
async fn gateway(server: &Server) -> (String, String) {
    let mut metadata = web_metadata();
    metadata["jeton"] = json!({ "introspection": "any" });
    server.client(metadata).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_needs_the_admin_token() {
    let server = Server::start().await;
    let calls = [
        ("POST", "/issuers/main/clients"),
        ("GET", "/issuers/main/clients"),
        ("GET", "/issuers/main/clients/x"),
        ("PUT", "/issuers/main/clients/x"),
        ("DELETE", "/issuers/main/clients/x"),
        ("POST", "/issuers/main/clients/x/secrets"),
        ("DELETE", "/issuers/main/clients/x/secrets/y"),
        ("POST", "/issuers/main/codes"),
        ("GET", "/issuers/main/keys"),
        ("POST", "/issuers/main/keys/rotate"),
        ("POST", "/issuers/main/revocations"),
        ("GET", "/config"),
        ("POST", "/reload"),
        ("GET", "/nothing"),
    ];
    let right = format!("Bearer {ADMIN_TOKEN}");
    let (longer, prefix) = (format!("{right}x"), right[..right.len() - 1].to_owned());
    let wrong: [Option<&str>; 7] =
        [None, Some(""), Some("Bearer"), Some("Bearer "), Some(ADMIN_TOKEN), Some(&longer), Some(&prefix)];
    for (method, path) in calls {
        for authorization in wrong {
            let headers: Vec<(&str, &str)> = authorization.map(|value| ("Authorization", value)).into_iter().collect();
            let answer = request(server.admin, method, &format!("/admin/v1{path}"), &headers, b"").await;
            answer.problem(401);
            assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer realm="jeton-admin""#), "{method} {path}");
        }
    }
    // however the path is written
    for path in ["/admin/v1/config", "/admin/", "/admin/v2/config", "/admin/v1//config", "/admin/v1/../v1/config"] {
        request(server.admin, "GET", path, &[], b"").await.problem(401);
    }
    for path in ["//admin/v1/config", "/%61dmin/v1/config", "/ADMIN/v1/config", "/admin"] {
        let answer = request(server.admin, "GET", path, &[("Authorization", &right)], b"").await;
        answer.problem(404);
    }
    // and none of it is on the public listener
    let answer = request(server.public, "GET", "/admin/v1/config", &[("Authorization", &right)], b"").await;
    assert_eq!(answer.status, 404);
    for path in ["/metrics", "/readyz", "/livez", "/version"] {
        assert_eq!(request(server.public, "GET", path, &[], b"").await.status, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_metrics_and_version_are_open() {
    let server = Server::start().await;
    for (path, kind) in [
        ("/metrics", "text/plain; version=0.0.4; charset=utf-8"),
        ("/livez", "text/plain; charset=utf-8"),
        ("/readyz", "text/plain; charset=utf-8"),
        ("/version", "application/json"),
    ] {
        let answer = request(server.admin, "GET", path, &[], b"").await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)), "{path}");
        let head = request(server.admin, "HEAD", path, &[], b"").await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        let post = request(server.admin, "POST", path, &[], b"").await;
        post.problem(405);
        assert_eq!(post.header("allow"), Some("GET, HEAD"));
    }
    assert_eq!(
        request(server.admin, "GET", "/version", &[], b"").await.json(),
        json!({ "version": env!("CARGO_PKG_VERSION") })
    );
    request(server.admin, "GET", "/nothing", &[], b"").await.problem(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_the_transport_are_problem_documents() {
    let server = Server::start().await;
    let head =
        |more: &str| format!("POST /admin/v1/reload HTTP/1.1\r\n{more}Authorization: Bearer {ADMIN_TOKEN}\r\n\r\n");
    for (bytes, status) in [
        (head("Host: a\r\nContent-Length: 262145\r\n"), 413),
        (head("Content-Length: 0\r\n"), 400),
        (head(&format!("Host: a\r\nContent-Length: 0\r\n{}", "X: a\r\n".repeat(70))), 431),
    ] {
        let answers = parse_all(&raw(server.admin, bytes.as_bytes()).await, false);
        assert_eq!(answers.len(), 1);
        answers[0].problem(status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_methods_say_which_are_right() {
    let server = Server::start().await;
    for (path, allow) in [
        ("/config", "GET"),
        ("/reload", "POST"),
        ("/issuers/main/clients", "GET, POST"),
        ("/issuers/main/clients/x", "GET, PUT, DELETE"),
        ("/issuers/main/clients/x/secrets", "POST"),
        ("/issuers/main/clients/x/secrets/y", "DELETE"),
        ("/issuers/main/codes", "POST"),
        ("/issuers/main/keys", "GET"),
        ("/issuers/main/keys/rotate", "POST"),
        ("/issuers/main/revocations", "POST"),
    ] {
        let answer = server.admin("PATCH", path, Value::Null).await;
        answer.problem(405);
        assert_eq!(answer.header("allow"), Some(allow), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_issuers_and_objects_are_404() {
    let server = Server::start().await;
    for (method, path) in [
        ("GET", "/nothing"),
        ("GET", "/issuers"),
        ("GET", "/issuers/main"),
        ("GET", "/issuers/main/nothing"),
        ("GET", "/issuers/other/keys"),
        ("POST", "/issuers/other/clients"),
        ("GET", "/issuers/MAIN/clients"),
        ("GET", "/issuers//clients"),
        ("GET", "/issuers/%ff/clients"),
        ("GET", "/issuers/main/clients/nobody"),
        ("DELETE", "/issuers/main/clients/nobody"),
        ("POST", "/issuers/main/clients/nobody/secrets"),
        ("DELETE", "/issuers/main/clients/nobody/secrets/x"),
        ("GET", "/issuers/main/clients/nobody/secrets/x/y"),
    ] {
        server.admin(method, path, Value::Null).await.problem(404);
    }
    server.admin("PUT", "/issuers/main/clients/nobody", web_metadata()).await.problem(404);
    let (id, _) = server.web_client().await;
    let unknown = server.admin("DELETE", &format!("{CLIENTS}/{id}/secrets/nothing"), Value::Null).await;
    assert!(String::from_utf8_lossy(&unknown.body).contains("no such secret"));
    unknown.problem(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_created_shown_replaced_and_deleted() {
    let server = Server::start().await;
    let made = server.admin("POST", CLIENTS, web_metadata()).await;
    assert_eq!(made.status, 201);
    let body = made.json();
    let (id, secret) = (made.get("client_id"), made.get("client_secret"));
    assert!(secret.starts_with("jcs_") && secret.len() >= 4 + 43, "256 bits");
    assert_eq!(body["client_secret_expires_at"], 0);
    for (name, value) in web_metadata().as_object().unwrap() {
        assert_eq!(&body[name], value, "{name}");
    }
    let path = format!("{CLIENTS}/{id}");
    let shown = server.admin("GET", &path, Value::Null).await;
    assert_eq!(shown.status, 200);
    assert!(!shown.text().contains(&secret) && shown.json().get("client_secret").is_none());
    assert!(shown.json()["secrets"][0].get("hash").is_none());
    // replaced whole: what is not sent is back to its default
    let mut new = web_metadata();
    new["client_name"] = json!("New");
    new.as_object_mut().unwrap().remove("scope");
    let replaced = server.admin("PUT", &path, new).await;
    assert_eq!((replaced.status, &replaced.json()["client_name"]), (200, &json!("New")));
    assert!(replaced.json().get("scope").is_none());
    let client = (id.clone(), secret);
    let code = server.code_answer(&id, json!({})).await;
    code.problem(400);
    let code = server.code(&id, json!({ "scope": "" })).await;
    assert_eq!(server.redeem(&client, &code).await.status, 200, "its secret stays");
    let deleted = server.admin("DELETE", &path, Value::Null).await;
    assert_eq!((deleted.status, deleted.body.len()), (204, 0));
    server.admin("GET", &path, Value::Null).await.problem(404);
    server.admin("DELETE", &path, Value::Null).await.problem(404);
    server.redeem(&client, "x").await.refused(401, "invalid_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_may_bring_its_id_and_secret() {
    let server = Server::start().await;
    let mut metadata = web_metadata();
    metadata["client_id"] = json!("my:client%2F+1");
    metadata["client_secret"] = json!("correct horse");
    let client = server.client(metadata.clone()).await;
    assert_eq!(client, ("my:client%2F+1".to_owned(), "correct horse".to_owned()));
    assert_eq!(server.login(&client).await["token_type"], "Bearer");
    // in a path it is escaped
    let shown = server.admin("GET", &format!("{CLIENTS}/my%3Aclient%252F%2B1"), Value::Null).await;
    assert_eq!((shown.status, shown.get("client_id").as_str()), (200, "my:client%2F+1"));
    server.admin("POST", CLIENTS, metadata.clone()).await.problem(409);
    metadata["client_id"] = json!("my:client%2F+2");
    assert_eq!(server.admin("POST", CLIENTS, metadata).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_listed_in_pages_without_secrets() {
    let server = Server::start().await;
    let mut secrets = Vec::new();
    for n in 0..5 {
        let mut metadata = web_metadata();
        metadata["client_id"] = json!(format!("client-{n}"));
        secrets.push(server.client(metadata).await.1);
    }
    let list = async |query: &str| server.admin("GET", &format!("{CLIENTS}{query}"), Value::Null).await;
    let ids = |answer: &Answer| {
        let clients = answer.json()["clients"].clone();
        clients
            .as_array()
            .unwrap()
            .iter()
            .map(|client| client["client_id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let all = list("").await;
    assert_eq!((all.status, ids(&all).len(), &all.json()["next"]), (200, 5, &Value::Null));
    assert!(secrets.iter().all(|secret| !all.text().contains(secret)));
    let page = list("?limit=2").await;
    assert_eq!(
        (ids(&page), &page.json()["next"]),
        (vec!["client-0".to_owned(), "client-1".to_owned()], &json!("client-1"))
    );
    assert_eq!(ids(&list("?limit=2&after=client-3").await), ["client-4"]);
    assert_eq!(ids(&list("?after=client-9").await), [""; 0]);
    for bad in ["?limit=0", "?limit=1001", "?limit=-1", "?limit=x", "?limit=1&limit=1", "?after=%zz"] {
        list(bad).await.problem(400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_that_asks_for_too_much_or_makes_no_sense_is_400() {
    let server = Server::start().await;
    let (id, _) = server.web_client().await;
    let cases = [
        ("unheard_of", json!(1)),
        ("client_id", json!(1)),
        ("client_id", json!("")),
        ("client_id", json!("a b")),
        ("client_id", json!("a/b")),
        ("client_id", json!("x".repeat(129))),
        ("client_secret", json!("")),
        ("client_secret", json!("x".repeat(513))),
        ("client_secret", json!(1)),
        ("token_endpoint_auth_method", json!("private_key_jwt")),
        ("token_endpoint_auth_method", json!(1)),
        ("grant_types", json!(["password"])),
        ("grant_types", json!(["implicit"])),
        ("grant_types", json!("client_credentials")),
        ("response_types", json!(["token"])),
        ("scope", json!("unknown")),
        ("scope", json!("a\"b")),
        ("redirect_uris", json!([])),
        ("redirect_uris", json!(["http://client.example/cb"])),
        ("redirect_uris", json!(["https://client.example/cb#f"])),
        ("redirect_uris", json!(["https://*.example/cb"])),
        ("redirect_uris", json!(["javascript:alert(1)"])),
        ("redirect_uris", json!(["data:text/html,x"])),
        ("redirect_uris", json!(["/relative"])),
        ("logo_uri", json!("javascript:alert(1)")),
        ("id_token_signed_response_alg", json!("none")),
        ("id_token_signed_response_alg", json!("HS256")),
        ("id_token_signed_response_alg", json!("RS256")),
        ("jeton", json!({ "unheard_of": 1 })),
        ("jeton", json!({ "access_token_lifetime": 0 })),
        ("jeton", json!({ "access_token_lifetime": 86_401 })),
        ("jeton", json!({ "id_token_lifetime": 0 })),
        ("jeton", json!({ "refresh_token_lifetime": 0 })),
        ("jeton", json!({ "refresh_token_lifetime": 367 * 86_400 })),
        ("jeton", json!({ "resources": ["https://other.example"] })),
        ("jeton", json!({ "access_token_signed_response_alg": "RS256" })),
        ("jeton", json!({ "introspection": "all" })),
    ];
    for (name, value) in cases {
        let mut metadata = web_metadata();
        metadata[name] = value.clone();
        server.admin("POST", CLIENTS, metadata.clone()).await.problem(400);
        // a replacement keeps the same rules, and takes neither another id nor a secret
        server.admin("PUT", &format!("{CLIENTS}/{id}"), metadata).await.problem(400);
    }
    for (name, value) in [
        ("client_secret", json!("secret")),
        ("grant_types", json!(["client_credentials"])),
        ("jeton", json!({ "refresh_token_rotation": false })),
        ("jeton", json!({ "require_pkce": false })),
    ] {
        let mut metadata = spa_metadata();
        metadata[name] = value;
        server.admin("POST", CLIENTS, metadata).await.problem(400);
    }
    for body in
        ["", "{", "[]", "1", "null", "\"x\"", "{\"grant_types\":[]}x", "{\"client_name\":\"\u{fffd}", "\u{feff}{}"]
    {
        raw_body(&server, "POST", CLIENTS, body).await.problem(400);
    }
    let deep = format!("{{\"jeton\":{}", "[".repeat(100_000));
    raw_body(&server, "POST", CLIENTS, &deep).await.problem(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_the_file_is_shown_but_not_changed() {
    let file = r#"
[[clients]]
issuer = "main"
client_id = "in-file"
[clients.metadata]
grant_types = ["client_credentials"]
"#;
    let server = Server::with(file).await;
    let path = format!("{CLIENTS}/in-file");
    assert_eq!(server.admin("GET", &path, Value::Null).await.status, 200);
    let metadata = json!({ "grant_types": ["client_credentials"] });
    server.admin("PUT", &path, metadata.clone()).await.problem(409);
    server.admin("DELETE", &path, Value::Null).await.problem(409);
    server.admin("POST", &format!("{path}/secrets"), json!({})).await.problem(409);
    server.admin("DELETE", &format!("{path}/secrets/x"), Value::Null).await.problem(409);
    let mut same = metadata;
    same["client_id"] = json!("in-file");
    server.admin("POST", CLIENTS, same).await.problem(409);
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_added_and_removed() {
    let server = Server::start().await;
    let (id, first) = server.web_client().await;
    let path = format!("{CLIENTS}/{id}/secrets");
    let mut all = vec![first];
    for _ in 0..6 {
        let made = server.admin("POST", &path, json!({})).await;
        assert_eq!((made.status, &made.json()["expires_at"]), (201, &json!(0)));
        assert_eq!(made.json().as_object().unwrap().len(), 3);
        all.push(made.get("client_secret"));
    }
    let made = server.admin("POST", &path, json!({ "expires_in": 10 })).await;
    assert_eq!((made.status, &made.json()["expires_at"]), (201, &json!(1_900_000_010)));
    server.admin("POST", &path, Value::Null).await.problem(409);
    for secret in &all {
        server.redeem(&(id.clone(), secret.clone()), "x").await.refused(400, "invalid_grant");
    }
    // an expired one makes room
    server.clock.advance(Duration::from_secs(10));
    assert_eq!(server.admin("POST", &path, Value::Null).await.status, 201);
    server.admin("POST", &path, Value::Null).await.problem(409);
    let shown = server.admin("GET", &format!("{CLIENTS}/{id}"), Value::Null).await.json();
    assert_eq!(shown["secrets"].as_array().unwrap().len(), 8, "the expired one is gone");
    for secret in shown["secrets"].as_array().unwrap() {
        let secret = secret["secret_id"].as_str().unwrap();
        let removed = server.admin("DELETE", &format!("{path}/{secret}"), Value::Null).await;
        assert_eq!((removed.status, removed.body.len()), (204, 0));
        server.admin("DELETE", &format!("{path}/{secret}"), Value::Null).await.problem(404);
    }
    server.redeem(&(id.clone(), all[0].clone()), "x").await.refused(401, "invalid_client");
    for bad in [
        json!({ "expires_in": 0 }),
        json!({ "expires_in": -1 }),
        json!({ "expires_in": u64::MAX }),
        json!({ "x": 1 }),
        json!([]),
    ] {
        server.admin("POST", &path, bad).await.problem(400);
    }
    let (public, _) = server.client(spa_metadata()).await;
    server.admin("POST", &format!("{CLIENTS}/{public}/secrets"), Value::Null).await.problem(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_are_added_together_are_no_more_than_one_after_the_other() {
    let server = std::sync::Arc::new(Server::start().await);
    let (id, _) = server.web_client().await;
    let mut adding = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let (server, path) = (server.clone(), format!("{CLIENTS}/{id}/secrets"));
        adding.spawn(async move { server.admin("POST", &path, json!({})).await.status });
    }
    let added = adding.join_all().await;
    assert!(added.iter().all(|status| matches!(status, 201 | 409)), "{added:?}");
    let shown = server.admin("GET", &format!("{CLIENTS}/{id}"), Value::Null).await.json();
    assert_eq!(shown["secrets"].as_array().unwrap().len(), 1 + added.iter().filter(|status| **status == 201).count());
    assert!(shown["secrets"].as_array().unwrap().len() <= 8, "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_56_deleting_a_client_ends_its_tokens() {
    let server = Server::start().await;
    let caller = gateway(&server).await;
    let client = server.web_client().await;
    let other = server.web_client().await;
    let (tokens, others) = (server.login(&client).await, server.login(&other).await);
    let text = |tokens: &Value, name: &str| tokens[name].as_str().unwrap().to_owned();
    for name in ["access_token", "refresh_token"] {
        assert!(active(&server, &caller, &text(&tokens, name)).await);
    }
    let code = server.code(&client.0, Value::Null).await;
    assert_eq!(server.admin("DELETE", &format!("{CLIENTS}/{}", client.0), Value::Null).await.status, 204);
    for name in ["access_token", "refresh_token"] {
        assert!(!active(&server, &caller, &text(&tokens, name)).await, "{name}");
        assert!(active(&server, &caller, &text(&others, name)).await, "another client's {name}");
    }
    // not even for a new client with the same id and secret
    server.clock.advance(Duration::from_secs(1));
    let mut again = web_metadata();
    again["client_id"] = json!(client.0);
    again["client_secret"] = json!(client.1);
    assert_eq!(server.client(again).await, client);
    server.refresh(&client, &text(&tokens, "refresh_token")).await.refused(400, "invalid_grant");
    server.redeem(&client, &code).await.refused(400, "invalid_grant");
    assert_eq!(server.login(&client).await["token_type"], "Bearer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_carries_what_the_portal_says() {
    let server = Server::start().await;
    let client = server.web_client().await;
    let made = server
        .code_answer(
            &client.0,
            json!({
                "nonce": "n-0S6", "auth_time": 1_899_999_990, "acr": "high", "amr": ["pwd", "otp"],
                "resource": ["https://api.example"],
                "claims": { "access_token": { "tenant": "t1" }, "id_token": { "email": "a@client.example" } },
            }),
        )
        .await;
    assert_eq!((made.status, &made.json()["expires_in"]), (201, &json!(60)));
    assert!(made.get("code").starts_with("jac_"));
    let tokens = server.redeem(&client, &made.get("code")).await;
    let access = claims(&tokens.get("access_token"));
    assert_eq!(
        (&access["sub"], &access["tenant"], &access["aud"]),
        (&json!("alice"), &json!("t1"), &json!("https://api.example"))
    );
    let id = claims(&tokens.get("id_token"));
    let expected = json!({ "nonce": "n-0S6", "auth_time": 1_899_999_990, "acr": "high", "amr": ["pwd", "otp"], "email": "a@client.example" });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&id[name], value, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_must_not_be_is_400() {
    let server = Server::start().await;
    let (web, _) = server.web_client().await;
    let (service, _) = server.service_client().await;
    let (spa, _) = server.client(spa_metadata()).await;
    let mut disabled = web_metadata();
    disabled["jeton"] = json!({ "disabled": true });
    let (disabled, _) = server.client(disabled).await;
    for client in ["nobody", &service, &disabled] {
        server.code_answer(client, json!({})).await.problem(400);
    }
    server.code_answer(&spa, json!({ "code_challenge": null, "code_challenge_method": null })).await.problem(400);
    assert_eq!(
        server.code_answer(&web, json!({ "code_challenge": null, "code_challenge_method": null })).await.status,
        201
    );
    let mut cases = vec![
        ("redirect_uri", json!("https://client.example/callback/")),
        ("redirect_uri", json!("https://CLIENT.example/callback")),
        ("redirect_uri", json!(format!("{CALLBACK}?x=1"))),
        ("redirect_uri", Value::Null),
        ("subject", Value::Null),
        ("subject", json!("")),
        ("subject", json!("é")),
        ("subject", json!("x".repeat(256))),
        ("scope", json!("openid unknown")),
        ("scope", json!("a\\b")),
        ("resource", json!("https://other.example")),
        ("resource", json!("relative")),
        ("resource", json!(1)),
        ("nonce", json!("x".repeat(513))),
        ("acr", json!("x".repeat(513))),
        ("amr", json!(vec!["x"; 17])),
        ("auth_time", json!(-1)),
        ("code_challenge", json!("short")),
        ("code_challenge", Value::Null),
        ("code_challenge_method", Value::Null),
        ("code_challenge_method", json!("plain")),
        ("claims", json!({ "userinfo": {} })),
        ("claims", json!({ "access_token": { "x": "y".repeat(3000) } })),
        ("unheard_of", json!(1)),
    ];
    for claim in
        ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope", "nbf", "cnf", "nonce", "azp", "at_hash"]
    {
        cases.push(("claims", json!({ "access_token": { claim: "x" } })));
        cases.push(("claims", json!({ "id_token": { claim: "x" } })));
    }
    for (name, value) in cases {
        server.code_answer(&web, json!({ name: value })).await.problem(400);
    }
    for body in ["", "{", "[]"] {
        raw_body(&server, "POST", "/issuers/main/codes", body).await.problem(400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_shown_without_private_parts_and_rotated() {
    let server = Server::start().await;
    let list = server.admin("GET", "/issuers/main/keys", Value::Null).await;
    assert_eq!(list.status, 200);
    let signing = |answer: &Answer, alg: &str| {
        let keys = answer.json()["keys"].clone();
        let found = keys.as_array().unwrap().iter().find(|key| key["alg"] == alg && key["state"] == "signing").cloned();
        found.unwrap_or_else(|| panic!("no signing {alg} key in {keys}"))["kid"].clone()
    };
    let before = signing(&list, "EdDSA");
    let announced = server.admin("POST", "/issuers/main/keys/rotate", json!({ "alg": "EdDSA" })).await;
    assert_eq!((announced.status, signing(&announced, "EdDSA")), (200, before.clone()), "announced first");
    assert!(announced.json()["keys"].as_array().unwrap().iter().any(|key| key["state"] == "announced"));
    let at_once = server.admin("POST", "/issuers/main/keys/rotate", json!({ "alg": "EdDSA", "emergency": true })).await;
    assert_eq!(at_once.status, 200);
    assert_ne!(signing(&at_once, "EdDSA"), before);
    let after = server.admin("GET", "/issuers/main/keys", Value::Null).await;
    assert_eq!(signing(&after, "ES256"), signing(&list, "ES256"), "the other ring is left alone");
    let client = server.service_client().await;
    let fields =
        [("grant_type", "client_credentials"), ("client_id", client.0.as_str()), ("client_secret", client.1.as_str())];
    let token = server.token(&fields).await.get("access_token");
    assert_eq!(crate::support::header(&token)["kid"], signing(&at_once, "EdDSA"));
    for answer in [&list, &announced, &at_once] {
        for private in ["\"d\"", "\"p\"", "\"q\"", "\"k\"", "sealed"] {
            assert!(!answer.text().contains(private), "{private} in {}", answer.text());
        }
    }
    for bad in [
        json!({ "alg": "RS256" }),
        json!({ "alg": "none" }),
        json!({ "alg": 1 }),
        json!({ "x": 1 }),
        json!({ "emergency": "yes" }),
    ] {
        server.admin("POST", "/issuers/main/keys/rotate", bad).await.problem(400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn revocations_by_subject_client_token_and_all() {
    let server = Server::start().await;
    let caller = gateway(&server).await;
    let (one, two) = (server.web_client().await, server.web_client().await);
    let login = async |client: &(String, String), subject: &str| {
        let code = server.code(&client.0, json!({ "subject": subject })).await;
        let tokens = server.redeem(client, &code).await;
        [tokens.get("access_token"), tokens.get("refresh_token")]
    };
    let revoke = async |body: Value| {
        let answer = server.admin("POST", "/issuers/main/revocations", body).await;
        assert_eq!((answer.status, answer.body.len()), (204, 0), "{}", answer.text());
        server.clock.advance(Duration::from_secs(1));
    };
    let alive = async |tokens: &[String; 2]| {
        [active(&server, &caller, &tokens[0]).await, active(&server, &caller, &tokens[1]).await]
    };
    let (alice_one, alice_two, bob_one, bob_two) =
        (login(&one, "alice").await, login(&two, "alice").await, login(&one, "bob").await, login(&two, "bob").await);
    revoke(json!({ "subject": "alice" })).await;
    assert_eq!((alive(&alice_one).await, alive(&alice_two).await), ([false; 2], [false; 2]));
    assert_eq!((alive(&bob_one).await, alive(&bob_two).await), ([true; 2], [true; 2]));
    revoke(json!({ "client_id": one.0 })).await;
    assert_eq!((alive(&bob_one).await, alive(&bob_two).await), ([false; 2], [true; 2]));
    revoke(json!({ "token": bob_two[0] })).await;
    assert_eq!(alive(&bob_two).await, [false, true], "an access token by itself");
    let carol = login(&two, "carol").await;
    revoke(json!({ "token": bob_two[1] })).await;
    assert_eq!((alive(&bob_two).await, alive(&carol).await), ([false; 2], [true; 2]));
    revoke(json!({ "all": true })).await;
    assert_eq!(alive(&carol).await, [false; 2]);
    server.refresh(&two, &carol[1]).await.refused(400, "invalid_grant");
    // what comes after is not touched, and what does not exist is revoked as well as it can be
    assert_eq!(alive(&login(&one, "alice").await).await, [true; 2]);
    revoke(json!({ "token": "nothing we issued" })).await;
    revoke(json!({ "subject": "nobody" })).await;
    for bad in [
        json!({}),
        json!({ "all": false }),
        json!({ "subject": "alice", "client_id": one.0 }),
        json!({ "token": "x", "all": true }),
        json!({ "subject": 1 }),
        json!({ "unheard_of": 1 }),
        json!(["alice"]),
    ] {
        server.admin("POST", &format!("{MAIN}/revocations"), bad).await.problem(400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_is_shown_with_origins_and_without_secrets() {
    let jeton::internals::secret::SecretHash::Argon2(phc) = jeton::internals::secret::import("horse").unwrap() else {
        unreachable!()
    };
    let file = format!(
        "[[clients]]\nissuer = \"main\"\nclient_id = \"in-file\"\nsecrets = [{{ argon2 = \"{phc}\" }}]\n\
         [clients.metadata]\ngrant_types = [\"client_credentials\"]\n"
    );
    let server = Server::with(&file).await;
    let answer = server.admin("GET", "/config", Value::Null).await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!(body["config"]["issuers"]["main"]["url"], format!("http://{}", server.public));
    assert_eq!(body["config"]["hashing"]["workers"], 1, "defaults are shown too");
    assert!(body["origins"]["issuers.main.url"].is_string() && body["origins"].get("hashing.workers").is_none());
    assert_eq!(body["config"]["clients"][0]["secrets"][0]["argon2"], "<redacted>");
    for secret in [phc.as_str(), ADMIN_TOKEN, "$argon2id"] {
        assert!(!answer.text().contains(secret), "{secret}");
    }
    let reloaded = server.admin("POST", "/reload", Value::Null).await;
    assert_eq!((reloaded.status, reloaded.json()), (200, json!({ "changed": false, "needs_restart": [] })));
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7592_2_2_what_post_or_get_returned_can_be_put() {
    let server = Server::start().await;
    for metadata in [web_metadata(), spa_metadata()] {
        let made = server.admin("POST", CLIENTS, metadata).await;
        let path = format!("{CLIENTS}/{}", made.get("client_id"));
        let shown = server.admin("GET", &path, Value::Null).await.json();
        for mut body in [made.json(), shown.clone()] {
            body["client_name"] = json!("New");
            let put = server.admin("PUT", &path, body).await;
            assert_eq!((put.status, put.get("client_name").as_str()), (200, "New"), "{}", put.text());
        }
        let mut expected = shown.clone();
        expected["client_name"] = json!("New");
        assert_eq!(server.admin("GET", &path, Value::Null).await.json(), expected);
        // RFC 7591 section 3.2.1 has this one, too
        let mut body = shown.clone();
        body["client_id_issued_at"] = json!(1_900_000_000);
        assert_eq!(server.admin("PUT", &path, body).await.status, 200);
        for (name, other) in [
            ("client_id", json!("other")),
            ("client_secret", json!("other")),
            ("secrets", json!([{ "secret_id": "x" }])),
        ] {
            let mut body = shown.clone();
            body[name] = other;
            let detail = server.admin("PUT", &path, body).await.problem(400);
            assert!(detail.starts_with(&format!("{name}:")), "{detail}");
        }
    }
    // one that is answered with advice
    let mut metadata = web_metadata();
    metadata["client_secret"] = json!("correct+horse%");
    let made = server.admin("POST", CLIENTS, metadata).await;
    assert!(made.json()["warnings"][0].is_string());
    let put = server.admin("PUT", &format!("{CLIENTS}/{}", made.get("client_id")), made.json()).await;
    assert_eq!(put.status, 200, "{}", put.text());
    // one whose hash is slow, with more than one secret
    let mut metadata = web_metadata();
    metadata["client_secret"] = json!("correct horse");
    let made = server.admin("POST", CLIENTS, metadata).await;
    let path = format!("{CLIENTS}/{}", made.get("client_id"));
    assert_eq!(server.admin("PUT", &path, made.json()).await.status, 200);
    let second = server.admin("POST", &format!("{path}/secrets"), Value::Null).await.get("client_secret");
    for secret in ["correct horse", &second] {
        let mut body = web_metadata();
        body["client_secret"] = json!(secret);
        assert_eq!(server.admin("PUT", &path, body).await.status, 200, "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7592_2_2_null_is_absent() {
    let server = Server::start().await;
    let mut metadata = web_metadata();
    let absent = [
        "client_id",
        "client_secret",
        "client_name",
        "contacts",
        "response_types",
        "jwks",
        "jwks_uri",
        "jeton",
        "tls_client_certificate_bound_access_tokens",
        "id_token_signed_response_alg",
        "secrets",
        "client_id_issued_at",
    ];
    for name in absent {
        metadata[name] = Value::Null;
    }
    let made = server.admin("POST", CLIENTS, metadata.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let path = format!("{CLIENTS}/{}", made.get("client_id"));
    metadata["jeton"] = json!({ "access_token_lifetime": null, "disabled": null, "federated_credentials": null, "token_exchange": { "impersonation": null } });
    let put = server.admin("PUT", &path, metadata).await;
    assert_eq!(put.status, 200, "{}", put.text());
    for (name, default) in [("token_endpoint_auth_method", "client_secret_basic")] {
        let mut metadata = web_metadata();
        metadata[name] = Value::Null;
        assert_eq!(server.admin("PUT", &path, metadata).await.json()[name], default, "absent is the default");
    }
    let code = json!({ "amr": null, "acr": null, "claims": null, "resource": null, "audience": null, "nonce": null });
    let mut body = json!({
        "client_id": made.get("client_id"), "redirect_uri": CALLBACK, "subject": "alice", "code_challenge":
        crate::support::CHALLENGE, "code_challenge_method": "S256",
    });
    body.as_object_mut().unwrap().extend(code.as_object().unwrap().clone());
    let issued = server.admin("POST", "/issuers/main/codes", body).await;
    assert_eq!(issued.status, 201, "{}", issued.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_in_a_body_names_its_member() {
    let server = Server::start().await;
    for (name, value, named) in [
        ("client_name", json!(7), "client_name"),
        ("grant_types", json!("x"), "grant_types"),
        ("redirect_uris", json!([1]), "redirect_uris"),
        ("token_endpoint_auth_method", json!(1), "token_endpoint_auth_method"),
        ("jeton", json!({ "access_token_lifetime": "x" }), "jeton.access_token_lifetime"),
        ("jeton", json!({ "token_exchange": { "impersonation": 1 } }), "jeton.token_exchange.impersonation"),
        ("client_id", json!(1), "client_id"),
        ("unheard_of", json!(1), "unheard_of"),
    ] {
        let mut metadata = web_metadata();
        metadata[name] = value;
        let detail = server.admin("POST", CLIENTS, metadata).await.problem(400);
        assert!(detail.contains(named), "{named}: {detail}");
    }
    let code = json!({ "client_id": "x", "redirect_uri": CALLBACK, "subject": 7 });
    let detail = server.admin("POST", "/issuers/main/codes", code).await.problem(400);
    assert!(detail.contains("subject"), "{detail}");
    let detail = server.admin("POST", "/issuers/main/revocations", json!({ "all": "yes" })).await.problem(400);
    assert!(detail.contains("all"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc3986_5_2_4_an_id_that_no_url_can_carry_is_refused() {
    let server = Server::start().await;
    for id in [".", "..", "", "a/b"] {
        let mut metadata = web_metadata();
        metadata["client_id"] = json!(id);
        let detail = server.admin("POST", CLIENTS, metadata).await.problem(400);
        assert!(detail.starts_with("client_id"), "{detail}");
    }
    for id in ["...", ".a", "a..b"] {
        let mut metadata = web_metadata();
        metadata["client_id"] = json!(id);
        assert_eq!(server.admin("POST", CLIENTS, metadata).await.status, 201, "{id}");
        assert_eq!(server.admin("GET", &format!("{CLIENTS}/{id}"), Value::Null).await.status, 200, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8259_4_a_repeated_member_of_a_body_is_refused() {
    let server = Server::start().await;
    for (path, body) in [
        (CLIENTS, r#"{"client_name":"a","client_name":"b","grant_types":["client_credentials"]}"#),
        (CLIENTS, r#"{"grant_types":["client_credentials"],"jeton":{"introspection":"own","introspection":"any"}}"#),
        (CLIENTS, r#"{"grant_types":["client_credentials"],"jwks":{"keys":[],"keys":[]}}"#),
        ("/issuers/main/revocations", r#"{"subject":"a","subject":"b"}"#),
        ("/issuers/main/revocations", r#"{"subject":"a","subj\u0065ct":"b"}"#),
    ] {
        let detail = raw_body(&server, "POST", path, body).await.problem(400);
        assert!(detail.contains("twice") || detail.contains("repeated") || detail.contains("duplicate"), "{detail}");
    }
}

/// Who could not have got it as a public client must not go on with it as one, and nor must a thief.
#[tokio::test(flavor = "multi_thread")]
async fn rfc6749_2_1_a_client_that_becomes_public_loses_what_it_was_issued_before() {
    let server = Server::start().await;
    let gateway = gateway(&server).await;
    let client = server.web_client().await;
    let (tokens, code) = (server.login(&client).await, server.code(&client.0, Value::Null).await);
    server.advance(Duration::from_secs(1)).await;
    // another way to prove who it is voids nothing
    for method in ["client_secret_basic", "client_secret_post"] {
        let mut metadata = web_metadata();
        metadata["token_endpoint_auth_method"] = json!(method);
        assert_eq!(server.replace(&client.0, metadata).await.status, 200);
        assert!(active(&server, &gateway, tokens["access_token"].as_str().unwrap()).await);
    }
    assert_eq!(server.replace(&client.0, spa_metadata()).await.status, 200);
    server.advance(Duration::from_secs(1)).await;
    let public = (client.0.clone(), String::new());
    assert!(!active(&server, &gateway, tokens["access_token"].as_str().unwrap()).await);
    server.refresh(&public, tokens["refresh_token"].as_str().unwrap()).await.refused(400, "invalid_grant");
    server.redeem(&public, &code).await.refused(400, "invalid_grant");
    // what it gets now works, also after a change that lowers nothing, and after it is confidential again
    let later = server.login(&public).await;
    assert_eq!(server.replace(&client.0, spa_metadata()).await.status, 200);
    let later = server.refresh(&public, later["refresh_token"].as_str().unwrap()).await;
    assert_eq!(later.status, 200, "{}", later.text());
    assert_eq!(server.replace(&client.0, web_metadata()).await.status, 200);
    // its secret went with the method: whoever stole it meanwhile has nothing
    server.refresh(&client, &later.get("refresh_token")).await.refused(401, "invalid_client");
    let path = format!("{CLIENTS}/{}", client.0);
    assert_eq!(server.admin("GET", &path, Value::Null).await.json()["secrets"], json!([]));
    let secret = server.admin("POST", &format!("{path}/secrets"), Value::Null).await.get("client_secret");
    let client = (client.0, secret);
    assert_eq!(server.refresh(&client, &later.get("refresh_token")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc6749_2_1_a_change_that_is_refused_voids_nothing() {
    let server = Server::start().await;
    let gateway = gateway(&server).await;
    let client = server.web_client().await;
    let tokens = server.login(&client).await;
    server.advance(Duration::from_secs(1)).await;
    for (name, wrong) in [
        ("client_name", json!(" blanks at its ends ")),
        ("scope", json!("nobody:knows")),
        ("jeton", json!({ "introspection": "any" })),
        ("contacts", json!(vec!["c".repeat(1000); 20])),
    ] {
        let mut metadata = spa_metadata();
        metadata[name] = wrong;
        server.replace(&client.0, metadata).await.problem(400);
        assert!(active(&server, &gateway, tokens["access_token"].as_str().unwrap()).await, "{name}");
    }
}

/// A rule that is younger than what is stored, or settings that an issuer has no more, must not take a client away for good.
#[tokio::test(flavor = "multi_thread")]
async fn a_stored_client_that_no_longer_fits_its_issuer_can_be_seen_mended_and_deleted() {
    let server = Server::start().await;
    let client = server.web_client().await;
    let path = format!("{CLIENTS}/{}", client.0);
    let store = server.daemon().service().context.shards.engine().documents.clone();
    let name = format!("main/{}", client.0);
    let kept = store.get("client", &name).await.unwrap().unwrap().body.unwrap();
    let old = kept.replace("api:write", "nobody:knows");
    let access = server.login(&client).await["access_token"].as_str().unwrap().to_owned();
    server.advance(Duration::from_secs(1)).await;
    leave(&server, &client.0, old.clone()).await;
    server.redeem(&client, "x").await.refused(401, "invalid_client");
    let shown = server.admin("GET", &path, Value::Null).await;
    assert!(shown.status == 200 && shown.get("unusable").starts_with("scope:"), "{}", shown.text());
    let mut again = web_metadata();
    again["client_id"] = json!(client.0);
    server.admin("POST", CLIENTS, again).await.problem(409);
    let mut body = shown.json();
    assert!(server.admin("PUT", &path, body.clone()).await.problem(400).contains("scope"));
    body["scope"] = web_metadata()["scope"].clone();
    let put = server.admin("PUT", &path, body).await;
    assert!(put.status == 200 && put.json().get("unusable").is_none(), "{}", put.text());
    assert!(server.is_active(&server.gateway().await, &access).await, "nothing was voided");
    server.login(&client).await;
    for old in [old, "{}".to_owned(), "no JSON".to_owned()] {
        leave(&server, &client.0, old).await;
        assert!(!server.admin("GET", &path, Value::Null).await.get("unusable").is_empty());
        assert_eq!(server.admin("DELETE", &path, Value::Null).await.status, 204);
        server.admin("GET", &path, Value::Null).await.problem(404);
        assert_eq!(server.daemon().service().registry.client("main", &client.0).map(|client| client.version), None);
    }
    let mut again = web_metadata();
    again["client_id"] = json!(client.0);
    server.client(again).await;
    assert!(!server.is_active(&server.gateway().await, &access).await);
    // and one of which nothing can be read is written anew
    server.advance(Duration::from_secs(1)).await;
    leave(&server, &client.0, "{}".to_owned()).await;
    assert_eq!(server.replace(&client.0, web_metadata()).await.status, 200);
    let secret = server.admin("POST", &format!("{path}/secrets"), Value::Null).await.get("client_secret");
    server.login(&(client.0, secret)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7517_5_a_client_that_was_stored_with_16_keys_and_one_of_an_unknown_kind_still_loads() {
    let server = Server::start().await;
    let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let mut keys = vec![key.clone(); 16];
    keys.push(json!({ "kty": "XYZ" }));
    keys.push(json!({ "kty": "OKP", "use": "enc" }));
    let mut metadata = web_metadata();
    metadata["token_endpoint_auth_method"] = json!("private_key_jwt");
    metadata["jwks"] = json!({ "keys": keys });
    leave(&server, "old", json!({ "metadata": metadata, "secrets": [] }).to_string()).await;
    assert!(server.daemon().service().registry.client("main", "old").is_some());
    assert_eq!(server.replace("old", metadata.clone()).await.status, 200);
    keys.push(key);
    metadata["jwks"] = json!({ "keys": keys });
    assert!(server.replace("old", metadata).await.problem(400).contains("keys[18]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc6749_2_1_so_does_one_of_the_file_by_a_reload() {
    let hash = jeton::internals::Cost::default().hash("horse").unwrap();
    let file = |method: &str| {
        let secrets = if method == "none" { String::new() } else { format!("secrets = [{{ argon2 = \"{hash}\" }}]") };
        format!(
            "refresh_without_offline_access = true\n[[clients]]\nissuer = \"main\"\nclient_id = \"app\"\n{secrets}\n\
             [clients.metadata]\ntoken_endpoint_auth_method = \"{method}\"\ngrant_types = [\"authorization_code\", \
             \"refresh_token\"]\nredirect_uris = [\"{CALLBACK}\"]\nscope = \"api:read\"\n[[clients]]\nissuer = \
             \"main\"\nclient_id = \"gateway\"\nsecrets = [{{ argon2 = \"{hash}\" }}]\n[clients.metadata]\n\
             token_endpoint_auth_method = \"client_secret_post\"\ngrant_types = [\"client_credentials\"]\n\
             [clients.metadata.jeton]\nintrospection = \"any\"\n"
        )
    };
    let serve = crate::support::process::Serve::start(&file("client_secret_post")).await;
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let admin = async |path: &str, body: Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        request(serve.admin, "POST", &format!("/admin/v1{path}"), &headers, body.as_bytes()).await
    };
    let post = async |path: &str, fields: &[(&str, &str)]| {
        crate::support::http::post_form(serve.public, path, &[], fields).await
    };
    let code = json!({
        "client_id": "app", "redirect_uri": CALLBACK, "subject": "alice", "scope": "api:read",
        "code_challenge": crate::support::CHALLENGE, "code_challenge_method": "S256",
    });
    let code = admin("/issuers/main/codes", code).await.get("code");
    let secret = ("client_secret", "horse");
    let redeem = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", crate::support::VERIFIER),
        ("client_id", "app"),
        secret,
    ];
    let tokens = post("/oauth2/token", &redeem).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text());
    let access = tokens.get("access_token");
    let alive = async || {
        let fields = [("token", access.as_str()), ("client_id", "gateway"), secret];
        post("/oauth2/introspect", &fields).await.json()["active"] == true
    };
    assert!(alive().await);
    assert_eq!(admin("/reload", Value::Null).await.status, 200);
    assert!(alive().await, "a reload that lowers nothing");
    serve.rewrite(&file("none"));
    assert_eq!(admin("/reload", Value::Null).await.status, 200);
    assert!(!alive().await);
    let token = tokens.get("refresh_token");
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", token.as_str()), ("client_id", "app")];
    post("/oauth2/token", &refresh).await.refused(400, "invalid_grant");
}

/// Who has the id when it comes back need not be who had it before.
#[tokio::test(flavor = "multi_thread")]
async fn checklist_56_a_client_that_a_reload_takes_away_loses_what_it_was_issued() {
    let hash = jeton::internals::Cost::default().hash("horse").unwrap();
    let client = |id: &str, more: &str| {
        format!(
            "[[clients]]\nissuer = \"main\"\nclient_id = \"{id}\"\n{more}scope = \"api:read\"\n[clients.metadata.jeton]\n"
        )
    };
    let secret = format!(
        "secrets = [{{ argon2 = \"{hash}\" }}]\n[clients.metadata]\ntoken_endpoint_auth_method = \
         \"client_secret_post\"\ngrant_types = [\"client_credentials\"]\n"
    );
    let public = format!(
        "[clients.metadata]\ntoken_endpoint_auth_method = \"none\"\ngrant_types = [\"authorization_code\"]\n\
         redirect_uris = [\"{CALLBACK}\"]\n"
    );
    let gateway = client("gateway", &secret) + "introspection = \"any\"\n";
    let (with, without) = (gateway.clone() + &client("app", &secret), gateway.clone());
    let serve = crate::support::process::Serve::start(&with).await;
    let post = async |path: &str, fields: &[(&str, &str)]| {
        crate::support::http::post_form(serve.public, path, &[], fields).await
    };
    let token = async || {
        let fields = [("grant_type", "client_credentials"), ("client_id", "app"), ("client_secret", "horse")];
        post("/oauth2/token", &fields).await.get("access_token")
    };
    let alive = async |token: &str| {
        let fields = [("token", token), ("client_id", "gateway"), ("client_secret", "horse")];
        post("/oauth2/introspect", &fields).await.json()["active"] == true
    };
    let reload = async |file: &str| {
        serve.rewrite(file);
        let answer = serve.admin("POST", "/reload", Value::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    };
    for back in [&with, &(gateway + &client("app", &public))] {
        let token = token().await;
        assert!(alive(&token).await);
        reload(&without).await;
        assert!(!alive(&token).await);
        reload(back).await;
        assert!(!alive(&token).await, "{back}");
    }
    assert!(serve.log().contains("client_removed"));
}

/// By a restart with another file, or on a node that has not heard of the fence: what is stored tells by itself.
#[tokio::test(flavor = "multi_thread")]
async fn rfc6749_2_1_a_refresh_token_of_a_confidential_client_is_of_no_use_to_a_public_one() {
    let server = Server::start().await;
    let client = server.web_client().await;
    let tokens = server.login(&client).await;
    let code = server.code(&client.0, json!({ "code_challenge": null, "code_challenge_method": null })).await;
    let service = server.daemon().service();
    let issuer = service.registry.issuer("main").unwrap();
    let become_public = |stored: &mut jeton::internals::StoredClient| {
        stored.metadata.token_endpoint_auth_method = jeton::internals::MethodName::NONE;
        Ok(())
    };
    service.registry.update(&issuer, &client.0, become_public).await.unwrap();
    let public = (client.0.clone(), String::new());
    server.refresh(&public, tokens["refresh_token"].as_str().unwrap()).await.refused(400, "invalid_grant");
    let redeem = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("client_id", client.0.as_str()),
    ];
    server.token(&redeem).await.refused(400, "invalid_grant");
    let later = server.login(&public).await;
    assert_eq!(server.refresh(&public, later["refresh_token"].as_str().unwrap()).await.status, 200);
}
