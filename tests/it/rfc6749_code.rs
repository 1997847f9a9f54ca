//! RFC 6749 section 4.1, RFC 7636, CHECKLIST D: authorization codes and PKCE.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::http::post_form;
use crate::support::{
    CALLBACK, CHALLENGE, Server, VERIFIER, claims, race, refused, spa_metadata, verify, web_metadata,
};

const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

/// The fields of a redemption; `more` replaces or, if empty, removes.
fn fields<'a>(client: &'a (String, String), code: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
        ("client_id", client.0.as_str()),
        ("client_secret", client.1.as_str()),
    ];
    for (name, value) in more {
        fields.retain(|(own, _)| own != name);
        fields.push((name, value));
    }
    fields.retain(|(_, value)| !value.is_empty());
    fields
}

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name} in {tokens}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_38_a_code_used_twice_is_refused_and_what_the_first_use_gave_is_revoked() {
    let server = Server::start().await;
    let (client, gateway) = (server.web_client().await, server.gateway().await);
    // 90 s: the code itself expired long before, the login did not
    for delay in [0, 1, 30, 90] {
        for scope in ["openid offline_access api:read", "openid api:read"] {
            let code = server.code(&client.0, json!({ "scope": scope })).await;
            let first = server.redeem(&client, &code).await;
            assert_eq!(first.status, 200, "{}", first.text());
            let tokens = first.json();
            assert_eq!(tokens.get("refresh_token").is_some(), scope.contains("offline_access"));
            server.advance(SECOND * delay).await;
            server.sweep().await;
            assert!(server.is_active(&gateway, text(&tokens, "access_token")).await, "after {delay} s");
            refused(&server.redeem(&client, &code).await, "invalid_grant");
            assert!(!server.is_active(&gateway, text(&tokens, "access_token")).await, "after {delay} s");
            if let Some(refresh) = tokens["refresh_token"].as_str() {
                assert!(!server.is_active(&gateway, refresh).await);
                refused(&server.refresh(&client, refresh).await, "invalid_grant");
            }
            refused(&server.redeem(&client, &code).await, "invalid_grant");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_38_a_replay_also_revokes_what_was_refreshed_since() {
    let server = Server::start().await;
    let (client, gateway) = (server.web_client().await, server.gateway().await);
    let code = server.code(&client.0, Value::Null).await;
    let tokens = server.redeem(&client, &code).await.json();
    let next = server.refresh(&client, text(&tokens, "refresh_token")).await.json();
    refused(&server.redeem(&client, &code).await, "invalid_grant");
    for tokens in [&tokens, &next] {
        assert!(!server.is_active(&gateway, text(tokens, "access_token")).await);
        refused(&server.refresh(&client, text(tokens, "refresh_token")).await, "invalid_grant");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_38_a_code_stays_used_after_a_restart_and_what_a_replay_revoked_stays_revoked() {
    let mut server = Server::durable("").await;
    let (client, gateway) = (server.web_client().await, server.gateway().await);
    let code = server.code(&client.0, Value::Null).await;
    let tokens = server.redeem(&client, &code).await.json();
    server.restart().await;
    assert!(server.is_active(&gateway, text(&tokens, "access_token")).await);
    refused(&server.redeem(&client, &code).await, "invalid_grant");
    server.restart().await;
    assert!(!server.is_active(&gateway, text(&tokens, "access_token")).await);
    refused(&server.refresh(&client, text(&tokens, "refresh_token")).await, "invalid_grant");
    refused(&server.redeem(&client, &code).await, "invalid_grant");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_39_of_racing_redemptions_one_wins_and_a_loser_counts_as_a_replay() {
    let server = Server::durable("").await;
    let (client, gateway) = (server.web_client().await, server.gateway().await);
    for _ in 0..8 {
        let code = server.code(&client.0, Value::Null).await;
        let answers = race(server.public, 16, &fields(&client, &code, &[])).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
        assert_eq!((won.len(), lost.len()), (1, 15));
        lost.iter().for_each(|answer| refused(answer, "invalid_grant"));
        // the written policy: as RFC 9700 has it, whoever comes second may be the rightful one
        let tokens = won[0].json();
        assert!(!server.is_active(&gateway, text(&tokens, "access_token")).await);
        refused(&server.refresh(&client, text(&tokens, "refresh_token")).await, "invalid_grant");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc6749_4_1_2_a_code_is_not_spent_by_a_request_that_is_refused_because_too_many_signatures_wait() {
    const CODES: usize = 400;
    let server = Server::with("algorithms = [\"RS256\"]\naccess_token_alg = \"RS256\"\nid_token_alg = \"RS256\"").await;
    let client = server.web_client().await;
    // once there is a key
    server.login(&client).await;
    let mut codes = Vec::new();
    for _ in 0..CODES {
        codes.push(server.code(&client.0, Value::Null).await);
    }
    let start = std::sync::Arc::new(tokio::sync::Barrier::new(CODES));
    let mut running = tokio::task::JoinSet::new();
    for code in codes {
        let (to, start) = (server.public, start.clone());
        let own: Vec<_> = fields(&client, &code, &[]).iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
        running.spawn(async move {
            let own: Vec<_> = own.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            start.wait().await;
            let mut statuses = Vec::new();
            while statuses.last().is_none_or(|status| *status == 503) {
                statuses.push(post_form(to, "/oauth2/token", &[], &own).await.status);
            }
            statuses
        });
    }
    for statuses in running.join_all().await {
        assert_eq!(statuses.last(), Some(&200), "{statuses:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_40_a_code_lives_sixty_seconds_and_not_a_millisecond_longer() {
    let server = Server::start().await;
    let client = server.web_client().await;
    let answer = server.code_answer(&client.0, Value::Null).await;
    assert_eq!(answer.json()["expires_in"], 60);
    for (age, works) in [
        (SECOND * 59, true),
        (SECOND * 60 - MILLI, true),
        (SECOND * 60, false),
        (SECOND * 61, false),
        (SECOND * 86_400, false),
    ] {
        let code = server.code(&client.0, Value::Null).await;
        server.advance(age).await;
        let answer = server.redeem(&client, &code).await;
        if works { assert_eq!(answer.status, 200, "{age:?}") } else { refused(&answer, "invalid_grant") }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_40_the_lifetime_follows_the_issuer_to_the_second() {
    let server = Server::with("code_lifetime = \"5s\"").await;
    let client = server.web_client().await;
    for (age, status) in [(4, 200), (6, 400)] {
        let code = server.code(&client.0, Value::Null).await;
        server.advance(SECOND * age).await;
        assert_eq!(server.redeem(&client, &code).await.status, status, "{age} s");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_41_a_code_is_bound_to_its_client_and_another_clients_attempts_do_not_burn_it() {
    let server = Server::start().await;
    let (owner, other) = (server.web_client().await, server.web_client().await);
    let public = server.client(spa_metadata()).await;
    let code = server.code(&owner.0, Value::Null).await;
    // more than the five misses that void a code, with right and wrong proof
    for _ in 0..6 {
        refused(&server.redeem(&other, &code).await, "invalid_grant");
        refused(&server.redeem(&public, &code).await, "invalid_grant");
        let wrong = fields(&other, &code, &[("redirect_uri", "https://client.example/other")]);
        refused(&server.token(&wrong).await, "invalid_grant");
    }
    let tokens = server.redeem(&owner, &code).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text());
    assert_eq!(claims(&tokens.get("access_token"))["client_id"], json!(owner.0));
    // nor does an attempt on a used code revoke anything
    refused(&server.redeem(&other, &code).await, "invalid_grant");
    assert_eq!(server.refresh(&owner, &tokens.get("refresh_token")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_41_a_code_is_bound_to_its_issuer() {
    let server = Server::with("[issuers.two]\nurl = \"http://@PUBLIC@/two\"\nalgorithms = [\"EdDSA\"]\nid_token_alg = \"EdDSA\"\nscopes = \"openid profile offline_access api:read api:write\"\n").await;
    let mut metadata = web_metadata();
    metadata["client_id"] = json!("same");
    metadata["client_secret"] = json!("the same secret at both of them");
    for issuer in ["main", "two"] {
        assert_eq!(server.admin("POST", &format!("/issuers/{issuer}/clients"), metadata.clone()).await.status, 201);
    }
    let client = ("same".to_owned(), "the same secret at both of them".to_owned());
    let code = server.code(&client.0, Value::Null).await;
    refused(&server.post("/two/oauth2/token", &[], &fields(&client, &code, &[])).await, "invalid_grant");
    let tokens = server.redeem(&client, &code).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text());
    let refresh = tokens.get("refresh_token");
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &refresh),
        ("client_id", &client.0),
        ("client_secret", &client.1),
    ];
    refused(&server.post("/two/oauth2/token", &[], &fields).await, "invalid_grant");
    for token in [&refresh, &tokens.get("access_token")] {
        let fields = [("token", token.as_str()), ("client_id", &client.0), ("client_secret", &client.1)];
        let answer = server.post("/two/oauth2/introspect", &[], &fields).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"active":false}"#));
        assert_eq!(server.post("/two/oauth2/revoke", &[], &fields).await.status, 200);
        assert_eq!(server.introspect(&client, token).await["active"], true, "another issuer cannot revoke it");
    }
    assert_eq!(server.refresh(&client, &refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_42_redirect_uri_must_be_identical() {
    let server = Server::start().await;
    let client = server.web_client().await;
    for other in [
        "https://client.example/callback/",
        "https://client.example/Callback",
        "https://CLIENT.example/callback",
        "HTTPS://client.example/callback",
        "https://client.example:443/callback",
        "https://client.example/callback?x=1",
        "https://client.example/callback?",
        "https://client.example/callback#",
        "https://client.example/%63allback",
        "https://client.example/x/../callback",
        "https://client.example/callbac",
        "https://client.example/other",
        " https://client.example/callback",
    ] {
        let code = server.code(&client.0, Value::Null).await;
        refused(&server.token(&fields(&client, &code, &[("redirect_uri", other)])).await, "invalid_grant");
        assert_eq!(server.redeem(&client, &code).await.status, 200, "the right one after {other}");
    }
    let code = server.code(&client.0, Value::Null).await;
    refused(&server.token(&fields(&client, &code, &[("redirect_uri", "")])).await, "invalid_request");
    assert_eq!(server.redeem(&client, &code).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_42_a_client_registered_for_oauth_2_1_may_leave_redirect_uri_out_but_not_send_another() {
    let server = Server::start().await;
    let mut metadata = web_metadata();
    metadata["jeton"] = json!({ "code_redirect_uri": "optional" });
    let client = server.client(metadata).await;
    let code = server.code(&client.0, Value::Null).await;
    let other = [("redirect_uri", "https://client.example/other")];
    refused(&server.token(&fields(&client, &code, &other)).await, "invalid_grant");
    assert_eq!(server.token(&fields(&client, &code, &[("redirect_uri", "")])).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_43_code_verifier_must_be_well_formed_and_the_one_behind_the_challenge() {
    let server = Server::start().await;
    let client = server.web_client().await;
    let (short, long, longest) = ("a".repeat(42), "a".repeat(129), "a".repeat(128));
    let spaced = format!("{} {}", &VERIFIER[..20], &VERIFIER[21..]);
    for (verifier, error) in [
        ("", "invalid_grant"),
        ("EBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "invalid_grant"),
        ("DBJFTJEZ4CVP-MB92K27UHBUJU1P1R_WW1GFWFOEJXK", "invalid_grant"),
        (longest.as_str(), "invalid_grant"),
        // the challenge itself, as a `plain` server would take it
        (CHALLENGE, "invalid_grant"),
        (short.as_str(), "invalid_request"),
        (long.as_str(), "invalid_request"),
        (spaced.as_str(), "invalid_request"),
        ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX=", "invalid_request"),
        ("dBjftJeZ4CVP+mB92K27uhbUJU1p1r/wW1gFWFOEjXk", "invalid_request"),
        ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEj\u{e9}", "invalid_request"),
    ] {
        let code = server.code(&client.0, Value::Null).await;
        refused(&server.token(&fields(&client, &code, &[("code_verifier", verifier)])).await, error);
        assert_eq!(server.redeem(&client, &code).await.status, 200, "the right one after {verifier}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_44_a_verifier_without_a_challenge_is_a_downgrade_and_refused() {
    let server = Server::start().await;
    let client = server.web_client().await;
    let without = json!({ "code_challenge": null, "code_challenge_method": null });
    let code = server.code(&client.0, without).await;
    refused(&server.redeem(&client, &code).await, "invalid_grant");
    assert_eq!(server.token(&fields(&client, &code, &[("code_verifier", "")])).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_44_who_needs_pkce_gets_no_code_without_a_challenge() {
    let server = Server::start().await;
    let mut strict = web_metadata();
    strict["jeton"] = json!({ "require_pkce": true });
    for metadata in [spa_metadata(), strict] {
        let client = server.client(metadata).await;
        let without = json!({ "code_challenge": null, "code_challenge_method": null });
        assert_eq!(server.code_answer(&client.0, without).await.status, 400);
        assert_eq!(server.code_answer(&client.0, Value::Null).await.status, 201);
    }
    let mut lax = spa_metadata();
    lax["jeton"] = json!({ "require_pkce": false });
    assert_eq!(server.admin("POST", "/issuers/main/clients", lax).await.status, 400, "nor can it be turned off");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_44_an_issuer_can_require_pkce_of_everybody() {
    let server = Server::with("require_pkce = true").await;
    let client = server.web_client().await;
    let without = json!({ "code_challenge": null, "code_challenge_method": null });
    assert_eq!(server.code_answer(&client.0, without).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_45_only_s256_with_a_well_formed_challenge_is_taken() {
    let server = Server::start().await;
    let client = server.web_client().await;
    for wrong in [
        json!({ "code_challenge_method": "plain" }),
        json!({ "code_challenge_method": null }),
        json!({ "code_challenge_method": "" }),
        json!({ "code_challenge_method": "s256" }),
        json!({ "code_challenge_method": "S512" }),
        json!({ "code_challenge": null }),
        json!({ "code_challenge": "" }),
        json!({ "code_challenge": &CHALLENGE[..42] }),
        json!({ "code_challenge": format!("{CHALLENGE}=") }),
        json!({ "code_challenge": format!("{CHALLENGE}A") }),
        json!({ "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM" }),
        // not canonical: two bits after the last byte
        json!({ "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN" }),
    ] {
        assert_eq!(server.code_answer(&client.0, wrong.clone()).await.status, 400, "{wrong}");
    }
    let metadata = server.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_46_a_failed_client_authentication_does_not_burn_the_code() {
    let server = Server::start().await;
    let client = server.web_client().await;
    let code = server.code(&client.0, Value::Null).await;
    // x/oauth2 tries Basic first and then the body
    let basic = {
        use base64::Engine as _;
        let both = format!("{}:wrong", client.0);
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(both))
    };
    for _ in 0..6 {
        let without = fields(&client, &code, &[("client_id", ""), ("client_secret", "")]);
        let answer = server.post("/oauth2/token", &[("Authorization", &basic)], &without).await;
        refused(&answer, "invalid_client");
        refused(&server.token(&fields(&client, &code, &[("client_secret", "wrong")])).await, "invalid_client");
        refused(&server.token(&fields(&client, &code, &[("client_secret", "")])).await, "invalid_client");
    }
    assert_eq!(server.redeem(&client, &code).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_46_five_wrong_proofs_void_a_code_and_four_do_not() {
    let server = Server::start().await;
    let client = server.web_client().await;
    let wrong_uri = [("redirect_uri", "https://client.example/other")];
    let wrong_verifier = [("code_verifier", CHALLENGE)];
    for (misses, status) in [(4, 200), (5, 400), (6, 400)] {
        let code = server.code(&client.0, Value::Null).await;
        for miss in 0..misses {
            let wrong = if miss % 2 == 0 { &wrong_uri } else { &wrong_verifier };
            refused(&server.token(&fields(&client, &code, wrong)).await, "invalid_grant");
        }
        let answer = server.redeem(&client, &code).await;
        assert_eq!(answer.status, status, "after {misses} misses: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_46_misses_that_race_are_all_counted_and_outlast_a_restart() {
    let mut server = Server::durable("code_misses = 16").await;
    let client = server.web_client().await;
    let codes = [server.code(&client.0, Value::Null).await, server.code(&client.0, Value::Null).await];
    for (code, racers) in codes.iter().zip([15, 16]) {
        let wrong = fields(&client, code, &[("code_verifier", CHALLENGE)]);
        race(server.public, racers, &wrong).await.iter().for_each(|answer| refused(answer, "invalid_grant"));
    }
    server.restart().await;
    assert_eq!(server.redeem(&client, &codes[0]).await.status, 200, "15 of 16");
    refused(&server.redeem(&client, &codes[1]).await, "invalid_grant");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_46_a_wrong_proof_of_a_used_code_revokes_nothing() {
    let server = Server::start().await;
    let client = server.web_client().await;
    let code = server.code(&client.0, Value::Null).await;
    let tokens = server.redeem(&client, &code).await.json();
    for _ in 0..6 {
        // who has no verifier has only seen the code pass by: that must not be enough to log somebody out
        refused(&server.token(&fields(&client, &code, &[("code_verifier", CHALLENGE)])).await, "invalid_grant");
    }
    assert_eq!(server.refresh(&client, text(&tokens, "refresh_token")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_garbled_code_is_invalid_grant_and_a_huge_one_invalid_request() {
    let server = Server::start().await;
    let client = server.web_client().await;
    let code = server.code(&client.0, Value::Null).await;
    let bent = format!("{}A", &code[..code.len() - 1]);
    let bent = if bent == code { format!("{}B", &code[..code.len() - 1]) } else { bent };
    for wrong in [bent.as_str(), "jac_", "jac_AQ", "x", &code[4..], &format!("{code}="), &code.replace("jac_", "jrt_")]
    {
        refused(&server.redeem(&client, wrong).await, "invalid_grant");
    }
    refused(&server.redeem(&client, &"a".repeat(8193)).await, "invalid_request");
    refused(&server.token(&fields(&client, "", &[])).await, "invalid_request");
    assert_eq!(server.redeem(&client, &code).await.status, 200);
}

/// Pearson's statistic of bytes against the uniform distribution: 255 degrees of freedom, mean 255, deviation 22.6.
fn chi_square(bytes: impl Iterator<Item = u8>) -> f64 {
    let mut counts = [0_f64; 256];
    bytes.for_each(|byte| counts[usize::from(byte)] += 1.0);
    let expected = counts.iter().sum::<f64>() / 256.0;
    assert!(expected > 20.0, "enough samples");
    counts.iter().map(|count| (count - expected).powi(2) / expected).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_48_credentials_are_random_without_structure() {
    const SAMPLES: usize = 1000;
    let server = Server::start().await;
    let (client, service) = (server.web_client().await, server.service_client().await);
    let mut kinds: [(&str, Vec<Vec<u8>>); 7] = [
        ("family id", Vec::new()),
        ("sealed code", Vec::new()),
        ("refresh token MAC", Vec::new()),
        ("jti within a family", Vec::new()),
        ("jti of a client", Vec::new()),
        ("client secret", Vec::new()),
        ("client id", Vec::new()),
    ];
    for _ in 0..SAMPLES {
        let code = server.code(&client.0, Value::Null).await;
        let tokens = server.redeem(&client, &code).await.json();
        let code = verify::bytes(code.strip_prefix("jac_").unwrap());
        kinds[0].1.push(code[4..20].to_vec());
        kinds[1].1.push(code[20..].to_vec());
        let refresh = verify::bytes(text(&tokens, "refresh_token").strip_prefix("jrt_").unwrap());
        assert_eq!(refresh[4..20], code[4..20], "one family");
        assert_eq!(refresh.len(), 24 + 32);
        kinds[2].1.push(refresh[24..].to_vec());
        let jti = |token: &str| verify::bytes(claims(token)["jti"].as_str().unwrap());
        // behind kind, time and cell, and the family
        kinds[3].1.push(jti(text(&tokens, "access_token"))[25..].to_vec());
        let own = [("grant_type", "client_credentials"), ("client_id", &service.0), ("client_secret", &service.1)];
        kinds[4].1.push(jti(&server.token(&own).await.get("access_token"))[9..].to_vec());
    }
    for _ in 0..SAMPLES {
        let (id, secret) = server.web_client().await;
        kinds[5].1.push(verify::bytes(secret.strip_prefix("jcs_").unwrap()));
        kinds[6].1.push(verify::bytes(&id));
    }
    for (name, samples) in &kinds {
        assert!(samples[0].len() >= if name.contains("within") { 8 } else { 16 }, "{name}: 128 bits");
        let prefixes: HashSet<&[u8]> = samples.iter().map(|sample| &sample[..8]).collect();
        assert_eq!(prefixes.len(), SAMPLES, "{name}: no two share 64 bits");
        let statistic = chi_square(samples.iter().flatten().copied());
        // six deviations: one false alarm in a hundred million runs, and any bias of a few percent is seen
        assert!((120.0..400.0).contains(&statistic), "{name}: chi-square {statistic}");
        // no byte stands still, and no bit leans to one side
        for position in 0..samples.iter().map(Vec::len).min().unwrap() {
            let values: HashSet<u8> = samples.iter().map(|sample| sample[position]).collect();
            assert!(values.len() > 200, "{name}: byte {position} has only {} values", values.len());
            for bit in 0..8 {
                let ones = samples.iter().filter(|sample| sample[position] >> bit & 1 == 1).count();
                assert!(
                    (SAMPLES * 2 / 5..SAMPLES * 3 / 5).contains(&ones),
                    "{name}: byte {position} bit {bit}: {ones}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_48_nothing_repeats_after_a_restart() {
    let mut server = Server::durable("").await;
    let client = server.web_client().await;
    let mut seen = HashSet::new();
    for _ in 0..3 {
        for _ in 0..20 {
            let code = server.code(&client.0, Value::Null).await;
            let tokens = server.redeem(&client, &code).await.json();
            for credential in [&code[..28], text(&tokens, "refresh_token"), text(&tokens, "access_token")] {
                assert!(seen.insert(credential.to_owned()), "{credential} repeats");
            }
        }
        server.restart().await;
    }
    server.stop().await;
}
