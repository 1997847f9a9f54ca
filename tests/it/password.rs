//! RFC 6749 section 4.3, CHECKLIST 74: the password grant, off unless issuer and client ask for it, and guessing.

use std::time::Duration;

use jeton::internals::{Cost, Workspace};
use jeton::{Source, prepare};
use serde_json::{Value, json};

use crate::support::http::{Wire, post_form, request};
use crate::support::process::Serve;
use crate::support::service::Service;
use crate::support::{ADMIN_TOKEN, Answer, Server, claims, refused};

/// An issuer with a directory.
pub(crate) const DIRECTORY: &str = r#"
    grant_types = ["authorization_code", "refresh_token", "client_credentials", "password"]
    users = { source = "directory" }
"#;

/// A client that logs people in.
pub(crate) async fn login_client(server: &Server) -> (String, String) {
    server.client(metadata()).await
}

fn metadata() -> Value {
    json!({
        "token_endpoint_auth_method": "client_secret_post", "grant_types": ["password", "refresh_token"],
        "scope": "openid profile offline_access api:read api:write",
    })
}

pub(crate) async fn put_user(server: &Server, name: &str, body: Value) {
    let answer = server.admin("PUT", &format!("/issuers/main/users/{name}"), body).await;
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
}

fn fields<'a>(client: &'a (String, String), name: &'a str, password: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![
        ("grant_type", "password"),
        ("username", name),
        ("password", password),
        ("client_id", client.0.as_str()),
        ("scope", "openid offline_access api:read"),
    ];
    if !client.1.is_empty() {
        fields.push(("client_secret", client.1.as_str()));
    }
    fields
}

pub(crate) async fn login(server: &Server, client: &(String, String), name: &str, password: &str) -> Answer {
    server.token(&fields(client, name, password)).await
}

/// A server whose directory has ann with the password horse, and its client.
async fn world() -> (Server, (String, String)) {
    let server = Server::with(DIRECTORY).await;
    put_user(&server, "ann", json!({ "password": "horse", "subject": "u-1" })).await;
    let client = login_client(&server).await;
    (server, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_password_gives_what_a_code_would() {
    let (server, client) = world().await;
    let extra = json!({ "access_token": { "plan": "gold" }, "id_token": { "email": "ann@example.com" } });
    put_user(&server, "ann", json!({ "subject": "u-1", "claims": extra })).await;
    let tokens = login(&server, &client, "ann", "horse").await;
    assert_eq!(tokens.status, 200, "{}", tokens.text());
    let (access, id) = (claims(&tokens.get("access_token")), claims(&tokens.get("id_token")));
    let now = server.clock.now().as_secs();
    assert_eq!((&access["sub"], &access["plan"], &access["auth_time"]), (&json!("u-1"), &json!("gold"), &json!(now)));
    assert_eq!((&id["sub"], &id["email"], &id["amr"]), (&json!("u-1"), &json!("ann@example.com"), &json!(["pwd"])));
    assert_eq!(tokens.json()["scope"], "openid offline_access api:read");
    let refreshed = server.refresh(&client, &tokens.get("refresh_token")).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text());
    assert_eq!(claims(&refreshed.get("access_token"))["plan"], "gold");
    // a spent refresh token ends the family, as everywhere
    server.advance(Duration::from_secs(60)).await;
    refused(&server.refresh(&client, &tokens.get("refresh_token")).await, "invalid_grant");
    refused(&server.refresh(&client, &refreshed.get("refresh_token")).await, "invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_openid_and_offline_access_there_is_an_access_token_and_nothing_else() {
    let (server, client) = world().await;
    let asked = |scope| {
        let mut fields = fields(&client, "ann", "horse");
        fields.retain(|(name, _)| *name != "scope");
        if let Some(scope) = scope {
            fields.push(("scope", scope));
        }
        fields
    };
    let answer = server.token(&asked(Some("api:read"))).await.json();
    assert_eq!(answer["scope"], "api:read");
    assert!(answer["refresh_token"].is_null() && answer["id_token"].is_null(), "{answer}");
    let answer = server.token(&asked(None)).await.json();
    assert_eq!(answer["scope"], "openid profile api:read api:write", "a refresh token must be asked for");
    refused(&server.token(&asked(Some("admin"))).await, "invalid_scope");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_74_password_is_off_unless_the_issuer_lists_it() {
    let server = Server::with(r#"users = { source = "directory" }"#).await;
    put_user(&server, "ann", json!({ "password": "horse", "subject": "u-1" })).await;
    let registered = server.admin("POST", "/issuers/main/clients", metadata()).await;
    assert_eq!(registered.status, 400, "{}", registered.text());
    let client = server.service_client().await;
    refused(&login(&server, &client, "ann", "horse").await, "unsupported_grant_type");
    let discovery = server.get("/.well-known/openid-configuration").await.json();
    assert!(!discovery["grant_types_supported"].as_array().unwrap().contains(&json!("password")));
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_74_password_is_off_unless_the_issuer_says_who_checks_it() {
    let preset = r#"
        [issuers.main]
        url = "http://127.0.0.1:1"
        grant_types = ["password"]
    "#;
    let source = Source { preset: Some(preset.to_owned()), ..Source::default() };
    let loaded = jeton::internals::load(&source).unwrap();
    let vault = jeton::internals::Vault::ephemeral();
    let refused = jeton::internals::snapshot(&loaded.config, &vault, &source.extensions).err().unwrap().to_string();
    assert!(refused.starts_with("issuers.main.users.source: the password grant needs"), "{refused}");
    assert!(prepare(source).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_74_password_is_off_unless_the_client_registers_it() {
    let (server, _) = world().await;
    let client = server.web_client().await;
    refused(&login(&server, &client, "ann", "horse").await, "unauthorized_client");
    let discovery = server.get("/.well-known/openid-configuration").await.json();
    assert!(discovery["grant_types_supported"].as_array().unwrap().contains(&json!("password")), "offered, truthfully");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_16_unknown_wrong_and_disabled_are_one_answer() {
    let (server, client) = world().await;
    put_user(&server, "eve", json!({ "password": "horse", "subject": "u-2", "disabled": true })).await;
    let mut answers = Vec::new();
    for (name, password) in [("nobody", "horse"), ("ann", "donkey"), ("eve", "horse"), ("ann", "hors")] {
        let answer = login(&server, &client, name, password).await;
        refused(&answer, "invalid_grant");
        let headers: Vec<_> = answer.headers.into_iter().filter(|(name, _)| name != "date").collect();
        answers.push((headers, answer.body));
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    assert_eq!(login(&server, &client, "ann", "horse").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_16_each_refusal_costs_one_hash() {
    let (server, client) = world().await;
    put_user(&server, "eve", json!({ "password": "horse", "subject": "u-2", "disabled": true })).await;
    let mut fastest = Vec::new();
    for (name, password) in [("nobody", "horse"), ("ann", "donkey"), ("eve", "horse")] {
        let mut times = Vec::new();
        for _ in 0..5 {
            let watch = jeton::internals::Stopwatch::start();
            refused(&login(&server, &client, name, password).await, "invalid_grant");
            times.push(watch.elapsed());
        }
        fastest.push(times.into_iter().min().unwrap());
    }
    // what one hash takes here when nothing else does; whoever skips it answers in a tenth of that
    let (decoy, mut workspace) = (Cost::default().decoy(), Workspace::default());
    let hash = (0..5).map(|_| {
        let watch = jeton::internals::Stopwatch::start();
        assert!(!workspace.verify("horse", &decoy));
        watch.elapsed()
    });
    let hash = hash.min().unwrap();
    assert!(fastest.iter().all(|fastest| *fastest * 2 > hash), "{fastest:?}, and a hash takes {hash:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_or_too_long_is_refused_before_anything_is_hashed() {
    let (server, client) = world().await;
    let long = "x".repeat(600);
    let with = |changes: &[(&'static str, &'static str)]| {
        let mut fields: Vec<(String, String)> =
            fields(&client, "ann", "horse").into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        for (name, value) in changes {
            fields.retain(|(own, _)| own != name);
            let value = if *value == "LONG" { long.clone() } else { (*value).to_owned() };
            fields.push(((*name).to_owned(), value));
        }
        fields
    };
    for changes in [
        [("username", "")],
        [("password", "")],
        [("username", "LONG")],
        [("password", "LONG")],
        [("username", "a\u{7}b")],
        [("acr_values", "LONG")],
    ] {
        let fields = with(&changes);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        refused(&server.token(&fields).await, "invalid_request");
    }
    let metrics = server.metrics().await;
    let checks: Vec<_> = metrics.lines().filter(|line| line.starts_with("jeton_password_checks_total{")).collect();
    assert!(
        !checks.is_empty() && checks.iter().all(|line| line.ends_with(" 0")),
        "nobody looks at a password: {checks:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guesser_locks_out_only_itself() {
    let (server, client) = world().await;
    let wrong = fields(&client, "ann", "donkey");
    let right = fields(&client, "ann", "horse");
    let mut guesser = Wire::connect_from([127, 0, 0, 2].into(), server.public).await.unwrap();
    for _ in 0..10 {
        refused(&guesser.post("/oauth2/token", &wrong).await.unwrap(), "invalid_grant");
    }
    let answer = guesser.post("/oauth2/token", &wrong).await.unwrap();
    assert_eq!((answer.status, answer.error().as_str()), (429, "temporarily_unavailable"));
    assert_eq!(answer.header("retry-after"), Some("5"));
    let answer = guesser.post("/oauth2/token", &right).await.unwrap();
    assert_eq!(answer.status, 429, "also if it guessed right: it must not learn that");
    // ann at home, many times
    for _ in 0..12 {
        assert_eq!(server.token(&right).await.status, 200);
    }
    server.clock.advance(Duration::from_secs(5));
    assert_eq!(guesser.post("/oauth2/token", &right).await.unwrap().status, 200);
    let metrics = server.metrics().await;
    for line in ["\"refused\",source=\"directory\"} 10", "\"throttled\",source=\"directory\"} 2"] {
        assert!(metrics.contains(&format!("jeton_password_checks_total{{outcome={line}")), "{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_that_come_at_once_are_counted_before_they_are_looked_at() {
    let (server, client) = world().await;
    let answers = crate::support::race(server.public, 30, &fields(&client, "ann", "donkey")).await;
    let count = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(400), count(429)), (10, 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_began_before_the_user_was_disabled_is_void() {
    let (server, client) = world().await;
    // the same moment: which came first cannot be told, so it is refused
    put_user(&server, "ann", json!({ "subject": "u-1", "disabled": true })).await;
    put_user(&server, "ann", json!({ "subject": "u-1" })).await;
    refused(&login(&server, &client, "ann", "horse").await, "invalid_grant");
    server.advance(Duration::from_millis(1)).await;
    assert_eq!(login(&server, &client, "ann", "horse").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_logins_get_no_id_token_their_refresh_tokens_bring_none_either() {
    let quiet = DIRECTORY.replace("source = \"directory\"", "source = \"directory\", id_token = false");
    let server = Server::with(&quiet).await;
    put_user(&server, "ann", json!({ "password": "horse", "subject": "u-1" })).await;
    let client = login_client(&server).await;
    let first = login(&server, &client, "ann", "horse").await;
    let second = server.refresh(&client, &first.get("refresh_token")).await;
    for answer in [&first, &second] {
        let body = answer.json();
        assert_eq!((answer.status, &body["scope"]), (200, &json!("openid offline_access api:read")));
        assert!(body.get("id_token").is_none(), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_client_may_log_people_in_if_it_registered_that() {
    let (server, _) = world().await;
    let mut metadata = metadata();
    metadata["token_endpoint_auth_method"] = json!("none");
    let client = server.client(metadata).await;
    assert_eq!(login(&server, &client, "ann", "horse").await.status, 200);
}

/// CHECKLIST, issue 3: the short form of `cargo bench --bench load -- bulkhead`.
#[tokio::test(flavor = "multi_thread")]
async fn a_saturated_password_lane_sheds_and_no_other_grant_fails() {
    let more = format!("{DIRECTORY}\n[passwords]\nqueue = 2\n");
    let server = Server::with(&more).await;
    let (client, service) = (login_client(&server).await, server.service_client().await);
    let flood: Vec<_> = (0..40)
        .map(|number| {
            let (to, client) = (server.public, client.clone());
            tokio::spawn(async move {
                let name = format!("user-{number}");
                let mut wire = Wire::connect(to).await.unwrap();
                let mut seen = Vec::new();
                for _ in 0..5 {
                    seen.push(wire.post("/oauth2/token", &fields(&client, &name, "donkey")).await.unwrap());
                }
                seen
            })
        })
        .collect();
    let mut wire = Wire::connect(server.public).await.unwrap();
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", service.0.as_str()),
        ("client_secret", service.1.as_str()),
    ];
    let mut served = 0;
    while flood.iter().any(|flooder| !flooder.is_finished()) {
        assert_eq!(wire.post("/oauth2/token", &fields).await.unwrap().status, 200);
        served += 1;
    }
    let mut answers = Vec::new();
    for flooder in flood {
        answers.extend(flooder.await.unwrap());
    }
    let shed: Vec<_> = answers.iter().filter(|answer| answer.status == 503).collect();
    assert!(shed.len() > answers.len() / 4, "{} of {} were shed", shed.len(), answers.len());
    for answer in &shed {
        assert_eq!((answer.error().as_str(), answer.header("retry-after")), ("temporarily_unavailable", Some("1")));
    }
    assert!(answers.iter().all(|answer| matches!(answer.status, 400 | 503)), "wrong, or shed");
    assert!(served > 0);
    let metrics = server.metrics().await;
    assert!(metrics.contains(&format!("jeton_requests_shed_total{{reason=\"password_queue\"}} {}", shed.len())));
    assert!(metrics.contains("jeton_hash_queue_depth{of=\"password\"} 0"), "{metrics}");
}

/// CHECKLIST 24, 74: what is true of the queue of imported secrets is true of that of passwords.
#[tokio::test(flavor = "multi_thread")]
async fn no_address_keeps_others_out_of_the_queue_of_passwords() {
    let slow = "queue = 8\ncost = { memory_kib = 19456, passes = 8, lanes = 1 }";
    let server = Server::with(&format!("{DIRECTORY}\n[passwords]\n{slow}\n")).await;
    put_user(&server, "ann", json!({ "password": "horse", "subject": "u-1" })).await;
    let client = login_client(&server).await;
    let mut flood = tokio::task::JoinSet::new();
    for number in 0..100 {
        let (to, client) = (server.public, client.clone());
        flood.spawn(async move {
            let name = format!("user-{number}");
            let mut wire = Wire::connect_from([127, 0, 0, 3].into(), to).await.unwrap();
            wire.post("/oauth2/token", &fields(&client, &name, "donkey")).await.unwrap()
        });
    }
    server.until_waiting("password", 8).await;
    let answer = login(&server, &client, "ann", "horse").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(flood.join_all().await.iter().all(|answer| matches!(answer.status, 400 | 503)));
}

/// A server whose users are at `service`, and its client.
async fn asking(service: &Service, more: &str) -> (Server, (String, String)) {
    let toml = format!(
        r#"
        grant_types = ["authorization_code", "refresh_token", "client_credentials", "password"]
        users = {{ source = "webhook", parameters = "auth_source_id", hook = {{ url = "http://{}/users", {more} }} }}
        "#,
        service.address
    );
    let server = Server::with(&toml).await;
    let client = login_client(&server).await;
    (server, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_asked_with_everything_and_says_who_it_is() {
    let admitted = json!({
        "verdict": "admitted", "subject": "u-7", "acr": "mfa", "amr": ["pwd", "otp"], "auth_time": 1_899_999_990_u64,
        "claims": { "access_token": { "plan": "gold" }, "id_token": { "email": "ann@example.com" } },
    });
    let service = Service::start(move |_| (200, admitted.to_string())).await;
    let (server, client) = asking(&service, "").await;
    let more = [("acr_values", "tenant:acme x"), ("auth_source_id", "s-1"), ("undeclared", "1")];
    let tokens = server.token(&[&fields(&client, "ann", "horse")[..], &more].concat()).await;
    let wanted = json!({
        "issuer": format!("http://{}", server.public), "client_id": client.0, "peer": "127.0.0.1", "username": "ann", "password": "horse", "tenant": "acme",
        "acr_values": ["x"], "parameters": { "auth_source_id": "s-1" },
    });
    assert_eq!(service.questions(), [wanted]);
    let (access, id) = (claims(&tokens.get("access_token")), claims(&tokens.get("id_token")));
    assert_eq!((&access["sub"], &access["plan"], &access["acr"]), (&json!("u-7"), &json!("gold"), &json!("mfa")));
    assert_eq!((&id["email"], &id["amr"]), (&json!("ann@example.com"), &json!(["pwd", "otp"])));
    assert_eq!(id["auth_time"], json!(1_899_999_990_u64));
    assert_eq!(server.refresh(&client, &tokens.get("refresh_token")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_refuses_and_its_words_are_not_passed_on_in_the_rfc_dialect() {
    let service = Service::start(|question| {
        let half = question["password"] == "half";
        let answer =
            if half { json!({ "verdict": "partial" }) } else { json!({ "verdict": "refused", "message": "locked" }) };
        (200, answer.to_string())
    })
    .await;
    let (server, client) = asking(&service, "").await;
    let (wrong, half) = (login(&server, &client, "ann", "x").await, login(&server, &client, "ann", "half").await);
    refused(&wrong, "invalid_grant");
    assert!(!wrong.text().contains("locked"), "{}", wrong.text());
    assert_eq!((half.status, half.body), (wrong.status, wrong.body), "that the password was right does not show");
    for _ in 0..8 {
        refused(&login(&server, &client, "ann", "x").await, "invalid_grant");
    }
    assert_eq!(
        login(&server, &client, "ann", "x").await.status,
        429,
        "guesses are counted before the service is asked"
    );
    assert_eq!(service.questions().len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_16_74_the_throttle_does_not_tell_that_a_password_was_right_where_more_is_needed() {
    let service = Service::start(|question| {
        let right = question["password"] == "horse";
        (200, json!({ "verdict": if right { "partial" } else { "refused" }, "message": "no" }).to_string())
    })
    .await;
    let (server, client) = asking(&service, "").await;
    let mut answers = Vec::new();
    for (name, password) in [("ann", "horse"), ("bob", "donkey")] {
        let mut seen = Vec::new();
        for _ in 0..12 {
            let answer = login(&server, &client, name, password).await;
            seen.push((answer.status, answer.body));
        }
        answers.push(seen);
    }
    assert_eq!(answers[0], answers[1], "right, and wrong");
    assert_eq!(answers[0].iter().filter(|(status, _)| *status == 400).count(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_answers_nonsense_admits_nobody() {
    for (status, body) in
        [(200, "{}"), (200, "yes"), (204, ""), (302, "{}"), (401, "{}"), (404, r#"{"verdict":"refused"}"#)]
    {
        let service = Service::start(move |_| (status, body.to_owned())).await;
        let (server, client) = asking(&service, "").await;
        let answer = login(&server, &client, "ann", "horse").await;
        assert_eq!((answer.status, answer.error().as_str()), (500, "server_error"), "{status} {body}");
        // and is no way to guess for ever: a service that says no in its own way said no
        for _ in 1..10 {
            assert_eq!(login(&server, &client, "ann", "donkey").await.status, 500);
        }
        assert_eq!(login(&server, &client, "ann", "horse").await.status, 429, "{status} {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_fails_is_left_alone_for_a_while_and_nobody_is_counted_as_a_guesser() {
    let service = Service::start(|_| (500, String::new())).await;
    let (server, client) = asking(&service, r#"breaker_failures = 3, breaker_pause = "5s""#).await;
    for _ in 0..20 {
        let answer = login(&server, &client, "ann", "horse").await;
        assert_eq!((answer.status, answer.error().as_str()), (503, "temporarily_unavailable"));
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    assert_eq!(service.questions().len(), 3);
    let metrics = server.metrics().await;
    assert!(metrics.contains("jeton_hook_breakers_open{hook=\"password\"} 1"), "{metrics}");
    assert!(
        metrics.contains("jeton_password_checks_total{outcome=\"unavailable\",source=\"webhook\"} 20"),
        "{metrics}"
    );
    server.clock.advance(Duration::from_secs(6));
    assert_eq!(login(&server, &client, "ann", "horse").await.status, 503);
    assert_eq!(service.questions().len(), 4, "one probe");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_hangs_holds_up_nobody_else() {
    let service = Service::start(|_| (0, String::new())).await;
    let (server, client) = asking(&service, r#"timeout = "2s", max_in_flight = 2, breaker_failures = 100"#).await;
    let service_client = server.service_client().await;
    let flood = {
        let (to, client) = (server.public, client.clone());
        tokio::spawn(async move { crate::support::race(to, 9, &fields(&client, "ann", "horse")).await })
    };
    let (id, secret) = (service_client.0.as_str(), service_client.1.as_str());
    while !flood.is_finished() {
        let fields = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        assert_eq!(server.token(&fields).await.status, 200);
    }
    assert!(flood.await.unwrap().iter().all(|answer| answer.status == 503));
    assert_eq!(service.questions().len(), 2, "the cap");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_whose_settings_cannot_work_is_refused_at_the_start() {
    for (users, named) in [
        (r#"{ source = "webhook" }"#, "users.source"),
        (r#"{ source = "directory", hook = { url = "https://a.example" } }"#, "users.source"),
        (r#"{ source = "webhook", hook = { url = "http://a.example" } }"#, "users.hook.url"),
        (r#"{ source = "webhook", hook = { url = "https://a.example", timeout = "5s" } }"#, "users.hook.timeout"),
        (
            r#"{ source = "webhook", parameters = "client_secret", hook = { url = "https://a.example" } }"#,
            "users.parameters",
        ),
        (
            r#"{ source = "webhook", parameters = "client_x509", hook = { url = "https://a.example" } }"#,
            "users.parameters",
        ),
        (
            r#"{ source = "webhook", parameters = "acr_values", hook = { url = "https://a.example" } }"#,
            "users.parameters",
        ),
    ] {
        let preset = format!("[issuers.main]\nurl = \"http://127.0.0.1:1\"\nusers = {users}\n");
        let source = Source { preset: Some(preset), ..Source::default() };
        let loaded = jeton::internals::load(&source).unwrap();
        let vault = jeton::internals::Vault::ephemeral();
        let refused = jeton::internals::snapshot(&loaded.config, &vault, &source.extensions).err().unwrap().to_string();
        assert!(refused.starts_with(&format!("issuers.main.{named}")), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_23_75_no_password_is_written_anywhere() {
    let service = Service::start(|question| {
        let wrong = json!({ "verdict": "refused", "message": "Canary7f3a9c of the service" });
        let right = json!({ "verdict": "admitted", "subject": "u-1" });
        (200, if question["password"] == "RightCanary7f3a9c" { right } else { wrong }.to_string())
    })
    .await;
    let issuer = |name: &str, users: &str| {
        format!(
            r#"
            [issuers.{name}]
            url = "http://127.0.0.1:1/{name}"
            algorithms = ["EdDSA"]
            id_token_alg = "EdDSA"
            grant_types = ["password"]
            users = {users}
            [[clients]]
            issuer = "{name}"
            client_id = "app"
            [clients.metadata]
            token_endpoint_auth_method = "none"
            grant_types = ["password"]
            "#
        )
    };
    let hook = format!("{{ source = \"webhook\", hook = {{ url = \"http://{}/\" }} }}", service.address);
    let (own, asked) = (issuer("own", r#"{ source = "directory" }"#), issuer("asked", &hook));
    let mut serve = Serve::start(&format!("[log]\nfilter = \"trace\"\nformat = \"json\"\n{own}{asked}")).await;
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    let headers = [("Authorization", bearer.as_str())];
    for (body, status) in [
        (json!({ "password": "RightCanary7f3a9c", "subject": "u-1" }), 201),
        (json!({ "password_hash": "Canary7f3a9c", "subject": "u-1" }), 400),
        (json!({ "password": ["Canary7f3a9c"], "subject": "u-1" }), 400),
    ] {
        let path = "/admin/v1/issuers/own/users/ann";
        let answer = request(serve.admin, "PUT", path, &headers, body.to_string().as_bytes()).await;
        assert!(answer.status == status && !answer.text().contains("Canary"), "{}", answer.text());
    }
    let shown = request(serve.admin, "GET", "/admin/v1/issuers/own/users/ann", &headers, b"").await;
    assert!(shown.status == 200 && !shown.text().contains("argon2"), "{}", shown.text());
    for path in ["/own/oauth2/token", "/asked/oauth2/token"] {
        for (password, status) in [("RightCanary7f3a9c", 200), ("WrongCanary7f3a9c", 400)] {
            let fields =
                [("grant_type", "password"), ("client_id", "app"), ("username", "ann"), ("password", password)];
            let answer = post_form(serve.public, path, &[], &fields).await;
            assert!(answer.status == status && !answer.text().contains("Canary"), "{path}: {}", answer.text());
        }
    }
    let metrics = request(serve.admin, "GET", "/metrics", &[], b"").await.text();
    serve.signal("TERM");
    assert_eq!(serve.exit(Duration::from_secs(30)).await, Some(0));
    let log = serve.log();
    assert!(log.contains("login_refused") && log.contains("user_written"), "the log was written");
    // the change of the user has one line, what was refused the general one
    let audited = |event: &str| {
        let event = format!("\"event\":\"{event}\"");
        log.lines().filter(|line| line.contains(&event) && !line.contains("\"method\":\"GET\"")).count()
    };
    assert_eq!((audited("user_written"), audited("admin")), (1, 2));
    for (place, text) in [("/metrics", metrics), ("the log", log)] {
        let leak = text.lines().find(|line| line.contains("Canary") || line.contains("argon2id"));
        assert_eq!(leak, None, "{place}");
    }
}
