//! Three daemons on a cluster of three databases: chaos, races over nodes, and rolling restarts (CLUSTER.md section 8).
//!
//! `ops/cluster` starts the cluster, describes it in the environment and runs these tests, which a plain `cargo test`
//! ignores. Nothing here trusts the daemons' own account: the load remembers what was acknowledged.

mod chaos;
mod codes;
mod control;
mod credentials;
mod history;
mod load;
mod races;
mod rolling;
mod rotations;
mod stale;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use serde_json::{Value, json};

use crate::crash::load::pause;
use crate::support::http::{Wire, compose, request};
use crate::support::{Answer, CALLBACK, CHALLENGE, VERIFIER, web_metadata};

/// Longest time for a connection, and for an answer.
const LIMIT: Duration = Duration::from_secs(10);
const PUBLIC: u16 = 8080;
const ADMIN: u16 = 9080;

/// The cluster under test.
#[derive(Clone)]
struct Cluster {
    /// Addresses of the daemons' machines.
    nodes: Vec<IpAddr>,
    /// The public listener of HAProxy.
    balancer: SocketAddr,
    bearer: String,
    /// The path of `ops/cluster`.
    command: PathBuf,
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: these tests are run by ops/cluster"))
}

/// A number from the environment, which `ops/cluster` sets.
fn times(name: &str) -> usize {
    variable(name).parse().expect("a number")
}

impl Cluster {
    fn of_environment() -> Self {
        let nodes = variable("JETON_CLUSTER_NODES");
        Self {
            nodes: nodes.split_whitespace().map(|node| node.parse().expect("an address")).collect(),
            balancer: variable("JETON_CLUSTER_BALANCER").parse().expect("an address and a port"),
            bearer: format!("Bearer {}", variable("JETON_CLUSTER_ADMIN_TOKEN")),
            command: variable("JETON_CLUSTER_COMMAND").into(),
        }
    }

    fn public(&self, node: usize) -> SocketAddr {
        SocketAddr::new(self.nodes[node % self.nodes.len()], PUBLIC)
    }

    fn admin(&self, node: usize) -> SocketAddr {
        SocketAddr::new(self.nodes[node % self.nodes.len()], ADMIN)
    }

    /// Runs `ops/cluster` with these words; what it says goes to standard error.
    async fn run(&self, words: &[&str]) -> ExitStatus {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=10", "600"]).arg(&self.command).args(words);
        tokio::task::spawn_blocking(move || command.status().expect("ops/cluster runs")).await.unwrap()
    }

    async fn call(&self, node: usize, method: &str, path: &str, body: Value) -> Answer {
        let headers = [("Authorization", self.bearer.as_str()), ("Content-Type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        request(self.admin(node), method, &format!("/admin/v1{path}"), &headers, body.as_bytes()).await
    }

    /// Registers a client and waits until every node knows it.
    async fn client(&self, metadata: Value) -> (String, String) {
        let client = self.call(0, "POST", "/issuers/main/clients", metadata).await.client();
        let path = format!("/issuers/main/clients/{}", client.0);
        let known = async {
            for node in 0..self.nodes.len() {
                while self.call(node, "GET", &path, Value::Null).await.status != 200 {
                    pause(Duration::from_millis(100)).await;
                }
            }
        };
        tokio::time::timeout(LIMIT, known).await.expect("a client reaches every node within seconds");
        client
    }

    /// A client of codes, refresh tokens and client credentials.
    async fn web_client(&self) -> (String, String) {
        let mut metadata = web_metadata();
        metadata["scope"] = json!("openid offline_access api:read");
        metadata["grant_types"].as_array_mut().unwrap().push("client_credentials".into());
        self.client(metadata).await
    }

    /// The request for a code of the portal, for a connection to a node's admin listener; making one writes nothing.
    fn code_request(&self, client: &str) -> Vec<u8> {
        let body = json!({
            "client_id": client, "redirect_uri": CALLBACK, "subject": "alice", "scope": "offline_access api:read",
            "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        });
        let headers = [("Authorization", self.bearer.as_str())];
        compose(self.admin(0), "POST", "/admin/v1/issuers/main/codes", &headers, body.to_string().as_bytes())
    }

    /// The sum of a counter over all nodes that answer, by node.
    async fn counter(&self, name: &str) -> Vec<Option<f64>> {
        let mut values = Vec::new();
        for node in 0..self.nodes.len() {
            let scrape = compose(self.admin(node), "GET", "/metrics", &[], b"");
            let answer = match connect(self.admin(node)).await {
                Ok(mut wire) => within(wire.call(&scrape)).await.ok(),
                Err(_) => None,
            };
            let text = answer.map(|answer| answer.text()).unwrap_or_default();
            values.push(text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()));
        }
        values
    }
}

/// A connection, or an error in time.
async fn connect(to: SocketAddr) -> io::Result<Wire> {
    within(Wire::connect(to)).await
}

async fn within<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(LIMIT, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

fn redemption(code: &str) -> [(&str, &str); 4] {
    [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)]
}

fn refresh(token: &str) -> [(&str, &str); 2] {
    [("grant_type", "refresh_token"), ("refresh_token", token)]
}

/// Generation of a refresh token, which stands behind its head in clear.
fn generation(token: &str) -> u32 {
    use base64::Engine as _;
    let bytes = token.strip_prefix("jrt_").expect("a refresh token");
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(bytes).unwrap();
    u32::from_be_bytes(bytes[20..24].try_into().unwrap())
}
