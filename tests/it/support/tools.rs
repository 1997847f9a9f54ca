//! What `ops/install` puts in place for the tests: client libraries that nobody here wrote, and Prometheus.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// No tool runs longer than this many seconds.
const LIMIT: &str = "120";

/// A path in the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Something below `target/clients`, if `ops/install` put it there.
pub(crate) fn installed(path: &str) -> Option<PathBuf> {
    Some(repository("target/clients").join(path)).filter(|path| path.exists())
}

/// A program, from `target/clients/prometheus` or the search path.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let own = installed("prometheus/usr/bin").map(|dir| dir.join(name)).filter(|path| path.exists());
    let paths = std::env::var_os("PATH").unwrap_or_default();
    own.or_else(|| std::env::split_paths(&paths).map(|dir| dir.join(name)).find(|path| path.is_file()))
}

/// What is missing is skipped on a developer's machine, and says so; in CI nothing may be missing.
pub(crate) fn skip(what: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{what} is missing; run ops/install");
    let _ = writeln!(std::io::stderr(), "skipped: {what} is missing; run ops/install");
}

/// The command, cut after two minutes, and killed if it does not end then.
pub(crate) fn bounded(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", LIMIT]).arg(program);
    command
}

/// A server that nobody here wrote, running beside a test and ended with it.
pub(crate) struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts a [`bounded`] command, whose output goes to `log`, and waits until it takes connections at `address`.
    pub(crate) async fn start(mut command: Command, address: SocketAddr, log: PathBuf) -> Self {
        let output = std::fs::File::create(&log).unwrap();
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
        let mut running = Self { child: command.spawn().unwrap(), log };
        let listening = async {
            let mut tick = tokio::time::interval(Duration::from_millis(50));
            while tokio::net::TcpStream::connect(address).await.is_err() {
                let ended = running.child.try_wait().unwrap();
                assert!(ended.is_none(), "{ended:?}: {}", running.log());
                tick.tick().await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(90), listening).await;
        assert!(waited.is_ok(), "nothing listens at {address} yet: {}", running.log());
        running
    }

    /// What it wrote until now.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap()).into_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // `timeout` passes the signal on to what it runs; a kill would leave that behind
        let _ = Command::new("kill").args(["-s", "TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

/// Runs to the end, away from the runtime.
pub(crate) async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// Runs to the end; fails with what the program said.
pub(crate) async fn succeeds(name: &str, command: Command) -> String {
    let output = output(command).await;
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name}: {}\n{said}{complained}", output.status);
    said.into_owned()
}
