//! RFC 6749 section 4.4: client credentials.

use serde_json::json;

use crate::support::{Server, claims, header};

#[tokio::test(flavor = "multi_thread")]
async fn rfc6749_4_4_a_client_gets_a_token_of_its_own_and_no_refresh_token() {
    let server = Server::start().await;
    let (id, secret) = server.service_client().await;
    let answer =
        server.token(&[("grant_type", "client_credentials"), ("client_id", &id), ("client_secret", &secret)]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!((body["token_type"].as_str(), body["expires_in"].as_u64()), (Some("Bearer"), Some(600)));
    assert_eq!(body["scope"], "api:read api:write");
    assert!(body.get("refresh_token").is_none() && body.get("id_token").is_none(), "CHECKLIST 57");
    let token = answer.get("access_token");
    assert_eq!(header(&token)["typ"], "at+jwt");
    assert_eq!(claims(&token)["sub"], json!(id));
}

#[tokio::test(flavor = "multi_thread")]
async fn client_credentials_touch_the_store_not_once() {
    let server = Server::start().await;
    let (id, secret) = server.service_client().await;
    let count = async || {
        let metrics = server.metrics().await;
        let lines = metrics.lines().filter(|line| line.starts_with("jeton_store_operations_total"));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum::<f64>()
    };
    let before = count().await;
    for _ in 0..20 {
        let fields = [("grant_type", "client_credentials"), ("client_id", id.as_str()), ("client_secret", &secret)];
        assert_eq!(server.token(&fields).await.status, 200);
    }
    assert_eq!(count().await, before);
}
