//! The transport over real sockets: raw bytes in, raw bytes out, a trivial handler behind.

mod drain;
mod http1;
mod protocols;
mod smuggling;

use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::StatusCode;
use hyper::header::{HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::shutdown::shutdown;
use super::tls::Tls;
use super::{Admission, Drained, Fault, Handler, Limits, Request, Response, Stop, Surface, bind, serve};
use crate::metrics::Metrics;

/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(5);
/// Short enough to be waited for.
const SOON: Duration = Duration::from_millis(150);

/// `/echo` gives the body back, `/panic` panics, `/wait` waits for the test, `/big` answers 16 MiB.
struct Trivial {
    go: Semaphore,
}

impl Handler for Trivial {
    type Target = ();

    fn admit(&self, head: &Parts, _peer: IpAddr) -> Result<Admission<()>, Box<Response>> {
        match head.uri.path() {
            "/nowhere" => Err(Box::new(answer(StatusCode::NOT_FOUND, "nothing here"))),
            _ => Ok(Admission { max_body: 1000, target: () }),
        }
    }

    async fn handle(&self, request: Request, _target: ()) -> Response {
        match request.path() {
            "/panic" => panic!("asked to"),
            "/wait" => drop(self.go.acquire().await),
            "/big" => return answer(StatusCode::OK, vec![b'x'; 16 << 20]),
            _ => {}
        }
        answer(StatusCode::OK, request.body)
    }

    fn fault(&self, fault: Fault, _head: Option<&Parts>) -> Response {
        let mut response = answer(fault.status(), "");
        if fault == Fault::Overloaded {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

fn answer(status: StatusCode, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response
}

struct Server {
    addr: SocketAddr,
    stop: Stop,
    handler: Arc<Trivial>,
    metrics: Metrics,
    done: JoinHandle<Drained>,
}

impl Server {
    fn start(limits: Limits) -> Self {
        Self::start_with(limits, None)
    }

    fn start_with(limits: Limits, tls: Option<Tls>) -> Self {
        limits.validate().unwrap();
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, heard) = shutdown();
        let handler = Arc::new(Trivial { go: Semaphore::new(0) });
        let metrics = Metrics::new();
        let surface = Surface { name: "test", tls, handler: Arc::clone(&handler), limits, metrics: metrics.clone() };
        let done = tokio::spawn(serve(listener, surface, heard));
        Self { addr, stop, handler, metrics, done }
    }

    async fn connect(&self) -> Wire {
        Wire(TcpStream::connect(self.addr).await.unwrap())
    }

    /// Sends `bytes` on a connection of its own and reads what comes until the server closes.
    async fn ask(&self, bytes: &[u8]) -> String {
        let mut wire = self.connect().await;
        wire.send(bytes).await;
        wire.rest().await
    }

    fn cut(&self, reason: &str) -> u64 {
        self.metrics.connections_cut.with_label_values(&[reason]).get()
    }

    async fn drained(self, span: Duration) -> Drained {
        self.stop.drain(span);
        timeout(PATIENCE, self.done).await.expect("the drain ends").unwrap()
    }

    /// Waits until `condition` holds.
    async fn until(&self, condition: impl Fn(&Self) -> bool) {
        let met = async {
            while !condition(self) {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, met).await.expect("the condition is met");
    }
}

struct Wire(TcpStream);

impl Wire {
    async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// Reads one answer whose body has a length.
    async fn answer(&mut self) -> String {
        let mut bytes = Vec::new();
        let read = async {
            while !complete(&bytes) {
                assert_ne!(self.0.read_buf(&mut bytes).await.unwrap(), 0, "closed after {bytes:?}");
            }
        };
        timeout(PATIENCE, read).await.expect("an answer comes");
        String::from_utf8(bytes).unwrap()
    }

    /// Reads until the server closes.
    async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        timeout(PATIENCE, self.0.read_to_end(&mut bytes)).await.expect("the server closes").unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// Returns whether the connection stays open and silent for [`SOON`].
    async fn silent(&mut self) -> bool {
        timeout(SOON, self.0.read_u8()).await.is_err()
    }
}

fn complete(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

fn post(path: &str, body: &str) -> Vec<u8> {
    format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("no status in {answer:?}"))
}

fn answers(text: &str) -> usize {
    text.matches("HTTP/1.1 ").count()
}
