//! The scenarios, and what each must fetch before it can be measured.

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::admin::{Admin, REDIRECT_URI, VERIFIER, exchange_json};
use crate::connection::Connection;
use crate::request::{Auth, Client, FormRequest, Target};
use crate::workload::Workload;

const TOKEN: &str = "/oauth2/token";

/// What is asked, over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Scenario {
    /// `POST /oauth2/token`, client_credentials.
    ClientCredentials,
    /// `POST /oauth2/token`, authorization_code with PKCE; the codes are fetched beforehand.
    Code,
    /// `POST /oauth2/token`, refresh_token: each answer's token is the next to present.
    Refresh,
    /// `POST /oauth2/introspect` of a JWT access token.
    Introspect,
    /// `GET /oauth2/jwks`.
    Jwks,
}

/// Whom to ask, and as whom.
#[derive(Clone)]
pub(crate) struct Setup {
    /// The issuer.
    pub(crate) target: Target,
    /// For codes.
    pub(crate) admin: Option<Admin>,
    /// Dealt out to the connections in turn.
    pub(crate) clients: Vec<Client>,
    /// How they authenticate.
    pub(crate) auth: Auth,
    /// Asked for.
    pub(crate) scope: String,
    /// Connections.
    pub(crate) connections: usize,
    /// Codes to fetch for [`Scenario::Code`], all connections together.
    pub(crate) codes: usize,
    /// Chains of refresh tokens for each connection.
    pub(crate) chains: usize,
}

impl Scenario {
    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client-credentials",
            Self::Code => "code",
            Self::Refresh => "refresh",
            Self::Introspect => "introspect",
            Self::Jwks => "jwks",
        }
    }
}

impl Setup {
    /// The workload of each connection.
    pub(crate) async fn prepare(&self, scenario: Scenario) -> anyhow::Result<Vec<Workload>> {
        if self.clients.is_empty() && scenario != Scenario::Jwks {
            bail!("no client: give --client-id and --client-secret, or --admin and --admin-token to register some");
        }
        let mut workloads = Vec::with_capacity(self.connections);
        for at in 0..self.connections {
            let workload = match scenario {
                Scenario::Jwks => Workload::same(self.target.get("/oauth2/jwks", &[]), b"\"keys\""),
                Scenario::ClientCredentials => {
                    Workload::same(self.client_credentials(self.client(at)).whole(), b"\"access_token\"")
                }
                Scenario::Introspect => self.introspect(self.client(at)).await?,
                Scenario::Code => {
                    let count = self.codes.div_ceil(self.connections);
                    let codes = self.admin()?.codes(self.client(at), &self.scope, count).await?;
                    Workload::codes(self.redemption(self.client(at)), codes)
                }
                Scenario::Refresh => self.chains(self.client(at)).await?,
            };
            workloads.push(workload);
        }
        Ok(workloads)
    }

    /// The answer to one client_credentials request, to build equals of.
    pub(crate) async fn sample_token(&self) -> anyhow::Result<Vec<u8>> {
        let mut connection = Connection::open(self.target.address).await.context("failed to reach the target")?;
        let reply = connection.exchange(&self.client_credentials(self.client(0)).whole()).await?;
        if reply.status != 200 {
            bail!("client_credentials answered {}: {}", reply.status, String::from_utf8_lossy(reply.body));
        }
        Ok(reply.body.to_vec())
    }

    /// The answer to one introspection, to build equals of.
    pub(crate) async fn sample_introspection(&self) -> anyhow::Result<Vec<u8>> {
        let Workload::Same { request, .. } = self.introspect(self.client(0)).await? else {
            bail!("introspection repeats one request");
        };
        let mut connection = Connection::open(self.target.address).await.context("failed to reach the target")?;
        Ok(connection.exchange(&request).await?.body.to_vec())
    }

    fn client(&self, connection: usize) -> &Client {
        &self.clients[connection % self.clients.len()]
    }

    fn admin(&self) -> anyhow::Result<&Admin> {
        self.admin.as_ref().context("codes come from the admin API: give --admin and --admin-token")
    }

    fn client_credentials(&self, client: &Client) -> FormRequest {
        let parameters = [("grant_type", "client_credentials"), ("scope", &self.scope)];
        self.target.form(TOKEN, self.auth, client, &parameters)
    }

    fn redemption(&self, client: &Client) -> FormRequest {
        let parameters =
            [("grant_type", "authorization_code"), ("redirect_uri", REDIRECT_URI), ("code_verifier", VERIFIER)];
        self.target.form(TOKEN, self.auth, client, &parameters)
    }

    async fn introspect(&self, client: &Client) -> anyhow::Result<Workload> {
        let mut connection = Connection::open(self.target.address).await.context("failed to reach the target")?;
        let answer = exchange_json(&mut connection, &self.client_credentials(client).whole(), 200)
            .await
            .context("failed to get an access token to introspect")?;
        let token = answer.get("access_token").and_then(Value::as_str).context("no access token")?;
        let form = self.target.form("/oauth2/introspect", self.auth, client, &[("token", token)]);
        Ok(Workload::same(form.whole(), b"\"active\":true"))
    }

    /// Redeems a code for each chain.
    async fn chains(&self, client: &Client) -> anyhow::Result<Workload> {
        let scope = format!("{} offline_access", self.scope);
        let codes = self.admin()?.codes(client, &scope, self.chains).await?;
        let redemption = self.redemption(client);
        let mut connection = Connection::open(self.target.address).await.context("failed to reach the target")?;
        let (mut tokens, mut request) = (Vec::with_capacity(codes.len()), Vec::new());
        for code in codes {
            redemption.complete(&mut request, "code", &code);
            let answer = exchange_json(&mut connection, &request, 200).await.context("failed to redeem a code")?;
            let token = answer.get("refresh_token").and_then(Value::as_str);
            tokens.push(token.context("no refresh token: does the client have offline_access?")?.to_owned());
        }
        let form = self.target.form(TOKEN, self.auth, client, &[("grant_type", "refresh_token")]);
        Ok(Workload::chains(form, tokens))
    }
}
