//! Hooks: services of the operator's that decide what jeton cannot, asked by an HTTP POST with a JSON body.
//!
//! Always true: no more calls of a hook are in flight than it may have, none takes longer than its timeout, no answer
//! is longer than [`MAX_ANSWER`], and while its [`Breaker`] is open it is not called at all. What is sent and answered
//! reaches no log. The grants that have one call it from their own tasks, so a slow hook holds up nobody else.

mod breaker;

use std::borrow::Cow;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use prometheus::IntGauge;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use url::Url;

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::protocol::uri;
pub use breaker::{Breaker, BreakerRules, End, Ticket};

/// Longest answer of a hook, in bytes.
pub const MAX_ANSWER: usize = 64 * 1024;

/// Where a hook is and how much it is asked, as it stands in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookSettings {
    /// https, or http on a loopback address; no user, no fragment.
    pub url: String,
    /// A secret file with a token that is sent as `Authorization: Bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// PEM certificates that an https hook is trusted by; absent means the authorities that browsers trust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// How long a call may take, with everything.
    #[serde(default = "two_seconds", with = "humantime_serde")]
    pub timeout: Duration,
    /// Calls in flight at a time; more are refused at once.
    #[serde(default = "sixty_four")]
    pub max_in_flight: usize,
    /// Failures in a row after which the hook is left alone.
    #[serde(default = "five")]
    pub breaker_failures: u32,
    /// For how long it is left alone before one call tries it again.
    #[serde(default = "five_seconds", with = "humantime_serde")]
    pub breaker_pause: Duration,
}

fn two_seconds() -> Duration {
    Duration::from_secs(2)
}

fn five_seconds() -> Duration {
    Duration::from_secs(5)
}

fn sixty_four() -> usize {
    64
}

fn five() -> u32 {
    5
}

impl HookSettings {
    /// The defaults for the hook at `url`.
    pub fn at(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            token_file: None,
            ca_file: None,
            timeout: two_seconds(),
            max_in_flight: sixty_four(),
            breaker_failures: five(),
            breaker_pause: five_seconds(),
        }
    }

    /// The URL, if every setting keeps its rule.
    ///
    /// # Errors
    /// The first that does not: its name, its value and the rule.
    pub fn check(&self) -> Result<Url, (&'static str, String, Cow<'static, str>)> {
        let spans = [
            ("timeout", self.timeout, Duration::from_secs(10), "10ms to 10s"),
            ("breaker_pause", self.breaker_pause, Duration::from_secs(600), "10ms to 10m"),
        ];
        for (setting, span, most, rule) in spans {
            if span < Duration::from_millis(10) || span > most {
                return Err((setting, format!("{span:?}"), rule.into()));
            }
        }
        if !(1..=4096).contains(&self.max_in_flight) {
            return Err(("max_in_flight", self.max_in_flight.to_string(), "1 to 4096".into()));
        }
        if !(1..=1000).contains(&self.breaker_failures) {
            return Err(("breaker_failures", self.breaker_failures.to_string(), "1 to 1000".into()));
        }
        let rule = "https, or http on a loopback address; no user and no fragment";
        let parsed = Url::parse(&self.url).ok().filter(is_acceptable);
        parsed.ok_or_else(|| ("url", uri::shown(&self.url), rule.into()))?;
        uri::canonical(&self.url).map_err(|error| ("url", uri::shown(&self.url), error.to_string().into()))
    }
}

fn is_acceptable(url: &Url) -> bool {
    let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let scheme = url.scheme() == "https" || url.scheme() == "http" && loopback;
    scheme && url.username().is_empty() && url.password().is_none() && url.fragment().is_none()
}

/// What hooks are for: the label of their metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookKind {
    /// Checks the passwords of an issuer's users.
    Password,
    /// Decides a custom grant.
    Grant,
}

impl HookKind {
    /// The label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Grant => "grant",
        }
    }
}

/// Sends to one place; `http::post` has the real one.
pub trait Post: Send + Sync {
    /// Posts a JSON `body` and reads the whole answer, at most [`MAX_ANSWER`] bytes of it.
    fn post(&self, body: Vec<u8>) -> Posting<'_>;
}

/// What [`Post::post`] gives: status and content, or why there is neither, for the log.
pub type Posting<'a> = Pin<Box<dyn Future<Output = Result<(u16, Bytes), String>> + Send + 'a>>;

/// Why a hook gave no answer that decides. All of them mean "try again later".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    /// As many calls are in flight as there may be.
    #[error("too many calls of the hook are in flight")]
    Busy,
    /// It failed too often and is left alone for a while.
    #[error("the hook failed too often and is left alone for a while")]
    Open,
    /// It did not answer in time.
    #[error("the hook did not answer in time")]
    Late,
    /// It answered 429: this request is one too many, which says nothing about the next.
    #[error("the hook answered 429: too many requests")]
    Limited,
    /// It cannot be reached, broke off, said too much or answered 5xx.
    #[error("the hook failed: {0}")]
    Failed(String),
}

impl HookError {
    /// The label.
    const fn name(&self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Open => "open",
            Self::Late => "late",
            Self::Limited => "limited",
            Self::Failed(_) => "failed",
        }
    }
}

/// A hook in use. A reload makes a new one.
pub struct Hook {
    kind: HookKind,
    timeout: Duration,
    post: Box<dyn Post>,
    permits: Semaphore,
    rules: BreakerRules,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    breaker: Breaker,
    /// While the breaker is not closed.
    counted: Option<Counted>,
}

/// One more in a gauge, until it is dropped.
struct Counted(IntGauge);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
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
        }
    }

    /// Posts a JSON `body`; gives status and content of the answer; a status of 500 or more is a
    /// failure, 429 is none, or somebody whom the hook slows down would take it from everybody else.
    ///
    /// # Errors
    /// Why there is no answer: at once if the hook is busy or left alone.
    pub async fn call(&self, body: Vec<u8>, clock: &Clock, metrics: &Metrics) -> Result<(u16, Bytes), HookError> {
        let answer = self.admitted(body, clock, metrics).await;
        let outcome = answer.as_ref().err().map_or("answered", HookError::name);
        metrics.hook_requests.with_label_values(&[self.kind.name(), outcome]).inc();
        answer
    }

    async fn admitted(&self, body: Vec<u8>, clock: &Clock, metrics: &Metrics) -> Result<(u16, Bytes), HookError> {
        // before the breaker, so that a probe is never one that is refused here
        let _permit = self.permits.try_acquire().map_err(|_| HookError::Busy)?;
        let ticket = self.change(|breaker| breaker.admit(&self.rules, clock.now()), metrics).ok_or(HookError::Open)?;
        let mut report = Report { hook: self, clock, metrics, ticket, end: End::Abandoned };
        let answer = match tokio::time::timeout(self.timeout, self.post.post(body)).await {
            Ok(Ok((429, _))) => Err(HookError::Limited),
            Ok(Ok((status, _))) if status >= 500 => Err(HookError::Failed(format!("status {status}"))),
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(reason)) => Err(HookError::Failed(reason)),
            Err(_) => Err(HookError::Late),
        };
        let answered = matches!(answer, Ok(_) | Err(HookError::Limited));
        report.end = if answered { End::Answered } else { End::Failed };
        answer
    }

    fn change<T>(&self, step: impl FnOnce(Breaker) -> (Breaker, T), metrics: &Metrics) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (breaker, answer) = step(state.breaker);
        state.breaker = breaker;
        if breaker.is_closed() == state.counted.is_some() {
            state.counted = (!breaker.is_closed()).then(|| {
                let gauge = metrics.hook_breakers_open.with_label_values(&[self.kind.name()]);
                gauge.inc();
                Counted(gauge)
            });
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
    metrics: &'a Metrics,
    ticket: Ticket,
    end: End,
}

impl Drop for Report<'_> {
    fn drop(&mut self) {
        let now = self.clock.now();
        self.hook.change(|breaker| (breaker.report(self.ticket, self.end, &self.hook.rules, now), ()), self.metrics);
    }
}

#[cfg(test)]
mod tests;
