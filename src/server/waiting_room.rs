//! The listeners while the shared store is away at the start: a node has no keys and knows no clients then, so everybody is
//! asked to come back, and operators can see why. A load balancer leaves the node alone, and nobody has to start it again.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::material::Certificates;
use crate::config::Config;
use crate::http::not_yet::NotYet;
use crate::http::shutdown::shutdown;
use crate::http::{self, Drained, Stop, Surface};
use crate::metrics::Metrics;
use crate::store::Lifecycle;

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
        store: Arc<dyn Lifecycle>,
    ) -> io::Result<Self> {
        let [public, admin] = listeners.map(copy);
        let mut room = Self { stops: Vec::new(), tasks: Vec::new() };
        let parts = [
            ("public", public?, tls.public.clone(), config.public.limits.clone()),
            ("admin", admin?, tls.admin.clone(), config.admin.limits.clone()),
        ];
        for (name, listener, tls, limits) in parts {
            let handler = Arc::new(NotYet::new(name, store.clone(), metrics.clone()));
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
