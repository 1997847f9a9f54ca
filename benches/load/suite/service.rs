//! A server of the suite: started on a free port, waited for with a limit, killed at the end.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail};
use jeton::internals::Stopwatch;
use tempfile::TempDir;

use crate::child::{Child, remove_on_signal};
use crate::connection::Connection;
use crate::request::Target;

/// A server that is not ready by then never will be.
const START_LIMIT: Duration = Duration::from_secs(20);
/// How long one question of the suite itself may take.
const ASK_LIMIT: Duration = Duration::from_secs(5);
/// Resolution of the time to ready.
const POLL: Duration = Duration::from_millis(1);

/// The token of the admin API; the server lives as long as the suite and listens on the loopback only.
pub(crate) const ADMIN_TOKEN: &str = "load-suite-admin-token-0123456789abcdef";

/// What to start as jeton.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// The executable.
    pub(crate) path: PathBuf,
    /// After the arguments of the suite.
    pub(crate) arguments: Vec<String>,
    /// A directory on a real disk, for data that is fsynced.
    pub(crate) data_root: PathBuf,
}

/// A jeton in dev mode with an empty store.
pub(crate) struct Service {
    /// The process.
    pub(crate) child: Child,
    /// The issuer.
    pub(crate) url: String,
    /// The admin listener.
    pub(crate) admin_url: String,
    /// From exec to the first 200 of `/readyz`.
    pub(crate) ready_after: Duration,
    _data: TempDir,
}

impl Program {
    /// Starts it and waits until it is ready.
    pub(crate) fn start(&self) -> anyhow::Result<Service> {
        std::fs::create_dir_all(&self.data_root)?;
        let data = tempfile::Builder::new().prefix("jeton-load-").tempdir_in(&self.data_root)?;
        remove_on_signal(data.path());
        let (listen, admin) = (free_address()?, free_address()?);
        let mut command = Command::new(&self.path);
        command.arg("dev").args(["--listen", &listen.to_string(), "--admin-listen", &admin.to_string()]);
        command.arg("--data-dir").arg(data.path().join("data"));
        command.args(["--admin-token", ADMIN_TOKEN]).args(&self.arguments);
        let (url, admin_url) = (format!("http://{listen}"), format!("http://{admin}"));
        let target = Target::parse(&admin_url)?;
        let since = Stopwatch::start();
        let child = Child::start(&mut command)?;
        wait_until(&child, || ask(&target, "/readyz").is_ok_and(|(status, _)| status == 200))?;
        Ok(Service { ready_after: since.elapsed(), child, url, admin_url, _data: data })
    }
}

impl Service {
    /// The text of `/metrics`.
    pub(crate) fn metrics(&self) -> anyhow::Result<String> {
        let (status, text) = ask(&Target::parse(&self.admin_url)?, "/metrics")?;
        if status != 200 {
            bail!("/metrics answered {status}");
        }
        Ok(text)
    }
}

/// Starts the floor: this program again, as `limit-server`.
pub(crate) fn start_limit(arguments: &[String]) -> anyhow::Result<(Child, Target)> {
    let address = free_address()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["limit-server", "--end-with-stdin", "--listen", &address.to_string()]).args(arguments);
    let child = Child::start(&mut command)?;
    wait_until(&child, || std::net::TcpStream::connect(address).is_ok())?;
    Ok((child, Target::parse(&format!("http://{address}"))?))
}

pub(crate) fn wait_until(child: &Child, ready: impl Fn() -> bool) -> anyhow::Result<()> {
    let since = Stopwatch::start();
    while !ready() {
        if let Some(status) = child.exited() {
            bail!("the server ended ({status}) before it was ready; it said:\n{}", child.last_words());
        }
        if since.elapsed() > START_LIMIT {
            bail!("the server was not ready within {START_LIMIT:?}; it said:\n{}", child.last_words());
        }
        std::thread::sleep(POLL);
    }
    Ok(())
}

/// One `GET`, for the suite itself.
pub(crate) fn ask(target: &Target, path: &str) -> anyhow::Result<(u16, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let exchange = async {
        let mut connection = Connection::open(target.address).await?;
        let reply = connection.exchange(&target.get(path, &[("connection", "close")])).await?;
        anyhow::Ok((reply.status, String::from_utf8_lossy(reply.body).into_owned()))
    };
    runtime
        .block_on(async { tokio::time::timeout(ASK_LIMIT, exchange).await })
        .with_context(|| format!("{path} did not answer within {ASK_LIMIT:?}"))?
}

/// An address nobody listens on now.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
