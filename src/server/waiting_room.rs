//! The listeners while the shared store is away at the start: a node has no keys and knows no clients then, so everybody is
//! asked to come back, and operators can see why. A load balancer leaves the node alone, and nobody has to start it again.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::http::request::Parts;
use socket2::SockRef;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::material::Certificates;
use crate::config::Config;
use crate::http::shutdown::shutdown;
use crate::http::{self, Admission, Drained, Fault, Handler, Request, Response, Stop, Surface, respond};
use crate::metrics::Metrics;

/// Longest time for the requests in it to end.
const DRAIN: Duration = Duration::from_millis(250);

/// Answers everybody that the node cannot serve yet.
pub(super) struct WaitingRoom {
    stops: Vec<Stop>,
    tasks: Vec<JoinHandle<Drained>>,
}

impl WaitingRoom {
    /// Opens it on both listeners, which stay open when it is closed.
    pub(super) fn open(
        listeners: [&TcpListener; 2],
        config: &Config,
        tls: &Certificates,
        metrics: &Metrics,
        reason: String,
    ) -> io::Result<Self> {
        let [public, admin] = listeners.map(copy);
        let mut room = Self { stops: Vec::new(), tasks: Vec::new() };
        let reason: Arc<str> = reason.into();
        let parts = [
            ("public", public?, tls.public.clone(), config.public.limits.clone()),
            ("admin", admin?, tls.admin.clone(), config.admin.limits.clone()),
        ];
        for (name, listener, tls, limits) in parts {
            let handler = Arc::new(NotYet { name, reason: reason.clone(), metrics: metrics.clone() });
            let surface = Surface { name, tls, handler, limits, metrics: metrics.clone() };
            let (stop, heard) = shutdown();
            room.stops.push(stop);
            room.tasks.push(tokio::spawn(http::serve(listener, surface, heard)));
        }
        Ok(room)
    }

    /// Closes it; connections are asked to come again.
    pub(super) async fn close(self) {
        self.stops.iter().for_each(|stop| stop.drain(DRAIN));
        for task in self.tasks {
            let _ = task.await;
        }
    }
}

/// Returns another handle of the same socket.
fn copy(listener: &TcpListener) -> io::Result<TcpListener> {
    TcpListener::from_std(SockRef::from(listener).try_clone()?.into())
}

/// Says that the node does not serve yet.
struct NotYet {
    name: &'static str,
    reason: Arc<str>,
    metrics: Metrics,
}

impl NotYet {
    fn answer(&self, path: &str) -> Response {
        let text = "text/plain; charset=utf-8";
        let answer = match (self.name, path) {
            ("admin", "/livez") => return respond::answer(200, text, "ok\n"),
            ("admin", "/metrics") => {
                return respond::answer(200, "text/plain; version=0.0.4; charset=utf-8", self.metrics.render());
            }
            ("admin", _) => {
                respond::answer(503, text, format!("not ready: the store is unavailable: {}\n", self.reason))
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
