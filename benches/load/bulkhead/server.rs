//! A jeton whose issuer has a directory, started from a configuration of its own.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use crate::child::{Child, remove_on_signal};
use crate::request::Target;
use crate::suite::service::{ask, free_address, wait_until};

/// The server.
pub(super) struct Server {
    /// The process.
    pub(super) child: Child,
    /// The issuer.
    pub(super) url: String,
    /// The admin listener.
    pub(super) admin_url: String,
    /// The token of the admin API.
    pub(super) admin_token: String,
    _data: TempDir,
}

/// What client_credentials waited for its grant until now.
#[derive(Clone, Copy)]
pub(super) struct Queue {
    seconds: f64,
    requests: f64,
}

impl Queue {
    /// The mean wait since `before`, in microseconds.
    pub(super) fn since(self, before: Self) -> f64 {
        1e6 * (self.seconds - before.seconds) / (self.requests - before.requests).max(1.0)
    }
}

impl Server {
    /// Starts it and waits until it is ready.
    pub(super) fn start(program: &Path, data_root: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(data_root)?;
        let data = tempfile::Builder::new().prefix("jeton-load-").tempdir_in(data_root)?;
        remove_on_signal(data.path());
        let dir = data.path().join("jeton");
        let made = Command::new(program).arg("init").arg("--dir").arg(&dir).output()?;
        if !made.status.success() {
            bail!("jeton init failed: {}", String::from_utf8_lossy(&made.stderr));
        }
        let (listen, admin) = (free_address()?, free_address()?);
        let shown = dir.display();
        let config = format!(
            r#"
            public.listen = "{listen}"
            admin.listen = "{admin}"
            secrets = {{ master_key_file = "{shown}/master.key", admin_token_file = "{shown}/admin.token" }}
            store.path = "{shown}/data"
            log.filter = "info,access=warn,audit=warn,ractor=warn"
            [issuers.main]
            url = "http://{listen}"
            scopes = "openid offline_access api:read"
            grant_types = ["client_credentials", "authorization_code", "refresh_token", "password"]
            users = {{ source = "directory" }}
            "#
        );
        let file = dir.join("bulkhead.toml");
        std::fs::write(&file, config)?;
        let admin_token = std::fs::read_to_string(dir.join("admin.token"))?.trim().to_owned();
        let child = Child::start(Command::new(program).arg("serve").arg("--config").arg(&file))?;
        let admin_url = format!("http://{admin}");
        let target = Target::parse(&admin_url)?;
        wait_until(&child, || ask(&target, "/readyz").is_ok_and(|(status, _)| status == 200))?;
        Ok(Self { child, url: format!("http://{listen}"), admin_url, admin_token, _data: data })
    }

    /// What client_credentials waited for its grant until now.
    pub(super) fn queue(&self) -> anyhow::Result<Queue> {
        let (_, text) = ask(&Target::parse(&self.admin_url)?, "/metrics")?;
        let labels = r#"{grant="client_credentials",stage="queue"} "#;
        let value = |what: &str| {
            let name = format!("jeton_token_stage_duration_seconds_{what}{labels}");
            let found = text.lines().find_map(|line| line.strip_prefix(&name)?.parse::<f64>().ok());
            found.with_context(|| format!("/metrics has no {name}"))
        };
        Ok(Queue { seconds: value("sum")?, requests: value("count")? })
    }
}
