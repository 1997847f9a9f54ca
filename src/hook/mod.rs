//! Hooks: services of the operator that decide what jeton cannot, asked by an HTTP POST with a JSON body.
//!
//! Always true: no more calls of a hook are in flight than it may have, none takes longer than its timeout, no answer
//! is longer than [`MAX_ANSWER`], and while its [`Breaker`] is open it is not called at all. What is sent and answered
//! reaches no log. The grants that have one call it from their own tasks, so a slow hook holds up nobody else.

mod breaker;
mod counters;
mod error;
mod kind;
mod settings;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::metrics::{GaugeGuard, Metrics};
pub(crate) use breaker::{Breaker, BreakerRules, CallEnd, Ticket};
use counters::HookCounters;
pub(crate) use error::HookError;
pub(crate) use kind::HookKind;
pub(crate) use settings::HookSettings;

/// Longest answer of a hook, in bytes.
pub(crate) const MAX_ANSWER: usize = 64 * 1024;

/// Sends to one place; `http::post` has the real one.
pub trait Post: Send + Sync {
    /// Posts a JSON `body` and reads the whole answer, at most [`MAX_ANSWER`] bytes of it.
    fn post(&self, body: Vec<u8>) -> Posting<'_>;
}

/// The future of [`Post::post`]: status and content, or the failure for the log.
pub(crate) type Posting<'a> = Pin<Box<dyn Future<Output = Result<(u16, Bytes), String>> + Send + 'a>>;

/// A hook in use. A reload makes a new one.
pub struct Hook {
    kind: HookKind,
    timeout: Duration,
    post: Box<dyn Post>,
    permits: Semaphore,
    rules: BreakerRules,
    state: Mutex<BreakerState>,
    /// Resolved by the first call.
    counters: OnceLock<HookCounters>,
}

#[derive(Default)]
struct BreakerState {
    breaker: Breaker,
    /// While the breaker is not closed.
    counted: Option<GaugeGuard>,
}

impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hook").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Hook {
    /// A hook with settings that were checked; `post` knows where it is.
    pub fn new(kind: HookKind, settings: &HookSettings, post: Box<dyn Post>) -> Self {
        Self {
            kind,
            timeout: settings.timeout,
            post,
            permits: Semaphore::new(settings.max_in_flight),
            rules: BreakerRules { failures: settings.breaker_failures, pause: settings.breaker_pause },
            state: Mutex::default(),
            counters: OnceLock::new(),
        }
    }

    /// Posts a JSON `body`; gives status and content of the answer; a status of 500 or more is a
    /// failure, 429 is none, or somebody whom the hook slows down would take it from everybody else.
    ///
    /// # Errors
    /// The failure to get an answer: at once if the hook is busy or its breaker is open.
    pub async fn call(&self, body: Vec<u8>, clock: &Clock, metrics: &Metrics) -> Result<(u16, Bytes), HookError> {
        let counters = self.counters.get_or_init(|| HookCounters::new(metrics, self.kind));
        let answer = self.admitted(body, clock, counters).await;
        counters.count(answer.as_ref().err());
        answer
    }

    async fn admitted(&self, body: Vec<u8>, clock: &Clock, counters: &HookCounters) -> Result<(u16, Bytes), HookError> {
        // before the breaker, so that a probe is never one that is refused here
        let _permit = self.permits.try_acquire().map_err(|_| HookError::Busy)?;
        let ticket = self.change(|breaker| breaker.admit(&self.rules, clock.now()), counters).ok_or(HookError::Open)?;
        let mut report = Report { hook: self, clock, counters, ticket, end: CallEnd::Abandoned };
        let answer = match tokio::time::timeout(self.timeout, self.post.post(body)).await {
            Ok(Ok((429, _))) => Err(HookError::Limited),
            Ok(Ok((status, _))) if status >= 500 => Err(HookError::Failed(format!("status {status}"))),
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(reason)) => Err(HookError::Failed(reason)),
            Err(_) => Err(HookError::Late),
        };
        let answered = matches!(answer, Ok(_) | Err(HookError::Limited));
        report.end = if answered { CallEnd::Answered } else { CallEnd::Failed };
        answer
    }

    fn change<T>(&self, step: impl FnOnce(Breaker) -> (Breaker, T), counters: &HookCounters) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (breaker, answer) = step(state.breaker);
        state.breaker = breaker;
        if breaker.is_closed() == state.counted.is_some() {
            state.counted = (!breaker.is_closed()).then(|| GaugeGuard::new(&counters.open_breakers));
            let (hook, open) = (self.kind.name(), !breaker.is_closed());
            tracing::warn!(hook, open, "the circuit breaker of a hook changed");
        }
        answer
    }
}

/// Tells the breaker how a call ended, also one whose task was dropped.
struct Report<'a> {
    hook: &'a Hook,
    clock: &'a Clock,
    counters: &'a HookCounters,
    ticket: Ticket,
    end: CallEnd,
}

impl Drop for Report<'_> {
    fn drop(&mut self) {
        let now = self.clock.now();
        self.hook.change(|breaker| (breaker.report(self.ticket, self.end, &self.hook.rules, now), ()), self.counters);
    }
}

#[cfg(test)]
mod tests;
