//! Constructors of answers: JSON, `no-store` on everything that could carry a credential, and the right status with
//! the right companions (CHECKLIST 7-9).

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::StatusCode;
use hyper::header::{
    CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};

use super::Response;
use crate::metrics::Metrics;

/// An answer with a body of `content_type`, not to be stored.
pub(super) fn answer(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A text for people, not to be stored.
pub(super) fn text(status: u16, body: impl Into<Bytes>) -> Response {
    answer(status, "text/plain; charset=utf-8", body)
}

/// The metrics, for Prometheus.
pub(super) fn exposition(metrics: &Metrics) -> Response {
    answer(200, "text/plain; version=0.0.4; charset=utf-8", metrics.render())
}

/// A JSON answer, not to be stored.
pub(super) fn json(status: u16, body: impl Into<Bytes>) -> Response {
    answer(status, "application/json", body)
}

/// Adds a header.
pub(super) fn with(mut response: Response, name: HeaderName, value: HeaderValue) -> Response {
    response.headers_mut().insert(name, value);
    response
}

/// Adds `Retry-After`, in whole seconds and at least one.
pub(super) fn retry_after(response: Response, wait: Duration) -> Response {
    let seconds = wait.as_millis().div_ceil(1000).max(1);
    let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
    with(response, RETRY_AFTER, HeaderValue::from(seconds))
}

/// Adds the challenge that a 401 needs (RFC 9110 section 11.6.1).
pub(super) fn challenge(response: Response, scheme: &'static str) -> Response {
    with(response, WWW_AUTHENTICATE, HeaderValue::from_static(scheme))
}
