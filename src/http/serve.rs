//! One listener: accepts up to its cap, serves each connection in a task, drains when told to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use prometheus::{IntCounter, IntGauge};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

use super::body::PendingBodies;
use super::connection::{ConnectionEnd, PeerInfo, Protocols, converse};
use super::cut::{CutCounters, CutReason};
use super::exchange::ListenerContext;
use super::limits::Limits;
use super::listener::Acceptor;
use super::request::Handler;
use super::shutdown::Shutdown;
use super::tls::{Tls, peer};
use crate::metrics::{GaugeGuard, Metrics};

/// The ends of the connections that were open when the drain began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Ended by themselves, their last request answered.
    pub finished: usize,
    /// Cut at the deadline.
    pub cut: usize,
}

/// Time after the deadline for the tasks of cut connections to end.
const GRACE: Duration = Duration::from_millis(250);

struct Listener<H> {
    shared: Arc<ListenerContext<H>>,
    protocols: Protocols,
    tls: Option<TlsAcceptor>,
    handshakes: Semaphore,
    open: IntGauge,
    accepted: IntCounter,
    /// Times that a connection had to wait for another to end.
    shed: IntCounter,
    cut_by_reason: CutCounters,
    shutdown: Shutdown,
    /// Connections that ended by themselves during the drain.
    finished: AtomicUsize,
    /// Connections that the drain cut.
    cut: AtomicUsize,
    /// Connections ever accepted.
    born: AtomicU64,
}

/// A surface of the service behind a listener.
pub(crate) struct Surface<H> {
    /// The label of the listener in metrics.
    pub name: &'static str,
    /// The certificate, if the listener speaks TLS.
    pub tls: Option<Tls>,
    /// Answers the requests.
    pub handler: Arc<H>,
    /// The limits of the listener.
    pub limits: Limits,
    /// The metrics.
    pub metrics: Metrics,
}

/// Serves `surface` on `listener` until `shutdown` is given, then drains it: stops accepting, lets requests end, closes
/// connections that stay idle, and cuts what is left at the deadline.
pub(crate) async fn serve<H: Handler>(listener: TcpListener, surface: Surface<H>, shutdown: Shutdown) -> Drained {
    let places = surface.limits.max_connections.min(Semaphore::MAX_PERMITS);
    let connections = Arc::new(Semaphore::new(places));
    let this = Arc::new(Listener::new(surface, shutdown.clone()));
    let mut acceptor = Acceptor::default();
    loop {
        let place = tokio::select! {
            biased;
            () = shutdown.draining() => break,
            place = this.place(&connections) => place,
        };
        let (stream, peer) = tokio::select! {
            biased;
            () = shutdown.draining() => break,
            accepted = acceptor.accept(&listener) => accepted,
        };
        let Some(place) = place else { break };
        this.begin(stream, peer, place);
    }
    // what the kernel has accepted for us is served: closing the listener would reset it
    while let Ok(place) = Arc::clone(&connections).try_acquire_owned() {
        tokio::select! {
            biased;
            (stream, peer) = acceptor.accept(&listener) => this.begin(stream, peer, place),
            () = std::future::ready(()) => break,
        }
    }
    // from here on the kernel refuses
    drop(listener);
    let deadline = shutdown.deadline().unwrap_or_else(tokio::time::Instant::now);
    let everything = connections.acquire_many(u32::try_from(places).unwrap_or(u32::MAX));
    let stuck = match timeout_at(deadline + GRACE, everything).await {
        Ok(_) => 0,
        Err(_) => places - connections.available_permits(),
    };
    Drained { finished: this.finished.load(Relaxed), cut: this.cut.load(Relaxed) + stuck }
}

impl<H: Handler> Listener<H> {
    fn new(Surface { name, tls, handler, limits, metrics }: Surface<H>, shutdown: Shutdown) -> Self {
        let shared = ListenerContext {
            handler,
            pending: PendingBodies::new(limits.max_pending_body_bytes),
            in_flight: AtomicUsize::new(0),
            in_flight_gauge: metrics.http_in_flight.clone(),
            shed_in_flight: metrics.shed.with_label_values(&["in_flight"]),
            shed_bodies: metrics.shed.with_label_values(&["bodies"]),
            limits: Arc::new(limits),
        };
        Self {
            protocols: Protocols::new(&shared.limits),
            handshakes: Semaphore::new(shared.limits.max_handshakes),
            shared: Arc::new(shared),
            tls: tls.as_ref().map(Tls::acceptor),
            open: metrics.connections.with_label_values(&[name]),
            accepted: metrics.connections_accepted.with_label_values(&[name]),
            shed: metrics.shed.with_label_values(&["connections"]),
            cut_by_reason: CutCounters::new(&metrics),
            shutdown,
            finished: AtomicUsize::new(0),
            cut: AtomicUsize::new(0),
            born: AtomicU64::new(0),
        }
    }

    /// Waits for a permit for one more connection.
    async fn place(&self, connections: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
        if connections.available_permits() == 0 {
            self.shed.inc();
        }
        Arc::clone(connections).acquire_owned().await.ok()
    }

    fn begin(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr, place: OwnedSemaphorePermit) {
        self.accepted.inc();
        tokio::spawn(Arc::clone(self).connection(stream, peer, place));
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, _place: OwnedSemaphorePermit) {
        let _open = GaugeGuard::new(&self.open);
        let mut origin = PeerInfo { peer: peer.ip().to_canonical(), certificate: None, age: self.age() };
        let shared = Arc::clone(&self.shared);
        let end = match &self.tls {
            None => converse(stream, origin, shared, &self.protocols, &self.shutdown).await,
            // large futures, and only TLS connections should pay for them
            Some(tls) => match Box::pin(self.handshake(tls, stream)).await {
                Ok(stream) => {
                    origin.certificate = peer::chain(stream.get_ref().1);
                    Box::pin(converse(stream, origin, shared, &self.protocols, &self.shutdown)).await
                }
                Err(end) => end,
            },
        };
        if let ConnectionEnd::Cut(reason) = end {
            self.cut_by_reason.count(reason);
        }
        if end == ConnectionEnd::Cut(CutReason::Drain) {
            self.cut.fetch_add(1, Relaxed);
        } else if self.shutdown.deadline().is_some() {
            self.finished.fetch_add(1, Relaxed);
        }
    }

    async fn handshake(
        &self,
        tls: &TlsAcceptor,
        stream: TcpStream,
    ) -> Result<tokio_rustls::server::TlsStream<TcpStream>, ConnectionEnd> {
        let shaken = async {
            let _turn = self.handshakes.acquire().await;
            tls.accept(stream).await
        };
        tokio::select! {
            shaken = timeout(self.shared.limits.handshake_timeout, shaken) => match shaken {
                Ok(Ok(stream)) => Ok(stream),
                Ok(Err(error)) => {
                    tracing::debug!(%error, "failed to shake hands");
                    Err(ConnectionEnd::Cut(CutReason::Tls))
                }
                Err(_) => Err(ConnectionEnd::Cut(CutReason::Handshake)),
            },
            // nothing has been asked yet
            () = self.shutdown.parted() => Err(ConnectionEnd::Finished),
        }
    }

    /// The age at which the next connection retires: 90 % to 110 % of the limit, evenly spread, so that connections
    /// opened together do not all come back together.
    fn age(&self) -> Duration {
        const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
        let spread = self.born.fetch_add(1, Relaxed).wrapping_mul(GOLDEN) >> 32;
        let tenths = spread as f64 / f64::from(u32::MAX) * 0.2;
        self.shared.limits.max_age.mul_f64(0.9 + tenths)
    }
}
