//! `jeton serve`: prepare, start, wait for a signal or a failure, drain.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::log::Log;
use super::output::{complain, fail};
use super::{exit, log, runtime};
use crate::cause::chain;
use crate::config::{EngineKind, Source};
use crate::metrics::Metrics;
use crate::server::{Daemon, Environment, Prepared, ServerError, prepare};
use crate::service::Reloaded;

pub(super) fn serve(config: PathBuf) -> ExitCode {
    match prepare(Source { file: Some(config), ..Source::default() }) {
        Ok(prepared) => run(prepared, &SETTINGS, |_| {}),
        Err(error) => complain(exit::CONFIG, &error),
    }
}

/// The settings or flags of a command that say where the daemon listens and keeps its data, for messages.
pub(super) struct SettingNames {
    pub(super) public: &'static str,
    pub(super) admin: &'static str,
    pub(super) directory: &'static str,
}

const SETTINGS: SettingNames = SettingNames { public: "public.listen", admin: "admin.listen", directory: "store.path" };

/// Runs a daemon until it is told to stop; `started` is called once it serves.
pub(super) fn run(prepared: Prepared, names: &SettingNames, started: impl FnOnce(&Daemon)) -> ExitCode {
    let log = log::start(&prepared.loaded.config.log);
    let runtime = match runtime::start() {
        Ok(runtime) => runtime,
        Err(error) => return complain(exit::INTERNAL, &error),
    };
    let code = runtime.block_on(live(prepared, &log, names, started));
    // what still runs after an orderly stop waits for nothing worth waiting for
    runtime.shutdown_timeout(Duration::from_secs(1));
    code
}

async fn live(prepared: Prepared, log: &Log, names: &SettingNames, started: impl FnOnce(&Daemon)) -> ExitCode {
    let (shutdown, admin) = (prepared.loaded.config.shutdown, prepared.loaded.config.admin.listen);
    let shared = prepared.loaded.config.store.engine == EngineKind::Postgres;
    let environment = Environment::system(log.control.clone());
    let metrics = environment.metrics.clone();
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => return complain(exit::INTERNAL, &error),
    };
    // a shared store may be away for long
    let started_or_not = tokio::select! {
        daemon = Daemon::start(prepared, environment) => daemon,
        () = signals.stop() => {
            tracing::info!("jeton stopped before it served");
            return ExitCode::SUCCESS;
        }
    };
    let mut daemon = match started_or_not {
        Ok(daemon) => daemon,
        Err(error @ ServerError::Prepare(_)) => return complain(exit::CONFIG, &error),
        // neither the store nor a listener knows what a person calls where it is
        Err(error) => {
            let set_by = match &error {
                ServerError::Store(_) if shared => " (set by store.postgres)".to_owned(),
                ServerError::Store(_) => format!(" (set by {})", names.directory),
                ServerError::Bind(error) if error.address() == admin => format!(" (set by {})", names.admin),
                ServerError::Bind(_) => format!(" (set by {})", names.public),
                _ => String::new(),
            };
            return fail(exit::UNAVAILABLE, &format!("{}{set_by}", chain(&error)));
        }
    };
    tracing::info!(public = %daemon.public, admin = %daemon.admin, version = env!("CARGO_PKG_VERSION"), "jeton serves");
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    started(&daemon);
    let end = wait(&mut daemon, &mut signals, &metrics, log).await;
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    let delay = if end == End::Terminated { shutdown.drain_delay } else { Duration::ZERO };
    let stopping = daemon.stop(delay, shutdown.deadline);
    tokio::select! {
        drained = stopping => tracing::info!(finished = drained.finished, cut = drained.cut, "jeton stopped"),
        () = signals.stop() => tracing::warn!("a second signal: stopping at once"),
    }
    ExitCode::from(if end == End::Failed { exit::INTERNAL } else { 0 })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// SIGTERM: somebody balances load over us and needs time to notice.
    Terminated,
    /// SIGINT: a person waits at the terminal.
    Interrupted,
    /// The daemon cannot go on.
    Failed,
}

async fn wait(daemon: &mut Daemon, signals: &mut Signals, metrics: &Metrics, log: &Log) -> End {
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => return End::Terminated,
            _ = signals.interrupt.recv() => return End::Interrupted,
            // beside the loop: new RSA keys take seconds, and a SIGTERM must not wait for them
            _ = signals.hangup.recv() => drop(tokio::spawn(report(daemon.reload()))),
            reason = daemon.failed() => {
                tracing::error!(reason, "the daemon cannot go on and stops");
                return End::Failed;
            }
            _ = tick.tick() => {
                let dropped = i64::try_from(log.dropped.dropped_lines()).unwrap_or(i64::MAX);
                metrics.log_lines_dropped.set(dropped);
            }
        }
    }
}

async fn report(reload: impl Future<Output = Result<Reloaded, String>>) {
    match reload.await {
        Ok(reloaded) => tracing::info!(changed = reloaded.changed, "configuration reloaded"),
        Err(reason) => tracing::error!(reason, "configuration not reloaded; the old one stays in use"),
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
