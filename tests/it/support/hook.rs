//! The service behind a hook: a small HTTP server of its own that answers as the test says and keeps what it was sent.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What it does with a question.
pub(crate) enum Reply {
    /// Answers with this status and JSON.
    Json(u16, Value),
    /// Answers with this status and these bytes.
    Bytes(u16, Vec<u8>),
    /// Says nothing until the other side gives up.
    Hang,
    /// Closes the connection.
    Close,
}

type Decide = Box<dyn Fn(&Value) -> Reply + Send>;

/// The server.
pub(crate) struct HookServer {
    address: SocketAddr,
    decide: Mutex<Decide>,
    asked: Mutex<Vec<(String, Value)>>,
    hanging: AtomicUsize,
}

impl HookServer {
    /// Starts one that decides so.
    pub(crate) async fn start(decide: impl Fn(&Value) -> Reply + Send + 'static) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let hook = Arc::new(Self {
            address: listener.local_addr().unwrap(),
            decide: Mutex::new(Box::new(decide)),
            asked: Mutex::default(),
            hanging: AtomicUsize::new(0),
        });
        let own = hook.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(own.clone().serve(stream));
            }
        });
        hook
    }

    /// From now on it decides so.
    pub(crate) fn decides(&self, decide: impl Fn(&Value) -> Reply + Send + 'static) {
        *self.decide.lock().unwrap() = Box::new(decide);
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/decide", self.address)
    }

    /// Head and body of everything it was asked.
    pub(crate) fn asked(&self) -> Vec<(String, Value)> {
        self.asked.lock().unwrap().clone()
    }

    /// How many questions it has left without an answer.
    pub(crate) fn hanging(&self) -> usize {
        self.hanging.load(Ordering::SeqCst)
    }

    async fn serve(self: Arc<Self>, mut stream: TcpStream) {
        let mut bytes = Vec::new();
        while let Some((head, body)) = read(&mut stream, &mut bytes).await {
            let question: Value = serde_json::from_slice(&body).unwrap_or_default();
            let reply = (self.decide.lock().unwrap())(&question);
            self.asked.lock().unwrap().push((head, question));
            let (status, body) = match reply {
                Reply::Json(status, value) => (status, value.to_string().into_bytes()),
                Reply::Bytes(status, bytes) => (status, bytes),
                Reply::Close => return,
                Reply::Hang => {
                    self.hanging.fetch_add(1, Ordering::SeqCst);
                    let _ = stream.read(&mut [0; 1]).await;
                    return;
                }
            };
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            if stream.write_all(&[head.as_bytes(), &body].concat()).await.is_err() {
                return;
            }
        }
    }
}

/// The next request of a connection: its head in lower case, its body.
async fn read(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<(String, Vec<u8>)> {
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |length| length.parse().unwrap());
            if bytes.len() >= end + 4 + length {
                let body = bytes[end + 4..end + 4 + length].to_vec();
                bytes.drain(..end + 4 + length);
                return Some((head, body));
            }
        }
        let mut part = [0; 4096];
        match stream.read(&mut part).await {
            Ok(read @ 1..) => bytes.extend_from_slice(&part[..read]),
            _ => return None,
        }
    }
}
