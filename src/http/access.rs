//! One log line per request, written at the edge. Never a token, code, secret, verifier or anything else that the
//! request carried; the id of a client that did not authenticate is called claimed (CHECKLIST 75).

use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderValue;

use super::{Request, Response};
use crate::auth::{AuthFailure, ClaimedName};
use crate::grant::Error;
use crate::protocol::error::OAuthError;

/// Facts about a request that its endpoint found out, for the log line and the dialect's error body.
#[derive(Default)]
pub(crate) struct RequestLog {
    /// The grant type, or `unknown`; empty away from the token endpoint.
    pub grant: Arc<str>,
    /// The authenticated client.
    pub client: Option<String>,
    /// The client that a failed authentication claimed.
    pub claimed: Option<ClaimedName>,
    /// The error of the answer.
    pub error: Option<OAuthError>,
    /// The cause of the error; for operators only.
    pub reason: Option<String>,
    /// The message of the operator's user service to the person; for the answer, not for the log.
    pub message: Option<String>,
    /// The id of the refusal, if the dialect has one.
    pub request_id: Option<String>,
}

impl RequestLog {
    /// Notes a failed client authentication.
    pub(crate) fn fail(&mut self, failure: &AuthFailure) {
        self.error = Some(failure.error);
        self.reason = Some(failure.reason.to_owned());
        self.claimed.clone_from(&failure.claimed);
    }

    /// Notes why something was not granted: the chain of causes.
    pub(crate) fn explain(&mut self, error: &Error) {
        self.reason = Some(crate::cause::chain(error));
        self.message = error.message().map(str::to_owned);
    }

    /// Writes the line of a request that was answered.
    pub(crate) fn write(
        &self,
        endpoint: &'static str,
        issuer: &str,
        request: &Request,
        response: &Response,
        elapsed: Duration,
    ) {
        let status = response.status();
        let trace = request.headers.get("traceparent").and_then(trace_id);
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        let grant = &*self.grant;
        let (client, error, reason) =
            (self.client.as_deref(), self.error.map(|error| error.code.name()), self.reason.as_deref());
        let (claimed_client, request_id) = (self.claimed.as_ref().map(ClaimedName::as_str), self.request_id.as_deref());
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    target: "access", endpoint, issuer, grant, client, claimed_client, status = status.as_u16(), error,
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
        if let Some(refused) = self.error {
            let reason = reason.unwrap_or(refused.description);
            tracing::debug!(
                target: "refused", endpoint, issuer, grant, client, claimed_client, status = status.as_u16(),
                error, reason, "request refused"
            );
        }
    }
}

/// The trace id of a W3C `traceparent` header: 32 lower-case hex digits, or nothing.
fn trace_id(header: &HeaderValue) -> Option<&str> {
    let mut parts = header.to_str().ok()?.split('-');
    let (version, trace) = (parts.next()?, parts.next()?);
    let hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (version.len() == 2 && trace.len() == 32 && hex(trace)).then_some(trace)
}
