//! One request: checked, its body taken in, handled, answered.
//!
//! Whatever goes wrong here ends in exactly one answer, and in a closed connection if bytes of the request are left
//! over (RFC 9112 sections 3.2, 6.1, 6.3; CHECKLIST 10, 12).

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::Poll;

use hyper::body::{Body, Incoming};
use hyper::header::{ACCEPT_ENCODING, CONNECTION, HeaderValue, ORIGIN};
use hyper::http::request::Parts;
use prometheus::{IntCounter, IntGauge};

use super::body::{PendingBodies, collect};
use super::head;
use super::limits::Limits;
use super::request::{Admission, Fault, Handler, Request, Response};
use super::shutdown::Shutdown;
use super::state::{ConnectionState, Protocol};
use crate::x509::Chain;

/// State shared by all requests of a listener.
pub(super) struct ListenerContext<H> {
    pub(super) handler: Arc<H>,
    pub(super) limits: Arc<Limits>,
    pub(super) pending: PendingBodies,
    pub(super) in_flight: AtomicUsize,
    pub(super) in_flight_gauge: IntGauge,
    pub(super) shed_in_flight: IntCounter,
    pub(super) shed_bodies: IntCounter,
}

/// State shared by the requests of one connection.
pub(super) struct ConnectionContext<H> {
    pub(super) shared: Arc<ListenerContext<H>>,
    pub(super) state: Arc<ConnectionState>,
    pub(super) shutdown: Shutdown,
    pub(super) peer: IpAddr,
    pub(super) certificate: Option<Arc<Chain>>,
}

/// The answer that refuses a request by its head.
struct HeadRefusal {
    answer: Box<Response>,
    /// True if another request may follow once this one is read to its end.
    understood: bool,
}

/// A permit among the requests in flight; returned on drop.
struct InFlightPermit<'a, H>(&'a ListenerContext<H>);

impl<H> Drop for InFlightPermit<'_, H> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Relaxed);
        self.0.in_flight_gauge.dec();
    }
}

/// Tells the connection's state that the answer is ready, also if the exchange is dropped half way.
struct ExchangeGuard<'a> {
    state: &'a ConnectionState,
    unread: bool,
    answered: bool,
}

impl Drop for ExchangeGuard<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.state.abandon();
        }
        self.state.end(self.unread);
    }
}

/// Answers one request of a connection; never fails.
pub(super) async fn exchange<H: Handler>(
    context: Arc<ConnectionContext<H>>,
    request: hyper::Request<Incoming>,
) -> Result<Response, Infallible> {
    let trusted = context.state.begin();
    let (head, body) = request.into_parts();
    let mut turn = ExchangeGuard { state: &context.state, unread: !body.is_end_stream(), answered: false };
    let mut response = match context.admit(trusted, &head) {
        Err(HeadRefusal { answer, understood }) => {
            turn.unread |= !understood;
            *answer
        }
        Ok(Admission { max_body, target }) => {
            match collect(body, max_body, context.shared.limits.body_timeout, &context.shared.pending).await {
                Err(fault) => context.refuse(fault, Some(&head)),
                Ok(body) => {
                    turn.unread = false;
                    context.state.handling();
                    context.handle(head, body, target).await
                }
            }
        }
    };
    let used_up = context.shared.limits.max_requests.is_some_and(|most| context.state.served() >= most);
    let last = turn.unread || used_up || context.state.retired() || context.shutdown.is_leaving();
    if last && context.state.protocol() == Protocol::Http1 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    turn.answered = true;
    Ok(response)
}

impl<H: Handler> ConnectionContext<H> {
    /// Checks all that can be checked before the body.
    fn admit(&self, trusted: bool, head: &Parts) -> Result<Admission<H::Target>, HeadRefusal> {
        let refuse = |fault, understood| HeadRefusal { answer: Box::new(self.refuse(fault, Some(head))), understood };
        if !trusted || head::is_malformed(head) {
            return Err(refuse(Fault::Malformed, false));
        }
        if head.headers.len() > self.shared.limits.max_headers {
            return Err(refuse(Fault::HeadTooLarge, false));
        }
        if let Some(fault) = head::refusal(&head.headers) {
            return Err(refuse(fault, true));
        }
        catch_unwind(AssertUnwindSafe(|| self.shared.handler.admit(head, self.peer)))
            .unwrap_or_else(|_| Err(Box::new(self.refuse(Fault::Panicked, Some(head)))))
            .map_err(|answer| HeadRefusal { answer, understood: true })
    }

    async fn handle(&self, head: Parts, body: bytes::Bytes, target: H::Target) -> Response {
        let Some(_place) = self.shared.enter() else {
            self.shared.shed_in_flight.inc();
            return self.shared.handler.fault(Fault::Overloaded, Some(&head));
        };
        // a browser shall be able to read the answer to a panic; nobody else pays for it
        let browser = head.headers.contains_key(ORIGIN).then(|| head.clone());
        let Parts { method, uri, headers, .. } = head;
        let certificate = self.certificate.clone();
        let request = Request { method, uri, headers, body, peer: self.peer, certificate };
        let handler = &self.shared.handler;
        let mut answer = pin!(async move { handler.handle(request, target).await });
        poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(cx))) {
            Ok(polled) => polled,
            Err(_) => Poll::Ready(self.refuse(Fault::Panicked, browser.as_ref())),
        })
        .await
    }

    fn refuse(&self, fault: Fault, head: Option<&Parts>) -> Response {
        match fault {
            Fault::Panicked => tracing::error!("a handler panicked"),
            Fault::Overloaded => self.shared.shed_bodies.inc(),
            Fault::Malformed
            | Fault::HeadTooLarge
            | Fault::BodyTooLarge
            | Fault::BodyTimeout
            | Fault::Coding
            | Fault::Expectation => tracing::debug!(?fault, peer = %self.peer, "refused a request"),
        }
        let mut answer = self.shared.handler.fault(fault, head);
        if fault == Fault::Coding {
            // RFC 9110 section 15.5.16: what would be taken
            answer.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        answer
    }
}

impl<H> ListenerContext<H> {
    fn enter(&self) -> Option<InFlightPermit<'_, H>> {
        let before = self.in_flight.fetch_add(1, Relaxed);
        self.in_flight_gauge.inc();
        let place = InFlightPermit(self);
        (before < self.limits.max_in_flight).then_some(place)
    }
}
