//! A node that reaches only a primary that was left behind: nothing is answered from what that one still has.
//!
//! Patroni stands still on the primary and the other databases are cut off from it, so that they elect another one, while
//! the old one lives on; one node reaches the old one alone. Whatever that node is asked, it cannot know.

use std::time::Duration;

use serde_json::json;

use super::{Cluster, connect, redemption, refresh, within};
use crate::crash::load::pause;
use crate::support::http::Wire;
use crate::support::{Answer, say};

/// The node that is cut off from the new primary, as `ops/cluster fault stale` has it; and another one.
const CUT_OFF: usize = 2;
const OTHER: usize = 0;
/// Longest time until there is another primary.
const FAILOVER: Duration = Duration::from_secs(60);
/// For how long the node is asked.
const ASKED: Duration = Duration::from_secs(10);

/// Whom a node is asked as.
struct Asker {
    cluster: Cluster,
    client: (String, String),
    gateway: (String, String),
}

impl Asker {
    async fn ask(&self, node: usize, path: &str, fields: &[(&str, &str)], by: &(String, String)) -> Option<Answer> {
        let mut fields = fields.to_vec();
        fields.extend([("client_id", by.0.as_str()), ("client_secret", by.1.as_str())]);
        let mut wire = connect(self.cluster.public(node)).await.ok()?;
        within(wire.post(path, &fields)).await.ok()
    }

    async fn token(&self, node: usize, fields: &[(&str, &str)]) -> Option<Answer> {
        self.ask(node, "/oauth2/token", fields, &self.client).await
    }

    /// Tokens of a new login, by one node.
    async fn login(&self, node: usize) -> Answer {
        let mut portal: Wire = connect(self.cluster.admin(node)).await.unwrap();
        let code = portal.call(&self.cluster.code_request(&self.client.0)).await.unwrap().get("code");
        let answer = self.token(node, &redemption(&code)).await.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer
    }

    async fn refreshed(&self, node: usize, token: &str) -> String {
        let answer = self.token(node, &refresh(token)).await.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.get("refresh_token")
    }

    /// Waits until another primary takes writes: first nothing is answered, then something is.
    async fn failed_over(&self) {
        let mut token = self.login(OTHER).await.get("refresh_token");
        let mut away = false;
        let over = async {
            loop {
                match self.token(OTHER, &refresh(&token)).await {
                    Some(answer) if answer.status == 200 => {
                        if away {
                            return;
                        }
                        token = answer.get("refresh_token");
                    }
                    // also the refusal of a family that was lost by the long outage
                    Some(answer) if answer.status == 400 && away => return,
                    _ => away = true,
                }
                pause(Duration::from_millis(200)).await;
            }
        };
        tokio::time::timeout(FAILOVER, over).await.expect("another primary takes over");
    }
}

/// What a node that reaches only the old primary said though it could not know; and how often it said that it cannot.
pub(super) async fn answers_from_the_past(cluster: &Cluster) -> (usize, Vec<String>) {
    let mut metadata = crate::support::web_metadata();
    metadata["scope"] = json!("openid offline_access api:read");
    let client = cluster.client(metadata).await;
    let gateway = json!({
        "token_endpoint_auth_method": "client_secret_post", "grant_types": ["client_credentials"],
        "scope": "api:read", "jeton": { "introspection": "any" },
    });
    let asker = Asker { cluster: cluster.clone(), client, gateway: cluster.client(gateway).await };
    let (revoked, rotated) = (asker.login(OTHER).await, asker.login(OTHER).await);
    let first = rotated.get("refresh_token");
    let access = revoked.get("access_token");
    let seen = asker.ask(CUT_OFF, "/oauth2/introspect", &[("token", &access)], &asker.gateway).await.unwrap();
    assert_eq!(seen.json()["active"], true, "{}", seen.text());

    let fault = {
        let cluster = cluster.clone();
        tokio::spawn(async move { cluster.run(&["fault", "stale"]).await })
    };
    asker.failed_over().await;
    let gone = revoked.get("refresh_token");
    let answer = asker.ask(OTHER, "/oauth2/revoke", &[("token", &gone)], &asker.client).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let second = asker.refreshed(OTHER, &first).await;
    asker.refreshed(OTHER, &second).await;
    let born = asker.login(OTHER).await.get("refresh_token");

    let questions = [
        ("the introspection of a revoked token", "/oauth2/introspect", vec![("token", access.as_str())]),
        ("a refresh token of two generations ago", "/oauth2/token", refresh(&first).to_vec()),
        ("a refresh token of a family that is younger than the failover", "/oauth2/token", refresh(&born).to_vec()),
    ];
    let (mut unknown, mut wrong) = (0, Vec::new());
    let end = jeton::internals::Stopwatch::start();
    while end.elapsed() < ASKED {
        for (what, path, fields) in &questions {
            let by = if path.ends_with("introspect") { &asker.gateway } else { &asker.client };
            match asker.ask(CUT_OFF, path, fields, by).await {
                Some(answer) if answer.status == 503 => unknown += 1,
                Some(answer) => wrong.push(format!("{what}: {} {}", answer.status, answer.text())),
                None => wrong.push(format!("{what}: no answer")),
            }
        }
        pause(Duration::from_millis(200)).await;
    }
    let status = fault.await.unwrap();
    assert!(status.success(), "ops/cluster fault stale: {status}");
    (unknown, wrong)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: ops/cluster chaos"]
async fn nothing_is_answered_from_an_old_primary() {
    let (unknown, wrong) = answers_from_the_past(&Cluster::of_environment()).await;
    say(format_args!("result: old primary: {unknown} requests answered 503, {} answered from the past", wrong.len()));
    assert!(unknown > 0, "the node was asked");
    assert!(wrong.is_empty(), "{:#?}", &wrong[..wrong.len().min(10)]);
}
