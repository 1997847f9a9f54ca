//! The servers of the suite, jeton and its floors, and how to run against each.

use std::time::Duration;

use anyhow::bail;

use super::service::{ADMIN_TOKEN, Service, start_limit};
use super::{SuiteOptions, runtime};
use crate::admin::{Admin, counter_sum};
use crate::child::Child;
use crate::http::string_member;
use crate::report::Report;
use crate::request::{Auth, Client, Target};
use crate::run::{Pace, Plan, run};
use crate::scenario::{Scenario, Setup};
use crate::workload::Workload;

/// Not measured at the start of each run of `code`.
const CODE_WARMUP: Duration = Duration::from_millis(200);
/// Arrivals a second of JWKS requests beside a saturated token endpoint.
const JWKS_RATE: f64 = 1000.0;
/// Connections they come over.
const PROBES: usize = 8;

/// The servers, and how to ask them.
pub(super) struct Bench<'a> {
    pub(super) options: &'a SuiteOptions,
    service: Service,
    setup: Setup,
    /// One signature a request.
    pub(super) signing: Floor,
    /// One verification a request.
    pub(super) verifying: Floor,
}

/// A floor that runs.
pub(super) struct Floor {
    child: Child,
    target: Target,
    /// As long as what jeton is sent.
    request: Vec<u8>,
}

impl<'a> Bench<'a> {
    /// Registers clients and starts floors whose requests and answers are as long as those of this jeton.
    pub(super) fn prepare(options: &'a SuiteOptions, service: Service) -> anyhow::Result<Self> {
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

    /// A run of a scenario against jeton.
    pub(super) fn measure(&self, scenario: Scenario, pace: Pace) -> anyhow::Result<Report> {
        let runtime = runtime()?;
        let workloads = runtime.block_on(self.setup.prepare(scenario))?;
        let mut plan = self.plan(scenario.name(), &self.setup.target, pace, self.service.child.pid());
        if scenario == Scenario::Code {
            // codes are few, and redeeming warms nothing that refreshing has not warmed before
            plan.warmup = plan.warmup.min(CODE_WARMUP);
        }
        announce(run(&plan, workloads))
    }

    /// A run against a floor.
    pub(super) fn floor(&self, floor: &Floor, pace: Pace) -> anyhow::Result<Report> {
        let workload = || Workload::same(floor.request.clone(), b"\"access_token\"");
        let workloads = (0..self.options.connections).map(|_| workload()).collect();
        announce(run(&self.plan("limit", &floor.target, pace, floor.child.pid()), workloads))
    }

    /// JWKS in an open loop from a thread of its own, beside a closed loop of client_credentials; and the same of the
    /// floor, because both generators and the server want the same two cores.
    pub(super) fn jwks_while_saturated(&self) -> (anyhow::Result<Report>, anyhow::Result<Report>) {
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
            spread: false,
            pace,
            warmup: self.options.measure.warmup(),
            duration: self.options.measure.duration(),
            requests: None,
            pid: Some(pid),
        }
    }

    /// Store operations since the start.
    pub(super) fn operations(&self) -> anyhow::Result<f64> {
        Ok(counter_sum(&self.service.metrics()?, "jeton_store_operations_total"))
    }
}

/// Shows a run as soon as it is done: the table comes only at the end.
fn announce(report: anyhow::Result<Report>) -> anyhow::Result<Report> {
    if let Ok(report) = &report {
        eprintln!("{report}");
    }
    report
}
