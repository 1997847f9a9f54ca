//! What the tests share: a server in this process with a manual clock, clients of it, and raw HTTP.

pub(crate) mod assertion;
pub(crate) mod hook;
pub(crate) mod http;
pub(crate) mod process;
pub(crate) mod service;
pub(crate) mod tls;
pub(crate) mod tools;
pub(crate) mod verify;

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jeton::internals::{Fetch, Fetcher, Metrics, Vault};
use jeton::{Clock, Daemon, Environment, Extensions, Source, Time, prepare};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) use http::{Answer, form};

pub(crate) const ADMIN_TOKEN: &str = "admin-token-for-tests-only-0123456789";
/// The example of RFC 7636 appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const CALLBACK: &str = "https://client.example/callback";

/// What `[issuers.main]` has unless a test says otherwise.
const DEFAULTS: [&str; 4] = [
    r#"algorithms = ["EdDSA", "ES256"]"#,
    r#"id_token_alg = "ES256""#,
    r#"scopes = "openid profile email offline_access api:read api:write""#,
    r#"resources = ["https://api.example", "https://files.example"]"#,
];

/// A server in this process.
pub(crate) struct Server {
    daemon: Option<Daemon>,
    pub(crate) public: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) clock: Clock,
    /// Removed when the server is.
    dir: TempDir,
    preset: String,
    fetch: Arc<dyn Fetch>,
}

impl Server {
    /// A server on the memory engine with issuer `main` (EdDSA access tokens, ES256 ID tokens).
    pub(crate) async fn start() -> Self {
        Self::with("").await
    }

    /// The same with more TOML: keys before the first section header belong to `[issuers.main]` and replace what it
    /// has, but those of `public.`; `@PUBLIC@` is the address of the public listener.
    pub(crate) async fn with(more: &str) -> Self {
        Self::build("memory", more, Arc::new(Fetcher::new())).await
    }

    /// The same on another internet, too.
    pub(crate) async fn with_fetching(more: &str, fetch: Arc<dyn Fetch>) -> Self {
        Self::build("memory", more, fetch).await
    }

    /// The same on another internet.
    pub(crate) async fn fetching(fetch: Arc<dyn Fetch>) -> Self {
        Self::fetching_with("", fetch).await
    }

    /// The same with more TOML.
    pub(crate) async fn fetching_with(more: &str, fetch: Arc<dyn Fetch>) -> Self {
        Self::build("memory", more, fetch).await
    }

    /// The same at another time than the usual one, for proofs that carry the time of this machine.
    pub(crate) async fn starting_at(time: Time, more: &str) -> Self {
        Self::build_at(time, "memory", more, Arc::new(Fetcher::new())).await
    }

    /// On sled, so that it can be restarted.
    pub(crate) async fn durable(more: &str) -> Self {
        Self::build("sled", more, Arc::new(Fetcher::new())).await
    }

    /// On an engine that these members of `store` describe; `more` as in [`Server::with`].
    pub(crate) async fn on_store(store: &str, more: &str) -> Self {
        let clock = Clock::manual(Time::from_secs(1_900_000_000));
        Self::build_on(clock, store, more, Arc::new(Fetcher::new()), Extensions::default()).await
    }

    /// Another daemon of the same installation, on the same engine and clock.
    pub(crate) async fn peer(&self) -> Self {
        let (public, admin) = (free_port(), free_port());
        let listening = |preset: String, name: &str, of: SocketAddr, own: SocketAddr| {
            preset.replacen(&format!("{name}.listen = \"{of}\""), &format!("{name}.listen = \"{own}\""), 1)
        };
        let preset = listening(self.preset.clone(), "public", self.public, public);
        let preset = listening(preset, "admin", self.admin, admin);
        let daemon = Some(launch(&preset, &self.clock, &self.fetch, Extensions::default()).await);
        let (clock, dir, fetch) = (self.clock.clone(), TempDir::new().unwrap(), self.fetch.clone());
        Self { daemon, public, admin, clock, dir, preset, fetch }
    }

    async fn build(engine: &str, more: &str, fetch: Arc<dyn Fetch>) -> Self {
        Self::build_at(Time::from_secs(1_900_000_000), engine, more, fetch).await
    }

    /// With what an embedding program adds.
    pub(crate) async fn extended(extensions: impl FnOnce(&Clock) -> Extensions) -> Self {
        let clock = Clock::manual(Time::from_secs(1_900_000_000));
        let extensions = extensions(&clock);
        Self::build_on(clock, "engine = \"memory\"", "", Arc::new(Fetcher::new()), extensions).await
    }

    async fn build_at(time: Time, engine: &str, more: &str, fetch: Arc<dyn Fetch>) -> Self {
        let store = format!("engine = \"{engine}\"");
        Self::build_on(Clock::manual(time), &store, more, fetch, Extensions::default()).await
    }

    async fn build_on(clock: Clock, store: &str, more: &str, fetch: Arc<dyn Fetch>, extensions: Extensions) -> Self {
        let dir = TempDir::new().unwrap();
        secret(&dir.path().join("master.key"), &Vault::generate());
        secret(&dir.path().join("admin.token"), ADMIN_TOKEN);
        let (public, admin) = (free_port(), free_port());
        let path = dir.path().display();
        let more = more.replace("@PUBLIC@", &public.to_string());
        let (of_public, more): (Vec<&str>, Vec<&str>) =
            more.lines().partition(|line| line.trim_start().starts_with("public."));
        let (of_public, more) = (of_public.join("\n"), more.join("\n"));
        let own = || more.lines().map(str::trim_start).take_while(|line| !line.starts_with('['));
        let name = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
        let kept = DEFAULTS.into_iter().filter(|default| !own().any(|line| name(line) == name(default)));
        let defaults = kept.collect::<Vec<_>>().join("\n");
        let preset = format!(
            r#"
            public.listen = "{public}"
            {of_public}
            admin.listen = "{admin}"
            secrets = {{ master_key_file = "{path}/master.key", admin_token_file = "{path}/admin.token" }}
            store = {{ {store}, path = "{path}/store" }}
            shutdown.drain_delay = "0s"
            [issuers.main]
            url = "http://{public}"
            {defaults}
            {more}
            "#
        );
        let daemon = Some(launch(&preset, &clock, &fetch, extensions).await);
        Self { daemon, public, admin, clock, dir, preset, fetch }
    }

    /// Stops in order and starts again on the same data.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.daemon = Some(launch(&self.preset, &self.clock, &self.fetch, Extensions::default()).await);
    }

    pub(crate) async fn stop(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            daemon.stop(Duration::ZERO, Duration::from_secs(2)).await;
        }
    }

    /// A file of the server, such as its master keys.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The running daemon, for what cannot be asked over HTTP.
    pub(crate) fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().unwrap()
    }

    /// Moves the clock and lets keys that became due happen (timers do not follow a manual clock).
    pub(crate) async fn advance(&self, span: Duration) {
        self.clock.advance(span);
        self.daemon().service().context.keys.refresh().await.unwrap();
    }

    /// A form POST to the public listener.
    pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Answer {
        http::post_form(self.public, path, headers, fields).await
    }

    /// A token request without headers.
    pub(crate) async fn token(&self, fields: &[(&str, &str)]) -> Answer {
        self.post("/oauth2/token", &[], fields).await
    }

    /// The JWKS, whole: first RSA keys are made after the start, and a set without them may not be cached.
    pub(crate) async fn jwks(&self) -> Answer {
        self.jwks_at("/oauth2/jwks").await
    }

    /// [`Server::jwks`] of the issuer whose keys are at `path`.
    pub(crate) async fn jwks_at(&self, path: &str) -> Answer {
        let whole = async {
            loop {
                let answer = self.get(path).await;
                if !answer.header("Cache-Control").unwrap_or_default().ends_with("max-age=0") {
                    return answer;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), whole).await.expect("every first key within twenty seconds")
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        http::request(self.public, "GET", path, &[], b"").await
    }

    /// A call of the admin API.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: Value) -> Answer {
        let bearer = format!("Bearer {ADMIN_TOKEN}");
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        http::request(self.admin, method, &format!("/admin/v1{path}"), &headers, body.as_bytes()).await
    }

    /// Registers a client and gives its id and secret (empty for a public one).
    pub(crate) async fn client(&self, metadata: Value) -> (String, String) {
        let answer = self.admin("POST", "/issuers/main/clients", metadata).await;
        answer.client()
    }

    /// A confidential client of the code flow, by client_secret_post.
    pub(crate) async fn web_client(&self) -> (String, String) {
        self.client(web_metadata()).await
    }

    /// A client of the client credentials grant, by client_secret_post.
    pub(crate) async fn service_client(&self) -> (String, String) {
        self.client(json!({
            "token_endpoint_auth_method": "client_secret_post",
            "grant_types": ["client_credentials"], "scope": "api:read api:write",
        }))
        .await
    }

    /// A code for `client` with the PKCE challenge of RFC 7636; `more` is merged into the body.
    pub(crate) async fn code(&self, client: &str, more: Value) -> String {
        let answer = self.code_answer(client, more).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["code"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn code_answer(&self, client: &str, more: Value) -> Answer {
        let mut body = json!({
            "client_id": client, "redirect_uri": CALLBACK, "subject": "alice",
            "scope": "openid offline_access api:read",
            "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            if value.is_null() {
                body.as_object_mut().unwrap().remove(name);
            } else {
                body[name] = value.clone();
            }
        }
        self.admin("POST", "/issuers/main/codes", body).await
    }

    /// Redeems a code by client_secret_post.
    pub(crate) async fn redeem(&self, client: &(String, String), code: &str) -> Answer {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
            ("client_id", client.0.as_str()),
        ];
        if !client.1.is_empty() {
            fields.push(("client_secret", client.1.as_str()));
        }
        self.token(&fields).await
    }

    /// Tokens of a fresh code: the JSON of the token response.
    pub(crate) async fn login(&self, client: &(String, String)) -> Value {
        self.login_with(client, Value::Null).await
    }

    /// The same with `more` merged into the body of the code.
    pub(crate) async fn login_with(&self, client: &(String, String), more: Value) -> Value {
        let code = self.code(&client.0, more).await;
        let answer = self.redeem(client, &code).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Uses a refresh token by client_secret_post.
    pub(crate) async fn refresh(&self, client: &(String, String), token: &str) -> Answer {
        self.refresh_with(client, token, &[]).await
    }

    /// Uses a refresh token with further fields.
    pub(crate) async fn refresh_with(&self, client: &(String, String), token: &str, more: &[(&str, &str)]) -> Answer {
        let mut fields =
            vec![("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", client.0.as_str())];
        if !client.1.is_empty() {
            fields.push(("client_secret", client.1.as_str()));
        }
        fields.extend_from_slice(more);
        self.token(&fields).await
    }

    /// A resource server that may introspect every token.
    pub(crate) async fn gateway(&self) -> (String, String) {
        self.client(json!({
            "token_endpoint_auth_method": "client_secret_post",
            "grant_types": ["client_credentials"], "scope": "api:read",
            "jeton": { "introspection": "any" },
        }))
        .await
    }

    /// Whether introspection by `gateway` says that `token` is active; if not, the answer is exactly that. Of a refresh
    /// token nobody but its own client is told, which need not be able to ask: then what that would be told.
    pub(crate) async fn is_active(&self, gateway: &(String, String), token: &str) -> bool {
        let answer = self.introspect(gateway, token).await;
        assert!(answer["active"] == true || answer == json!({ "active": false }), "{answer}");
        if !token.starts_with("jrt_") || answer["client_id"] == gateway.0.as_str() {
            return answer["active"] == true;
        }
        assert_eq!(answer, json!({ "active": false }), "a refresh token of another client");
        let service = self.daemon().service();
        let issuer = service.registry.issuer("main").unwrap();
        for client in service.registry.list("main", "", usize::MAX) {
            let told = jeton::internals::introspect(&issuer, &client, token, &service.context).await.unwrap();
            if serde_json::to_value(told).unwrap()["active"] == true {
                return true;
            }
        }
        false
    }

    /// A revocation by the operator.
    pub(crate) async fn revoke_by_operator(&self, what: Value) {
        let answer = self.admin("POST", "/issuers/main/revocations", what).await;
        assert_eq!(answer.status, 204, "{}", answer.text());
    }

    /// Replaces a client's metadata.
    pub(crate) async fn replace(&self, client: &str, metadata: Value) -> Answer {
        self.admin("PUT", &format!("/issuers/main/clients/{client}"), metadata).await
    }

    /// Forgets every row that may be forgotten now.
    pub(crate) async fn sweep(&self) {
        let store = self.daemon().service().context.shards.engine().ledger.clone();
        for shard in 0..store.lanes().count {
            while store.sweep(shard, 1000).await.unwrap().more {}
        }
    }

    /// What introspection says of `token` to `client`.
    pub(crate) async fn introspect(&self, client: &(String, String), token: &str) -> Value {
        let fields = [("token", token), ("client_id", client.0.as_str()), ("client_secret", client.1.as_str())];
        let answer = self.post("/oauth2/introspect", &[], &fields).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Until at least so many wait for a thread that hashes them.
    pub(crate) async fn until_waiting(&self, of: &str, many: u32) {
        let series = format!("jeton_hash_queue_depth{{of=\"{of}\"}} ");
        let waiting = async {
            loop {
                let metrics = self.metrics().await;
                let depth = metrics.lines().find_map(|line| line.strip_prefix(&series));
                if depth.is_some_and(|depth| depth.parse::<u32>().unwrap() >= many) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("so many wait");
    }

    /// `/metrics`, as text.
    pub(crate) async fn metrics(&self) -> String {
        http::request(self.admin, "GET", "/metrics", &[], b"").await.text()
    }
}

/// The same token request `racers` times at once.
pub(crate) async fn race(to: SocketAddr, racers: usize, fields: &[(&str, &str)]) -> Vec<Answer> {
    let fields: Vec<(String, String)> = fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    let start = Arc::new(tokio::sync::Barrier::new(racers));
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..racers {
        let (fields, start) = (fields.clone(), start.clone());
        running.spawn(async move {
            let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            start.wait().await;
            http::post_form(to, "/oauth2/token", &[], &fields).await
        });
    }
    running.join_all().await
}

/// Asserts that a token request was refused with this error.
#[track_caller]
pub(crate) fn refused(answer: &Answer, error: &str) {
    let status = if error == "invalid_client" { 401 } else { 400 };
    assert_eq!((answer.status, answer.error().as_str()), (status, error), "{}", answer.text());
}

pub(crate) fn web_metadata() -> Value {
    json!({
        "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["authorization_code", "refresh_token"],
        "redirect_uris": [CALLBACK, "https://client.example/other"],
        "scope": "openid profile offline_access api:read api:write",
    })
}

/// The metadata of a public client.
pub(crate) fn spa_metadata() -> Value {
    let mut metadata = web_metadata();
    metadata["token_endpoint_auth_method"] = json!("none");
    metadata
}

/// The claims of a JWT, unverified.
pub(crate) fn claims(jwt: &str) -> Value {
    part(jwt, 1)
}

/// The header of a JWT.
pub(crate) fn header(jwt: &str) -> Value {
    part(jwt, 0)
}

fn part(jwt: &str, index: usize) -> Value {
    use base64::Engine as _;
    let text = jwt.split('.').nth(index).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

async fn launch(preset: &str, clock: &Clock, fetch: &Arc<dyn Fetch>, extensions: Extensions) -> Daemon {
    let source = Source { preset: Some(preset.to_owned()), extensions, ..Source::default() };
    let prepared = prepare(source).unwrap();
    let around =
        Environment { clock: clock.clone(), metrics: Metrics::new(), fetch: fetch.clone(), log: Arc::new(|_| Ok(())) };
    Daemon::start(prepared, around).await.unwrap()
}

/// Writes a file that only its owner can read.
pub(crate) fn secret(path: &Path, text: &str) {
    use std::io::Write;
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// A line of an experiment's result, for `--nocapture`.
#[expect(clippy::print_stdout, reason = "counts are what an experiment is for")]
pub(crate) fn say(line: impl std::fmt::Display) {
    println!("{line}");
}

/// A port that is free and that nobody else is given: below those that the system deals out itself (32768 on Linux), each
/// once, for one that was free a moment ago may be another test's by now.
pub(crate) fn free_port() -> SocketAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // two runs at a time begin elsewhere
    let begin = std::process::id().wrapping_mul(512);
    let port = |_| 10_000 + u16::try_from(begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000).unwrap();
    let mut free =
        (0..20_000).map(port).filter_map(|port| TcpListener::bind(("127.0.0.1", port)).ok()?.local_addr().ok());
    free.next().expect("a port between 10000 and 30000 is free")
}

/// Changes members of a JSON object; those with `null` go.
pub(crate) fn merge(into: &mut Value, change: Value) {
    for (name, value) in change.as_object().unwrap() {
        if value.is_null() {
            into.as_object_mut().unwrap().remove(name);
        } else {
            into[name] = value.clone();
        }
    }
}
