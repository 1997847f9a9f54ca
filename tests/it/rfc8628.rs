//! RFC 8628, CHECKLIST 69: the device grant.

use std::time::Duration;

use jeton::internals::UserCode;
use serde_json::{Value, json};

use crate::support::http::{parse_all, raw};
use crate::support::{ADMIN_TOKEN, Answer, Server, claims, race, refused};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const SETTINGS: &str = r#"
    grant_types = ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"]
    verification_uri = "https://portal.example/device"
"#;

async fn server() -> (Server, (String, String)) {
    let server = Server::with(SETTINGS).await;
    let client = server.client(metadata()).await;
    (server, client)
}

fn metadata() -> Value {
    json!({
        "client_name": "Television", "token_endpoint_auth_method": "none",
        "grant_types": [GRANT, "refresh_token"], "scope": "openid offline_access api:read api:write",
    })
}

async fn begin(server: &Server, client: &str) -> Value {
    let fields = [("client_id", client), ("scope", "openid offline_access api:read")];
    let answer = server.post("/oauth2/device_authorization", &[], &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn poll(server: &Server, client: &str, codes: &Value) -> Answer {
    let code = codes["device_code"].as_str().unwrap();
    server.token(&[("grant_type", GRANT), ("device_code", code), ("client_id", client)]).await
}

async fn decide(server: &Server, codes: &Value, verdict: &str, body: Value) -> Answer {
    let code = codes["user_code"].as_str().unwrap();
    server.admin("POST", &format!("/issuers/main/device/{code}/{verdict}"), body).await
}

async fn approve(server: &Server, codes: &Value) {
    let answer = decide(server, codes, "approve", json!({ "subject": "alice" })).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_69_a_device_polls_until_the_person_approves_and_gets_tokens_once() {
    let (server, (client, _)) = server().await;
    let codes = begin(&server, &client).await;
    assert_eq!((codes["expires_in"].as_u64(), codes["interval"].as_u64()), (Some(600), Some(5)));
    let user_code = codes["user_code"].as_str().unwrap();
    assert_eq!(codes["verification_uri"], "https://portal.example/device");
    assert_eq!(
        codes["verification_uri_complete"],
        format!("https://portal.example/device?user_code={user_code}").as_str()
    );
    assert!(codes["device_code"].as_str().unwrap().starts_with("jdc_"));
    poll(&server, &client, &codes).await.refused(400, "authorization_pending");
    // typed by hand: lower case, no dash
    let typed = user_code.to_lowercase().replace('-', "");
    let shown = server.admin("GET", &format!("/issuers/main/device/{typed}"), Value::Null).await.json();
    assert_eq!(
        shown,
        json!({ "user_code": user_code, "client_id": client, "client_name": "Television", "status": "pending",
            "scope": "openid offline_access api:read", "resource": [], "expires_in": 600 })
    );
    approve(&server, &codes).await;
    approve(&server, &codes).await;
    let answer = poll(&server, &client, &codes).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let tokens = answer.json();
    assert_eq!(tokens["scope"], "openid offline_access api:read");
    assert_eq!(claims(&answer.get("id_token"))["sub"], "alice");
    let refreshed = server.refresh(&(client.clone(), String::new()), &answer.get("refresh_token")).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text());
    // one use: the second one revokes what the first one produced
    refused(&poll(&server, &client, &codes).await, "invalid_grant");
    let gone = server.refresh(&(client, String::new()), &refreshed.get("refresh_token")).await;
    refused(&gone, "invalid_grant");
    assert_eq!(decide(&server, &codes, "deny", Value::Null).await.status, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_69_polling_too_fast_is_slowed_down_by_five_seconds_more_each_time_with_status_400() {
    let (server, (client, _)) = server().await;
    let codes = begin(&server, &client).await;
    let second = Duration::from_secs(1);
    for (wait, error) in [
        (0, "authorization_pending"),
        (5, "authorization_pending"),
        (3, "slow_down"),
        (8, "slow_down"),
        (15, "authorization_pending"),
    ] {
        server.clock.advance(wait * second);
        let answer = poll(&server, &client, &codes).await;
        answer.refused(400, error);
        assert_eq!(answer.header("retry-after"), None);
    }
    approve(&server, &codes).await;
    assert_eq!(poll(&server, &client, &codes).await.status, 200, "an answer is not held back");
}

#[tokio::test(flavor = "multi_thread")]
async fn starting_devices_without_end_is_slowed_down_for_that_client_at_that_address() {
    let (server, (client, _)) = server().await;
    for _ in 0..200 {
        begin(&server, &client).await;
    }
    let start = async |client: &str| server.post("/oauth2/device_authorization", &[], &[("client_id", client)]).await;
    let answer = start(&client).await;
    answer.refused(429, "temporarily_unavailable");
    assert_eq!(answer.header("retry-after"), Some("1"));
    let (other, _) = server.client(metadata()).await;
    assert_eq!(start(&other).await.status, 200, "another client");
    server.clock.advance(Duration::from_secs(1));
    for _ in 0..5 {
        assert_eq!(start(&client).await.status, 200, "five a second");
    }
    start(&client).await.refused(429, "temporarily_unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_69_idle_polling_writes_nothing() {
    let (server, (client, _)) = server().await;
    let codes = begin(&server, &client).await;
    let writes = async || {
        let metrics = server.metrics().await;
        let ops = metrics.lines().filter(|line| line.starts_with("jeton_store_operations_total"));
        let count = |line: &str| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap();
        ops.filter(|line| !line.contains("peek")).map(count).sum::<f64>()
    };
    let before = writes().await;
    for _ in 0..20 {
        server.clock.advance(Duration::from_secs(5));
        poll(&server, &client, &codes).await.refused(400, "authorization_pending");
    }
    assert_eq!(writes().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_69_a_denial_is_access_denied_and_an_expired_code_is_expired_token() {
    let (server, (client, _)) = server().await;
    let codes = begin(&server, &client).await;
    assert_eq!(decide(&server, &codes, "deny", Value::Null).await.status, 204);
    poll(&server, &client, &codes).await.refused(400, "access_denied");
    assert_eq!(decide(&server, &codes, "approve", json!({ "subject": "alice" })).await.status, 409);
    let (late, never) = (begin(&server, &client).await, begin(&server, &client).await);
    approve(&server, &late).await;
    server.clock.advance(Duration::from_secs(600));
    poll(&server, &client, &late).await.refused(400, "expired_token");
    server.sweep().await;
    poll(&server, &client, &never).await.refused(400, "expired_token");
    assert_eq!(decide(&server, &never, "approve", json!({ "subject": "alice" })).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_69_a_device_code_is_bound_to_its_client_and_another_ones_attempt_burns_nothing() {
    let (server, (client, _)) = server().await;
    let (other, _) = server.client(metadata()).await;
    let codes = begin(&server, &client).await;
    refused(&poll(&server, &other, &codes).await, "invalid_grant");
    approve(&server, &codes).await;
    refused(&poll(&server, &other, &codes).await, "invalid_grant");
    assert_eq!(poll(&server, &client, &codes).await.status, 200);
    let mut bent = codes["device_code"].as_str().unwrap().to_owned();
    bent.replace_range(30..31, if &bent[30..31] == "A" { "B" } else { "A" });
    refused(&poll(&server, &client, &json!({ "device_code": bent })).await, "invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_69_of_fifty_racing_polls_at_most_one_gets_tokens() {
    let (server, (client, _)) = server().await;
    let codes = begin(&server, &client).await;
    approve(&server, &codes).await;
    let code = codes["device_code"].as_str().unwrap();
    let fields = [("grant_type", GRANT), ("device_code", code), ("client_id", client.as_str())];
    let answers = race(server.public, 50, &fields).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_69_the_portal_narrows_the_scope_and_cannot_widen_it() {
    let (server, (client, _)) = server().await;
    let codes = begin(&server, &client).await;
    for wrong in [json!({}), json!({ "subject": "" }), json!({ "subject": "alice", "scope": "api:write" })] {
        assert_eq!(decide(&server, &codes, "approve", wrong).await.status, 400);
    }
    let narrow = json!({ "subject": "alice", "scope": "api:read", "claims": { "access_token": { "tier": "gold" } } });
    assert_eq!(decide(&server, &codes, "approve", narrow.clone()).await.status, 204);
    assert_eq!(decide(&server, &codes, "approve", narrow).await.status, 204, "a retry of the portal");
    assert_eq!(decide(&server, &codes, "approve", json!({ "subject": "mallory" })).await.status, 409);
    let answer = poll(&server, &client, &codes).await;
    let tokens = answer.json();
    assert_eq!((tokens["scope"].as_str(), tokens.get("refresh_token")), (Some("api:read"), None));
    assert_eq!(tokens.get("id_token"), None, "openid was narrowed away");
    assert_eq!(claims(&answer.get("access_token"))["tier"], "gold");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_69_ten_thousand_guessed_user_codes_hit_nothing_and_are_counted() {
    const CONNECTIONS: usize = 20;
    const EACH: usize = 500;
    let (server, (client, _)) = server().await;
    let codes = begin(&server, &client).await;
    // the chance of one guess, from what a device is shown: letters of twenty
    let letters = codes["user_code"].as_str().unwrap().chars().filter(|letter| *letter != '-').count();
    let chance = (0..letters).fold((CONNECTIONS * EACH) as f64, |chance, _| chance / 20.0);
    assert!(chance < 2_f64.powi(-32), "{letters} letters");
    let guess = |close: &str| {
        let code = UserCode::random();
        let path = format!("/admin/v1/issuers/main/device/{code}");
        format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n{close}\r\n")
    };
    for _ in 0..CONNECTIONS {
        let all: String = (1..EACH).map(|_| guess("")).chain([guess("Connection: close\r\n")]).collect();
        let answers = parse_all(&raw(server.admin, all.as_bytes()).await, false);
        assert_eq!(answers.iter().filter(|answer| answer.status == 404).count(), EACH);
    }
    // neither are those that can be no code
    for code in ["nonsense", "AAAA-AAAA-AAAA"] {
        let answer = server.admin("GET", &format!("/issuers/main/device/{code}"), Value::Null).await;
        assert_eq!(answer.status, 404);
    }
    let misses = format!("jeton_user_code_misses_total {}", CONNECTIONS * EACH + 2);
    assert!(server.metrics().await.contains(&misses), "{misses}");
    approve(&server, &codes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_69_logging_everybody_out_ends_what_waits_and_what_was_approved() {
    let (server, (client, _)) = server().await;
    let (waiting, approved) = (begin(&server, &client).await, begin(&server, &client).await);
    approve(&server, &approved).await;
    server.revoke_by_operator(json!({ "client_id": client })).await;
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(decide(&server, &waiting, "approve", json!({ "subject": "alice" })).await.status, 404);
    refused(&poll(&server, &client, &approved).await, "invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8628_3_1_the_endpoint_refuses_what_the_token_endpoint_would() {
    let (server, (client, _)) = server().await;
    let web = server.web_client().await;
    let at = "/oauth2/device_authorization";
    server.post(at, &[], &[("client_id", "nobody")]).await.refused(401, "invalid_client");
    let mine = [("client_id", web.0.as_str()), ("client_secret", web.1.as_str())];
    server.post(at, &[], &mine).await.refused(400, "unauthorized_client");
    server.post(at, &[], &[("client_id", client.as_str()), ("scope", "profile")]).await.refused(400, "invalid_scope");
    let far = [("client_id", client.as_str()), ("resource", "https://elsewhere.example")];
    server.post(at, &[], &far).await.refused(400, "invalid_target");
    server.token(&[("grant_type", GRANT), ("client_id", client.as_str())]).await.refused(400, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_73_the_endpoint_is_there_and_in_the_metadata_only_if_the_grant_is_offered() {
    let (server, _) = server().await;
    let metadata = server.get("/.well-known/oauth-authorization-server").await.json();
    let expected = format!("http://{}/oauth2/device_authorization", server.public);
    assert_eq!(metadata["device_authorization_endpoint"], expected.as_str());
    assert!(metadata["grant_types_supported"].as_array().unwrap().contains(&json!(GRANT)));
    let plain = Server::start().await;
    let metadata = plain.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(metadata.get("device_authorization_endpoint"), None);
    assert_eq!(plain.post("/oauth2/device_authorization", &[], &[("client_id", "x")]).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_69_a_waiting_device_survives_a_restart() {
    let mut server = Server::durable(SETTINGS).await;
    let (client, _) = server.client(metadata()).await;
    let codes = begin(&server, &client).await;
    server.restart().await;
    approve(&server, &codes).await;
    server.restart().await;
    assert_eq!(poll(&server, &client, &codes).await.status, 200);
    server.restart().await;
    refused(&poll(&server, &client, &codes).await, "invalid_grant");
}

/// The ticker of x/oauth2 comes a few milliseconds early.
#[tokio::test(flavor = "multi_thread")]
async fn rfc8628_3_5_a_poll_that_is_a_second_early_is_not_too_early() {
    let (server, (client, _)) = server().await;
    let codes = begin(&server, &client).await;
    for gap in [4_995, 4_995, 4_995, 4_500, 4_000, 4_995, 5_000] {
        poll(&server, &client, &codes).await.refused(400, "authorization_pending");
        server.clock.advance(Duration::from_millis(gap));
    }
    poll(&server, &client, &codes).await.refused(400, "authorization_pending");
    server.clock.advance(Duration::from_millis(3_999));
    poll(&server, &client, &codes).await.refused(400, "slow_down");
    // a device that then does as it is told is never too early again
    for _ in 0..5 {
        server.clock.advance(Duration::from_millis(9_995));
        poll(&server, &client, &codes).await.refused(400, "authorization_pending");
    }
}

/// An answer may be lost: then the device does not know that it is to wait longer.
#[tokio::test(flavor = "multi_thread")]
async fn rfc8628_3_5_the_interval_that_is_demanded_has_an_end() {
    let (server, (client, _)) = server().await;
    let codes = begin(&server, &client).await;
    for _ in 0..40 {
        poll(&server, &client, &codes).await;
    }
    server.clock.advance(Duration::from_secs(60));
    poll(&server, &client, &codes).await.refused(400, "authorization_pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8628_6_1_a_user_code_is_read_as_people_and_their_keyboards_type_it() {
    let (server, (client, _)) = server().await;
    let codes = begin(&server, &client).await;
    let shown = codes["user_code"].as_str().unwrap();
    let full_width = |text: &str| -> String {
        text.chars()
            .map(|c| char::from_u32(u32::from(c) + 0xfee0).filter(|_| c.is_ascii_graphic()).unwrap_or(c))
            .collect()
    };
    let between = |separator: &str| shown.replace('-', separator);
    let mut typed: Vec<String> = [
        "\u{2010}", "\u{2011}", "\u{2012}", "\u{2013}", "\u{2014}", "\u{2015}", "\u{2212}", "\u{ff0d}", "\u{fe63}",
        "\u{ad}", "\u{a0}", "\u{2009}", "\u{202f}", "\u{3000}", "\u{200b}", "\u{feff}", ".", "_", " . ", "\t",
        "\u{ff0e}", "\u{ff3f}", "",
    ]
    .map(between)
    .to_vec();
    typed.extend([full_width(shown), full_width(&shown.to_lowercase()), format!(" {}\n", shown.to_lowercase())]);
    for typed in typed {
        let path = percent_encoding::utf8_percent_encode(&typed, percent_encoding::NON_ALPHANUMERIC);
        let answer = server.admin("GET", &format!("/issuers/main/device/{path}"), Value::Null).await;
        assert_eq!((answer.status, answer.get("user_code").as_str()), (200, shown), "{typed:?}");
    }
    // a look-alike is no letter of it, and what is too long is not looked at
    for wrong in [shown.replace('-', "+"), format!("{shown}\u{212a}"), format!("{shown}{}", "-".repeat(500))] {
        assert_eq!(UserCode::parse(&wrong), None, "{wrong}");
    }
}

/// x/oauth2 does not know how a client authenticates before a request succeeds, so it sends each poll a second time at once.
#[tokio::test(flavor = "multi_thread")]
async fn rfc8628_3_5_a_poll_that_is_sent_twice_is_one_poll() {
    let (server, (client, _)) = server().await;
    let codes = begin(&server, &client).await;
    let basic = {
        use base64::Engine as _;
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{client}:")))
    };
    let code = codes["device_code"].as_str().unwrap();
    let by_basic = async || {
        let fields = [("grant_type", GRANT), ("device_code", code), ("client_id", client.as_str())];
        server.post("/oauth2/token", &[("Authorization", &basic)], &fields).await
    };
    for _ in 0..5 {
        by_basic().await.refused(400, "authorization_pending");
        poll(&server, &client, &codes).await.refused(400, "authorization_pending");
        server.clock.advance(Duration::from_millis(4_995));
    }
    by_basic().await.refused(400, "authorization_pending");
    poll(&server, &client, &codes).await.refused(400, "authorization_pending");
    poll(&server, &client, &codes).await.refused(400, "slow_down");
    // the same way twice is two polls
    let codes = begin(&server, &client).await;
    poll(&server, &client, &codes).await.refused(400, "authorization_pending");
    poll(&server, &client, &codes).await.refused(400, "slow_down");
}
