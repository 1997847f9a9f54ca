//! The real binary as a child process, killed when dropped.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::{ADMIN_TOKEN, Answer, free_port};

/// `jeton dev` on a data directory.
pub(crate) struct Dev {
    pub(crate) child: Child,
    pub(crate) public: SocketAddr,
    pub(crate) admin: SocketAddr,
}

/// The binary under test.
pub(crate) fn jeton() -> Command {
    Command::new(env!("CARGO_BIN_EXE_jeton"))
}

impl Dev {
    /// Starts and waits until it is ready; its log goes to `log`.
    pub(crate) async fn start(data: &Path, log: &Path) -> Self {
        Self::on(free_port(), free_port(), data, log).await
    }

    /// The same on given addresses.
    pub(crate) async fn on(public: SocketAddr, admin: SocketAddr, data: &Path, log: &Path) -> Self {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        let child = jeton()
            .args(["dev", "--admin-token", ADMIN_TOKEN])
            .args(["--listen", &public.to_string(), "--admin-listen", &admin.to_string()])
            .arg("--data-dir")
            .arg(data)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let dev = Self { child, public, admin };
        dev.ready().await;
        dev
    }

    /// Waits at most ten seconds for `/readyz`.
    pub(crate) async fn ready(&self) {
        let ready = async {
            let mut tick = tokio::time::interval(Duration::from_millis(10));
            loop {
                tick.tick().await;
                let Ok(stream) = tokio::net::TcpStream::connect(self.admin).await else { continue };
                drop(stream);
                if super::http::request(self.admin, "GET", "/readyz", &[], b"").await.status == 200 {
                    return;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), ready).await.expect("ready within ten seconds");
    }

    /// A call of the admin API.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: Value) -> Answer {
        let bearer = format!("Bearer {ADMIN_TOKEN}");
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        super::http::request(self.admin, method, &format!("/admin/v1{path}"), &headers, body.as_bytes()).await
    }

    /// Registers a client and gives its id and secret (empty for a public one).
    pub(crate) async fn client(&self, metadata: Value) -> (String, String) {
        let answer = self.admin("POST", "/issuers/main/clients", metadata).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let body = answer.json();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        (text("client_id"), text("client_secret"))
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
