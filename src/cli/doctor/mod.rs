//! `jeton doctor`: looks at everything a start needs and at the daemon that runs, and says what to do about what is wrong.

mod bounded;
mod cells;
mod daemon;
mod files;
mod finding;
mod network;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::failure::finish;
use super::output::say;
use super::{exit, runtime};
use crate::cause::chain;
use crate::config::{EngineKind, Source};
use crate::server::prepare;
use daemon::{DaemonReport, RunningDaemon};
use finding::{CheckStatus, Finding};

#[derive(Args)]
pub(super) struct DoctorArgs {
    /// The configuration file
    #[arg(long, short, env = "JETON_CONFIG", value_name = "FILE")]
    config: PathBuf,
    /// URL of the admin listener from here; else as it is configured
    #[arg(long, value_name = "URL")]
    admin_url: Option<url::Url>,
    /// PEM certificates that https is trusted by, for the admin listener and the issuers
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn doctor(args: DoctorArgs) -> ExitCode {
    let source = Source { file: Some(args.config.clone()), ..Source::default() };
    let prepared = match prepare(source) {
        Ok(prepared) => prepared,
        Err(error) => {
            let finding = Finding::bad("configuration", format!("configuration: {}", chain(&error)));
            return report(&args, &[finding], exit::CONFIG);
        }
    };
    let config = &prepared.loaded.config;
    let issuers = prepared.snapshot.issuers.len();
    let mut findings =
        vec![Finding::good("configuration", format!("configuration, secrets, certificates: {issuers} issuers"))];
    findings.extend(files::certificates(config));
    let runtime = match runtime::small() {
        Ok(runtime) => runtime,
        Err(failure) => return finish(Err(failure)),
    };
    let here = network::listens(config.admin.listen);
    // without the flag, who does not listen here is not asked; with it, the daemon may be anywhere
    let asked = here || args.admin_url.is_some();
    let daemon = asked.then(|| RunningDaemon::new(config, args.admin_url.clone(), args.ca_file.as_deref())).flatten();
    let answered = daemon.as_ref().and_then(|daemon| runtime.block_on(daemon.look(&mut findings)));
    let answering = daemon.as_ref().filter(|_| answered.is_some());
    let known = answered.or(here.then_some(DaemonReport::NOTHING));
    if config.store.engine == EngineKind::Sled {
        findings.push(files::data_directory(&config.store.path));
        findings.push(files::lock(&config.store.path, known.as_ref(), here));
    }
    if config.store.engine == EngineKind::Postgres {
        findings.extend(runtime.block_on(cells::cells(config)));
    }
    let dates = answering.map(|daemon| runtime.block_on(daemon.issuers(config, &mut findings))).unwrap_or_default();
    findings.push(files::clock(config, &dates));
    findings.extend(runtime.block_on(network::hooks(config)));
    // a name that is still being resolved keeps a thread that nothing can stop
    runtime.shutdown_background();
    let running = network::Running { here, elsewhere: answering.is_some() && !here };
    for (check, name, address) in
        [("public_listener", "public", config.public.listen), ("admin_listener", "admin", config.admin.listen)]
    {
        findings.push(network::port(check, name, address, running));
    }
    let worst = findings.iter().map(|finding| finding.status).max();
    report(&args, &findings, if worst == Some(CheckStatus::Bad) { exit::UNAVAILABLE } else { 0 })
}

fn report(args: &DoctorArgs, findings: &[Finding], code: u8) -> ExitCode {
    if args.json {
        let member = |finding: &Finding| json!({ "check": finding.check, "status": finding.status.name(), "message": finding.message });
        let findings: Vec<_> = findings.iter().map(member).collect();
        say(format_args!("{:#}", json!({ "findings": findings, "exit_code": code })));
        return ExitCode::from(code);
    }
    for Finding { status, message, .. } in findings {
        let word = match status {
            CheckStatus::Good => "good",
            CheckStatus::Warning => "warn",
            CheckStatus::Bad => "BAD ",
        };
        say(format_args!("{word}  {message}"));
    }
    ExitCode::from(code)
}
