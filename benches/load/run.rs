//! One run: connections that each work through a [`Workload`] at a [`Pace`], on one thread, so that the generator takes
//! no more of the machine than it must. Every wait is bounded: a run ends at most `DRAIN` after its last request was due.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use jeton::internals::Stopwatch;
use tokio::sync::Semaphore;
use tokio::task::LocalSet;

use crate::connection::Connection;
use crate::pace::{Pacer, Schedule};
use crate::process::{Usage, forget_peak, machine_cpu_seconds};
use crate::report::{Report, ServerUse};
use crate::tally::Tally;
use crate::workload::Workload;

/// How long answers may still come after the end.
const DRAIN: Duration = Duration::from_secs(5);
/// How often, and how long apart, a lost connection is tried again before its worker gives up.
const RECONNECTS: (u32, Duration) = (100, Duration::from_millis(50));

/// What to measure.
#[derive(Clone)]
pub(crate) struct Plan {
    /// For the report.
    pub(crate) name: String,
    /// The server.
    pub(crate) address: SocketAddr,
    /// Whether each connection comes from a loopback address of its own.
    pub(crate) spread: bool,
    /// Closed or open loop.
    pub(crate) pace: Pace,
    /// Not measured, at the start.
    pub(crate) warmup: Duration,
    /// The measured part.
    pub(crate) duration: Duration,
    /// End earlier, after so many requests (the warm-up's included).
    pub(crate) requests: Option<u64>,
    /// Process whose CPU and memory to report.
    pub(crate) pid: Option<u32>,
}

/// When the next request starts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// When the last one was answered: finds the peak.
    Closed,
    /// So many a second, whatever the answers do: finds the latency.
    Open(f64),
}

/// Runs `plan` with one connection for each of `workloads`.
pub(crate) fn run(plan: &Plan, workloads: Vec<Workload>) -> anyhow::Result<Report> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, drive(plan, workloads))
}

async fn drive(plan: &Plan, workloads: Vec<Workload>) -> anyhow::Result<Report> {
    let connections = workloads.len();
    let mut pairs = Vec::with_capacity(connections);
    for (number, workload) in workloads.into_iter().enumerate() {
        let [high, low] = u16::try_from(number).unwrap_or(u16::MAX).to_be_bytes();
        let source = plan.spread.then(|| [127, 1, high, low.max(1)].into());
        let connection = Connection::open_from(source, plan.address).await;
        pairs.push((workload, connection.with_context(|| format!("failed to connect to {}", plan.address))?));
    }
    if let Some(pid) = plan.pid {
        forget_peak(pid);
    }
    let origin = Stopwatch::start();
    let end = plan.warmup + plan.duration;
    let schedule = match plan.pace {
        Pace::Closed => None,
        Pace::Open(rate) => Some(Schedule::new(rate, end)),
    };
    let pacer = schedule.map(|schedule| (schedule, Pacer::start(schedule, origin, connections)));
    let run = Rc::new(Run {
        origin,
        end: Cell::new(end),
        limit: plan.requests.unwrap_or(u64::MAX),
        started: Cell::new(0),
        in_flight: Cell::new(0),
        arrivals: pacer.as_ref().map(|(schedule, pacer)| (*schedule, pacer.due.clone())),
        tally: RefCell::new(Tally::new(plan.warmup, end, plan.pid)),
    });
    let workers: Vec<_> = pairs
        .into_iter()
        .map(|(workload, connection)| tokio::task::spawn_local(run.clone().work(workload, connection)))
        .collect();
    let all = async {
        for worker in workers {
            // a worker that panicked has said why
            let _ = worker.await;
        }
    };
    let in_time = tokio::time::timeout(end + DRAIN, all).await.is_ok();
    run.report(plan, connections, in_time)
}

/// What the workers of a run share; one thread, so cells suffice and no borrow crosses an await.
struct Run {
    origin: Stopwatch,
    end: Cell<Duration>,
    limit: u64,
    started: Cell<u64>,
    in_flight: Cell<u64>,
    arrivals: Option<(Schedule, Rc<Semaphore>)>,
    tally: RefCell<Tally>,
}

impl Run {
    async fn work(self: Rc<Self>, mut workload: Workload, mut connection: Connection) {
        while let Some(begin) = self.next_start().await {
            let Some(request) = workload.request() else {
                // out of codes or chains: the measured part ends for everyone, not one by one
                self.end_now();
                break;
            };
            self.in_flight.set(self.in_flight.get() + 1);
            let exchanged = connection.exchange(request).await;
            self.in_flight.set(self.in_flight.get() - 1);
            let now = self.origin.elapsed();
            let lost = match exchanged {
                Ok(reply) => {
                    let verdict = workload.answered(reply.status, reply.body);
                    self.tally.borrow_mut().answered(self.slot(begin, now), begin, now, reply.status, verdict);
                    false
                }
                Err(error) => {
                    self.tally.borrow_mut().broke(self.slot(begin, now), &error);
                    true
                }
            };
            match self.keep_open(&mut connection, lost).await {
                Ok(reopened) => self.tally.borrow_mut().reconnects += u64::from(reopened),
                Err(error) => {
                    self.tally.borrow_mut().broke(now, &error.into());
                    break;
                }
            }
        }
    }

    /// The moment that decides whether a request belongs to the measured part: in an open loop when it was due, so that
    /// slow ones cannot escape; in a closed loop when it was answered.
    fn slot(&self, begin: Duration, now: Duration) -> Duration {
        if self.arrivals.is_some() { begin } else { now }
    }

    /// Waits for the next request's turn; when it starts or should have started. `None` when the run is over.
    async fn next_start(&self) -> Option<Duration> {
        if self.started.get() >= self.limit {
            self.end_now();
            return None;
        }
        let Some((schedule, due)) = &self.arrivals else {
            self.started.set(self.started.get() + 1);
            return Some(self.origin.elapsed()).filter(|now| *now < self.end.get());
        };
        due.acquire().await.ok()?.forget();
        let begin = schedule.at(self.started.get()).filter(|begin| *begin < self.end.get())?;
        self.started.set(self.started.get() + 1);
        Some(begin)
    }

    fn end_now(&self) {
        self.end.set(self.end.get().min(self.origin.elapsed()));
    }

    async fn keep_open(&self, connection: &mut Connection, lost: bool) -> std::io::Result<bool> {
        if !lost {
            return connection.renew_if_closing().await;
        }
        let (mut left, pause) = RECONNECTS;
        loop {
            match connection.reopen().await {
                Ok(()) => return Ok(true),
                Err(error) if left == 0 || self.origin.elapsed() > self.end.get() => return Err(error),
                Err(_) => left -= 1,
            }
            #[expect(clippy::disallowed_methods, reason = "a server that is being restarted needs a moment")]
            tokio::time::sleep(pause).await;
        }
    }

    fn report(&self, plan: &Plan, connections: usize, in_time: bool) -> anyhow::Result<Report> {
        let tally = self.tally.borrow();
        let end = self.end.get().max(if self.arrivals.is_some() { tally.last } else { Duration::ZERO });
        let (Some(begun), true) = (tally.begun, end > plan.warmup) else {
            bail!("{}: no answer after the warm-up; ask for more requests or a shorter warm-up", plan.name);
        };
        let seconds = (end - plan.warmup).as_secs_f64();
        let mut failures = tally.failures.clone();
        if !in_time && self.in_flight.get() > 0 {
            failures.insert("unanswered".to_owned(), self.in_flight.get());
        }
        let arrivals = self.arrivals.as_ref().map_or(0, |(schedule, _)| schedule.total().min(self.limit));
        let server = match (plan.pid, begun.server) {
            (Some(pid), Some(before)) => {
                let after = Usage::of(pid)?;
                Some(ServerUse { cpu_seconds: after.cpu_seconds - before.cpu_seconds, rss_peak: after.rss_peak })
            }
            _ => None,
        };
        let generator_cpu_seconds = Usage::own()?.cpu_seconds - begun.own.cpu_seconds;
        let known = generator_cpu_seconds + server.as_ref().map_or(0.0, |server| server.cpu_seconds);
        let pace = match plan.pace {
            Pace::Closed => "closed loop".to_owned(),
            Pace::Open(rate) => format!("open loop at {rate:.0}/s"),
        };
        let exhausted = self.end.get() < plan.warmup + plan.duration;
        Ok(Report {
            scenario: plan.name.clone(),
            pace,
            connections,
            seconds,
            right: tally.right.count(),
            per_second: tally.right.count() as f64 / seconds,
            latency: crate::report::Latency::of(&tally.right),
            refusal_latency: crate::report::Latency::of(&tally.refused),
            failures,
            unsent: if exhausted { 0 } else { arrivals.saturating_sub(self.started.get()) },
            reconnects: tally.reconnects,
            generator_cpu_seconds,
            server,
            others_cpu_seconds: (machine_cpu_seconds() - begun.machine - known).max(0.0),
        })
    }
}
