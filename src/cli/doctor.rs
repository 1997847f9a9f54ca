//! `jeton doctor`: looks at everything a start needs and at the daemon that runs, and says what to do about what is wrong.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use url::Url;

use super::{exit, say};
use crate::config::{Config, Engine, Source};
use crate::http::client::{Call, Method, send};
use crate::server::prepare;

/// How long a connection to an own listener may take.
const CONNECT: Duration = Duration::from_secs(2);

/// What one look found.
enum Finding {
    Good(String),
    /// What is wrong and what to do.
    Bad(String),
}

pub(super) fn doctor(config: PathBuf) -> ExitCode {
    let prepared = match prepare(Source { file: Some(config), ..Source::default() }) {
        Ok(prepared) => prepared,
        Err(error) => {
            say(format_args!("BAD   configuration: {error}"));
            return ExitCode::from(exit::CONFIG);
        }
    };
    let issuers = prepared.snapshot.issuers.len();
    let mut findings = vec![Finding::Good(format!("configuration, secrets, certificates: {issuers} issuers"))];
    let config = &prepared.loaded.config;
    if config.store.engine == Engine::Sled {
        findings.push(data_directory(&config.store.path));
    }
    let running = listens(config.admin.listen);
    if running {
        findings.push(readiness(config));
    }
    for (name, address) in [("public", config.public.listen), ("admin", config.admin.listen)] {
        findings.push(port(name, address, running));
    }
    let mut worst = ExitCode::SUCCESS;
    for finding in findings {
        match finding {
            Finding::Good(text) => say(format_args!("good  {text}")),
            Finding::Bad(text) => {
                say(format_args!("BAD   {text}"));
                worst = ExitCode::from(exit::UNAVAILABLE);
            }
        }
    }
    worst
}

/// The directory, or the nearest one above it that exists, must take new files.
fn data_directory(path: &Path) -> Finding {
    let shown = path.display();
    let Some(existing) = path.ancestors().find(|dir| dir.is_dir()) else {
        return Finding::Bad(format!("store.path {shown}: no directory above it exists; make one"));
    };
    let probe = existing.join(format!(".jeton-doctor-{}", std::process::id()));
    match std::fs::File::create_new(&probe).and_then(|_| std::fs::remove_file(&probe)) {
        Ok(()) => Finding::Good(format!("store.path {shown}: files can be made")),
        Err(error) => Finding::Bad(format!("store.path {shown}: {error}; give it to the user that runs jeton")),
    }
}

/// A running daemon must answer on both ports; without one, both must be free.
fn port(name: &str, address: SocketAddr, running: bool) -> Finding {
    if running {
        return if listens(address) {
            Finding::Good(format!("{name}.listen {address}: something answers"))
        } else {
            Finding::Bad(format!("{name}.listen {address}: nothing answers although the other listener does; restart"))
        };
    }
    match TcpListener::bind(address) {
        Ok(_) => Finding::Good(format!("{name}.listen {address}: free; start with `jeton serve --config FILE`")),
        Err(error) => Finding::Bad(format!("{name}.listen {address}: {error}; stop who has it, or set {name}.listen")),
    }
}

fn listens(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&dialled(address), CONNECT).is_ok()
}

/// Who listens everywhere is called on the loopback address.
fn dialled(address: SocketAddr) -> SocketAddr {
    let loopback = if address.is_ipv6() { [0, 0, 0, 0, 0, 0, 0, 1].into() } else { [127, 0, 0, 1].into() };
    if address.ip().is_unspecified() { SocketAddr::new(loopback, address.port()) } else { address }
}

fn readiness(config: &Config) -> Finding {
    if config.admin.tls.is_some() {
        return Finding::Good(
            "readiness: the admin listener speaks TLS; ask /readyz by the certificate's name".to_owned(),
        );
    }
    let url = format!("http://{}/readyz", dialled(config.admin.listen));
    let asked = || {
        let address = Url::parse(&url).map_err(|error| error.to_string())?;
        let call = Call { method: Method::GET, url: &address, authorization: None, body: None, trust: None };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        runtime.block_on(send(call)).map_err(|error| error.to_string())
    };
    match asked() {
        Ok(reply) if reply.status == 200 => Finding::Good(format!("{url}: ready")),
        Ok(reply) => {
            let told = String::from_utf8_lossy(&reply.body);
            Finding::Bad(format!("{url}: {} {}; see the daemon's log", reply.status, told.trim()))
        }
        Err(error) => Finding::Bad(format!("{url}: {error}; is something else on this port?")),
    }
}
