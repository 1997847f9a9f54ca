//! Users of the built-in directory: the admin API, `jeton user`, and what ends with a user.

use std::time::Duration;

use serde_json::{Value, json};

use crate::password::{DIRECTORY, login, login_client, put_user};
use crate::support::Server;
use crate::support::refused;

const ANN: &str = "/issuers/main/users/ann@example.com";

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_created_shown_replaced_and_removed_and_a_hash_is_never_shown() {
    let server = Server::with(DIRECTORY).await;
    let claims = json!({ "access_token": { "plan": "gold" }, "id_token": { "email": "ann@example.com" } });
    let new = json!({ "password": "horse", "subject": "u-1", "claims": claims });
    let created = server.admin("PUT", ANN, new).await;
    assert_eq!(created.status, 201, "{}", created.text());
    let shown = json!({ "username": "ann@example.com", "subject": "u-1", "disabled": false, "claims": claims });
    assert_eq!(created.json(), shown);
    assert_eq!(server.admin("GET", ANN, Value::Null).await.json(), shown);
    let replaced = server.admin("PUT", ANN, json!({ "password": "donkey", "subject": "u-1" })).await;
    assert_eq!((replaced.status, replaced.json()["claims"].is_null()), (200, true), "claims were replaced too");
    assert_eq!(server.admin("DELETE", ANN, Value::Null).await.status, 204);
    assert_eq!(server.admin("GET", ANN, Value::Null).await.status, 404);
    assert_eq!(server.admin("DELETE", ANN, Value::Null).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_a_rule_is_refused_with_a_problem_that_names_it() {
    let server = Server::with(DIRECTORY).await;
    let put = async |path: &str, body: Value| {
        let answer = server.admin("PUT", path, body).await;
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{}", answer.text());
        (answer.status, answer.json()["detail"].as_str().unwrap().to_owned())
    };
    let rsa = "$argon2id$v=19$m=4096,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (body, named) in [
        (json!({ "subject": "u-1" }), "password"),
        (json!({ "password": "", "subject": "u-1" }), "password"),
        (json!({ "password": "x".repeat(513), "subject": "u-1" }), "password"),
        (json!({ "password": "x", "password_hash": rsa, "subject": "u-1" }), "password"),
        (json!({ "password_hash": rsa, "subject": "u-1" }), "password_hash"),
        (json!({ "password": "x" }), "subject"),
        (json!({ "password": "x", "subject": "" }), "subject"),
        (json!({ "password": "x", "subject": "u\n1" }), "subject"),
        (json!({ "password": "x", "subject": "u-1", "role": "admin" }), "role"),
        (json!({ "password": "x", "subject": "u-1", "claims": { "access_token": { "iss": "me" } } }), "iss"),
        (json!({ "password": "x", "subject": "u-1", "claims": { "id_token": { "sub": "bob" } } }), "sub"),
        (json!({ "password": "x", "subject": "u-1", "claims": { "id_token": { "a": "x".repeat(2048) } } }), "2048"),
    ] {
        let (status, detail) = put(ANN, body).await;
        assert!(status == 400 && detail.contains(named), "{status} {detail}");
    }
    let good = json!({ "password": "x", "subject": "u-1" });
    assert_eq!(put("/issuers/main/users/a%00b", good.clone()).await.0, 400);
    assert_eq!(put(&format!("/issuers/main/users/{}", "x".repeat(256)), good.clone()).await.0, 400);
    assert_eq!(put("/issuers/nothing/users/ann", good.clone()).await.0, 404);
    assert_eq!(server.admin("POST", ANN, good).await.status, 405);
    assert_eq!(server.admin("GET", ANN, Value::Null).await.status, 404, "nothing was stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_without_directory_takes_no_users_and_says_which_setting_is_missing() {
    let server = Server::start().await;
    let answer = server.admin("PUT", ANN, json!({ "password": "x", "subject": "u-1" })).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("issuers.main.users.source"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_made_elsewhere_and_a_replacement_without_password_work() {
    let server = Server::with(DIRECTORY).await;
    let client = login_client(&server).await;
    let hash = jeton::internals::Cost::default().hash("horse").unwrap();
    put_user(&server, "ann", json!({ "password_hash": hash, "subject": "u-1" })).await;
    assert_eq!(login(&server, &client, "ann", "horse").await.status, 200);
    put_user(&server, "ann", json!({ "subject": "u-1", "claims": { "access_token": { "plan": "gold" } } })).await;
    let tokens = login(&server, &client, "ann", "horse").await;
    assert_eq!(crate::support::claims(&tokens.get("access_token"))["plan"], "gold");
}

#[tokio::test(flavor = "multi_thread")]
async fn users_outlive_a_restart_and_names_are_compared_case_by_case() {
    let mut server = Server::durable(DIRECTORY).await;
    let client = login_client(&server).await;
    for (name, subject) in [("a%2Fb", "slash"), ("%C3%A9", "accent"), ("Ann", "upper")] {
        put_user(&server, name, json!({ "password": "horse", "subject": subject })).await;
    }
    server.restart().await;
    for (name, subject) in [("a/b", "slash"), ("\u{e9}", "accent"), ("Ann", "upper")] {
        let tokens = login(&server, &client, name, "horse").await;
        assert_eq!(crate::support::claims(&tokens.get("access_token"))["sub"], subject);
    }
    for name in ["ann", "a", "e", "Ann "] {
        refused(&login(&server, &client, name, "horse").await, "invalid_grant");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_23_the_store_holds_no_password() {
    let server = Server::with(DIRECTORY).await;
    put_user(&server, "ann", json!({ "password": "Canary7f3a9c", "subject": "u-1" })).await;
    let store = server.daemon().service().context.shards.engine().documents.clone();
    let stored = store.get("user", "main/ann").await.unwrap().unwrap().body.unwrap();
    assert!(stored.contains("$argon2id$v=19$m=19456,t=2,p=1$") && !stored.contains("Canary"), "{stored}");
}

/// How a user loses a login.
async fn ends(change: impl AsyncFn(&Server)) {
    let server = Server::with(DIRECTORY).await;
    let (client, gateway) = (login_client(&server).await, server.gateway().await);
    put_user(&server, "ann", json!({ "password": "horse", "subject": "u-1" })).await;
    put_user(&server, "bob", json!({ "password": "horse", "subject": "u-2" })).await;
    let tokens = login(&server, &client, "ann", "horse").await;
    let others = login(&server, &client, "bob", "horse").await;
    server.advance(Duration::from_secs(1)).await;
    change(&server).await;
    server.advance(Duration::from_secs(1)).await;
    refused(&server.refresh(&client, &tokens.get("refresh_token")).await, "invalid_grant");
    assert!(!server.is_active(&gateway, &tokens.get("access_token")).await);
    assert_eq!(server.refresh(&client, &others.get("refresh_token")).await.status, 200, "bob is not touched");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_56_what_a_disabled_user_holds_ends() {
    ends(async |server| put_user(server, "ann", json!({ "subject": "u-1", "disabled": true })).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_56_what_a_deleted_user_holds_ends() {
    ends(async |server| {
        let answer = server.admin("DELETE", "/issuers/main/users/ann", Value::Null).await;
        assert_eq!(answer.status, 204);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_56_what_a_user_holds_under_a_former_subject_ends() {
    ends(async |server| put_user(server, "ann", json!({ "subject": "u-3" })).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_56_a_change_of_a_user_that_is_refused_ends_nothing() {
    let server = Server::with(DIRECTORY).await;
    let (client, gateway) = (login_client(&server).await, server.gateway().await);
    put_user(&server, "ann", json!({ "password": "horse", "subject": "u-1" })).await;
    let tokens = login(&server, &client, "ann", "horse").await;
    server.advance(Duration::from_secs(1)).await;
    for wrong in [
        json!({ "subject": "\u{fc}b" }),
        json!({ "subject": "u-2", "claims": { "access_token": { "iss": "x" } } }),
        json!({ "subject": "u-2", "password": "" }),
    ] {
        assert_eq!(server.admin("PUT", "/issuers/main/users/ann", wrong).await.status, 400);
        assert!(server.is_active(&gateway, &tokens.get("access_token")).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_users_stay_out_of_the_memory_of_the_registry() {
    let server = Server::with(DIRECTORY).await;
    let before = server.daemon().service().registry.len();
    let hash = jeton::internals::Cost::default().decoy();
    for number in 0..50 {
        put_user(&server, &format!("user-{number}"), json!({ "password_hash": hash, "subject": "u" })).await;
    }
    let registry = &server.daemon().service().registry;
    registry.follow().await.unwrap();
    assert_eq!(registry.len(), before);
    // and a client that is registered now is found, whatever lies between
    login_client(&server).await;
    assert_eq!(registry.len(), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8265_3_4_2_a_name_is_the_same_however_its_accents_are_encoded() {
    let server = Server::with(DIRECTORY).await;
    let client = login_client(&server).await;
    // as a Mac types it, as everything else does
    for (stored, subject) in [("Zoe%CC%88", "u-1"), ("%C3%85sa", "u-2")] {
        put_user(&server, stored, json!({ "password": "horse", "subject": subject })).await;
    }
    for (typed, subject) in
        [("Zo\u{eb}", "u-1"), ("Zoe\u{308}", "u-1"), ("\u{c5}sa", "u-2"), ("A\u{30a}sa", "u-2"), ("\u{212b}sa", "u-2")]
    {
        let tokens = login(&server, &client, typed, "horse").await;
        assert_eq!(tokens.status, 200, "{typed:?}: {}", tokens.text());
        assert_eq!(crate::support::claims(&tokens.get("access_token"))["sub"], subject);
    }
    for path in ["Zo%C3%AB", "Zoe%CC%88"] {
        let shown = server.admin("GET", &format!("/issuers/main/users/{path}"), Value::Null).await;
        assert_eq!((shown.status, shown.get("username").as_str()), (200, "Zo\u{eb}"));
    }
    // a compatible character is another one
    refused(&login(&server, &client, "\u{ff3a}o\u{eb}", "horse").await, "invalid_grant");
    assert_eq!(server.admin("DELETE", "/issuers/main/users/Zoe%CC%88", Value::Null).await.status, 204);
    refused(&login(&server, &client, "Zo\u{eb}", "horse").await, "invalid_grant");
}

/// Before, a name was kept as it was sent.
#[tokio::test(flavor = "multi_thread")]
async fn rfc8265_3_4_2_a_name_that_was_stored_in_another_form_still_logs_in_and_is_nobody_elses() {
    let server = Server::with(DIRECTORY).await;
    let client = login_client(&server).await;
    put_user(&server, "Zo%C3%AB", json!({ "password": "horse", "subject": "composed" })).await;
    let hash = jeton::internals::Cost::default().hash("mule").unwrap();
    let old = json!({ "hash": hash, "subject": "decomposed" }).to_string();
    let document = jeton::store::Document {
        kind: "user".to_owned(),
        name: "main/Zoe\u{308}".to_owned(),
        version: 0,
        body: Some(old),
    };
    let store = server.daemon().service().context.shards.engine().documents.clone();
    store.put(document, 0).await.unwrap().unwrap();
    for (name, password, subject) in [("Zoe\u{308}", "mule", "decomposed"), ("Zo\u{eb}", "horse", "composed")] {
        let tokens = login(&server, &client, name, password).await;
        assert_eq!(crate::support::claims(&tokens.get("access_token"))["sub"], subject, "{name:?}");
    }
    refused(&login(&server, &client, "Zoe\u{308}", "horse").await, "invalid_grant");
    // it is changed and removed where it is
    put_user(&server, "Zoe%CC%88", json!({ "subject": "changed" })).await;
    let tokens = login(&server, &client, "Zoe\u{308}", "mule").await;
    assert_eq!(crate::support::claims(&tokens.get("access_token"))["sub"], "changed");
    assert_eq!(server.admin("DELETE", "/issuers/main/users/Zoe%CC%88", Value::Null).await.status, 204);
    assert_eq!(login(&server, &client, "Zo\u{eb}", "horse").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8265_4_2_a_password_is_the_same_however_its_accents_and_spaces_are_encoded() {
    let server = Server::with(DIRECTORY).await;
    let client = login_client(&server).await;
    put_user(&server, "ann", json!({ "password": "cafe\u{301} au\u{a0}lait", "subject": "u-1" })).await;
    for password in ["caf\u{e9} au lait", "cafe\u{301} au\u{3000}lait", "cafe\u{301} au\u{a0}lait"] {
        assert_eq!(login(&server, &client, "ann", password).await.status, 200, "{password:?}");
    }
    for password in ["Caf\u{e9} au lait", "cafe au lait", "caf\u{e9} aulait", "\u{ff43}af\u{e9} au lait"] {
        refused(&login(&server, &client, "ann", password).await, "invalid_grant");
    }
    // one that was hashed as it was sent, before or elsewhere
    let hash = jeton::internals::Cost::default().hash("cafe\u{301}").unwrap();
    put_user(&server, "bob", json!({ "password_hash": hash, "subject": "u-2" })).await;
    for _ in 0..2 {
        assert_eq!(login(&server, &client, "bob", "cafe\u{301}").await.status, 200);
    }
    assert_eq!(login(&server, &client, "bob", "caf\u{e9}").await.status, 200, "and hashed again since");
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc3986_5_2_4_a_name_that_no_url_can_carry_is_refused() {
    let server = Server::with(DIRECTORY).await;
    for name in ["%2E", "%2E%2E", ""] {
        let answer = server
            .admin("PUT", &format!("/issuers/main/users/{name}"), json!({ "password": "x", "subject": "u" }))
            .await;
        assert_eq!(answer.status, 400, "{name}: {}", answer.text());
        assert!(answer.text().contains("username"), "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7592_2_2_what_get_returned_of_a_user_can_be_put() {
    let server = Server::with(DIRECTORY).await;
    let claims = json!({ "access_token": { "plan": "gold" } });
    let made = server.admin("PUT", ANN, json!({ "password": "horse", "subject": "u-1", "claims": claims })).await;
    let mut shown = server.admin("GET", ANN, Value::Null).await.json();
    assert_eq!(made.json(), shown);
    let put = server.admin("PUT", ANN, shown.clone()).await;
    assert_eq!((put.status, put.json()), (200, shown.clone()), "{}", put.text());
    shown["username"] = json!("bob");
    let put = server.admin("PUT", ANN, shown).await;
    assert!(put.status == 400 && put.text().contains("username"), "{}", put.text());
}
