//! The one documented call that fills the table of DESIGN.md section 11: starts jeton and its floor, runs them in
//! turn so that both meet the same machine, and says for each aim whether it is met.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;

use crate::admin::{Admin, counter_sum};
use crate::child::Child;
use crate::connection::Connection;
use crate::http::string_member;
use crate::process::Usage;
use crate::report::Report;
use crate::request::{Auth, Client, Target};
use crate::run::{Pace, Plan, run};
use crate::scenario::{Scenario, Setup};
use crate::workload::Workload;

mod machine;
mod service;
mod table;

use service::{ADMIN_TOKEN, Program, Service, start_limit};
use table::{Aim, Pairs, Table, median};

const MIB: f64 = 1024.0 * 1024.0;
/// Starts with an empty store whose median is reported.
const STARTS: usize = 3;
/// Not measured at the start of each run of `code`.
const CODE_WARMUP: Duration = Duration::from_millis(200);
/// Arrivals a second of JWKS requests beside a saturated token endpoint.
const JWKS_RATE: f64 = 1000.0;
/// Connections they come over.
const PROBES: usize = 8;

/// Settings of the suite.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SuiteOptions {
    /// Rounds of floor and scenario; ratios are medians over them.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Measured seconds of each run.
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
    duration: f64,
    /// Seconds before each, not measured.
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    warmup: f64,
    /// Connections of each run.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    connections: u16,
    /// Clients they belong to: one each keeps a client below 1,000 requests a second, as in a fleet.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    clients: u16,
    /// Codes fetched before each run of `code`; a run ends early when they are spent.
    #[arg(long, value_name = "N", default_value_t = 40_000)]
    codes: usize,
    /// Idle connections to hold.
    #[arg(long, value_name = "N", default_value_t = 2000)]
    idle_connections: usize,
    /// Scope to ask for.
    #[arg(long, default_value = "read")]
    scope: String,
    /// The executable to measure.
    #[arg(long, value_name = "FILE", default_value = env!("CARGO_BIN_EXE_jeton"))]
    program: PathBuf,
    /// One more argument for it; may be repeated.
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    server_arg: Vec<String>,
    /// Where to put its data; should be on the disk that you want to know about.
    #[arg(long, value_name = "DIR", default_value = env!("CARGO_TARGET_TMPDIR"))]
    data_root: PathBuf,
    /// Print the table as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs everything and prints the table; an error if an aim is not met or something could not be measured.
pub(crate) fn suite(options: &SuiteOptions) -> anyhow::Result<()> {
    crate::child::end_with_signals();
    let machine = machine::describe(&options.data_root);
    eprint!("{machine}");
    let mut table = Table::default();
    let outcome = fill(options, &mut table);
    if options.json {
        println!("{}", serde_json::to_string_pretty(&table)?);
    } else {
        println!("{machine}\n{table}");
    }
    outcome?;
    let missed = table.rows.iter().filter(|row| !row.met).count();
    if missed > 0 {
        bail!("{missed} of {} aims are not met", table.rows.len());
    }
    Ok(())
}

fn fill(options: &SuiteOptions, table: &mut Table) -> anyhow::Result<()> {
    let service = start_and_idle(options, table)?;
    Bench::prepare(options, service)?.fill(table)
}

/// Time to ready, idle memory, memory of idle connections; gives the service that was started last.
fn start_and_idle(options: &SuiteOptions, table: &mut Table) -> anyhow::Result<Service> {
    let program = Program {
        path: options.program.clone(),
        arguments: options.server_arg.clone(),
        data_root: options.data_root.clone(),
    };
    let mut ready = Vec::new();
    for _ in 1..STARTS {
        ready.push(program.start()?.ready_after.as_secs_f64() * 1000.0);
    }
    let service = program.start()?;
    ready.push(service.ready_after.as_secs_f64() * 1000.0);
    let detail = format!("median of {STARTS} starts");
    table.add("start to ready, empty store", " ms", Aim::AtMost(300.0), median(ready), &detail, "");

    // what a start allocates and gives back is not idle memory
    std::thread::sleep(Duration::from_secs(1));
    let idle = Usage::of(service.child.pid())?;
    table.add("idle memory", " MiB", Aim::AtMost(40.0), bytes(idle.rss) / MIB, "", "");

    let target = Target::parse(&service.url)?;
    let request = target.get("/oauth2/jwks", &[]);
    let runtime = runtime()?;
    let held = runtime.block_on(async {
        let mut held = Vec::with_capacity(options.idle_connections);
        for _ in 0..options.idle_connections {
            let mut connection = Connection::open(target.address).await?;
            connection.exchange(&request).await?;
            held.push(connection);
        }
        anyhow::Ok(held)
    });
    let (count, trouble) = match &held {
        Ok(held) => (held.len(), String::new()),
        Err(error) => (options.idle_connections, error.to_string()),
    };
    let each =
        bytes(Usage::of(service.child.pid())?.rss.saturating_sub(idle.rss)) / 1024.0 / bytes(count.max(1) as u64);
    let detail = format!("{count} connections after one request each");
    table.add("memory per idle connection", " KiB", Aim::AtMost(10.0), each, &detail, &trouble);
    Ok(service)
}

/// The servers, and how to ask them.
struct Bench<'a> {
    options: &'a SuiteOptions,
    service: Service,
    setup: Setup,
    /// One signature a request.
    signing: Floor,
    /// One verification a request.
    verifying: Floor,
}

/// A floor that runs.
struct Floor {
    child: Child,
    target: Target,
    /// As long as what jeton is sent.
    request: Vec<u8>,
}

impl<'a> Bench<'a> {
    /// Registers clients and starts floors whose requests and answers are as long as those of this jeton.
    fn prepare(options: &'a SuiteOptions, service: Service) -> anyhow::Result<Self> {
        let runtime = runtime()?;
        let admin = Admin::new(&service.admin_url, ADMIN_TOKEN, "main")?;
        let clients = runtime.block_on(admin.register(options.clients.into(), "client_secret_post", &options.scope))?;
        let setup = Setup {
            target: Target::parse(&service.url)?,
            admin: Some(admin),
            clients,
            auth: Auth::Post,
            scope: options.scope.clone(),
            connections: options.connections.into(),
            codes: options.codes,
            chains: 4,
        };
        let token = runtime.block_on(setup.sample_token())?;
        let introspection = runtime.block_on(setup.sample_introspection())?;
        let access_token = string_member(&token, "access_token").unwrap_or_default().to_owned();
        let signed = access_token.rfind('.').unwrap_or(access_token.len());
        eprintln!("- answers: token {} B with {signed} B signed, introspection {} B", token.len(), introspection.len());
        let floor = |answer: usize, verify: bool, parameters: &[(&str, &str)]| {
            let mut arguments = vec![format!("--answer-bytes={answer}"), format!("--sign-bytes={signed}")];
            arguments.extend(verify.then(|| "--verify".to_owned()));
            let (child, target) = start_limit(&arguments)?;
            let nobody = Client { id: setup.clients[0].id.clone(), secret: setup.clients[0].secret.clone() };
            let request = target.form("/oauth2/token", Auth::Post, &nobody, parameters).whole();
            anyhow::Ok(Floor { child, target, request })
        };
        let asked = [("grant_type", "client_credentials"), ("scope", options.scope.as_str())];
        let signing = floor(token.len(), false, &asked)?;
        let verifying = floor(introspection.len(), true, &[("token", &access_token)])?;
        Ok(Self { options, service, setup, signing, verifying })
    }

    fn fill(&self, table: &mut Table) -> anyhow::Result<()> {
        let [mut machine, mut refresh, mut code, mut introspect] = [(); 4].map(|()| Pairs::default());
        let mut operations = 0.0;
        for _ in 0..self.options.rounds {
            let before = self.operations()?;
            machine
                .add(self.floor(&self.signing, Pace::Closed), self.measure(Scenario::ClientCredentials, Pace::Closed));
            operations += self.operations()? - before;
            refresh.add(self.floor(&self.signing, Pace::Closed), self.measure(Scenario::Refresh, Pace::Closed));
            code.add(self.floor(&self.signing, Pace::Closed), self.measure(Scenario::Code, Pace::Closed));
            introspect.add(self.floor(&self.verifying, Pace::Closed), self.measure(Scenario::Introspect, Pace::Closed));
        }
        for (what, pairs, aim) in [
            ("client_credentials / limit", &machine, 0.85),
            ("refresh, durable / limit", &refresh, 0.6),
            ("code redemption, durable / limit", &code, 0.5),
            ("introspection of a JWT / limit that verifies", &introspect, 0.8),
        ] {
            table.add(what, "", Aim::AtLeast(aim), pairs.ratio(), &pairs.detail(), &pairs.trouble());
        }
        table.add("store operations of client_credentials", "", Aim::AtMost(0.0), operations, "", "");
        let floor = self.floor(&self.signing, Pace::Open(half(machine.floor_peak())));
        let floor = floor.map(|report| report.latency.p99);
        for (what, scenario, pairs, aim) in [
            ("client_credentials p99 at half of peak", Scenario::ClientCredentials, &machine, 5.0),
            ("refresh p99 at half of peak", Scenario::Refresh, &refresh, 15.0),
        ] {
            add_latency(table, what, aim, self.measure(scenario, Pace::Open(half(pairs.peak()))), &floor);
        }
        let (report, floor) = self.jwks_while_saturated();
        add_latency(table, "JWKS p99 while /token is saturated", 2.0, report, &floor.map(|report| report.latency.p99));
        Ok(())
    }

    fn measure(&self, scenario: Scenario, pace: Pace) -> anyhow::Result<Report> {
        let runtime = runtime()?;
        let workloads = runtime.block_on(self.setup.prepare(scenario))?;
        let mut plan = self.plan(scenario.name(), &self.setup.target, pace, self.service.child.pid());
        if scenario == Scenario::Code {
            // codes are few, and redeeming warms nothing that refreshing has not warmed before
            plan.warmup = plan.warmup.min(CODE_WARMUP);
        }
        announce(run(&plan, workloads))
    }

    fn floor(&self, floor: &Floor, pace: Pace) -> anyhow::Result<Report> {
        let workload = || Workload::same(floor.request.clone(), b"\"access_token\"");
        let workloads = (0..self.options.connections).map(|_| workload()).collect();
        announce(run(&self.plan("limit", &floor.target, pace, floor.child.pid()), workloads))
    }

    /// JWKS in an open loop from a thread of its own, beside a closed loop of client_credentials; and the same of the
    /// floor, because both generators and the server want the same two cores.
    fn jwks_while_saturated(&self) -> (anyhow::Result<Report>, anyhow::Result<Report>) {
        let beside = |saturate: &(dyn Fn() -> anyhow::Result<Report> + Sync),
                      probe: &dyn Fn() -> anyhow::Result<Report>| {
            std::thread::scope(|scope| {
                let saturating = scope.spawn(saturate);
                let report = probe();
                match saturating.join() {
                    Ok(saturated) => saturated.and(report),
                    Err(_) => bail!("the thread that saturates /token panicked"),
                }
            })
        };
        let pace = Pace::Open(JWKS_RATE);
        let report = beside(&|| self.measure(Scenario::ClientCredentials, Pace::Closed), &|| {
            let few = Setup { connections: PROBES, ..self.setup.clone() };
            let workloads = runtime()?.block_on(few.prepare(Scenario::Jwks))?;
            let pid = self.service.child.pid();
            announce(run(&self.plan("jwks beside client-credentials", &few.target, pace, pid), workloads))
        });
        let floor = beside(&|| self.floor(&self.signing, Pace::Closed), &|| {
            let target = &self.signing.target;
            let workload = || Workload::same(target.get("/", &[]), b"\"access_token\"");
            let workloads = (0..PROBES).map(|_| workload()).collect();
            let pid = self.signing.child.pid();
            announce(run(&self.plan("limit beside limit", target, pace, pid), workloads))
        });
        (report, floor)
    }

    fn plan(&self, name: &str, target: &Target, pace: Pace, pid: u32) -> Plan {
        Plan {
            name: name.to_owned(),
            address: target.address,
            pace,
            warmup: Duration::from_secs_f64(self.options.warmup),
            duration: Duration::from_secs_f64(self.options.duration),
            requests: None,
            pid: Some(pid),
        }
    }

    fn operations(&self) -> anyhow::Result<f64> {
        Ok(counter_sum(&self.service.metrics()?, "jeton_store_operations_total"))
    }
}

/// Half of a peak; a rate must not be zero.
fn half(peak: f64) -> f64 {
    (peak / 2.0).max(1.0)
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// Adds a row for a p99. `floor` is the p99 of the floor under the same kind of load.
fn add_latency(table: &mut Table, what: &str, aim: f64, report: anyhow::Result<Report>, floor: &anyhow::Result<f64>) {
    let report = match report {
        Ok(report) => report,
        Err(error) => return table.add(what, " ms", Aim::AtMost(aim), f64::NAN, "", &format!("{error:#}")),
    };
    let floor = floor.as_ref().map_or_else(|_| "not measured".to_owned(), |p99| format!("{p99:.2} ms"));
    let detail = format!(
        "{:.0}/s {}, p50 {:.2} ms, p99.9 {:.2} ms; p99 of limit {floor}",
        report.per_second, report.pace, report.latency.p50, report.latency.p999
    );
    table.add(what, " ms", Aim::AtMost(aim), report.latency.p99, &detail, &report.trouble());
}

/// Shows a run as soon as it is done: the table comes only at the end.
fn announce(report: anyhow::Result<Report>) -> anyhow::Result<Report> {
    if let Ok(report) = &report {
        eprintln!("{report}");
    }
    report
}

fn bytes(count: u64) -> f64 {
    count as f64
}
