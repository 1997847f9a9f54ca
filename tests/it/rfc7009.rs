//! RFC 7009, CHECKLIST 67: revocation by the client that holds the token.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::http::request;
use crate::support::{Answer, Server, refused, spa_metadata};

type Client = (String, String);

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name} in {tokens}"))
}

async fn ask(server: &Server, client: &Client, token: &str, more: &[(&str, &str)]) -> Answer {
    let mut fields = vec![("token", token), ("client_id", client.0.as_str())];
    if !client.1.is_empty() {
        fields.push(("client_secret", client.1.as_str()));
    }
    fields.extend_from_slice(more);
    server.post("/oauth2/revoke", &[], &fields).await
}

/// 200 with nothing in it, and still a content type.
async fn revoke(server: &Server, client: &Client, token: &str) {
    let answer = ask(server, client, token, &[]).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0), "{}", answer.text());
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_67_a_refresh_token_takes_its_whole_family_with_it_at_once_and_again() {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    for client in [server.web_client().await, server.client(spa_metadata()).await] {
        // the live token, and one that was spent long ago
        for spent in [false, true] {
            let first = server.login(&client).await;
            let second = server.refresh(&client, text(&first, "refresh_token")).await.json();
            let other = server.login(&client).await;
            server.advance(Duration::from_secs(60)).await;
            let token = text(if spent { &first } else { &second }, "refresh_token");
            for _ in 0..2 {
                revoke(&server, &client, token).await;
                for tokens in [&first, &second] {
                    assert!(!server.is_active(&gateway, text(tokens, "access_token")).await);
                    assert!(!server.is_active(&gateway, text(tokens, "refresh_token")).await);
                }
                refused(&server.refresh(&client, text(&second, "refresh_token")).await, "invalid_grant");
            }
            assert!(server.is_active(&gateway, text(&other, "access_token")).await, "another login goes on");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_67_an_access_token_goes_alone() {
    let server = Server::start().await;
    let (client, gateway, service) = (server.web_client().await, server.gateway().await, server.service_client().await);
    let first = server.login(&client).await;
    let second = server.refresh(&client, text(&first, "refresh_token")).await.json();
    for _ in 0..2 {
        revoke(&server, &client, text(&first, "access_token")).await;
        assert!(!server.is_active(&gateway, text(&first, "access_token")).await);
    }
    assert!(server.is_active(&gateway, text(&second, "access_token")).await);
    assert_eq!(server.refresh(&client, text(&second, "refresh_token")).await.status, 200);
    let own = [("grant_type", "client_credentials"), ("client_id", &*service.0), ("client_secret", &*service.1)];
    let (one, two) = (server.token(&own).await.get("access_token"), server.token(&own).await.get("access_token"));
    revoke(&server, &service, &one).await;
    assert!(!server.is_active(&gateway, &one).await && server.is_active(&gateway, &two).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_67_another_clients_token_is_not_revoked_and_the_answer_does_not_tell() {
    let server = Server::start().await;
    let (owner, gateway) = (server.web_client().await, server.gateway().await);
    let (other, public) = (server.web_client().await, server.client(spa_metadata()).await);
    let tokens = server.login(&owner).await;
    for foreign in [&other, &public, &gateway] {
        for name in ["access_token", "refresh_token", "id_token"] {
            revoke(&server, foreign, text(&tokens, name)).await;
        }
    }
    for name in ["access_token", "refresh_token"] {
        assert!(server.is_active(&gateway, text(&tokens, name)).await, "{name}");
    }
    assert_eq!(server.refresh(&owner, text(&tokens, "refresh_token")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_67_an_unknown_expired_or_malformed_token_is_200() {
    let server = Server::start().await;
    let client = server.web_client().await;
    let tokens = server.login(&client).await;
    let code = server.code(&client.0, Value::Null).await;
    for token in ["x", "..", "jrt_AAAA", "\u{e9}", &"a".repeat(16_000), text(&tokens, "id_token"), &code] {
        revoke(&server, &client, token).await;
    }
    assert_eq!(server.redeem(&client, &code).await.status, 200, "a code is no token");
    server.advance(Duration::from_secs(100 * 86_400)).await;
    server.sweep().await;
    for name in ["access_token", "refresh_token"] {
        revoke(&server, &client, text(&tokens, name)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_67_a_wrong_hint_still_works() {
    let server = Server::start().await;
    let (client, gateway) = (server.web_client().await, server.gateway().await);
    for (name, hint) in [
        ("access_token", "refresh_token"),
        ("refresh_token", "access_token"),
        ("refresh_token", "nonsense"),
        ("access_token", ""),
    ] {
        let tokens = server.login(&client).await;
        assert_eq!(ask(&server, &client, text(&tokens, name), &[("token_type_hint", hint)]).await.status, 200);
        assert!(!server.is_active(&gateway, text(&tokens, name)).await, "{name} with hint {hint}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_67_the_client_must_authenticate() {
    let server = Server::start().await;
    let (client, gateway) = (server.web_client().await, server.gateway().await);
    let tokens = server.login(&client).await;
    let token = text(&tokens, "refresh_token");
    for wrong in [(client.0.as_str(), ""), (&client.0, "wrong"), ("nobody", &client.1)] {
        let wrong = (wrong.0.to_owned(), wrong.1.to_owned());
        refused(&ask(&server, &wrong, token, &[]).await, "invalid_client");
    }
    refused(&server.post("/oauth2/revoke", &[], &[("token", token)]).await, "invalid_client");
    refused(&ask(&server, &client, "", &[]).await, "invalid_request");
    refused(&ask(&server, &client, token, &[("token", token)]).await, "invalid_request");
    let query = crate::support::form(&[("token", token), ("client_id", &client.0), ("client_secret", &client.1)]);
    for method in ["GET", "DELETE", "PUT"] {
        let answer = request(server.public, method, &format!("/oauth2/revoke?{query}"), &[], b"").await;
        assert_eq!((answer.status, answer.header("Allow")), (405, Some("POST")), "{method}");
    }
    assert!(server.is_active(&gateway, token).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_67_what_is_revoked_stays_revoked_after_a_restart() {
    let mut server = Server::durable("").await;
    let (client, gateway) = (server.web_client().await, server.gateway().await);
    let (one, two) = (server.login(&client).await, server.login(&client).await);
    revoke(&server, &client, text(&one, "refresh_token")).await;
    revoke(&server, &client, text(&two, "access_token")).await;
    server.restart().await;
    refused(&server.refresh(&client, text(&one, "refresh_token")).await, "invalid_grant");
    for token in [text(&one, "access_token"), text(&one, "refresh_token"), text(&two, "access_token")] {
        assert!(!server.is_active(&gateway, token).await);
    }
    assert!(server.is_active(&gateway, text(&two, "refresh_token")).await);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_revokes_any_token_and_must_say_exactly_what() {
    let server = Server::start().await;
    let (client, gateway) = (server.web_client().await, server.gateway().await);
    let tokens = server.login(&client).await;
    server.revoke_by_operator(json!({ "token": text(&tokens, "refresh_token") })).await;
    assert!(!server.is_active(&gateway, text(&tokens, "access_token")).await);
    let live = server.login(&client).await;
    server.advance(Duration::from_secs(1)).await;
    for wrong in [
        json!({}),
        json!({ "all": false }),
        json!({ "all": "true" }),
        json!({ "all": true, "subject": "alice" }),
        json!({ "subject": "alice", "client_id": client.0 }),
        json!({ "subjects": "alice" }),
    ] {
        assert_eq!(server.admin("POST", "/issuers/main/revocations", wrong.clone()).await.status, 400, "{wrong}");
    }
    assert!(server.is_active(&gateway, text(&live, "access_token")).await);
    assert_eq!(server.admin("POST", "/issuers/nobody/revocations", json!({ "all": true })).await.status, 404);
}

/// RFC 7009 section 2.1: whether the refresh token goes too is the server's choice; here it stays.
#[tokio::test(flavor = "multi_thread")]
async fn rfc7009_2_1_revoking_an_access_token_leaves_its_refresh_token_alive() {
    let server = Server::start().await;
    let client = server.web_client().await;
    let tokens = server.login(&client).await;
    revoke(&server, &client, text(&tokens, "access_token")).await;
    assert_eq!(server.introspect(&client, text(&tokens, "access_token")).await["active"], false);
    assert_eq!(server.introspect(&client, text(&tokens, "refresh_token")).await["active"], true);
    let readme = include_str!("../../src/README.md");
    assert!(readme.contains("RFC 7009 section 2.1"), "and that is written down");
}
