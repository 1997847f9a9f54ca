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

use super::body::{Pending, collect};
use super::head;
use super::limits::Limits;
use super::pulse::{Protocol, Pulse};
use super::request::{Admission, Fault, Handler, Request, Response};
use super::shutdown::Shutdown;
use crate::x509::Chain;

/// What all requests of a listener share.
pub(super) struct Gate<H> {
    pub(super) handler: Arc<H>,
    pub(super) limits: Arc<Limits>,
    pub(super) pending: Pending,
    pub(super) in_flight: AtomicUsize,
    pub(super) in_flight_gauge: IntGauge,
    pub(super) shed_in_flight: IntCounter,
    pub(super) shed_bodies: IntCounter,
}

/// What the requests of one connection share.
pub(super) struct Link<H> {
    pub(super) gate: Arc<Gate<H>>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) shutdown: Shutdown,
    pub(super) peer: IpAddr,
    pub(super) tls: bool,
    pub(super) certificate: Option<Arc<Chain>>,
}

/// The answer to a head that is not welcome.
struct Refusal {
    answer: Box<Response>,
    /// Whether another request may follow, if nothing of this one is left over.
    understood: bool,
}

/// A place among the requests in flight; given up on drop.
struct Place<'a, H>(&'a Gate<H>);

impl<H> Drop for Place<'_, H> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Relaxed);
        self.0.in_flight_gauge.dec();
    }
}

/// Tells the pulse that the answer is ready, also if the exchange is dropped half way.
struct Turn<'a> {
    pulse: &'a Pulse,
    unread: bool,
    answered: bool,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.pulse.abandon();
        }
        self.pulse.end(self.unread);
    }
}

/// Answers one request of a connection; never fails.
pub(super) async fn exchange<H: Handler>(
    link: Arc<Link<H>>,
    request: hyper::Request<Incoming>,
) -> Result<Response, Infallible> {
    let trusted = link.pulse.begin();
    let (head, body) = request.into_parts();
    let mut turn = Turn { pulse: &link.pulse, unread: !body.is_end_stream(), answered: false };
    let mut response = match link.admit(trusted, &head) {
        Err(Refusal { answer, understood }) => {
            turn.unread |= !understood;
            *answer
        }
        Ok(Admission { max_body, target }) => {
            match collect(body, max_body, link.gate.limits.body_timeout, &link.gate.pending).await {
                Err(fault) => link.refuse(fault, Some(&head)),
                Ok(body) => {
                    turn.unread = false;
                    link.pulse.handling();
                    link.handle(head, body, target).await
                }
            }
        }
    };
    let used_up = link.gate.limits.max_requests.is_some_and(|most| link.pulse.served() >= most);
    let last = turn.unread || used_up || link.pulse.retired() || link.shutdown.is_leaving();
    if last && link.pulse.protocol() == Protocol::Http1 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    turn.answered = true;
    Ok(response)
}

impl<H: Handler> Link<H> {
    /// Checks all that can be checked before the body.
    fn admit(&self, trusted: bool, head: &Parts) -> Result<Admission<H::Target>, Refusal> {
        let refuse = |fault, understood| Refusal { answer: Box::new(self.refuse(fault, Some(head))), understood };
        if !trusted || head::is_malformed(head) {
            return Err(refuse(Fault::Malformed, false));
        }
        if head.headers.len() > self.gate.limits.max_headers {
            return Err(refuse(Fault::HeadTooLarge, false));
        }
        if let Some(fault) = head::refusal(&head.headers) {
            return Err(refuse(fault, true));
        }
        catch_unwind(AssertUnwindSafe(|| self.gate.handler.admit(head, self.peer)))
            .unwrap_or_else(|_| Err(Box::new(self.refuse(Fault::Panicked, Some(head)))))
            .map_err(|answer| Refusal { answer, understood: true })
    }

    async fn handle(&self, head: Parts, body: bytes::Bytes, target: H::Target) -> Response {
        let Some(_place) = self.gate.enter() else {
            self.gate.shed_in_flight.inc();
            return self.gate.handler.fault(Fault::Overloaded, Some(&head));
        };
        // a browser shall be able to read the answer to a panic; nobody else pays for it
        let browser = head.headers.contains_key(ORIGIN).then(|| head.clone());
        let Parts { method, uri, headers, .. } = head;
        let certificate = self.certificate.clone();
        let request = Request { method, uri, headers, body, peer: self.peer, tls: self.tls, certificate };
        let handler = &self.gate.handler;
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
            Fault::Overloaded => self.gate.shed_bodies.inc(),
            Fault::Malformed
            | Fault::HeadTooLarge
            | Fault::BodyTooLarge
            | Fault::BodyTimeout
            | Fault::Coding
            | Fault::Expectation => tracing::debug!(?fault, peer = %self.peer, "refused a request"),
        }
        let mut answer = self.gate.handler.fault(fault, head);
        if fault == Fault::Coding {
            // RFC 9110 section 15.5.16: what would be taken
            answer.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        answer
    }
}

impl<H> Gate<H> {
    fn enter(&self) -> Option<Place<'_, H>> {
        let before = self.in_flight.fetch_add(1, Relaxed);
        self.in_flight_gauge.inc();
        let place = Place(self);
        (before < self.limits.max_in_flight).then_some(place)
    }
}
