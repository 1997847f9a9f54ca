//! What the workers of a run counted, from the end of the warm-up on.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::connection::ExchangeError;
use crate::histogram::Histogram;
use crate::process::{Usage, machine_cpu_seconds};
use crate::workload::Verdict;

/// Use of resources when the measured part began.
#[derive(Clone, Copy)]
pub(crate) struct Begun {
    /// Of the generator.
    pub(crate) own: Usage,
    /// Of the server, if its pid is known.
    pub(crate) server: Option<Usage>,
    /// CPU seconds of the whole machine.
    pub(crate) machine: f64,
}

/// Counts of one run.
pub(crate) struct Tally {
    from: Duration,
    to: Duration,
    pid: Option<u32>,
    /// Set by the first answer of the measured part.
    pub(crate) begun: Option<Begun>,
    /// Latencies of right answers, in nanoseconds.
    pub(crate) right: Histogram,
    /// Latencies of refusals.
    pub(crate) refused: Histogram,
    /// Everything but right answers, by status or kind: a closed set of statuses, so it stays small.
    pub(crate) failures: BTreeMap<String, u64>,
    /// When the last answer that counts came.
    pub(crate) last: Duration,
    /// Connections opened again.
    pub(crate) reconnects: u64,
}

impl Tally {
    /// Counts what falls between `from` and `to`.
    pub(crate) fn new(from: Duration, to: Duration, pid: Option<u32>) -> Self {
        Self {
            from,
            to,
            pid,
            begun: None,
            right: Histogram::new(),
            refused: Histogram::new(),
            failures: BTreeMap::new(),
            last: Duration::ZERO,
            reconnects: 0,
        }
    }

    /// Counts an answer to a request that began (or should have begun) at `begin`. `slot` decides whether it counts.
    pub(crate) fn answered(&mut self, slot: Duration, begin: Duration, now: Duration, status: u16, verdict: Verdict) {
        if !self.counts(slot) {
            return;
        }
        self.last = now;
        let nanos = u64::try_from(now.saturating_sub(begin).as_nanos()).unwrap_or(u64::MAX);
        match verdict {
            Verdict::Right => self.right.record(nanos),
            Verdict::Refused => {
                self.refused.record(nanos);
                self.fail(format!("status {status}"));
            }
            Verdict::Wrong => self.fail(format!("status {status} with a wrong body")),
        }
    }

    /// Counts a request without an answer.
    pub(crate) fn broke(&mut self, slot: Duration, error: &ExchangeError) {
        if self.counts(slot) {
            self.fail(match error {
                ExchangeError::Io(error) => format!("{}", error.kind()),
                ExchangeError::Malformed(malformed) => malformed.to_string(),
            });
        }
    }

    fn counts(&mut self, slot: Duration) -> bool {
        if slot < self.from || slot >= self.to {
            return false;
        }
        if self.begun.is_none() {
            // `/proc/self` is always there; a server that is gone will show as failures
            let own = Usage::own().ok();
            let server = self.pid.and_then(|pid| Usage::of(pid).ok());
            self.begun = own.map(|own| Begun { own, server, machine: machine_cpu_seconds() });
        }
        true
    }

    fn fail(&mut self, what: String) {
        *self.failures.entry(what).or_default() += 1;
    }
}
