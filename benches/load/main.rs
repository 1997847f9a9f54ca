//! An HTTP load generator for jeton: `cargo bench --bench load -- --help`.
//!
//! `suite` fills the README's table of figures in one call; `bulkhead` floods the password grant beside it; `run` measures one scenario against a server that is
//! already there; `selftest` checks the generator. The generator shares its machine with the server, so it is as
//! cheap as it can be: one thread, requests built beforehand, answers parsed no further than needed.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "printing figures is what a bench is for")]

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

mod admin;
mod bulkhead;
mod child;
mod connection;
mod histogram;
mod http;
mod limit_server;
mod measure;
mod pace;
mod process;
mod report;
mod request;
mod run;
mod scenario;
mod selftest;
mod stub;
mod suite;
mod tally;
mod workload;

use admin::Admin;
use request::{Auth, Client, Target};
use run::{Pace, Plan};
use scenario::{Scenario, Setup};

/// Measures a jeton over HTTP.
#[derive(Parser)]
#[command(name = "cargo bench --bench load --")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Passed by cargo; means nothing.
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Start jeton and its floor, measure both in turn, print the table of ratios; exit code 1 if an aim is not met.
    Suite(suite::SuiteOptions),
    /// Start jeton and measure client_credentials alone and beside ten times as many wrong passwords as can be hashed.
    Bulkhead(bulkhead::BulkheadOptions),
    /// Measure one scenario against a server that runs: closed loop (peak), or open loop with --rate (latency).
    Run(RunOptions),
    /// Check the generator itself.
    Selftest,
    /// Be the floor: hyper and one Ed25519 signature.
    LimitServer(limit_server::LimitOptions),
    /// Be a stand-in for `jeton dev`, for the selftest.
    #[command(hide = true)]
    Dev(stub::StubOptions),
}

#[derive(clap::Args)]
struct RunOptions {
    /// What to ask.
    scenario: Scenario,
    /// The issuer.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    target: String,
    /// The admin listener: registers clients and gives codes.
    #[arg(long, value_name = "URL")]
    admin: Option<String>,
    /// The token of the admin API.
    #[arg(long, value_name = "TOKEN", env = "JETON_ADMIN_TOKEN", requires = "admin")]
    admin_token: Option<String>,
    /// The issuer's name in the admin API.
    #[arg(long, default_value = "main")]
    issuer: String,
    /// A client that exists; without it, --clients are registered.
    #[arg(long, value_name = "ID", requires = "client_secret")]
    client_id: Option<String>,
    /// Its secret.
    #[arg(long, value_name = "SECRET")]
    client_secret: Option<String>,
    /// Clients to register, dealt out to the connections.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    clients: u16,
    /// How clients authenticate.
    #[arg(long, value_enum, default_value_t = Auth::Post)]
    auth: Auth,
    /// Scope to ask for.
    #[arg(long, default_value = "api:read")]
    scope: String,
    /// Connections.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    connections: u16,
    /// Requests a second, whatever the answers do; without it, each waits for the last one's answer.
    #[arg(long, value_name = "PER_SECOND", value_parser = positive)]
    rate: Option<f64>,
    /// Measured seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    duration: f64,
    /// Seconds before that, not measured.
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    warmup: f64,
    /// End after so many requests, if that is earlier; for `code`, how many codes to fetch (40,000 if not given).
    #[arg(long, value_name = "N")]
    requests: Option<u64>,
    /// Chains of refresh tokens for each connection.
    #[arg(long, value_name = "N", default_value_t = 4)]
    chains: usize,
    /// The server's process, to report its CPU and memory.
    #[arg(long)]
    pid: Option<u32>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match obey(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn obey(command: Option<Command>) -> anyhow::Result<()> {
    match command {
        Some(Command::Suite(options)) => suite::suite(&options),
        Some(Command::Bulkhead(options)) => bulkhead::bulkhead(&options),
        Some(Command::Run(options)) => run_one(&options),
        Some(Command::Selftest) => selftest::selftest(),
        Some(Command::LimitServer(options)) => limit_server::serve(&options),
        Some(Command::Dev(options)) => stub::serve(&options),
        None => {
            // `cargo bench` runs every bench; this one needs to be told what to measure
            println!(
                "load: choose `suite`, `bulkhead`, `run` or `selftest`; `cargo bench --bench load -- --help` explains"
            );
            Ok(())
        }
    }
}

fn run_one(options: &RunOptions) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let admin = match (&options.admin, &options.admin_token) {
        (Some(url), Some(token)) => Some(Admin::new(url, token, &options.issuer)?),
        _ => None,
    };
    let clients = match (&options.client_id, &options.client_secret, &admin) {
        (Some(id), Some(secret), _) => vec![Client { id: id.clone(), secret: secret.clone() }],
        (_, _, Some(admin)) if options.scenario != Scenario::Jwks => {
            let method = match options.auth {
                Auth::Post => "client_secret_post",
                Auth::Basic => "client_secret_basic",
            };
            runtime.block_on(admin.register(options.clients.into(), method, &options.scope))?
        }
        _ => Vec::new(),
    };
    let setup = Setup {
        target: Target::parse(&options.target)?,
        admin,
        clients,
        auth: options.auth,
        scope: options.scope.clone(),
        connections: options.connections.into(),
        codes: options.requests.and_then(|count| usize::try_from(count).ok()).unwrap_or(40_000),
        chains: options.chains,
    };
    let workloads = runtime.block_on(setup.prepare(options.scenario))?;
    let plan = Plan {
        name: options.scenario.name().to_owned(),
        address: setup.target.address,
        spread: false,
        pace: options.rate.map_or(Pace::Closed, Pace::Open),
        warmup: Duration::try_from_secs_f64(options.warmup)?,
        duration: Duration::try_from_secs_f64(options.duration)?,
        requests: options.requests,
        pid: options.pid,
    };
    let report = run::run(&plan, workloads)?;
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{report}");
    }
    Ok(())
}

fn positive(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().map_err(|error| error.to_string())?;
    if rate > 0.0 && rate.is_finite() { Ok(rate) } else { Err("must be more than 0".to_owned()) }
}
