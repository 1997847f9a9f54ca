//! What a run came to, for people and for programs.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::histogram::Histogram;

/// The figures of one run, over its measured part only.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// What was asked.
    pub(crate) scenario: String,
    /// `closed`, or the arrivals a second of an open loop.
    pub(crate) pace: String,
    /// Connections used.
    pub(crate) connections: usize,
    /// Length of the measured part.
    pub(crate) seconds: f64,
    /// Right answers.
    pub(crate) right: u64,
    /// Right answers a second.
    pub(crate) per_second: f64,
    /// Latency of right answers; in an open loop from when the request should have started.
    pub(crate) latency: Latency,
    /// Latency of refusals (any status but 200).
    pub(crate) refusal_latency: Latency,
    /// Everything else than a right answer, by status or kind.
    pub(crate) failures: BTreeMap<String, u64>,
    /// Open loop: requests that were due but never sent, because every connection was busy.
    pub(crate) unsent: u64,
    /// Connections opened again.
    pub(crate) reconnects: u64,
    /// CPU seconds of the generator.
    pub(crate) generator_cpu_seconds: f64,
    /// CPU and memory of the server, if its pid is known.
    pub(crate) server: Option<ServerUse>,
    /// CPU seconds of everything else on the machine (of the server, too, if its pid is not known): a run that others
    /// disturbed proves little.
    pub(crate) others_cpu_seconds: f64,
}

/// CPU and memory of the server over a run.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct ServerUse {
    /// CPU seconds.
    pub(crate) cpu_seconds: f64,
    /// Most resident bytes.
    pub(crate) rss_peak: u64,
}

/// Percentiles, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Latency {
    /// The median.
    pub(crate) p50: f64,
    /// 99 of 100.
    pub(crate) p99: f64,
    /// 999 of 1,000.
    pub(crate) p999: f64,
    /// The longest.
    pub(crate) max: f64,
}

impl Latency {
    /// Of nanoseconds.
    pub(crate) fn of(histogram: &Histogram) -> Self {
        let millis = |nanos: u64| nanos as f64 / 1e6;
        Self {
            p50: millis(histogram.percentile(0.5)),
            p99: millis(histogram.percentile(0.99)),
            p999: millis(histogram.percentile(0.999)),
            max: millis(histogram.max()),
        }
    }
}

impl Report {
    /// Everything that was not a right answer.
    pub(crate) fn failed(&self) -> u64 {
        self.failures.values().sum::<u64>() + self.unsent
    }

    /// The failures in words; empty if there are none.
    pub(crate) fn trouble(&self) -> String {
        let mut parts: Vec<String> = self.failures.iter().map(|(what, count)| format!("{count} x {what}")).collect();
        if self.unsent > 0 {
            parts.push(format!("{} x unsent", self.unsent));
        }
        parts.join(", ")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Latency { p50, p99, p999, max } = self.latency;
        writeln!(f, "{} ({}, {} connections, {:.1} s)", self.scenario, self.pace, self.connections, self.seconds)?;
        writeln!(f, "  {:.0} right answers/s ({} in all)", self.per_second, self.right)?;
        writeln!(f, "  latency ms: p50 {p50:.3}  p99 {p99:.3}  p99.9 {p999:.3}  max {max:.3}")?;
        if self.failed() > 0 {
            writeln!(f, "  failures: {} (refusals p99 {:.3} ms)", self.trouble(), self.refusal_latency.p99)?;
        }
        if self.reconnects > 0 {
            writeln!(f, "  reconnects: {}", self.reconnects)?;
        }
        let share = |cpu: f64| format!("{:.0} % of a core", 100.0 * cpu / self.seconds.max(0.001));
        write!(f, "  CPU: generator {}", share(self.generator_cpu_seconds))?;
        if let Some(server) = &self.server {
            let mib = server.rss_peak as f64 / (1024.0 * 1024.0);
            write!(f, ", server {} (RSS peak {mib:.1} MiB)", share(server.cpu_seconds))?;
        }
        write!(f, ", others {}", share(self.others_cpu_seconds))?;
        Ok(())
    }
}
