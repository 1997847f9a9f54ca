//! Issue 3, figure 4: client_credentials alone, and beside a flood of wrong passwords at ten times what the threads that
//! hash them can take. Each round runs both, so that they meet the same machine; a round in which others took much of
//! it is void, and ratios are medians over the rest.

use anyhow::{Context as _, bail};
use serde_json::json;

use crate::admin::Admin;
use crate::child::end_with_signals;
use crate::measure::MeasureOptions;
use crate::report::Report;
use crate::request::{Auth, Client, Target};
use crate::run::{Pace, Plan, run};
use crate::scenario::{Scenario, Setup};
use crate::workload::Workload;

mod figures;
mod server;

use figures::{Figures, Round};
use server::Server;

/// Connections of the flood, each from a loopback address of its own: one address would be slowed down, and a flood
/// that is slowed down proves nothing.
const FLOODERS: usize = 64;
/// Connections that find out what the threads can take.
const PROBES: usize = 8;

/// Settings of the bulkhead figure.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct BulkheadOptions {
    /// Quiet rounds of both runs, at peak and at half of it.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How often a round may be void before the rest counts all the same.
    #[arg(long, value_name = "N", default_value_t = 20)]
    patience: u32,
    /// How much of a core others may take in a quiet round.
    #[arg(long, value_name = "CORES", default_value_t = 0.25)]
    others: f64,
    #[command(flatten)]
    measure: MeasureOptions,
    /// Connections of client_credentials, each of a client of its own.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    connections: u16,
    /// How often the capacity of the threads the flood comes.
    #[arg(long, value_name = "FACTOR", default_value_t = 10.0)]
    flood: f64,
}

/// Runs both and prints the ratios; an error if the figure is not met.
pub(crate) fn bulkhead(options: &BulkheadOptions) -> anyhow::Result<()> {
    end_with_signals();
    let bench = Bench::prepare(options)?;
    let capacity = bench.guesses(Pace::Closed, PROBES)?.per_second;
    println!("threads that hash passwords take {capacity:.0}/s; the flood is {:.0}/s", capacity * options.flood);
    let mut figures = Figures::default();
    let mut patience = options.patience;
    for _ in 0..options.rounds {
        let peak = bench.quiet_round(Pace::Closed, capacity, &mut patience)?;
        let half = bench.quiet_round(Pace::Open(peak.alone.per_second / 2.0), capacity, &mut patience)?;
        figures.add(peak, half);
    }
    println!("{} rounds were void", options.patience - patience);
    println!("{figures}");
    if figures.met() { Ok(()) } else { bail!("the figure is not met") }
}

struct Bench<'a> {
    options: &'a BulkheadOptions,
    server: Server,
    setup: Setup,
    login: Client,
}

impl<'a> Bench<'a> {
    fn prepare(options: &'a BulkheadOptions) -> anyhow::Result<Self> {
        let server = Server::start(&options.measure.program, &options.measure.data_root)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let admin = Admin::new(&server.admin_url, &server.admin_token, "main")?;
        let connections = usize::from(options.connections);
        let clients = runtime.block_on(admin.register(connections, "client_secret_post", "api:read"))?;
        let login = json!({
            "token_endpoint_auth_method": "client_secret_post", "grant_types": ["password"], "scope": "api:read",
        });
        let login = runtime.block_on(admin.register_one(&login))?;
        let target = Target::parse(&server.url)?;
        let scope = "api:read".to_owned();
        let setup =
            Setup { target, admin: Some(admin), clients, auth: Auth::Post, scope, connections, codes: 0, chains: 0 };
        Ok(Self { options, server, setup, login })
    }

    /// A round that nobody disturbed, or what there is when patience ends.
    fn quiet_round(&self, pace: Pace, capacity: f64, patience: &mut u32) -> anyhow::Result<Round> {
        loop {
            let round = self.round(pace, capacity)?;
            let share = |report: &Report| report.others_cpu_seconds / report.seconds.max(0.001);
            let quiet = share(&round.alone) <= self.options.others && share(&round.beside) <= self.options.others;
            if quiet || *patience == 0 {
                return Ok(round);
            }
            *patience -= 1;
            eprintln!("void: others took {:.2} and {:.2} of a core", share(&round.alone), share(&round.beside));
        }
    }

    /// client_credentials alone, and then beside the flood.
    fn round(&self, pace: Pace, capacity: f64) -> anyhow::Result<Round> {
        let before = self.server.queue()?;
        let alone = self.client_credentials("client-credentials alone", pace)?;
        let between = self.server.queue()?;
        let (beside, flood) = std::thread::scope(|scope| {
            let flood = scope.spawn(|| self.guesses(Pace::Open(capacity * self.options.flood), FLOODERS));
            let beside = self.client_credentials("client-credentials beside wrong passwords", pace);
            (beside, flood.join())
        });
        let flood = flood.map_err(|_| anyhow::anyhow!("the thread of the flood panicked"))??;
        let after = self.server.queue()?;
        let beside = beside?;
        Ok(Round { alone, beside, flood, queue: [between.since(before), after.since(between)] })
    }

    fn client_credentials(&self, name: &str, pace: Pace) -> anyhow::Result<Report> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let workloads = runtime.block_on(self.setup.prepare(Scenario::ClientCredentials))?;
        announce(run(&self.plan(name, pace, false), workloads))
    }

    /// Wrong passwords, each of another name. A right answer is one that was hashed.
    fn guesses(&self, pace: Pace, connections: usize) -> anyhow::Result<Report> {
        let guess = [("grant_type", "password"), ("password", "wrong"), ("scope", "api:read")];
        let form = || self.setup.target.form("/oauth2/token", Auth::Post, &self.login, &guess);
        let workloads = (0..connections).map(|_| Workload::guesses(form())).collect();
        let report = announce(run(&self.plan("wrong passwords", pace, true), workloads))?;
        let throttled = report.failures.keys().find(|what| what.contains("429"));
        throttled.map_or(Ok(()), |_| Err(anyhow::anyhow!("the flood was throttled"))).context("it proves nothing")?;
        Ok(report)
    }

    fn plan(&self, name: &str, pace: Pace, spread: bool) -> Plan {
        Plan {
            name: name.to_owned(),
            address: self.setup.target.address,
            spread,
            pace,
            warmup: self.options.measure.warmup(),
            duration: self.options.measure.duration(),
            requests: None,
            pid: Some(self.server.child.pid()),
        }
    }
}

/// Shows a run as soon as it is done.
fn announce(report: anyhow::Result<Report>) -> anyhow::Result<Report> {
    if let Ok(report) = &report {
        eprintln!("{report}");
    }
    report
}
