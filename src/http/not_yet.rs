//! The answers of a node that waits for its store at the start: 503 for everybody, and for operators the reason.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::http::request::Parts;

use super::{Admission, Fault, Handler, Request, Response, respond};
use crate::metrics::Metrics;
use crate::store::{Health, Lifecycle};

/// Answers that the node does not serve yet.
pub(crate) struct NotYet {
    name: &'static str,
    store: Arc<dyn Lifecycle>,
    metrics: Metrics,
}

impl NotYet {
    /// Makes the answers of the listener `name`; operators are told what `store` lacks.
    pub(crate) fn new(name: &'static str, store: Arc<dyn Lifecycle>, metrics: Metrics) -> Self {
        Self { name, store, metrics }
    }

    fn answer(&self, path: &str) -> Response {
        let answer = match (self.name, path) {
            ("admin", "/livez") => return respond::text(200, "ok\n"),
            ("admin", "/metrics") => return respond::exposition(&self.metrics),
            ("admin", _) => {
                let reason = match self.store.health() {
                    Health::Ready => "the node is starting".to_owned(),
                    Health::Unavailable(reason) | Health::Failed(reason) => {
                        format!("the store is unavailable: {reason}")
                    }
                };
                respond::text(503, format!("not ready: {reason}\n"))
            }
            _ => respond::json(
                503,
                r#"{"error":"temporarily_unavailable","error_description":"the service is starting; try again"}"#,
            ),
        };
        respond::retry_after(answer, Duration::from_secs(1))
    }
}

impl Handler for NotYet {
    type Target = ();

    fn admit(&self, head: &Parts, _peer: IpAddr) -> Result<Admission<()>, Box<Response>> {
        Err(Box::new(self.answer(head.uri.path())))
    }

    async fn handle(&self, request: Request, (): ()) -> Response {
        self.answer(request.path())
    }

    fn fault(&self, fault: Fault, _head: Option<&Parts>) -> Response {
        respond::json(fault.status().as_u16(), r#"{"error":"temporarily_unavailable"}"#)
    }
}
