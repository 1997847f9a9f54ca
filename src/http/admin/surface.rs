//! The handler of the admin listener: the token first, then the call, its log line and its audit line.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::http::request::Parts;
use percent_encoding::percent_decode_str;

use super::dispatch::dispatch;
use super::operation;
use super::problem::Problem;
use super::target::AuditTarget;
use super::token::AdminToken;
use crate::http::access::RequestLog;
use crate::http::observer::Observers;
use crate::http::{Admission, Fault, Handler, Request, Response, respond};
use crate::limit::lines::LineBudget;
use crate::metrics::Stopwatch;
use crate::service::Service;

/// Longest body of an admin request, in bytes.
pub(crate) const MAX_BODY: usize = 256 * 1024;
const PREFIX: &str = "/admin/v1/";
/// Labels of calls in logs and metrics; paths carry ids, labels do not.
const LABELS: [&str; 10] =
    ["clients", "secrets", "codes", "device", "users", "keys", "revocations", "config", "reload", "open"];

/// The admin surface of a service.
pub(crate) struct Admin {
    service: Arc<Service>,
    token: AdminToken,
    observers: Observers,
    /// Limits the log lines of refused calls, which anybody without a token can cause.
    refusals: LineBudget,
}

impl Admin {
    /// The surface of `service`, for holders of `token`.
    pub(crate) fn new(service: Arc<Service>, token: AdminToken) -> Self {
        let observers = Observers::new(&service.context.metrics, &LABELS);
        Self { service, token, observers, refusals: LineBudget::default() }
    }
}

impl Handler for Admin {
    type Target = ();

    fn admit(&self, head: &Parts, peer: IpAddr) -> Result<Admission<()>, Box<Response>> {
        let guarded = head.uri.path().starts_with("/admin/");
        if guarded && !self.token.admits(&head.headers) {
            if let Some(suppressed) = self.refusals.take(self.service.context.clock.now()) {
                let suppressed = Some(suppressed).filter(|count| *count > 0);
                tracing::warn!(target: "audit", event = "admin_refused", call = label(head.uri.path()), %peer, suppressed);
            }
            return Err(self.observers.refused_early(respond::challenge(
                Problem::new(401, "send the admin token as `Authorization: Bearer <token>`").into(),
                r#"Bearer realm="jeton-admin""#,
            )));
        }
        Ok(Admission { max_body: MAX_BODY, target: () })
    }

    async fn handle(&self, request: Request, _target: ()) -> Response {
        let watch = Stopwatch::start();
        let Some(path) = request.path().strip_prefix(PREFIX) else {
            return operation::open(&self.service, &request);
        };
        let segments: Option<Vec<String>> = path
            .split('/')
            .map(|segment| percent_decode_str(segment).decode_utf8().ok().map(|text| text.into_owned()))
            .collect();
        let segments = segments.unwrap_or_default();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (label, answer) = dispatch(&self.service, &request, &segments).await;
        let response = answer.unwrap_or_else(Response::from);
        let issuer = segments.get(1).copied().unwrap_or_default();
        let elapsed = watch.elapsed();
        let index = LABELS.iter().position(|known| *known == label).unwrap_or(LABELS.len());
        self.observers.answered(index, response.status(), elapsed);
        RequestLog::default().write(label, issuer, &request, &response, elapsed);
        AuditTarget::of(&segments, &request, &response).audit(label, issuer, &request, &response);
        response
    }

    fn fault(&self, fault: Fault, _head: Option<&Parts>) -> Response {
        let detail = match fault {
            Fault::Malformed => "the HTTP request is malformed",
            Fault::HeadTooLarge => "the request has too many header fields",
            Fault::BodyTooLarge => "the body is larger than 256 KiB",
            Fault::BodyTimeout => "the body did not arrive in time",
            Fault::Coding => "the body has a Content-Encoding; send it without",
            Fault::Expectation => "the only expectation that is met is 100-continue",
            Fault::Overloaded => "too many requests at once; try again",
            Fault::Panicked => "the service failed; its log says more",
        };
        let answer = Problem::new(fault.status().as_u16(), detail).into();
        let answer =
            if fault == Fault::Overloaded { respond::retry_after(answer, Duration::from_secs(1)) } else { answer };
        *self.observers.refused_early(answer)
    }
}

/// Returns the label of a path that anybody may have sent; nothing else of the path.
fn label(path: &str) -> &'static str {
    path.split('/').rev().find_map(|segment| LABELS.into_iter().find(|label| *label == segment)).unwrap_or("open")
}
