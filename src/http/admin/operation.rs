//! Endpoints for operators and their machines: health, metrics, version, configuration, reload.

use hyper::Method;

use super::body::{self, AdminResult};
use super::problem::Problem;
use crate::http::{Request, Response, respond};
use crate::service::Service;
use crate::store::Health;

/// The calls that need no token.
pub(super) fn open(service: &Service, request: &Request) -> Response {
    if request.method != Method::GET && request.method != Method::HEAD {
        return Problem::method_not_allowed(&[Method::GET, Method::HEAD]).into();
    }
    match request.path() {
        "/metrics" => metrics(service),
        "/livez" => respond::text(200, "ok\n"),
        "/readyz" | "/healthz" => ready(service),
        "/version" => body::json(200, &serde_json::json!({ "version": env!("CARGO_PKG_VERSION") })),
        _ => Problem::new(404, "there is no such resource; the admin API is under /admin/v1/").into(),
    }
}

fn metrics(service: &Service) -> Response {
    let metrics = &service.context.metrics;
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    metrics.clients.set(count(service.registry.len()));
    metrics.issuers.set(count(service.registry.snapshot().issuers.len()));
    respond::exposition(metrics)
}

/// Ready means: serving, and the store takes writes.
fn ready(service: &Service) -> Response {
    let health = service.context.shards.health();
    let (status, text) = match (service.phase.is_serving(), health) {
        (true, Health::Ready) => (200, "ready\n".to_owned()),
        (false, _) => (503, "not ready: starting or draining\n".to_owned()),
        (true, Health::Unavailable(reason)) => (503, format!("not ready: the store is unavailable: {reason}\n")),
        (true, Health::Failed(reason)) => (503, format!("not ready: the store failed: {reason}\n")),
    };
    respond::text(status, text)
}

pub(super) fn config(service: &Service) -> Response {
    body::json(200, &service.operator.config())
}

pub(super) async fn reload(service: &Service) -> AdminResult {
    match service.operator.reload().await {
        Ok(reloaded) => Ok(body::json(200, &reloaded)),
        Err(reason) => Err(Problem::new(400, format!("the configuration was not reloaded: {reason}"))),
    }
}
