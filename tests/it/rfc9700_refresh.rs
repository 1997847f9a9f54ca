//! RFC 9700 section 4.14, RFC 6749 section 6, CHECKLIST E: refresh tokens.

use std::collections::HashSet;
use std::time::Duration;

use jeton::Id;
use jeton::internals::{Lifetimes, RefreshToken, Rotate, RotatePolicy};
use serde_json::{Value, json};

use crate::support::{Server, claims, header, race, refused, spa_metadata, web_metadata};

const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

type Client = (String, String);

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name} in {tokens}"))
}

/// Metadata of a confidential client with further settings.
fn with(jeton: Value) -> Value {
    let mut metadata = web_metadata();
    metadata["jeton"] = jeton;
    metadata
}

/// A refresh that works.
async fn next(server: &Server, client: &Client, token: &str) -> Value {
    let answer = server.refresh(client, token).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// The whole family is dead: each of its refresh tokens refused, each access token inactive.
async fn dead(server: &Server, client: &Client, gateway: &Client, family: &[&Value]) {
    for tokens in family {
        assert!(!server.is_active(gateway, text(tokens, "access_token")).await);
        assert!(!server.is_active(gateway, text(tokens, "refresh_token")).await);
        refused(&server.refresh(client, text(tokens, "refresh_token")).await, "invalid_grant");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_50_refresh_tokens_rotate_and_reuse_revokes_the_whole_family() {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    for metadata in [spa_metadata(), web_metadata()] {
        let client = server.client(metadata).await;
        let first = server.login(&client).await;
        let other_login = server.login(&client).await;
        let second = next(&server, &client, text(&first, "refresh_token")).await;
        let third = next(&server, &client, text(&second, "refresh_token")).await;
        let distinct: HashSet<&str> = [&first, &second, &third].map(|tokens| text(tokens, "refresh_token")).into();
        assert_eq!(distinct.len(), 3);
        for tokens in [&first, &second, &third] {
            assert!(server.is_active(&gateway, text(tokens, "access_token")).await);
        }
        // two generations back: no grace, even at once
        refused(&server.refresh(&client, text(&first, "refresh_token")).await, "invalid_grant");
        dead(&server, &client, &gateway, &[&first, &second, &third]).await;
        next(&server, &client, text(&other_login, "refresh_token")).await;
    }
    assert!(server.metrics().await.contains("jeton_refresh_reuse_total 2\n"), "reuse is counted");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_50_a_public_client_cannot_turn_rotation_off() {
    let server = Server::start().await;
    let mut metadata = spa_metadata();
    metadata["jeton"] = json!({ "refresh_token_rotation": false });
    assert_eq!(server.admin("POST", "/issuers/main/clients", metadata).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_51_within_the_grace_a_retry_gets_the_same_successor_and_after_it_the_family_is_revoked() {
    let server = Server::start().await;
    let (client, gateway) = (server.client(spa_metadata()).await, server.gateway().await);
    let first = server.login(&client).await;
    let second = next(&server, &client, text(&first, "refresh_token")).await;
    server.advance(SECOND * 10 - MILLI).await;
    let again = next(&server, &client, text(&first, "refresh_token")).await;
    assert_eq!(again["refresh_token"], second["refresh_token"], "never a fork");
    assert_ne!(again["access_token"], second["access_token"]);
    assert!(!server.is_active(&gateway, text(&first, "refresh_token")).await, "one live leaf");
    assert!(server.is_active(&gateway, text(&second, "refresh_token")).await);
    // a retry does not prolong the grace
    server.advance(MILLI).await;
    refused(&server.refresh(&client, text(&first, "refresh_token")).await, "invalid_grant");
    dead(&server, &client, &gateway, &[&first, &second, &again]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_51_the_grace_is_over_once_the_successor_was_used() {
    let server = Server::start().await;
    let (client, gateway) = (server.client(spa_metadata()).await, server.gateway().await);
    let first = server.login(&client).await;
    let second = next(&server, &client, text(&first, "refresh_token")).await;
    let third = next(&server, &client, text(&second, "refresh_token")).await;
    refused(&server.refresh(&client, text(&first, "refresh_token")).await, "invalid_grant");
    dead(&server, &client, &gateway, &[&first, &second, &third]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_51_sixteen_retries_are_answered_and_the_seventeenth_is_reuse() {
    let server = Server::start().await;
    let (client, gateway) = (server.client(spa_metadata()).await, server.gateway().await);
    let first = server.login(&client).await;
    let second = next(&server, &client, text(&first, "refresh_token")).await;
    for retry in 1..=16 {
        let again = next(&server, &client, text(&first, "refresh_token")).await;
        assert_eq!(again["refresh_token"], second["refresh_token"], "retry {retry}");
    }
    refused(&server.refresh(&client, text(&first, "refresh_token")).await, "invalid_grant");
    dead(&server, &client, &gateway, &[&first, &second]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_51_sixteen_racing_retries_get_exactly_one_distinct_successor() {
    let server = Server::durable("").await;
    let (client, gateway) = (server.client(spa_metadata()).await, server.gateway().await);
    let mut leaf = text(&server.login(&client).await, "refresh_token").to_owned();
    for round in 0..8 {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", &leaf), ("client_id", &client.0)];
        let answers = race(server.public, 16, &fields).await;
        for answer in &answers {
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        let successors: HashSet<String> = answers.iter().map(|answer| answer.get("refresh_token")).collect();
        assert_eq!(successors.len(), 1, "round {round}");
        let successor = successors.into_iter().next().unwrap();
        assert!(!server.is_active(&gateway, &leaf).await && server.is_active(&gateway, &successor).await);
        leaf = successor;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_51_grace_zero_is_strict_and_of_racers_one_wins_before_the_family_ends() {
    let server = Server::durable("refresh_token_grace = \"0s\"").await;
    let (client, gateway) = (server.client(spa_metadata()).await, server.gateway().await);
    let first = server.login(&client).await;
    let second = next(&server, &client, text(&first, "refresh_token")).await;
    refused(&server.refresh(&client, text(&first, "refresh_token")).await, "invalid_grant");
    dead(&server, &client, &gateway, &[&first, &second]).await;
    for _ in 0..4 {
        let login = server.login(&client).await;
        let token = text(&login, "refresh_token");
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", &client.0)];
        let answers = race(server.public, 16, &fields).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
        assert_eq!((won.len(), lost.len()), (1, 15));
        lost.iter().for_each(|answer| refused(answer, "invalid_grant"));
        dead(&server, &client, &gateway, &[&login, &won[0].json()]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_51_a_client_has_its_own_grace_and_cannot_have_an_endless_one() {
    let server = Server::start().await;
    for (jeton, age, status) in [
        (json!({ "refresh_token_grace": 30 }), 29, 200),
        (json!({ "refresh_token_grace": 30 }), 31, 400),
        (json!({ "refresh_token_grace": 0 }), 0, 400),
        (json!({ "refresh_token_replays": 0 }), 1, 400),
    ] {
        let client = server.client(with(jeton.clone())).await;
        let first = server.login(&client).await;
        next(&server, &client, text(&first, "refresh_token")).await;
        server.advance(SECOND * age).await;
        assert_eq!(server.refresh(&client, text(&first, "refresh_token")).await.status, status, "{jeton} {age} s");
    }
    for endless in [301, u64::MAX] {
        let metadata = with(json!({ "refresh_token_grace": endless }));
        assert_eq!(server.admin("POST", "/issuers/main/clients", metadata).await.status, 400, "{endless}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_51_and_50_grace_reuse_and_revocation_outlast_a_restart() {
    let mut server = Server::durable("").await;
    let (client, gateway) = (server.client(spa_metadata()).await, server.gateway().await);
    let first = server.login(&client).await;
    let second = next(&server, &client, text(&first, "refresh_token")).await;
    server.advance(SECOND * 9).await;
    server.restart().await;
    let again = next(&server, &client, text(&first, "refresh_token")).await;
    assert_eq!(again["refresh_token"], second["refresh_token"], "grace goes on");
    server.advance(SECOND * 2).await;
    server.restart().await;
    refused(&server.refresh(&client, text(&first, "refresh_token")).await, "invalid_grant");
    server.restart().await;
    dead(&server, &client, &gateway, &[&first, &second, &again]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_52_a_refresh_token_is_bound_to_its_client_and_foreign_use_does_not_harm_the_owner() {
    let server = Server::start().await;
    let (owner, other) = (server.web_client().await, server.web_client().await);
    let public = server.client(spa_metadata()).await;
    let mut tokens = server.login(&owner).await;
    for _ in 0..3 {
        let spent = text(&tokens, "refresh_token").to_owned();
        tokens = next(&server, &owner, &spent).await;
        // the live one and the spent one, neither spent nor counted as reuse
        for token in [text(&tokens, "refresh_token"), &spent] {
            refused(&server.refresh(&other, token).await, "invalid_grant");
            refused(&server.refresh(&public, token).await, "invalid_grant");
            refused(&server.refresh_with(&other, token, &[("scope", "api:read")]).await, "invalid_grant");
            // the owner's id alone proves nothing
            refused(&server.refresh(&(owner.0.clone(), String::new()), token).await, "invalid_client");
            refused(&server.refresh(&(owner.0.clone(), "wrong".to_owned()), token).await, "invalid_client");
        }
        server.advance(SECOND * 60).await;
    }
    next(&server, &owner, text(&tokens, "refresh_token")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_53_scope_and_resource_never_widen_and_the_mistake_does_not_spend_the_token() {
    // strict: had a refused request spent the token, the next use would be reuse
    let server = Server::with("refresh_token_grace = \"0s\"").await;
    let client = server.web_client().await;
    let more = json!({ "scope": "openid offline_access api:read", "resource": "https://api.example" });
    let tokens = server.login_with(&client, more).await;
    let token = text(&tokens, "refresh_token");
    for (scope, error) in [
        ("api:write", "invalid_scope"),
        ("openid offline_access api:read api:write", "invalid_scope"),
        ("api:read nonsense", "invalid_scope"),
        ("API:READ", "invalid_scope"),
        ("api:read\"", "invalid_scope"),
    ] {
        refused(&server.refresh_with(&client, token, &[("scope", scope)]).await, error);
    }
    for resources in [
        &[("resource", "https://files.example")][..],
        &[("resource", "https://api.example"), ("resource", "https://files.example")],
        &[("resource", "https://api.example/")],
        &[("resource", "https://api.example#x")],
        &[("resource", "https://unknown.example")],
        &[("resource", "api.example")],
    ] {
        refused(&server.refresh_with(&client, token, resources).await, "invalid_target");
    }
    let next = next(&server, &client, token).await;
    assert_eq!(next["scope"], "openid offline_access api:read");
    let claims = claims(text(&next, "access_token"));
    assert_eq!((&claims["scope"], &claims["aud"]), (&next["scope"], &json!("https://api.example")));
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_53_a_resource_that_was_not_granted_cannot_be_added_later() {
    let server = Server::start().await;
    let client = server.web_client().await;
    let code = server.code(&client.0, Value::Null).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", crate::support::CALLBACK),
        ("code_verifier", crate::support::VERIFIER),
        ("client_id", &client.0),
        ("client_secret", &client.1),
        ("resource", "https://api.example"),
    ];
    refused(&server.token(&fields).await, "invalid_target");
    let tokens = server.redeem(&client, &code).await;
    assert_eq!(tokens.status, 200, "the mistake did not spend the code: {}", tokens.text());
    let token = tokens.get("refresh_token");
    refused(&server.refresh_with(&client, &token, &[("resource", "https://api.example")]).await, "invalid_target");
    assert_eq!(server.refresh(&client, &token).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_53_narrowing_holds_for_that_access_token_only() {
    let server = Server::start().await;
    let client = server.web_client().await;
    let whole = "openid offline_access api:read api:write";
    let both = json!(["https://api.example", "https://files.example"]);
    let tokens = server.login_with(&client, json!({ "scope": whole, "resource": both })).await;
    let token = text(&tokens, "refresh_token");
    let fields = [("scope", "api:read"), ("resource", "https://files.example")];
    let narrow = server.refresh_with(&client, token, &fields).await.json();
    let of = |tokens: &Value| claims(text(tokens, "access_token"));
    assert_eq!(narrow["scope"], "api:read");
    assert_eq!((&of(&narrow)["scope"], &of(&narrow)["aud"]), (&json!("api:read"), &json!("https://files.example")));
    // the retry within the grace narrows by itself, too
    let retry = next(&server, &client, token).await;
    assert_eq!(retry["refresh_token"], narrow["refresh_token"]);
    let wide = next(&server, &client, text(&narrow, "refresh_token")).await;
    for tokens in [&retry, &wide] {
        assert_eq!(tokens["scope"], whole);
        assert_eq!((&of(tokens)["scope"], &of(tokens)["aud"]), (&json!(whole), &both));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_55_idle_and_absolute_expiry_hold_to_the_second() {
    let server = Server::start().await;
    let jeton = json!({ "refresh_token_idle_lifetime": 100, "refresh_token_lifetime": 250 });
    let (client, gateway) = (server.client(with(jeton)).await, server.gateway().await);
    for (age, status) in [(SECOND * 99, 200), (SECOND * 100 - MILLI, 200), (SECOND * 100, 400), (SECOND * 101, 400)] {
        let tokens = server.login(&client).await;
        server.advance(age).await;
        assert_eq!(server.is_active(&gateway, text(&tokens, "refresh_token")).await, status == 200, "{age:?}");
        assert_eq!(server.refresh(&client, text(&tokens, "refresh_token")).await.status, status, "idle {age:?}");
    }
    for (last, status) in [(SECOND * 69, 200), (SECOND * 70 - MILLI, 200), (SECOND * 70, 400), (SECOND * 71, 400)] {
        let mut tokens = server.login(&client).await;
        for _ in 0..2 {
            server.advance(SECOND * 90).await;
            tokens = next(&server, &client, text(&tokens, "refresh_token")).await;
        }
        server.advance(last).await;
        assert_eq!(server.is_active(&gateway, text(&tokens, "refresh_token")).await, status == 200);
        assert_eq!(server.refresh(&client, text(&tokens, "refresh_token")).await.status, status, "180 s and {last:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_56_a_fence_by_subject_client_or_issuer_voids_codes_refresh_and_access_and_a_login_after_it_works() {
    let mut server = Server::durable("").await;
    let (client, bystander) = (server.web_client().await, server.web_client().await);
    let (gateway, service) = (server.gateway().await, server.service_client().await);
    let own = [("grant_type", "client_credentials"), ("client_id", &*service.0), ("client_secret", &*service.1)];
    for (what, spares_others) in [
        (json!({ "subject": "alice" }), true),
        (json!({ "client_id": client.0 }), true),
        (json!({ "all": true }), false),
    ] {
        let tokens = server.login(&client).await;
        let code = server.code(&client.0, Value::Null).await;
        let other = server.login_with(&bystander, json!({ "subject": "bob" })).await;
        let machine = server.token(&own).await.get("access_token");
        server.advance(SECOND).await;
        server.revoke_by_operator(what.clone()).await;
        for restarted in [false, true] {
            if restarted {
                server.restart().await;
            }
            dead(&server, &client, &gateway, &[&tokens]).await;
            refused(&server.redeem(&client, &code).await, "invalid_grant");
            for token in [text(&other, "access_token"), &machine] {
                assert_eq!(server.is_active(&gateway, token).await, spares_others, "{what}");
            }
        }
        assert_eq!(
            server.refresh(&bystander, text(&other, "refresh_token")).await.status,
            if spares_others { 200 } else { 400 }
        );
        server.advance(MILLI).await;
        let fresh = server.login(&client).await;
        assert!(server.is_active(&gateway, text(&fresh, "access_token")).await, "a login after the fence works");
        next(&server, &client, text(&fresh, "refresh_token")).await;
        let machine = server.token(&own).await.get("access_token");
        assert!(server.is_active(&gateway, &machine).await);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_56_a_deleted_client_leaves_nothing_to_who_gets_its_id_next() {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    let metadata = |secret: &str| {
        let mut metadata = web_metadata();
        metadata["client_id"] = json!("app");
        metadata["client_secret"] = json!(secret);
        metadata
    };
    let before = server.client(metadata("the secret of the first one")).await;
    let tokens = server.login(&before).await;
    let code = server.code(&before.0, Value::Null).await;
    assert_eq!(server.admin("DELETE", "/issuers/main/clients/app", Value::Null).await.status, 204);
    refused(&server.refresh(&before, text(&tokens, "refresh_token")).await, "invalid_client");
    assert!(!server.is_active(&gateway, text(&tokens, "access_token")).await);
    assert_eq!(server.admin("DELETE", "/issuers/main/clients/app", Value::Null).await.status, 404);
    server.advance(SECOND).await;
    let after = server.client(metadata("the secret of the second one")).await;
    dead(&server, &after, &gateway, &[&tokens]).await;
    refused(&server.redeem(&after, &code).await, "invalid_grant");
    let fresh = server.login(&after).await;
    next(&server, &after, text(&fresh, "refresh_token")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_56_a_disabled_client_gets_nothing() {
    let server = Server::start().await;
    let client = server.web_client().await;
    let tokens = server.login(&client).await;
    let code = server.code(&client.0, Value::Null).await;
    assert_eq!(server.replace(&client.0, with(json!({ "disabled": true }))).await.status, 200);
    refused(&server.refresh(&client, text(&tokens, "refresh_token")).await, "invalid_client");
    refused(&server.redeem(&client, &code).await, "invalid_client");
    assert_eq!(server.code_answer(&client.0, Value::Null).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_56_a_client_that_lost_a_grant_a_scope_or_a_resource_no_longer_gets_it() {
    let server = Server::start().await;
    let client = server.web_client().await;
    let both = json!(["https://api.example", "https://files.example"]);
    let grant = json!({ "scope": "openid offline_access api:read api:write", "resource": both });
    let mut token = text(&server.login_with(&client, grant.clone()).await, "refresh_token").to_owned();
    let code = server.code(&client.0, grant.clone()).await;
    // part of it: the rest goes on
    let mut less = with(json!({ "resources": ["https://api.example"] }));
    less["scope"] = json!("openid offline_access api:read");
    assert_eq!(server.replace(&client.0, less).await.status, 200);
    refused(&server.refresh_with(&client, &token, &[("scope", "api:write")]).await, "invalid_scope");
    refused(&server.refresh_with(&client, &token, &[("resource", "https://files.example")]).await, "invalid_target");
    for answer in [server.refresh(&client, &token).await, server.redeem(&client, &code).await] {
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.get("scope"), "openid offline_access api:read");
        let claims = claims(&answer.get("access_token"));
        assert_eq!((&claims["scope"], &claims["aud"]), (&answer.json()["scope"], &json!("https://api.example")));
        token = answer.get("refresh_token");
    }
    // openid: no ID token any more
    let mut less = web_metadata();
    less["scope"] = json!("offline_access api:read");
    assert_eq!(server.replace(&client.0, less).await.status, 200);
    let answer = next(&server, &client, &token).await;
    assert!(answer.get("id_token").is_none(), "{answer}");
    // all of one kind: no resource at all would mean the default audience, which was not granted
    for lost in [with(json!({ "resources": [] })), {
        let mut m = web_metadata();
        m["scope"] = json!("openid api:read");
        m
    }] {
        assert_eq!(server.replace(&client.0, web_metadata()).await.status, 200);
        let tokens = server.login_with(&client, grant.clone()).await;
        let code = server.code(&client.0, grant.clone()).await;
        let offline = lost["scope"].as_str().unwrap().contains("offline_access");
        assert_eq!(server.replace(&client.0, lost).await.status, 200);
        refused(&server.refresh(&client, text(&tokens, "refresh_token")).await, "invalid_grant");
        let answer = server.redeem(&client, &code).await;
        if offline {
            refused(&answer, "invalid_grant");
        } else {
            assert!(answer.status == 200 && answer.json().get("refresh_token").is_none(), "{}", answer.text());
        }
    }
    // the grant type
    assert_eq!(server.replace(&client.0, web_metadata()).await.status, 200);
    let tokens = server.login(&client).await;
    let mut lost = web_metadata();
    lost["grant_types"] = json!(["authorization_code"]);
    assert_eq!(server.replace(&client.0, lost).await.status, 200);
    refused(&server.refresh(&client, text(&tokens, "refresh_token")).await, "unauthorized_client");
    assert!(server.login(&client).await.get("refresh_token").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_57_no_refresh_token_for_client_credentials_nor_without_offline_access() {
    let server = Server::start().await;
    let mut metadata = web_metadata();
    metadata["grant_types"] = json!(["client_credentials", "authorization_code", "refresh_token"]);
    let client = server.client(metadata).await;
    let own = [("grant_type", "client_credentials"), ("client_id", &*client.0), ("client_secret", &*client.1)];
    for scope in [None, Some("api:read")] {
        let fields: Vec<_> = own.into_iter().chain(scope.map(|scope| ("scope", scope))).collect();
        let tokens = server.token(&fields).await;
        assert_eq!(tokens.status, 200, "{}", tokens.text());
        assert!(tokens.json().get("refresh_token").is_none() && tokens.json().get("id_token").is_none());
    }
    for personal in ["offline_access", "openid", "api:read offline_access"] {
        let fields: Vec<_> = own.into_iter().chain([("scope", personal)]).collect();
        refused(&server.token(&fields).await, "invalid_scope");
    }
    assert!(server.login_with(&client, json!({ "scope": "openid" })).await.get("refresh_token").is_none());
    assert!(server.login(&client).await.get("refresh_token").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_59_a_crash_between_commit_and_answer_leaves_one_usable_leaf() {
    let mut server = Server::durable("").await;
    let (client, gateway) = (server.client(spa_metadata()).await, server.gateway().await);
    let tokens = server.login(&client).await;
    let spent = text(&tokens, "refresh_token");
    // the rotation is durable, and nobody was answered
    let context = server.daemon().service().context.clone();
    let presented = RefreshToken::parse(spent, "main", &context.vault).unwrap();
    let rotate = Rotate {
        family: presented.head.family,
        generation: presented.generation,
        issuer: "main".into(),
        client: client.0.as_str().into(),
        key: context.vault.current(),
        attempt: Id::random(),
        policy: RotatePolicy::Rotate { grace: SECOND * 10, replays: 16 },
        lifetimes: Lifetimes { access: SECOND * 600, idle: SECOND * 86_400, absolute: SECOND * 86_400 },
        shown: None,
    };
    assert!(matches!(context.shards.ask(jeton::internals::Cell::default(), rotate).await, Ok(Ok(_))));
    drop(context);
    server.restart().await;
    assert!(!server.is_active(&gateway, spent).await);
    let retry = next(&server, &client, spent).await;
    assert!(server.is_active(&gateway, text(&retry, "refresh_token")).await);
    server.advance(SECOND * 60).await;
    next(&server, &client, text(&retry, "refresh_token")).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_refresh_token_stays_the_same_and_its_access_tokens_live_to_their_end() {
    let server = Server::start().await;
    // an access token may live longer than the family: the row must wait for it, also where no use was written
    let jeton = json!({
        "refresh_token_rotation": false, "refresh_token_idle_lifetime": 1000, "refresh_token_lifetime": 1000,
        "access_token_lifetime": 400,
    });
    let (client, gateway) = (server.client(with(jeton)).await, server.gateway().await);
    let login = server.login(&client).await;
    for _ in 0..49 {
        server.advance(SECOND * 20).await;
        let tokens = next(&server, &client, text(&login, "refresh_token")).await;
        assert_eq!(tokens["refresh_token"], login["refresh_token"]);
    }
    let last = next(&server, &client, text(&login, "refresh_token")).await;
    server.advance(SECOND * 20).await;
    refused(&server.refresh(&client, text(&login, "refresh_token")).await, "invalid_grant");
    server.advance(SECOND * 379).await;
    server.sweep().await;
    assert!(server.is_active(&gateway, text(&last, "access_token")).await, "at 399 of 400 s");
    server.advance(SECOND).await;
    assert!(!server.is_active(&gateway, text(&last, "access_token")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_lives_to_its_end_though_the_clients_lifetime_was_raised_after_the_login() {
    let server = Server::start().await;
    let short = json!({
        "refresh_token_idle_lifetime": 50, "refresh_token_lifetime": 100, "access_token_lifetime": 10,
    });
    let long = json!({
        "refresh_token_idle_lifetime": 50, "refresh_token_lifetime": 100, "access_token_lifetime": 3000,
    });
    let (client, gateway) = (server.client(with(short)).await, server.gateway().await);
    for use_it in ["code", "refresh", "retry"] {
        let code = server.code(&client.0, Value::Null).await;
        let login = if use_it == "code" { None } else { Some(server.redeem(&client, &code).await.json()) };
        if use_it == "retry" {
            next(&server, &client, text(login.as_ref().unwrap(), "refresh_token")).await;
        }
        assert_eq!(server.replace(&client.0, with(long.clone())).await.status, 200);
        let tokens = match &login {
            None => server.redeem(&client, &code).await.json(),
            Some(login) => next(&server, &client, text(login, "refresh_token")).await,
        };
        assert_eq!(tokens["expires_in"], 3000);
        server.advance(SECOND * 2999).await;
        server.sweep().await;
        assert!(server.is_active(&gateway, text(&tokens, "access_token")).await, "{use_it}");
        // and a fence still reaches it
        server.revoke_by_operator(json!({ "subject": "alice" })).await;
        assert!(!server.is_active(&gateway, text(&tokens, "access_token")).await);
        let short = json!({
            "refresh_token_idle_lifetime": 50, "refresh_token_lifetime": 100, "access_token_lifetime": 10,
        });
        assert_eq!(server.replace(&client.0, with(short)).await.status, 200);
        server.advance(SECOND).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_garbled_refresh_token_is_invalid_grant_whatever_is_bent() {
    let server = Server::start().await;
    let client = server.web_client().await;
    let tokens = server.login(&client).await;
    let token = text(&tokens, "refresh_token");
    assert_eq!(header(text(&tokens, "access_token"))["typ"], "at+jwt");
    for at in (0..token.len()).step_by(5) {
        let mut bent = token.as_bytes().to_vec();
        bent[at] = if bent[at] == b'B' { b'C' } else { b'B' };
        refused(&server.refresh(&client, &String::from_utf8(bent).unwrap()).await, "invalid_grant");
    }
    for other in [text(&tokens, "access_token"), text(&tokens, "id_token"), "jrt_", &format!("{token}="), &token[4..]] {
        refused(&server.refresh(&client, other).await, "invalid_grant");
    }
    next(&server, &client, token).await;
}
