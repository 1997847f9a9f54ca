//! CHECKLIST 23, 75, 76: what is secret stays out of logs, metrics, error bodies and the data directory.
//!
//! Every secret of every request carries a canary, or is remembered; afterwards nothing that the server wrote may
//! contain one, with every line of jeton's own log written out.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::assertion::{JWT_BEARER, Signer};
use crate::support::http::{Wire, compose, post_form, request};
use crate::support::process::{Dev, Serve};
use crate::support::{ADMIN_TOKEN, Answer, CALLBACK, CHALLENGE, VERIFIER, form, web_metadata};

/// In everything secret that the test makes up.
const CANARY: &str = "Canary7f3a9c";

/// A server whose answers are watched.
struct Watched {
    dev: Dev,
    /// Secrets that the server made: none may turn up in what it writes.
    secrets: Mutex<BTreeSet<String>>,
}

impl Watched {
    /// A call whose answer may carry nothing but what `hands_out` says it is for.
    async fn call(&self, admin: bool, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let to = if admin { self.dev.admin } else { self.dev.public };
        let answer = request(to, method, path, headers, body.as_bytes()).await;
        let text = format!("{:?} {}", answer.headers, String::from_utf8_lossy(&answer.body));
        assert!(!text.contains(CANARY), "{method} {path}: {text}");
        assert!(answer.status < 500, "{method} {path}: {text}");
        if let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(&answer.body) {
            for name in ["access_token", "refresh_token", "id_token", "code", "client_secret"] {
                if let Some(Value::String(secret)) = members.get(name) {
                    self.remember(secret);
                }
            }
        }
        answer
    }

    fn remember(&self, secret: &str) {
        self.secrets.lock().unwrap().insert(secret.to_owned());
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Answer {
        let mut all = vec![("Content-Type", "application/x-www-form-urlencoded")];
        all.extend_from_slice(headers);
        self.call(false, "POST", path, &all, &form(fields)).await
    }

    async fn admin(&self, method: &str, path: &str, body: Value) -> Answer {
        let bearer = format!("Bearer {ADMIN_TOKEN}");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.call(true, method, &format!("/admin/v1{path}"), &[("Authorization", &bearer)], &body).await
    }

    async fn code(&self, client: &str, challenge: &str) -> String {
        let body = json!({
            "client_id": client, "redirect_uri": CALLBACK, "subject": "alice", "scope": "openid offline_access api:read",
            "code_challenge": challenge, "code_challenge_method": "S256",
        });
        let answer = self.admin("POST", "/issuers/main/codes", body).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.get("code")
    }
}

/// Every way that works, with canaries where the sender chooses.
async fn succeed(server: &Watched) -> (String, String) {
    let secret = format!("given-{CANARY}-secret-0123456789");
    let mut metadata = web_metadata();
    metadata["client_id"] = json!("web");
    metadata["client_secret"] = json!(secret);
    metadata["grant_types"].as_array_mut().unwrap().push("client_credentials".into());
    // shown once, to whoever gave it: the only answer that may repeat it
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    let headers = [("Authorization", bearer.as_str())];
    let path = "/admin/v1/issuers/main/clients";
    let created = request(server.dev.admin, "POST", path, &headers, metadata.to_string().as_bytes()).await;
    assert_eq!(created.status, 201, "{}", created.text());
    let verifier = format!("verifier-{CANARY}-{CANARY}-{CANARY}-{CANARY}");
    let challenge = URL_SAFE_NO_PAD.encode(sha256(&verifier));
    let code = server.code("web", &challenge).await;
    let who = [("client_id", "web"), ("client_secret", secret.as_str())];
    let with = |fields: &[(&'static str, String)]| {
        let mut all: Vec<(&str, String)> = fields.to_vec();
        all.extend(who.map(|(name, value)| (name, value.to_owned())));
        all
    };
    let post = async |path: &str, fields: Vec<(&str, String)>| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = server.post(path, &[], &fields).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer
    };
    let grant = |name: &str| ("grant_type", name.to_owned());
    let fields = with(&[
        grant("authorization_code"),
        ("code", code.clone()),
        ("redirect_uri", CALLBACK.to_owned()),
        ("code_verifier", verifier),
    ]);
    let tokens = post("/oauth2/token", fields).await;
    let fields = with(&[grant("refresh_token"), ("refresh_token", tokens.get("refresh_token"))]);
    let refreshed = post("/oauth2/token", fields).await;
    post("/oauth2/introspect", with(&[("token", refreshed.get("access_token"))])).await;
    post("/oauth2/introspect", with(&[("token", refreshed.get("refresh_token"))])).await;
    post("/oauth2/token", with(&[grant("client_credentials"), ("scope", "api:read".to_owned())])).await;
    post("/oauth2/revoke", with(&[("token", refreshed.get("access_token"))])).await;
    // the same with an opaque access token
    let mut opaque = metadata.clone();
    opaque.as_object_mut().unwrap().retain(|name, _| !["client_id", "client_secret"].contains(&name.as_str()));
    opaque["jeton"] = json!({ "access_token_format": "opaque" });
    assert_eq!(server.admin("PUT", "/issuers/main/clients/web", opaque).await.status, 200);
    let sealed = post("/oauth2/token", with(&[grant("client_credentials"), ("scope", "api:read".to_owned())])).await;
    assert!(sealed.get("access_token").starts_with("jat_"));
    for path in ["/oauth2/introspect", "/oauth2/revoke", "/oauth2/introspect"] {
        post(path, with(&[("token", sealed.get("access_token"))])).await;
    }
    for path in ["/issuers/main/clients/web", "/issuers/main/clients", "/issuers/main/keys", "/config"] {
        assert_eq!(server.admin("GET", path, Value::Null).await.status, 200);
    }
    let second = server.admin("POST", "/issuers/main/clients/web/secrets", json!({})).await;
    assert_eq!(second.status, 201);
    let path = format!("/issuers/main/clients/web/secrets/{}", second.get("secret_id"));
    assert_eq!(server.admin("DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(server.admin("POST", "/issuers/main/keys/rotate", json!({"emergency": true})).await.status, 200);
    assert_eq!(server.admin("POST", "/reload", Value::Null).await.status, 200);
    let token = refreshed.get("refresh_token");
    assert_eq!(server.admin("POST", "/issuers/main/revocations", json!({"token": token})).await.status, 204);
    // a replay, which is a security event
    let basic = format!("Basic {}", STANDARD.encode(format!("web:{secret}")));
    server.remember(&basic["Basic ".len()..]);
    let fields = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)];
    server.post("/oauth2/token", &[("Authorization", &basic)], &fields).await;
    (secret, code)
}

/// Every way that fails, each with a canary in it.
async fn fail(server: &Watched, secret: &str) {
    let jwt = |part: &str| URL_SAFE_NO_PAD.encode(part);
    let assertion = format!("{}.{}.{CANARY}", jwt(r#"{"alg":"ES256"}"#), jwt(&format!(r#"{{"jti":"{CANARY}"}}"#)));
    let garbage = [
        format!("jac_{CANARY}"),
        format!("jrt_{CANARY}"),
        format!("jat_{CANARY}"),
        format!("jrt_{}", "A".repeat(70) + CANARY),
        format!("{CANARY}\r\n\0é"),
        assertion.clone(),
        CANARY.repeat(900),
    ];
    let tampered = format!("{}{CANARY}", server.code("web", CHALLENGE).await);
    for text in garbage.iter().map(String::as_str).chain([tampered.as_str()]) {
        let who = [("client_id", "web"), ("client_secret", secret)];
        let code = [("grant_type", "authorization_code"), ("code", text), ("redirect_uri", CALLBACK)];
        let redirect = format!("https://evil.example/?{CANARY}={text}");
        let calls: [(&str, Vec<(&str, &str)>); 10] = [
            ("/oauth2/token", [&code[..], &who[..], &[("code_verifier", VERIFIER)]].concat()),
            ("/oauth2/token", [&code[..], &who[..], &[("code_verifier", text)]].concat()),
            ("/oauth2/token", [&code[..2], &who[..], &[("redirect_uri", redirect.as_str())]].concat()),
            ("/oauth2/token", [&[("grant_type", "refresh_token"), ("refresh_token", text)][..], &who[..]].concat()),
            ("/oauth2/token", [&[("grant_type", "client_credentials"), ("scope", text)][..], &who[..]].concat()),
            ("/oauth2/token", [&[("grant_type", text)][..], &who[..]].concat()),
            ("/oauth2/introspect", [&[("token", text), ("token_type_hint", text)][..], &who[..]].concat()),
            ("/oauth2/revoke", [&[("token", text), ("token_type_hint", text)][..], &who[..]].concat()),
            ("/oauth2/token", vec![("grant_type", "client_credentials"), ("client_id", text), ("client_secret", text)]),
            (
                "/oauth2/token",
                vec![
                    ("grant_type", "password"),
                    ("username", text),
                    ("password", text),
                    ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                    ("client_assertion", text),
                ],
            ),
        ];
        for (path, fields) in calls {
            server.post(path, &[], &fields).await;
            // twice the same parameter, and everything in the query
            let twice: Vec<(&str, &str)> = fields.iter().flat_map(|field| [*field, *field]).collect();
            server.post(path, &[], &twice).await;
            if text.len() < 1_000 {
                server.post(&format!("{path}?{}", form(&fields)), &[], &[("x", "y")]).await;
                server.call(false, "GET", &format!("{path}?{}", form(&fields)), &[], "").await;
            }
            server.call(false, "POST", path, &[("Content-Type", "application/json")], &json!(text).to_string()).await;
        }
    }
    for scheme in ["Basic", "Bearer", "Digest", "DPoP", "Negotiate", "", "basic"] {
        for credentials in [CANARY.to_owned(), STANDARD.encode(format!("web:{CANARY}")), STANDARD.encode(CANARY)] {
            server.remember(&credentials);
            let header = format!("{scheme} {credentials}");
            let headers = [("Authorization", header.as_str())];
            for path in ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"] {
                server.post(path, &headers, &[("grant_type", "client_credentials"), ("token", CANARY)]).await;
            }
            server.call(true, "GET", "/admin/v1/config", &headers, "").await;
            server
                .call(true, "POST", "/admin/v1/issuers/main/codes", &headers, &json!({"a": CANARY}).to_string())
                .await;
            server.call(false, "GET", "/oauth2/jwks", &headers, "").await;
        }
    }
    for body in [
        json!({"client_id": "x", "client_secret": [CANARY]}),
        json!({"client_id": "x", "client_secret": CANARY}),
        json!({"client_id": "x", "token_endpoint_auth_method": "none", "client_secret": CANARY.repeat(3)}),
        json!({"client_id": "web", "client_secret": CANARY.repeat(3)}),
        json!({"client_secret": CANARY.repeat(100)}),
    ] {
        server.admin("POST", "/issuers/main/clients", body.clone()).await;
        server.admin("PUT", "/issuers/main/clients/web", body.clone()).await;
    }
    for token in [json!(CANARY), json!([CANARY]), json!({"a": CANARY})] {
        server.admin("POST", "/issuers/main/revocations", json!({"token": token})).await;
        server.admin("POST", "/issuers/main/revocations", json!({"token": token, "all": true})).await;
    }
    // what is not JSON, not HTTP, not ours
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    for path in ["/issuers/main/clients", "/issuers/main/codes", "/issuers/main/revocations"] {
        let path = format!("/admin/v1{path}");
        server
            .call(true, "POST", &path, &[("Authorization", &bearer)], &format!("{{\"client_secret\":\"{CANARY}"))
            .await;
    }
    for path in [format!("/{CANARY}"), format!("/oauth2/{CANARY}?code={CANARY}"), format!("/admin/v1/{CANARY}")] {
        for admin in [false, true] {
            server.call(admin, "GET", &path, &[("traceparent", CANARY), ("Cookie", CANARY)], "").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_23_75_no_secret_is_written_anywhere() {
    let dir = TempDir::new().unwrap();
    let (data, log) = (dir.path().join("data"), dir.path().join("log"));
    let filter = "trace";
    let server = Watched { dev: Dev::verbose(&data, &log, filter).await, secrets: Mutex::default() };
    let (secret, _) = succeed(&server).await;
    fail(&server, &secret).await;
    // what a portal asks with is in the path: the code of a device that still waits
    let user_code = "BCDF-GHJK-LMNP";
    let approved = format!("/issuers/main/device/{user_code}/approve");
    assert_eq!(server.admin("POST", &approved, json!({ "subject": "alice" })).await.status, 404);
    server.remember(user_code);
    let metrics = request(server.dev.admin, "GET", "/metrics", &[], b"").await.text();
    // stops in order, so that every line is out
    let Watched { mut dev, secrets } = server;
    assert!(dev.terminate().await.success());
    let mut secrets = secrets.into_inner().unwrap();
    secrets.extend([CANARY, ADMIN_TOKEN, &secret, VERIFIER].map(str::to_owned));
    for name in ["master.key", "demo-web.secret", "demo-service.secret"] {
        secrets.insert(std::fs::read_to_string(data.join(name)).unwrap().split_whitespace().last().unwrap().to_owned());
    }
    assert!(secrets.len() > 15, "the server made secrets: {}", secrets.len());
    let log = std::fs::read(&log).unwrap();
    let count = |needle: &str| String::from_utf8_lossy(&log).matches(needle).count();
    assert!(count(r#""target":"access""#) > 100 && count(r#""target":"audit""#) > 5, "the log was written");
    let mut written = vec![(PathBuf::from("log"), log), (PathBuf::from("/metrics"), metrics.into_bytes())];
    // the secrets' own files are where they belong
    written.extend(files(&data.join("store")).into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())));
    assert!(written.len() >= 5, "the store has files");
    for (place, bytes) in &written {
        for secret in &secrets {
            assert!(!contains(bytes, secret.as_bytes()), "{} holds {secret}", place.display());
            // also not as raw bytes: what follows a prefix like `jrt_`, or the signature of a JWT
            let text = match (secret.as_bytes().get(3), secret.rsplit_once('.')) {
                (Some(b'_'), _) => secret.get(4..),
                (_, signature) => signature.map(|(_, signature)| signature),
            };
            if let Some(raw) = text.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()) {
                let tail = raw.len().checked_sub(16).map(|from| &raw[from..]).expect("a secret is longer");
                assert!(!contains(bytes, tail), "{} holds {secret}, decoded", place.display());
            }
        }
    }
}

/// The lines of a log that have `event`.
fn events(log: &str, event: &str) -> Vec<Value> {
    // the last one may not be whole yet
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["event"] == event).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_75_failed_throttled_and_replayed_authentication_is_audited_with_the_claimed_client() {
    let mut server = Serve::start("").await;
    let ask = async |id: &str, secret: &str| {
        let fields = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        post_form(server.public, "/oauth2/token", &[], &fields).await.status
    };
    let long = "x".repeat(300);
    let strange = ["a\nb", "\u{202e}evil", "jcs_AAAAAAAAAAAAAAAAAAAAAA", "eyJhbGciOiJub25lIn0.e30.", long.as_str()];
    for id in strange {
        assert!(matches!(ask(id, "guess").await, 400 | 401));
    }
    while ask("web", "guess").await != 429 {}
    // replayed at introspection
    let key = Signer::new("ES256");
    let metadata = json!({
        "client_id": "signer", "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [key.jwk()] },
        "grant_types": ["client_credentials"], "scope": "api:read",
    });
    assert_eq!(server.admin("POST", "/issuers/main/clients", metadata).await.status, 201);
    let now = jeton::Clock::system().now().as_secs();
    let issuer = format!("http://{}", server.public);
    let claims = json!({ "iss": "signer", "sub": "signer", "aud": issuer, "jti": "once", "exp": now + 60 });
    let assertion = key.jws(&json!({ "alg": "ES256" }), &claims);
    for status in [200, 401] {
        let kind = ("client_assertion_type", JWT_BEARER);
        let fields = [("token", "x"), kind, ("client_assertion", assertion.as_str())];
        assert_eq!(post_form(server.public, "/oauth2/introspect", &[], &fields).await.status, status);
    }
    server.signal("TERM");
    assert_eq!(server.exit(Duration::from_secs(10)).await, Some(0));
    let log = server.log();
    let failed = events(&log, "client_authentication_failed");
    let web = failed.iter().find(|line| line["claimed_client"] == "web").unwrap_or_else(|| panic!("{log}"));
    assert_eq!((&web["target"], &web["issuer"], &web["peer"]), (&json!("audit"), &json!("main"), &json!("127.0.0.1")));
    assert_eq!((&web["reason"], &web["method"]), (&json!("unknown client"), &json!("client_secret_post")));
    let throttled = events(&log, "client_authentication_throttled");
    assert_eq!((throttled.len(), &throttled[0]["claimed_client"]), (1, &json!("web")));
    let replayed = events(&log, "client_assertion_replayed");
    assert_eq!((replayed.len(), &replayed[0]["claimed_client"]), (1, &json!("signer")));
    // what is no client id is not repeated
    for strange in ["a\\nb", "evil", "jcs_AAAA", "eyJhbGci", &long[..129]] {
        assert!(!log.contains(strange), "{strange}");
    }
    // the line of the request says that the name is only claimed
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (status, error) in [(401, "invalid_client"), (429, "temporarily_unavailable")] {
        let line = lines
            .iter()
            .find(|line| line["target"] == "access" && line["status"] == status && line["claimed_client"] == "web");
        let line = line.unwrap_or_else(|| panic!("{status}: {log}"));
        assert_eq!((&line["error"], &line["client"]), (&json!(error), &Value::Null));
    }
    assert!(!lines.iter().any(|line| line["client"] == "web"));
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_75_a_flood_of_failures_does_not_flood_the_audit_stream() {
    let mut server = Serve::start("").await;
    for n in 0..300 {
        let name = format!("nobody-{n}");
        let fields = [("grant_type", "client_credentials"), ("client_id", &name), ("client_secret", "x")];
        assert_eq!(post_form(server.public, "/oauth2/token", &[], &fields).await.status, 401);
    }
    // the next line there is room for says how many are missing
    let more = async {
        let mut n = 0;
        loop {
            n += 1;
            let fields = [("client_id", "later"), ("client_secret", "x")];
            post_form(server.public, "/oauth2/token", &[], &fields).await;
            if events(&server.log(), "client_authentication_failed").iter().any(|line| line["suppressed"].is_u64()) {
                return n;
            }
        }
    };
    let more: u64 = tokio::time::timeout(Duration::from_secs(20), more).await.expect("a line after the flood");
    server.signal("TERM");
    assert_eq!(server.exit(Duration::from_secs(10)).await, Some(0));
    let failed = events(&server.log(), "client_authentication_failed");
    assert!(failed.len() < 200, "{}", failed.len());
    let suppressed: u64 = failed.iter().filter_map(|line| line["suppressed"].as_u64()).sum();
    assert!(suppressed > 100 && failed.len() as u64 + suppressed <= 300 + more, "{suppressed} of {}", 300 + more);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_75_a_flood_of_refused_admin_requests_does_not_flood_the_audit_stream() {
    let mut server = Serve::start("").await;
    let since = jeton::internals::Stopwatch::start();
    for _ in 0..300 {
        let refused = request(server.admin, "GET", "/admin/v1/config", &[("Authorization", "Bearer guess")], b"").await;
        assert_eq!(refused.status, 401);
    }
    // twenty at once and ten a second
    let room = 21 + since.elapsed().as_millis() / 100;
    server.signal("TERM");
    assert_eq!(server.exit(Duration::from_secs(10)).await, Some(0));
    let lines = events(&server.log(), "admin_refused").len();
    assert!((20..300).contains(&lines) && lines as u128 <= room, "{lines} of {room}");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_75_audit_lines_of_the_admin_api_name_target_actor_and_peer() {
    let mut server = Serve::start("").await;
    let metadata = json!({
        "client_id": "web", "token_endpoint_auth_method": "client_secret_post", "grant_types": ["client_credentials"],
        "scope": "api:read",
    });
    assert_eq!(server.admin("POST", "/issuers/main/clients", metadata.clone()).await.status, 201);
    let mut unnamed = metadata;
    unnamed.as_object_mut().unwrap().remove("client_id");
    let unnamed = server.admin("POST", "/issuers/main/clients", unnamed).await.get("client_id");
    let made = server.admin("POST", "/issuers/main/clients/web/secrets", json!({})).await.get("secret_id");
    let path = format!("/issuers/main/clients/web/secrets/{made}");
    assert_eq!(server.admin("DELETE", &path, Value::Null).await.status, 204);
    for what in [json!({ "subject": "u-1" }), json!({ "client_id": "web" }), json!({ "subject": "a\nb" })] {
        server.admin("POST", "/issuers/main/revocations", what).await;
    }
    assert_eq!(server.admin("DELETE", "/issuers/main/clients/web", Value::Null).await.status, 204);
    let refused = request(server.admin, "GET", "/admin/v1/config", &[("Authorization", "Bearer guess")], b"").await;
    assert_eq!(refused.status, 401);
    server.signal("TERM");
    assert_eq!(server.exit(Duration::from_secs(10)).await, Some(0));
    let log = server.log();
    let lines = events(&log, "admin");
    assert_eq!(lines.len(), 8, "{log}");
    assert!(lines.iter().all(|line| line["actor"] == "admin" && line["peer"] == "127.0.0.1"), "{lines:?}");
    let clients: Vec<&Value> = lines.iter().map(|line| &line["client"]).collect();
    let (web, none) = (json!("web"), Value::Null);
    assert_eq!(clients, [&web, &json!(unnamed), &web, &web, &none, &web, &none, &web]);
    let secrets: Vec<&Value> = lines.iter().map(|line| &line["secret_id"]).collect();
    assert_eq!(secrets[2..4], [&json!(made), &json!(made)]);
    assert_eq!(
        (&lines[4]["subject"], &lines[6]["subject"]),
        (&json!("u-1"), &none),
        "what is no subject is not repeated"
    );
    let refused = events(&log, "admin_refused");
    assert_eq!((refused.len(), &refused[0]["peer"], &refused[0]["call"]), (1, &json!("127.0.0.1"), &json!("config")));
}

#[tokio::test(flavor = "multi_thread")]
async fn jeton_dev_says_why_a_request_was_refused() {
    let dir = TempDir::new().unwrap();
    let (data, log) = (dir.path().join("data"), dir.path().join("log"));
    let mut dev = Dev::start(&data, &log).await;
    let secret = std::fs::read_to_string(data.join("demo-web.secret")).unwrap();
    let who = [("client_id", "demo-web"), ("client_secret", secret.trim())];
    let ask = async |fields: &[(&str, &str)]| post_form(dev.public, "/oauth2/token", &[], fields).await.status;
    assert_eq!(ask(&[("grant_type", "refresh_token"), ("refresh_token", "x"), who[0], who[1]]).await, 400);
    assert_eq!(
        ask(&[("grant_type", "refresh_token"), ("refresh_token", "x"), who[0], ("client_secret", "y")]).await,
        401
    );
    assert_eq!(ask(&[("grant_type", "refresh_token"), who[0], who[1]]).await, 400);
    assert!(dev.terminate().await.success());
    let log = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let said: Vec<(&Value, &Value)> =
        lines.iter().filter(|line| line["target"] == "refused").map(|line| (&line["error"], &line["reason"])).collect();
    let (grant, client) = (json!("invalid_grant"), json!("invalid_client"));
    let forged = json!("the credential is forged, garbled or another issuer's");
    let (wrong, missing) = (json!("wrong or expired secret"), json!("refresh_token is missing"));
    assert_eq!(said, [(&grant, &forged), (&client, &wrong), (&json!("invalid_request"), &missing)], "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_76_keys_are_sealed_and_files_are_the_owners() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let mut dev = Dev::start(&data, &dir.path().join("log")).await;
    let keys = dev.admin("GET", "/issuers/main/keys", Value::Null).await;
    assert!(keys.text().contains("\"kid\""), "{}", keys.text());
    for private in ["\"d\"", "\"p\"", "\"q\"", "\"dp\"", "\"k\"", "sealed"] {
        assert!(!keys.text().contains(private), "{private} in {}", keys.text());
    }
    assert!(dev.terminate().await.success());
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&data), mode(&data.join("store"))), (0o700, 0o700));
    for name in ["master.key", "admin.token", "demo-web.secret", "demo-service.secret"] {
        assert_eq!(mode(&data.join(name)), 0o600, "{name}");
    }
    // PKCS#8 of Ed25519, of RSA, of P-256; SEC 1; RSAPublicKey's exponent before a private one; PEM
    let markers: [&[u8]; 6] = [
        b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70",
        b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01",
        b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
        b"\x02\x01\x01\x04\x20",
        b"\x02\x03\x01\x00\x01\x02\x82",
        b"-----BEGIN",
    ];
    let files = files(&data.join("store"));
    assert!(files.len() >= 3, "{files:?}");
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        for marker in markers {
            assert!(!contains(&bytes, marker), "{} holds {marker:02x?}", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_75_no_label_is_chosen_by_a_request() {
    let dir = TempDir::new().unwrap();
    let dev = Dev::start(&dir.path().join("data"), &dir.path().join("log")).await.settled().await;
    let mut wire = Wire::connect(dev.public).await.unwrap();
    let mut bogus = async |from: usize, to: usize| {
        for n in from..to {
            let name = format!("bogus-{n}");
            let fields = [("grant_type", name.as_str()), ("client_id", &name), ("client_secret", &name), (&name, "x")];
            let answer = wire.post("/oauth2/token", &fields).await.unwrap();
            assert!(matches!(answer.status, 400 | 401 | 429), "{}", answer.text());
            let (method, path) = (format!("M{n}"), format!("/{name}"));
            for (method, path) in [("GET", path.as_str()), (method.as_str(), "/oauth2/token")] {
                let request = compose(dev.public, method, path, &[], b"");
                let answer = wire.call(&request).await.unwrap_or_else(|error| panic!("{n} {method} {path}: {error}"));
                assert!(matches!(answer.status, 404 | 405), "{method} {path}: {}", answer.status);
            }
        }
    };
    let series = async || {
        let text = request(dev.admin, "GET", "/metrics", &[], b"").await.text();
        assert!(!text.contains("bogus"), "{text}");
        text.lines().filter(|line| !line.starts_with('#')).count()
    };
    bogus(0, 3).await;
    let before = series().await;
    bogus(3, 3_334).await;
    assert_eq!(series().await, before, "10,000 bogus names later");
}

fn sha256(text: &str) -> Vec<u8> {
    use aws_lc_rs::digest::{SHA256, digest};
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    // the first byte alone rules out most places
    let first = needle[0];
    (0..(bytes.len() + 1).saturating_sub(needle.len())).any(|at| bytes[at] == first && bytes[at..].starts_with(needle))
}

/// Every file below `dir`.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
