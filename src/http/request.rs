//! Requests and answers between the transport and its handler.
//!
//! A [`Handler`] decides on the head first, so that a request for nothing is refused with its body unread.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::http::Uri;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, StatusCode};

use crate::x509::Chain;

/// An answer, complete in memory.
pub(crate) type Response = hyper::Response<Full<Bytes>>;

/// A request whose body has arrived within its limits.
pub(crate) struct Request {
    /// The method.
    pub method: Method,
    /// The target as sent; see [`Request::path`] and [`Request::query`].
    pub uri: Uri,
    /// The header fields.
    pub headers: HeaderMap,
    /// The whole body, at most [`Admission::max_body`].
    pub body: Bytes,
    /// The address the connection came from; behind a trusted proxy, the address the proxy names.
    pub peer: IpAddr,
    /// The certificate whose key the sender has, with what came along: from the handshake, or from a trusted proxy.
    pub certificate: Option<Arc<Chain>>,
}

impl Request {
    /// The path, not decoded.
    pub(crate) fn path(&self) -> &str {
        self.uri.path()
    }

    /// The query without its question mark, not decoded.
    pub(crate) fn query(&self) -> Option<&str> {
        self.uri.query()
    }
}

/// Neither query, header values nor body: each may hold a credential.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path())
            .field("body_bytes", &self.body.len())
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

/// The reason for which the transport itself refuses a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Ambiguous framing, no valid `Host`, a fragment in the target, or a body that broke off.
    Malformed,
    /// More header lines than allowed.
    HeadTooLarge,
    /// A body longer than [`Admission::max_body`].
    BodyTooLarge,
    /// A body that did not arrive in time.
    BodyTimeout,
    /// A `Content-Encoding` of the body.
    Coding,
    /// An `Expect` other than `100-continue`.
    Expectation,
    /// More requests or pending bodies than the listener takes.
    Overloaded,
    /// The handler panicked.
    Panicked,
}

impl Fault {
    /// The status of the answer.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Coding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// The answer to a request's head: the request may go on.
#[derive(Debug)]
pub(crate) struct Admission<T> {
    /// Longest body that is read, in bytes.
    pub max_body: usize,
    /// The result of resolving the head, handed on to [`Handler::handle`].
    pub target: T,
}

/// A service behind a listener.
pub(crate) trait Handler: Send + Sync + 'static {
    /// The result of resolving the head of a request, such as its endpoint.
    type Target: Send;

    /// Decides on the head and where it comes from: what it resolves to, or the refusal.
    ///
    /// After a refusal with body bytes unread an HTTP/1 connection is closed.
    ///
    /// # Errors
    /// The answer that refuses the request.
    fn admit(&self, head: &Parts, peer: IpAddr) -> Result<Admission<Self::Target>, Box<Response>>;

    /// Answers a request. The future is dropped, at any await, when the client goes away: when it resets the connection
    /// or the stream, not when it has merely ended its sending side.
    fn handle(&self, request: Request, target: Self::Target) -> impl Future<Output = Response> + Send;

    /// Writes a refusal of the transport; the status of the answer should be [`Fault::status`]. After a panic there
    /// is a head only if the request has an `Origin`.
    fn fault(&self, fault: Fault, head: Option<&Parts>) -> Response;
}
