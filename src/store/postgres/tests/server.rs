//! A PostgreSQL of the tests' own: in a temporary directory, on a Unix socket, gone with the process that started it.
//!
//! `tests/it` takes this file in as well.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

/// The one of this process, for tests that do not stop it.
static SHARED: LazyLock<TestServer> = LazyLock::new(TestServer::start);

/// Settings of the server: as fast as it can be, because nothing here has to survive.
const SETTINGS: [&str; 9] = [
    "fsync=off",
    "full_page_writes=off",
    "listen_addresses=",
    "max_connections=600",
    "shared_buffers=64MB",
    "autovacuum=off",
    "max_wal_size=4GB",
    "unix_socket_permissions=0777",
    "wal_sync_method=fdatasync",
];

/// Waits for the end of whoever holds the other end of its input, ends the server and removes its directory.
const GUARDIAN: &str = r#"cat >/dev/null
kill -QUIT "$(head -n 1 "$0/data/postmaster.pid")" 2>/dev/null
for _ in $(seq 50); do [ -e "$0/data/postmaster.pid" ] || break; sleep 0.1; done
rm -rf "$0""#;

/// The data of a server that was never started, from which those of all servers are copied: to make it takes a second.
static EMPTY: LazyLock<Scratch> = LazyLock::new(|| {
    let scratch = Scratch::new();
    let init = as_postgres(&programs().join("initdb"))
        .args(["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--pgdata"])
        .arg(scratch.directory.join("data"))
        .current_dir("/")
        .output()
        .unwrap();
    assert!(init.status.success(), "initdb: {}", String::from_utf8_lossy(&init.stderr));
    scratch
});

/// A directory of the user postgres, removed at the end of this process or before.
struct Scratch {
    directory: PathBuf,
    guardian: Child,
}

impl Scratch {
    fn new() -> Self {
        // whatever TMPDIR says: the path of a socket has at most 107 bytes
        let directory = tempfile::Builder::new().prefix("jeton-pg-").tempdir_in("/tmp").unwrap().keep();
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o755)).unwrap();
        if is_root() {
            let given = Command::new("chown").arg("postgres:").arg(&directory).status();
            assert!(given.is_ok_and(|status| status.success()), "the user postgres, of the package, is missing");
        }
        let mut guardian = Command::new("sh");
        // a signal to the group of the tests must not end it
        guardian.process_group(0);
        guardian.args(["-c", GUARDIAN]).arg(&directory).current_dir("/").stdin(Stdio::piped());
        let guardian = guardian.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { directory, guardian }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(self.guardian.stdin.take());
        let _ = self.guardian.wait();
    }
}

/// A server of the tests' own.
pub(crate) struct TestServer {
    /// Directory of the data and of the socket.
    pub(crate) directory: PathBuf,
    bin: PathBuf,
    more: Vec<String>,
    port: String,
    _scratch: Scratch,
}

impl TestServer {
    /// The server that the tests of this process share.
    pub(crate) fn shared() -> &'static Self {
        &SHARED
    }

    /// A new server.
    ///
    /// # Panics
    /// If there is none on this machine: tests of an engine that are passed over would prove nothing.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// A new server with more settings.
    pub(crate) fn with(more: &[&str]) -> Self {
        Self::of(more, |_, data| {
            let mut copy = as_postgres(Path::new("cp"));
            copy.arg("-a").arg(EMPTY.directory.join("data")).arg(data);
            copy
        })
    }

    /// A new server on the data that a command makes, which is given the directory of the programs and that of the data.
    pub(super) fn of(more: &[&str], fill: impl FnOnce(&Path, &Path) -> Command) -> Self {
        let (bin, scratch) = (programs(), Scratch::new());
        let directory = scratch.directory.clone();
        let filled = fill(&bin, &directory.join("data")).current_dir("/").output().unwrap();
        assert!(filled.status.success(), "{}", String::from_utf8_lossy(&filled.stderr));
        let more: Vec<String> = more.iter().map(|own| (*own).to_owned()).collect();
        let port = more.iter().find_map(|own| own.strip_prefix("port=")).unwrap_or("5432").to_owned();
        let server = Self { directory, bin, more, port, _scratch: scratch };
        server.resume();
        server
    }

    /// Starts it again after [`TestServer::stop`].
    pub(crate) fn resume(&self) {
        let settings = SETTINGS.iter().copied().chain(self.more.iter().map(String::as_str));
        let mut options = format!("-k {}", self.directory.display());
        settings.for_each(|setting| options.push_str(&format!(" -c {setting}")));
        self.control(&["start", "-o", &options]);
    }

    /// Ends it at once, as a crash would (`immediate`), or by ending its sessions (`fast`).
    pub(crate) fn stop(&self, mode: &str) {
        self.control(&["stop", "-m", mode]);
    }

    fn control(&self, args: &[&str]) {
        let log = self.directory.join("data/log");
        let done = as_postgres(&self.bin.join("pg_ctl"))
            .args(["-s", "-w", "-t", "20", "-l"])
            .arg(&log)
            .arg("-D")
            .arg(self.directory.join("data"))
            .args(args)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let log = || std::fs::read_to_string(&log).unwrap_or_default();
        assert!(done.is_ok_and(|status| status.success()), "pg_ctl {args:?}: {}", log());
    }

    /// Runs SQL in the database `postgres` and gives what it printed.
    pub(crate) fn sql(&self, text: &str) -> String {
        let output = Command::new(self.bin.join("psql"))
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-p", &self.port, "-h"])
            .arg(&self.directory)
            .args(["-c", text])
            .output()
            .unwrap();
        assert!(output.status.success(), "{text}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A program as the user of PostgreSQL, which refuses to run as root.
pub(super) fn as_postgres(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]).arg(program);
    command
}

/// The directory of the newest PostgreSQL on this machine.
fn programs() -> PathBuf {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = debian
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(version, bin)| *version >= 15 && bin.join("initdb").exists())
        .collect();
    found.sort();
    let elsewhere = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
    let elsewhere = elsewhere.into_iter().find(|bin| bin.join("initdb").exists() && bin.join("postgres").exists());
    found
        .pop()
        .map(|(_, bin)| bin)
        .or(elsewhere)
        .expect("PostgreSQL 15 or later is not installed: run ops/install as root, or apt-get install postgresql")
}
