//! One connection's life: opened within its time, spoken to in its protocol, watched until it ends.
//!
//! hyper's own head timer stays off: it also runs while a keep-alive connection is idle, and costs an allocation
//! and two visits to the timer wheel per request. [`Watchdog`] replaces it.

use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::time::{Instant, sleep_until};

use super::cut::CutReason;
use super::exchange::{ConnectionContext, ListenerContext, exchange};
use super::io::{Io, OpenError, Transport, open};
use super::limits::Limits;
use super::request::Handler;
use super::shutdown::Shutdown;
use super::state::{ConnectionState, Protocol};
use super::watchdog::{Watchdog, WatchdogAction};
use crate::x509::Chain;

/// The end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConnectionEnd {
    /// By HTTP's rules, from either side.
    Finished,
    /// By one of the listener's limits.
    Cut(CutReason),
}

/// The builders of both protocols, set up once per listener.
#[derive(Debug, Clone)]
pub(super) struct Protocols {
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
}

impl Protocols {
    pub(super) fn new(limits: &Limits) -> Self {
        let mut http1 = http1::Builder::new();
        // a peer that has ended its sending side waits for the answer all the same (RFC 9112 section 9.6)
        http1.half_close(true).header_read_timeout(None);
        http1.max_header_size(limits.max_header_bytes).max_buf_size(limits.max_header_bytes);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.max_streams)
            .max_header_list_size(u32::try_from(limits.max_header_bytes).unwrap_or(u32::MAX))
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .max_send_buf_size(WINDOW as usize)
            .max_pending_accept_reset_streams(MOST_RESETS)
            .max_local_error_reset_streams(MOST_ERRORS)
            .keep_alive_interval(limits.ping_interval)
            .keep_alive_timeout(limits.ping_timeout);
        Self { http1, http2 }
    }
}

/// HTTP/2 windows, in bytes: enough for token traffic, little to hold per connection.
const WINDOW: u32 = 64 * 1024;
/// Streams reset before they were answered, after which an HTTP/2 connection is closed (CVE-2023-44487).
const MOST_RESETS: usize = 20;
/// Streams we had to reset for the peer's errors, after which an HTTP/2 connection is closed (RUSTSEC-2024-0003).
const MOST_ERRORS: usize = 64;

/// The peer of a connection.
#[derive(Debug)]
pub(super) struct PeerInfo {
    pub(super) peer: IpAddr,
    /// The certificates that the peer showed in the TLS handshake.
    pub(super) certificate: Option<Arc<Chain>>,
    /// Age at which the connection retires.
    pub(super) age: Duration,
}

/// Serves one connection, after TLS if there is any, until it ends.
pub(super) async fn converse<H: Handler, S: Transport>(
    mut stream: S,
    origin: PeerInfo,
    shared: Arc<ListenerContext<H>>,
    protocols: &Protocols,
    shutdown: &Shutdown,
) -> ConnectionEnd {
    let limits = Arc::clone(&shared.limits);
    let opening = tokio::select! {
        opening = open(&mut stream, limits.first_byte_timeout, limits.header_timeout) => opening,
        // nothing has been asked yet
        () = shutdown.parted() => return ConnectionEnd::Finished,
    };
    let opening = match opening {
        Ok(opening) => opening,
        Err(OpenError::Silent) => return ConnectionEnd::Cut(CutReason::FirstByte),
        Err(OpenError::Partial) => return ConnectionEnd::Cut(CutReason::Header),
        Err(OpenError::Gone) => return ConnectionEnd::Finished,
    };
    let state = Arc::new(ConnectionState::new(opening.protocol));
    let mut watchdog = Watchdog::new(Arc::clone(&state), limits, opening.since, origin.age);
    let protocol = opening.protocol;
    let mut io = TokioIo::new(Io::new(stream, opening, Arc::clone(&state)));
    let PeerInfo { peer, certificate, .. } = origin;
    let context = Arc::new(ConnectionContext { shared, state, shutdown: shutdown.clone(), peer, certificate });
    let service = service_fn(move |request| exchange(Arc::clone(&context), request));
    match protocol {
        Protocol::Http1 => loop {
            // boxed, with what watches it, so that a parked connection does not keep their room
            let mut connection = Box::new(protocols.http1.serve_connection(io, service.clone()));
            let close = http1::Connection::graceful_shutdown;
            let idle_until = match Box::pin(watch(Pin::new(&mut *connection), close, &mut watchdog, shutdown)).await {
                Watched::Ended(end) => return end,
                Watched::Parked(until) => until,
            };
            // an idle connection keeps its socket, not the 16 KiB of hyper's buffers
            let http1::Parts { io: unbuffered, read_buf, .. } = connection.into_parts();
            io = unbuffered;
            if !read_buf.is_empty() {
                watchdog.never_park();
                io.inner_mut().unread(read_buf);
                continue;
            }
            // empty, and yet it holds what hyper read into
            drop(read_buf);
            tokio::select! {
                next = io.inner_mut().next_request(idle_until) => match next {
                    Ok(()) => {}
                    Err(OpenError::Gone) => return ConnectionEnd::Finished,
                    Err(OpenError::Silent | OpenError::Partial) => return ConnectionEnd::Cut(CutReason::Idle),
                },
                () = shutdown.parted() => return ConnectionEnd::Finished,
            }
        },
        Protocol::Http2 => {
            let mut connection = Box::pin(protocols.http2.serve_connection(io, service));
            match watch(connection.as_mut(), http2::Connection::graceful_shutdown, &mut watchdog, shutdown).await {
                Watched::Ended(end) => end,
                // only HTTP/1 connections are parked
                Watched::Parked(_) => ConnectionEnd::Finished,
            }
        }
    }
}

/// The outcome of watching a connection.
enum Watched {
    Ended(ConnectionEnd),
    /// Idle for so long that its buffers are worth more than its readiness; until when it may stay idle.
    Parked(Instant),
}

/// Drives `connection` and takes the steps of its watchdog.
async fn watch<C: Future<Output = hyper::Result<()>>>(
    mut connection: Pin<&mut C>,
    close: fn(Pin<&mut C>),
    watchdog: &mut Watchdog,
    shutdown: &Shutdown,
) -> Watched {
    let mut alarm = pin!(sleep_until(Instant::now()));
    let mut armed: Option<Instant> = None;
    let mut raised = pin!(shutdown.raised());
    let mut listening = false;
    let mut reason = None;
    poll_fn(|cx| {
        loop {
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                return Poll::Ready(Watched::Ended(end(ended, reason)));
            }
            // this task is registered for the signal once; from then on it costs one load, until it is given
            if !listening || shutdown.is_leaving() {
                listening = true;
                while raised.as_mut().poll(cx).is_ready() {
                    raised.set(shutdown.raised());
                }
            }
            let now = Instant::now();
            match watchdog.check(now, shutdown.is_leaving(), shutdown.deadline()) {
                WatchdogAction::Cut(CutReason::Linger) => return Poll::Ready(Watched::Ended(ConnectionEnd::Finished)),
                WatchdogAction::Cut(reason) => return Poll::Ready(Watched::Ended(ConnectionEnd::Cut(reason))),
                WatchdogAction::Park(until) => return Poll::Ready(Watched::Parked(until)),
                WatchdogAction::Close(why) => {
                    reason = Some(why);
                    close(connection.as_mut());
                }
                WatchdogAction::Wait(until) => {
                    if armed.is_none_or(|armed| until < armed || now >= armed) {
                        alarm.as_mut().reset(until);
                        armed = Some(until);
                        if alarm.as_mut().poll(cx).is_ready() {
                            continue;
                        }
                    }
                    return Poll::Pending;
                }
            }
        }
    })
    .await
}

fn end(ended: hyper::Result<()>, closed: Option<CutReason>) -> ConnectionEnd {
    match (ended, closed) {
        (Err(error), _) if error.is_parse() => ConnectionEnd::Cut(CutReason::Malformed),
        (_, Some(CutReason::Idle)) => ConnectionEnd::Cut(CutReason::Idle),
        // the rest is the peer going away, as it may
        _ => ConnectionEnd::Finished,
    }
}
