//! What `ops/install` puts in place for the tests: client libraries that nobody here wrote, and Prometheus.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

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

/// The command, cut after two minutes.
pub(crate) fn bounded(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("timeout");
    command.arg(LIMIT).arg(program);
    command
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
