//! One log line and one set of metrics per request, written at the edge. Never a token, code, secret, verifier or
//! anything else the request carried; the id of a client that did not authenticate is called claimed (CHECKLIST 75).

use hyper::StatusCode;
use hyper::header::HeaderValue;
use prometheus::{Histogram, IntCounter, IntCounterVec};

use super::{Request, Response};
use crate::auth::{AuthFailure, ClaimedName};
use crate::grant::Error;
use crate::metrics::{Metrics, Stopwatch};
use crate::protocol::error::OAuthError;

/// What an endpoint tells the log line.
#[derive(Default)]
pub struct Told {
    /// The grant type, if the router knows it.
    pub grant: String,
    /// The authenticated client.
    pub client: Option<String>,
    /// The client that a failed authentication claimed.
    pub claimed: Option<ClaimedName>,
    /// The error that was answered.
    pub error: Option<OAuthError>,
    /// What was behind it; for operators only.
    pub reason: Option<String>,
    /// What a user service of the operator's says to the person; for the answer, not for the log.
    pub message: Option<String>,
    /// The id of the refusal, if the dialect has one.
    pub request_id: Option<String>,
}

impl Told {
    /// Notes a failed authentication.
    pub fn fail(&mut self, failure: &AuthFailure) {
        self.error = Some(failure.error);
        self.reason = Some(failure.reason.to_owned());
        self.claimed.clone_from(&failure.claimed);
    }

    /// Notes why something was not granted: the chain of causes.
    pub fn explain(&mut self, error: &Error) {
        self.reason = Some(crate::cause::chain(error));
        self.message = error.message().map(str::to_owned);
    }

    /// `ok` or the error code.
    pub fn outcome(&self) -> &'static str {
        self.error.map_or("ok", |error| error.code.outcome())
    }
}

/// The metrics of a surface, resolved once.
pub struct Observers {
    requests: IntCounterVec,
    endpoints: Vec<Observer>,
}

/// What every answer of an endpoint touches.
struct Observer {
    endpoint: &'static str,
    duration: Histogram,
    /// Answers with 200, which is most of them.
    ok: IntCounter,
}

impl Observers {
    /// Resolves the metrics of `endpoints`.
    pub fn new(metrics: &Metrics, endpoints: Vec<&'static str>) -> Self {
        let observer = |endpoint: &'static str| Observer {
            endpoint,
            duration: metrics.http_duration.with_label_values(&[endpoint]),
            ok: metrics.http_requests.with_label_values(&[endpoint, StatusCode::OK.as_str()]),
        };
        Self { requests: metrics.http_requests.clone(), endpoints: endpoints.into_iter().map(observer).collect() }
    }

    /// Counts and logs an answer.
    pub fn answered(
        &self,
        endpoint: &'static str,
        issuer: &str,
        request: &Request,
        response: &Response,
        told: &Told,
        watch: Stopwatch,
    ) {
        let status = response.status();
        let elapsed = watch.elapsed();
        let observer = self.endpoints.iter().find(|observer| observer.endpoint == endpoint);
        match observer {
            Some(observer) if status == StatusCode::OK => observer.ok.inc(),
            _ => self.requests.with_label_values(&[endpoint, status.as_str()]).inc(),
        }
        if let Some(observer) = observer {
            observer.duration.observe(elapsed.as_secs_f64());
        }
        let trace = request.headers.get("traceparent").and_then(trace_id);
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        let (client, error, reason) =
            (told.client.as_deref(), told.error.map(|error| error.code.name()), told.reason.as_deref());
        let (claimed_client, request_id) = (told.claimed.as_ref().map(ClaimedName::as_str), told.request_id.as_deref());
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    target: "access", endpoint, issuer, grant = told.grant, client, claimed_client, status = status.as_u16(), error,
                    reason, duration_us = micros, peer = %request.peer, trace_id = trace, request_id, "request"
                )
            };
        }
        if status.is_server_error() {
            line!(warn)
        } else {
            line!(info)
        }
        // for `jeton dev`, which leaves out the lines above
        if let Some(refused) = told.error {
            let reason = reason.unwrap_or(refused.description);
            tracing::debug!(
                target: "refused", endpoint, issuer, grant = told.grant, client, claimed_client, status = status.as_u16(),
                error, reason, "request refused"
            );
        }
    }

    /// Counts an answer given before the body was read.
    pub fn turned_away(&self, response: Response) -> Box<Response> {
        self.requests.with_label_values(&["none", response.status().as_str()]).inc();
        Box::new(response)
    }
}

/// The trace id of a W3C `traceparent` header: 32 lower-case hex digits, or nothing.
fn trace_id(header: &HeaderValue) -> Option<&str> {
    let mut parts = header.to_str().ok()?.split('-');
    let (version, trace) = (parts.next()?, parts.next()?);
    let hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (version.len() == 2 && trace.len() == 32 && hex(trace)).then_some(trace)
}
