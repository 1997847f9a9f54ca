//! Custom grants that a hook decides (RFC 6749 section 4.5): what the hook is asked, what its answers become, and what
//! happens when it is slow, broken, flooded or wrong. The hook is a real HTTP server of the test's.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::hook::{HookServer, Reply};
use crate::support::process::Serve;
use crate::support::{Answer, Server, claims, form, refused};

const GRANT: &str = "https://bank.example/grants/otp";

fn settings(hook: &HookServer, more: &str) -> String {
    format!(
        r#"
        resources = ["https://api.example"]
        [[issuers.main.custom_grants]]
        grant_type = "{GRANT}"
        parameters = [{{ name = "phone", required = true, max_length = 16 }}, {{ name = "otp", required = true }}, {{ name = "note" }}]
        hook = {{ url = "{}", {more} }}
        "#,
        hook.url()
    )
}

struct World {
    hook: Arc<HookServer>,
    server: Server,
    app: (String, String),
}

impl World {
    async fn start(more: &str, decide: impl Fn(&Value) -> Reply + Send + 'static) -> Self {
        let hook = HookServer::start(decide).await;
        let server = Server::with(&settings(&hook, more)).await;
        let app = server
            .client(json!({
                "token_endpoint_auth_method": "client_secret_post", "grant_types": [GRANT, "refresh_token"],
                "scope": "openid offline_access api:read",
            }))
            .await;
        Self { hook, server, app }
    }

    async fn ask(&self, more: &[(&str, &str)]) -> Answer {
        let mut fields = vec![
            ("grant_type", GRANT),
            ("client_id", self.app.0.as_str()),
            ("client_secret", self.app.1.as_str()),
            ("phone", "+4312345"),
            ("otp", "123456"),
        ];
        fields.retain(|(name, _)| !more.iter().any(|(own, _)| own == name));
        fields.extend_from_slice(more);
        self.server.token(&fields).await
    }

    async fn metric(&self, name: &str) -> u64 {
        let text = self.server.metrics().await;
        let line = text.lines().find(|line| line.starts_with(name) && line[name.len()..].starts_with(' '));
        line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
    }
}

fn alice(_: &Value) -> Reply {
    Reply::Json(200, json!({ "subject": "alice" }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_makes_it_a_login_with_claims_id_token_and_refresh_token() {
    let world = World::start("", |_| {
        Reply::Json(
            200,
            json!({
                "subject": "alice", "scope": "openid offline_access api:read api:write",
                "claims": { "access_token": { "tier": "gold" }, "id_token": { "phone_number": "+4312345" } },
                "amr": ["otp", "sms"], "acr": "2", "auth_time": 1_899_999_990,
            }),
        )
    })
    .await;
    let scope = ("scope", "openid offline_access api:read");
    let answer =
        world.ask(&[scope, ("note", "a&b=\"c\""), ("undeclared", "x"), ("resource", "https://api.example")]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let tokens = answer.json();
    assert_eq!(tokens["scope"], "openid offline_access api:read", "never wider than the client's");
    let access = claims(&answer.get("access_token"));
    assert_eq!(
        (&access["sub"], &access["client_id"], &access["tier"]),
        (&json!("alice"), &json!(world.app.0), &json!("gold"))
    );
    assert_eq!(
        (&access["aud"], &access["amr"], &access["acr"]),
        (&json!("https://api.example"), &json!(["otp", "sms"]), &json!("2"))
    );
    assert_eq!(access["auth_time"], 1_899_999_990);
    let id = claims(&answer.get("id_token"));
    assert_eq!(
        (&id["sub"], &id["aud"], &id["phone_number"]),
        (&json!("alice"), &json!(world.app.0), &json!("+4312345"))
    );
    let asked = world.hook.asked();
    let issuer = format!("http://{}", world.server.public);
    let wanted = json!({
        "issuer": issuer, "client_id": world.app.0, "peer": "127.0.0.1", "grant_type": GRANT, "scope": "openid offline_access api:read",
        "parameters": { "phone": "+4312345", "otp": "123456", "note": "a&b=\"c\"" },
    });
    assert_eq!(
        asked.iter().map(|(_, question)| question).collect::<Vec<_>>(),
        [&wanted],
        "declared parameters and nothing else"
    );
    let unasked = world.ask(&[]).await.json();
    assert_eq!(unasked["scope"], "openid api:read");
    assert!(unasked.get("refresh_token").is_none() && unasked["id_token"].is_string(), "{unasked}");
    // it is a family like any other: it refreshes, and it ends
    let refreshed = world.server.refresh(&world.app, &answer.get("refresh_token")).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text());
    assert_eq!(claims(&refreshed.get("access_token"))["tier"], "gold");
    world.server.clock.advance(Duration::from_secs(1));
    world.server.revoke_by_operator(json!({ "subject": "alice" })).await;
    refused(&world.server.refresh(&world.app, &refreshed.get("refresh_token")).await, "invalid_grant");
    let gateway = world.server.gateway().await;
    assert!(!world.server.is_active(&gateway, &answer.get("access_token")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_subject_it_is_the_clients_own_token_and_nothing_else() {
    let world = World::start("", |_| Reply::Json(200, json!({ "scope": "openid offline_access api:read" }))).await;
    let answer = world.ask(&[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert!(body.get("refresh_token").is_none() && body.get("id_token").is_none(), "{body}");
    assert_eq!(
        (&body["scope"], &claims(&answer.get("access_token"))["sub"]),
        (&json!("api:read"), &json!(world.app.0))
    );
    refused(&world.ask(&[("scope", "openid api:read")]).await, "invalid_scope");
    // nobody can be a public client
    let metadata = json!({ "token_endpoint_auth_method": "none", "grant_types": [GRANT], "scope": "api:read" });
    let public = world.server.client(metadata).await;
    let fields = [("grant_type", GRANT), ("client_id", public.0.as_str()), ("phone", "1"), ("otp", "1")];
    let answer = world.server.token(&fields).await;
    assert_eq!((answer.status, answer.error().as_str()), (500, "server_error"));
    world.hook.decides(alice);
    assert_eq!(world.server.token(&fields).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn scope_only_narrows_and_what_the_client_may_not_ask_never_reaches_the_hook() {
    let world = World::start("", |_| Reply::Json(200, json!({ "subject": "alice", "scope": "api:read" }))).await;
    for scope in ["api:write", "api:read api:write", "other", "a\"b"] {
        refused(&world.ask(&[("scope", scope)]).await, "invalid_scope");
    }
    for (field, error) in [
        (("otp", ""), "invalid_request"),
        (("phone", "12345678901234567"), "invalid_request"),
        (("resource", "https://elsewhere.example"), "invalid_target"),
        (("client_secret", "wrong-secret-wrong-secret"), "invalid_client"),
    ] {
        refused(&world.ask(&[field]).await, error);
    }
    let other = world.server.web_client().await;
    let fields = [("grant_type", GRANT), ("client_id", other.0.as_str()), ("client_secret", other.1.as_str())];
    refused(&world.server.token(&fields).await, "unauthorized_client");
    assert_eq!(world.hook.asked().len(), 0);
    let answer = world.ask(&[("scope", "openid api:read")]).await;
    assert_eq!((answer.status, answer.get("scope").as_str()), (200, "api:read"), "the hook may grant less");
    assert!(answer.json().get("id_token").is_none());
    refused(&world.ask(&[("scope", "openid")]).await, "invalid_scope");
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc6749_5_2_a_refusal_keeps_the_words_of_the_hook() {
    let world = World::start("", alice).await;
    for (said, status, error) in [
        (json!({ "error": "invalid_grant", "error_description": "the code is wrong" }), 400, "invalid_grant"),
        (json!({ "error": "otp_expired", "error_description": "ask for another" }), 400, "otp_expired"),
        (json!({ "error": "access_denied" }), 400, "access_denied"),
        (json!({ "error": "slow_down" }), 400, "slow_down"),
        (json!({ "error": "temporarily_unavailable" }), 503, "temporarily_unavailable"),
    ] {
        for own in [200, 400] {
            let reply = said.clone();
            world.hook.decides(move |_| Reply::Json(own, reply.clone()));
            let answer = world.ask(&[]).await;
            assert_eq!((answer.status, answer.error().as_str()), (status, error), "{said}");
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert_eq!(answer.header("retry-after").is_some(), status == 503);
            if let Some(description) = said["error_description"].as_str() {
                assert_eq!(answer.json()["error_description"], description);
            }
        }
    }
    // one label for all that are the hook's own
    let name = format!("jeton_token_requests_total{{grant=\"{GRANT}\",outcome=\"custom_error\"}}");
    assert_eq!(world.metric(&name).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_wrong_is_500_and_never_a_token() {
    let world = World::start("timeout = \"500ms\"", alice).await;
    let big = json!({ "subject": "alice", "claims": { "access_token": { "x": "x".repeat(70_000) } } });
    let long = json!({ "subject": "alice", "claims": { "access_token": { "x": "x".repeat(3_000) } } });
    let wrong: Vec<(u16, Vec<u8>)> = [
        (200, json!({})),
        (200, json!({ "sub": "alice" })),
        (200, json!({ "subject": "alice\n" })),
        (200, json!({ "subject": "a".repeat(256) })),
        (200, json!({ "subject": "alice", "claims": { "access_token": { "sub": "root" } } })),
        (200, json!({ "subject": "alice", "claims": { "id_token": { "aud": "other" } } })),
        (200, json!({ "subject": "alice", "admin": true })),
        (200, long),
        (200, json!({ "error": "invalid_client" })),
        (200, json!({ "error": "Bad \"words\"" })),
        (200, json!({ "error": "a", "error_description": "x\r\ny" })),
        (201, json!({ "subject": "alice" })),
        (302, json!({ "subject": "alice" })),
        (401, json!({ "error": "invalid_grant" })),
        (404, json!({ "subject": "alice" })),
    ]
    .into_iter()
    .map(|(status, value)| (status, value.to_string().into_bytes()))
    .chain([(200, Vec::new()), (200, b"<html>".to_vec()), (200, b"{\"subject\":\"a\",\"subject\":\"b\"}".to_vec())])
    .collect();
    for (status, bytes) in wrong {
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        world.hook.decides(move |_| Reply::Bytes(status, bytes.clone()));
        let answer = world.ask(&[]).await;
        let seen = answer.json();
        assert_eq!((answer.status, answer.error().as_str()), (500, "server_error"), "{shown}");
        assert!(seen.get("access_token").is_none() && !answer.text().contains("alice"), "{shown}");
    }
    for reply in [
        |_: &Value| Reply::Close,
        |_: &Value| Reply::Json(500, json!({ "subject": "alice" })),
        |_: &Value| Reply::Json(429, json!({})),
    ] {
        world.hook.decides(reply);
        let answer = world.ask(&[]).await;
        assert_eq!((answer.status, answer.error().as_str()), (503, "temporarily_unavailable"));
    }
    world.hook.decides(move |_| Reply::Json(200, big.clone()));
    let answer = world.ask(&[]).await;
    assert_eq!((answer.status, answer.error().as_str()), (503, "temporarily_unavailable"), "more than 64 KiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_authenticates_in_the_future() {
    let world =
        World::start("", |_| Reply::Json(200, json!({ "subject": "alice", "auth_time": 9_999_999_999_u64 }))).await;
    let access = claims(&world.ask(&[]).await.get("access_token"));
    assert_eq!(access["auth_time"], world.server.clock.now().as_secs());
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_24_refused_guesses_are_slowed_down_per_client_and_address_and_nothing_else_is() {
    let no = |error: &'static str| move |_: &Value| Reply::Json(400, json!({ "error": error }));
    let world = World::start("", no("invalid_grant")).await;
    // whatever the hook calls a wrong guess
    for error in ["invalid_grant", "wrong_otp", "access_denied", "invalid_grant"].into_iter().cycle().take(200) {
        world.hook.decides(no(error));
        refused(&world.ask(&[]).await, error);
    }
    world.hook.decides(no("invalid_grant"));
    let answer = world.ask(&[]).await;
    assert_eq!((answer.status, answer.error().as_str()), (429, "temporarily_unavailable"));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(world.hook.asked().len(), 200, "the hook hears no more of them");
    let other = json!({
        "token_endpoint_auth_method": "client_secret_post", "grant_types": [GRANT], "scope": "api:read",
    });
    let other = world.server.client(other).await;
    let as_other = [("client_id", other.0.as_str()), ("client_secret", other.1.as_str())];
    refused(&world.ask(&as_other).await, "invalid_grant");
    // what is no wrong guess costs nothing: refusals for another reason, and grants
    world.server.clock.advance(Duration::from_millis(200));
    world.hook.decides(no("invalid_scope"));
    refused(&world.ask(&[]).await, "invalid_scope");
    world.hook.decides(alice);
    for _ in 0..3 {
        assert_eq!(world.ask(&[]).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_hangs_is_given_up_left_alone_and_tried_again() {
    let world =
        World::start("timeout = \"100ms\", breaker_failures = 3, breaker_pause = \"5s\"", |_| Reply::Hang).await;
    let unavailable = |answer: &Answer| {
        assert_eq!((answer.status, answer.error().as_str()), (503, "temporarily_unavailable"));
        assert_eq!(answer.header("retry-after"), Some("1"));
    };
    for _ in 0..3 {
        unavailable(&world.ask(&[]).await);
    }
    assert_eq!(world.metric("jeton_hook_breakers_open{hook=\"grant\"}").await, 1);
    world.hook.decides(alice);
    let asked = world.hook.asked().len();
    for _ in 0..5 {
        unavailable(&world.ask(&[]).await);
    }
    assert_eq!((asked, world.hook.asked().len()), (3, 3), "left alone");
    world.server.clock.advance(Duration::from_secs(5));
    assert_eq!(world.ask(&[]).await.status, 200, "the probe");
    assert_eq!(world.ask(&[]).await.status, 200);
    assert_eq!(world.metric("jeton_hook_breakers_open{hook=\"grant\"}").await, 0);
    for (outcome, count) in [("late", 3), ("open", 5), ("answered", 2), ("failed", 0), ("busy", 0)] {
        let name = format!("jeton_hook_requests_total{{hook=\"grant\",outcome=\"{outcome}\"}}");
        assert_eq!(world.metric(&name).await, count, "{outcome}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_calls_than_the_hook_may_have_are_shed_at_once_and_other_grants_do_not_wait() {
    let world = World::start("timeout = \"3s\", max_in_flight = 2", |_| Reply::Hang).await;
    let world = Arc::new(world);
    let mut slow = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let own = world.clone();
        slow.spawn(async move { own.ask(&[]).await.status });
    }
    while world.hook.hanging() < 2 {
        tokio::task::yield_now().await;
    }
    let watch = jeton::internals::Stopwatch::start();
    let answer = world.ask(&[]).await;
    assert_eq!((answer.status, answer.error().as_str()), (503, "temporarily_unavailable"));
    let service = world.server.service_client().await;
    let fields = [("grant_type", "client_credentials"), ("client_id", &service.0), ("client_secret", &service.1)];
    assert_eq!(world.server.token(&fields).await.status, 200);
    assert!(watch.elapsed() < Duration::from_secs(2), "nobody waited for the hook");
    assert_eq!(world.metric("jeton_hook_requests_total{hook=\"grant\",outcome=\"busy\"}").await, 1);
    assert_eq!(slow.join_all().await, [503, 503]);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_75_parameters_and_the_token_of_the_hook_never_reach_the_log() {
    const CANARY: &str = "Canary7f3a9c";
    let hook = HookServer::start(|question| {
        // it echoes what it should not
        let otp = question["parameters"]["otp"].as_str().unwrap_or_default();
        let description = format!("wrong: {otp}");
        Reply::Json(200, json!({ "error": "wrong_otp", "error_description": description }))
    })
    .await;
    let dir = tempfile::TempDir::new().unwrap();
    let token = dir.path().join("hook.token");
    crate::support::secret(&token, &format!("token-{CANARY}"));
    let more = format!(
        r#"
        grant_types = ["client_credentials"]
        [[issuers.main.custom_grants]]
        grant_type = "otp"
        parameters = [{{ name = "otp", required = true, max_length = 64 }}]
        hook = {{ url = "{}", token_file = "{}", timeout = "1s" }}
        [log]
        filter = "trace"
        format = "json"
        [[clients]]
        issuer = "main"
        client_id = "app"
        metadata = {{ token_endpoint_auth_method = "none", grant_types = ["otp"] }}
        "#,
        hook.url(),
        token.display()
    );
    let serve = Serve::start(&more).await;
    let post = async |otp: &str| {
        let body = form(&[("grant_type", "otp"), ("client_id", "app"), ("otp", otp)]);
        let kind = [("Content-Type", "application/x-www-form-urlencoded")];
        crate::support::http::request(serve.public, "POST", "/oauth2/token", &kind, body.as_bytes()).await
    };
    let answer = post(&format!("otp-{CANARY}")).await;
    assert_eq!((answer.status, answer.error().as_str()), (400, "wrong_otp"));
    assert!(hook.asked()[0].0.contains(&format!("authorization: bearer token-{CANARY}").to_ascii_lowercase()));
    hook.decides(|_| Reply::Bytes(200, format!("{{\"{CANARY}\":1}}").into_bytes()));
    assert_eq!(post("1").await.status, 500);
    hook.decides(|_| Reply::Bytes(500, CANARY.as_bytes().to_vec()));
    assert_eq!(post(&format!("last-{CANARY}")).await.status, 503);
    // the line of the last request is behind everything before it
    let since = jeton::internals::Stopwatch::start();
    let mut text = serve.log();
    while !text.contains("the hook failed: status 500") && since.elapsed() < Duration::from_secs(20) {
        tokio::task::yield_now().await;
        text = serve.log();
    }
    assert!(text.contains("the custom grant was refused: wrong_otp"), "the code is in the log");
    assert!(text.contains("the hook failed: status 500"));
    assert_eq!(text.lines().find(|line| line.contains(CANARY)), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_brings_a_custom_grant_changes_it_and_takes_it_away() {
    let hook = HookServer::start(alice).await;
    let grant = |name: &str| {
        format!("[[issuers.main.custom_grants]]\ngrant_type = \"{name}\"\nhook = {{ url = \"{}\" }}\n", hook.url())
    };
    let client = |grants: &str| {
        format!(
            "[[clients]]\nissuer = \"main\"\nclient_id = \"app\"\n\
             metadata = {{ token_endpoint_auth_method = \"none\", grant_types = [{grants}] }}\n"
        )
    };
    let serve = Serve::start("").await;
    let reload = async || {
        let bearer = format!("Bearer {}", crate::support::ADMIN_TOKEN);
        let headers = [("Authorization", bearer.as_str())];
        let answer = crate::support::http::request(serve.admin, "POST", "/admin/v1/reload", &headers, b"").await;
        assert_eq!((answer.status, answer.json()["needs_restart"].clone()), (200, json!([])), "{}", answer.text());
    };
    let post = async |name: &str| {
        let body = form(&[("grant_type", name), ("client_id", "app")]);
        let kind = [("Content-Type", "application/x-www-form-urlencoded")];
        crate::support::http::request(serve.public, "POST", "/oauth2/token", &kind, body.as_bytes()).await
    };
    let offered = async || {
        let path = "/.well-known/openid-configuration";
        let answer = crate::support::http::request(serve.public, "GET", path, &[], b"").await;
        answer.json()["grant_types_supported"].as_array().unwrap().iter().any(|grant| grant == "magic")
    };
    assert!(!offered().await);
    serve.rewrite(&format!("{}{}", grant("magic"), client("\"magic\"")));
    reload().await;
    assert!(offered().await);
    assert_eq!(post("magic").await.status, 200);
    serve.rewrite(&format!("{}{}{}", grant("magic"), grant("other"), client("\"magic\", \"other\"")));
    reload().await;
    assert_eq!((post("magic").await.status, post("other").await.status), (200, 200));
    serve.rewrite(&format!("{}{}", grant("other"), client("\"other\"")));
    reload().await;
    assert_eq!((post("magic").await.error().as_str(), post("other").await.status), ("unsupported_grant_type", 200));
    assert!(!offered().await);
}

#[test]
fn a_wrong_setting_names_itself_its_value_and_the_rule() {
    let check = |custom: &str| {
        let preset = format!("[issuers.a]\nurl = \"https://id.example\"\n[[issuers.a.custom_grants]]\n{custom}\n");
        let source = jeton::Source { preset: Some(preset), ..Default::default() };
        let config = jeton::internals::load(&source).map_err(|error| error.to_string())?.config;
        let vault = jeton::internals::Vault::ephemeral();
        jeton::internals::snapshot(&config, &vault, &Default::default()).map(|_| ()).map_err(|error| error.to_string())
    };
    let hook = r#"hook = { url = "https://hook.example/" }"#;
    assert_eq!(check(&format!("grant_type = \"x\"\n{hook}")), Ok(()));
    for (custom, said) in [
        (format!("grant_type = \"password grant\"\n{hook}"), "issuers.a.custom_grants: grant_type: 1 to 256"),
        (format!("grant_type = \"refresh_token\"\n{hook}"), "jeton has a grant of this name"),
        (
            "grant_type = \"x\"\nhook = { url = \"http://hook.example/\" }".to_owned(),
            "custom_grants[0].hook.url: https, or http on",
        ),
        (
            "grant_type = \"x\"\nhook = { url = \"https://hook.example/\", timeout = \"11s\" }".to_owned(),
            "hook.timeout",
        ),
        (
            "grant_type = \"x\"\nhook = { url = \"https://hook.example/\", timeout = \"6s\" }".to_owned(),
            "shorter than tokens.deadline",
        ),
        (
            "grant_type = \"x\"\nhook = { url = \"https://hook.example/\", token_file = \"/nowhere\" }".to_owned(),
            "token_file: cannot read /nowhere",
        ),
        (
            "grant_type = \"x\"\nhook = { url = \"https://hook.example/\", ca_file = \"/nowhere\" }".to_owned(),
            "ca_file: /nowhere holds no usable",
        ),
        ("grant_type = \"x\"\nhook = { url = \"https://hook.example/\", retries = 3 }".to_owned(), "retries"),
        (
            format!("grant_type = \"x\"\nparameters = [{{ name = \"scope\" }}]\n{hook}"),
            "means the same for every grant",
        ),
    ] {
        let error = check(&custom).unwrap_err();
        assert!(error.contains(said), "{custom}: {error}");
    }
}
