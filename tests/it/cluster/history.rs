//! The history of a run: what was promised and not kept, and what each fault cost.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jeton::internals::Stopwatch;

use crate::support::say;

/// A client that repeats its refresh for so long after the first lost answer must keep its family.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// An engine is away for a request that was sent so long after the last acknowledgement.
const AWAY: Duration = Duration::from_secs(1);
/// A request that cannot be served is answered within this.
const SOON: Duration = Duration::from_secs(1);

/// Promises of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Promise {
    /// A code is redeemed once.
    CodeOnce,
    /// A rotation or revocation that was acknowledged is there ever after.
    Acknowledged,
    /// A successor has the next generation, and no node meets a generation that its database does not know.
    Forward,
    /// A client that repeats its own refresh keeps its family.
    OwnRetry,
    /// A token is only issued by what is durable.
    Durable,
    /// Client credentials need no engine.
    Credentials,
    /// Everything else: unexpected answers, a 503 without Retry-After, a fault that could not be mended.
    Orderly,
}

impl Promise {
    const ALL: [(Self, &str); 7] = [
        (Self::CodeOnce, "codes won twice"),
        (Self::Acknowledged, "acknowledgements lost"),
        (Self::Forward, "generations gone back"),
        (Self::OwnRetry, "families lost by an own retry"),
        (Self::Durable, "tokens from an unknown outcome"),
        (Self::Credentials, "client credentials refused"),
        (Self::Orderly, "other violations"),
    ];
}

/// What a fault cost.
#[derive(Clone, Debug, Default)]
pub(super) struct Cost {
    /// Longest time without an acknowledged write.
    pub(super) outage: Duration,
    pub(super) acknowledged: u64,
    /// Answers 503.
    pub(super) unavailable: u64,
    /// Connections that ended without an answer, and could not be made.
    pub(super) broken: u64,
    /// Requests that were sent while the engine was away, and those of them that were answered 503 within a second.
    pub(super) away: u64,
    pub(super) soon: u64,
    /// The longest time to an answer 503.
    pub(super) slowest: Duration,
    pub(super) credentials: u64,
    /// Connections of client credentials that ended without an answer.
    pub(super) credentials_broken: u64,
}

#[derive(Default)]
struct State {
    last: Duration,
    cost: Cost,
    violations: Vec<(Promise, String)>,
    /// Sums over the run.
    totals: Totals,
}

/// What happened in the whole run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    pub(super) codes: u64,
    pub(super) losers: u64,
    /// Won codes that were shown again later and refused, and those for which no answer came while they were valid.
    pub(super) replayed: u64,
    pub(super) unproven: u64,
    pub(super) rotations: u64,
    pub(super) revocations: u64,
    /// Families whose refresh could only be repeated after [`PATIENCE`], and that were lost then.
    pub(super) late: u64,
}

/// The history; shared by all workers.
pub(super) struct History {
    since: Stopwatch,
    state: Mutex<State>,
}

impl History {
    pub(super) fn new() -> Self {
        Self { since: Stopwatch::start(), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time since the beginning.
    pub(super) fn now(&self) -> Duration {
        self.since.elapsed()
    }

    pub(super) fn broke(&self, promise: Promise, how: String) {
        let at = self.now().as_secs_f64();
        let mut state = self.state();
        // the first ones tell; the number of all is kept
        if state.violations.iter().filter(|(own, _)| *own == promise).count() < 5 {
            say(format_args!("violation at {at:.1} s: {promise:?}: {how}"));
        }
        state.violations.push((promise, how));
    }

    /// A write was acknowledged.
    pub(super) fn acknowledged(&self, count: impl FnOnce(&mut Totals)) {
        let now = self.now();
        let mut state = self.state();
        state.cost.outage = state.cost.outage.max(now.saturating_sub(state.last));
        state.last = state.last.max(now);
        state.cost.acknowledged += 1;
        count(&mut state.totals);
    }

    pub(super) fn count(&self, count: impl FnOnce(&mut Totals)) {
        count(&mut self.state().totals);
    }

    /// A request that needs the engine was answered 503.
    pub(super) fn unavailable(&self, sent: Duration) {
        let now = self.now();
        let mut state = self.state();
        let took = now.saturating_sub(sent);
        state.cost.unavailable += 1;
        state.cost.slowest = state.cost.slowest.max(took);
        if sent >= state.last + AWAY {
            state.cost.away += 1;
            state.cost.soon += u64::from(took <= SOON);
        }
    }

    /// A request that needs the engine got no answer.
    pub(super) fn broken(&self, sent: Duration, timed_out: bool) {
        let mut state = self.state();
        state.cost.broken += 1;
        state.cost.away += u64::from(timed_out && sent >= state.last + AWAY);
    }

    pub(super) fn credentials(&self, answered: bool) {
        let mut state = self.state();
        state.cost.credentials += u64::from(answered);
        state.cost.credentials_broken += u64::from(!answered);
    }

    /// Begins the account of a fault.
    pub(super) fn begin(&self) {
        let now = self.now();
        let mut state = self.state();
        state.last = now;
        state.cost = Cost::default();
    }

    /// Ends it.
    pub(super) fn end(&self) -> Cost {
        let now = self.now();
        let mut state = self.state();
        state.cost.outage = state.cost.outage.max(now.saturating_sub(state.last));
        std::mem::take(&mut state.cost)
    }

    pub(super) fn totals(&self) -> Totals {
        self.state().totals
    }

    /// How often a promise was broken.
    pub(super) fn violations(&self, promise: Promise) -> usize {
        self.state().violations.iter().filter(|(own, _)| *own == promise).count()
    }

    /// How often each promise was broken, in words.
    pub(super) fn verdict(&self) -> String {
        Promise::ALL.map(|(promise, words)| format!("{} {words}", self.violations(promise))).join(", ")
    }

    /// Fails if any promise was broken.
    pub(super) fn conclude(&self) {
        let state = self.state();
        let first: Vec<_> = state.violations.iter().take(10).collect();
        assert!(first.is_empty(), "{} violations: {first:#?}", state.violations.len());
    }
}
