//! The admin API, as far as preparing a run needs it.

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::request::{Client, Target};

/// Where codes are sent; never called.
pub(crate) const REDIRECT_URI: &str = "https://client.example/callback";
/// RFC 7636 appendix B. One verifier for every code: the server does the same work as for different ones.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// How to reach the admin API of one issuer.
#[derive(Clone)]
pub(crate) struct Admin {
    /// The admin listener.
    pub(crate) target: Target,
    /// `Authorization: Bearer ...`.
    authorization: String,
    issuer: String,
}

impl Admin {
    /// The admin API at `url` for `issuer`.
    pub(crate) fn new(url: &str, token: &str, issuer: &str) -> anyhow::Result<Self> {
        Ok(Self { target: Target::parse(url)?, authorization: format!("Bearer {token}"), issuer: issuer.to_owned() })
    }

    /// Registers `count` clients that may do everything the scenarios do. One client for each connection is what a
    /// fleet looks like, and it keeps each below its rate limit.
    pub(crate) async fn register(&self, count: usize, auth: &str, scope: &str) -> anyhow::Result<Vec<Client>> {
        let metadata = json!({
            "client_name": "load generator",
            "grant_types": ["client_credentials", "authorization_code", "refresh_token"],
            "redirect_uris": [REDIRECT_URI],
            "token_endpoint_auth_method": auth,
            "scope": format!("{scope} offline_access"),
            "jeton": { "introspection": "any" },
        });
        let request = self.post("clients", &metadata);
        let mut connection = Connection::open(self.target.address).await.context("failed to reach the admin API")?;
        let mut clients = Vec::with_capacity(count);
        for _ in 0..count {
            let answer = exchange_json(&mut connection, &request, 201).await.context("failed to register a client")?;
            clients.push(client_of(&answer)?);
        }
        Ok(clients)
    }

    /// Registers one client with this metadata.
    pub(crate) async fn register_one(&self, metadata: &Value) -> anyhow::Result<Client> {
        let request = self.post("clients", metadata);
        let mut connection = Connection::open(self.target.address).await.context("failed to reach the admin API")?;
        client_of(&exchange_json(&mut connection, &request, 201).await.context("failed to register a client")?)
    }

    /// `count` codes for `client`, bound to [`VERIFIER`].
    pub(crate) async fn codes(&self, client: &Client, scope: &str, count: usize) -> anyhow::Result<Vec<String>> {
        let request = self.post(
            "codes",
            &json!({
                "client_id": client.id,
                "redirect_uri": REDIRECT_URI,
                "subject": "load-user",
                "scope": scope,
                "code_challenge": CHALLENGE,
                "code_challenge_method": "S256",
            }),
        );
        let mut connection = Connection::open(self.target.address).await.context("failed to reach the admin API")?;
        let mut codes = Vec::with_capacity(count);
        for _ in 0..count {
            let answer = exchange_json(&mut connection, &request, 201).await.context("failed to get a code")?;
            codes.push(answer.get("code").and_then(Value::as_str).context("the answer has no code")?.to_owned());
        }
        Ok(codes)
    }

    fn post(&self, what: &str, body: &Value) -> Vec<u8> {
        let path = format!("/admin/v1/issuers/{}/{what}", self.issuer);
        self.target.post_json(&path, &[("authorization", &self.authorization)], body)
    }
}

/// The client that was registered.
fn client_of(answer: &Value) -> anyhow::Result<Client> {
    let member = |name: &str| {
        let value = answer.get(name).and_then(Value::as_str);
        value.map(str::to_owned).with_context(|| format!("the registered client has no {name}"))
    };
    Ok(Client { id: member("client_id")?, secret: member("client_secret")? })
}

/// Sends a request and parses its answer, which must have the status `expected`.
pub(crate) async fn exchange_json(connection: &mut Connection, request: &[u8], expected: u16) -> anyhow::Result<Value> {
    connection.renew_if_closing().await?;
    let reply = connection.exchange(request).await?;
    if reply.status != expected {
        bail!("expected status {expected}, got {}: {}", reply.status, String::from_utf8_lossy(reply.body));
    }
    serde_json::from_slice(reply.body).context("the answer is not JSON")
}

/// The sum of a counter over all its labels, in the text exposition of `/metrics`.
pub(crate) fn counter_sum(metrics: &str, name: &str) -> f64 {
    metrics
        .lines()
        .filter_map(|line| line.strip_prefix(name))
        .filter(|rest| rest.starts_with(['{', ' ']))
        .filter_map(|rest| rest.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}
