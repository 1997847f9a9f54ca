//! The real binary as a child process, killed when dropped.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::{ADMIN_TOKEN, Answer, free_port};

/// `jeton dev` on a data directory.
pub(crate) struct Dev {
    pub(crate) child: Child,
    pub(crate) public: SocketAddr,
    pub(crate) admin: SocketAddr,
}

/// `jeton serve` with a configuration file of its own.
pub(crate) struct Serve {
    pub(crate) child: Child,
    pub(crate) public: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) dir: tempfile::TempDir,
    common: String,
}

impl Serve {
    /// Starts with `more` TOML (complete sections) besides listeners, secrets and issuer `main`; waits until ready.
    /// `@PUBLIC@` is the address of the public listener.
    pub(crate) async fn start(more: &str) -> Self {
        Self::dressed(more, |_| ()).await
    }

    /// The same with something more in its command.
    pub(crate) async fn dressed(more: &str, dress: impl FnOnce(&mut Command)) -> Self {
        let dir = tempfile::TempDir::new().unwrap();
        super::secret(&dir.path().join("master.key"), &jeton::internals::Vault::generate());
        super::secret(&dir.path().join("admin.token"), ADMIN_TOKEN);
        let (public, admin) = (free_port(), free_port());
        let path = dir.path().display();
        let common = format!(
            r#"
            public.listen = "{public}"
            admin.listen = "{admin}"
            secrets = {{ master_key_file = "{path}/master.key", admin_token_file = "{path}/admin.token" }}
            store = {{ engine = "memory" }}
            [issuers.main]
            url = "http://{public}"
            algorithms = ["EdDSA"]
            id_token_alg = "EdDSA"
            scopes = "api:read"
            "#
        );
        let config = dir.path().join("jeton.toml");
        let more = more.replace("@PUBLIC@", &public.to_string());
        std::fs::write(&config, format!("{common}\n{more}")).unwrap();
        let log = std::fs::File::create(dir.path().join("log")).unwrap();
        let mut command = jeton();
        command.arg("serve").arg("--config").arg(config).stdout(Stdio::null()).stderr(log);
        dress(&mut command);
        let child = command.spawn().unwrap();
        let serve = Self { child, public, admin, dir, common };
        ready(admin).await;
        serve
    }

    /// Replaces what followed the common part.
    pub(crate) fn rewrite(&self, more: &str) {
        std::fs::write(self.dir.path().join("jeton.toml"), format!("{}\n{more}", self.common)).unwrap();
    }

    /// A call of the admin API.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: Value) -> Answer {
        admin(self.admin, method, path, body).await
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits at most `limit` for the end and gives the exit code.
    pub(crate) async fn exit(&mut self, limit: Duration) -> Option<i32> {
        let ended = async {
            let mut tick = tokio::time::interval(Duration::from_millis(5));
            loop {
                tick.tick().await;
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status.code();
                }
            }
        };
        tokio::time::timeout(limit, ended).await.expect("the process ends in time")
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap()
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits at most ten seconds for `/readyz` at an admin address.
async fn ready(admin: SocketAddr) {
    let ready = async {
        let mut tick = tokio::time::interval(Duration::from_millis(10));
        loop {
            tick.tick().await;
            let Ok(stream) = tokio::net::TcpStream::connect(admin).await else { continue };
            drop(stream);
            if super::http::request(admin, "GET", "/readyz", &[], b"").await.status == 200 {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ready).await.expect("ready within ten seconds");
}

async fn admin(to: SocketAddr, method: &str, path: &str, body: Value) -> Answer {
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    super::http::request(to, method, &format!("/admin/v1{path}"), &headers, body.as_bytes()).await
}

/// The binary under test. What tells the tests how much to do (`JETON_RACES`) is nothing that it knows.
pub(crate) fn jeton() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jeton"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"JETON_")) {
        command.env_remove(name);
    }
    command
}

impl Dev {
    /// Starts and waits until it is ready; its log goes to `log`.
    pub(crate) async fn start(data: &Path, log: &Path) -> Self {
        Self::on(free_port(), free_port(), data, log).await
    }

    /// Waits until the first RSA key, which is made beside the traffic, is there: from then on nothing is written and no
    /// series appears by itself.
    pub(crate) async fn settled(self) -> Self {
        let whole = async {
            while !super::http::request(self.public, "GET", "/oauth2/jwks", &[], b"").await.text().contains("RS256") {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), whole).await.expect("an RSA key within twenty seconds");
        self
    }

    /// The same on given addresses.
    pub(crate) async fn on(public: SocketAddr, admin: SocketAddr, data: &Path, log: &Path) -> Self {
        Self::dressed(public, admin, data, log, |_| ()).await
    }

    /// [`Dev::start`] with a log filter.
    pub(crate) async fn verbose(data: &Path, log: &Path, filter: &str) -> Self {
        Self::dressed(free_port(), free_port(), data, log, |command| _ = command.args(["--log", filter])).await
    }

    /// [`Dev::on`] with something more in its command.
    pub(crate) async fn dressed(
        public: SocketAddr,
        admin: SocketAddr,
        data: &Path,
        log: &Path,
        dress: impl FnOnce(&mut Command),
    ) -> Self {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        let mut command = jeton();
        command
            .args(["dev", "--admin-token", ADMIN_TOKEN])
            .args(["--listen", &public.to_string(), "--admin-listen", &admin.to_string()])
            .arg("--data-dir")
            .arg(data)
            .stdout(Stdio::null())
            .stderr(log);
        dress(&mut command);
        let child = command.spawn().unwrap();
        let dev = Self { child, public, admin };
        dev.ready().await;
        dev
    }

    /// Waits at most ten seconds for `/readyz`.
    pub(crate) async fn ready(&self) {
        ready(self.admin).await;
    }

    /// A call of the admin API.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: Value) -> Answer {
        admin(self.admin, method, path, body).await
    }

    /// Registers a client and gives its id and secret (empty for a public one).
    pub(crate) async fn client(&self, metadata: Value) -> (String, String) {
        let answer = self.admin("POST", "/issuers/main/clients", metadata).await;
        answer.client()
    }

    /// SIGTERM; waits for the end.
    pub(crate) async fn terminate(&mut self) -> ExitStatus {
        let sent = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
        let ended = async {
            let mut tick = tokio::time::interval(Duration::from_millis(10));
            loop {
                tick.tick().await;
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), ended).await.expect("it ends within half a minute")
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        self.kill();
    }
}
