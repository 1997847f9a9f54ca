//! A service of the operator's that jeton asks: it answers as a test says, and keeps what it was asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a service answers: status and body. Status 0 is no answer at all.
type Answers = dyn Fn(&Value) -> (u16, String) + Send + Sync;

pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    questions: Arc<Mutex<Vec<Value>>>,
    _running: tokio::task::JoinSet<()>,
}

impl Service {
    pub(crate) async fn start(answers: impl Fn(&Value) -> (u16, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let questions = Arc::new(Mutex::new(Vec::new()));
        let (kept, answers): (_, Arc<Answers>) = (questions.clone(), Arc::new(answers));
        let mut running = tokio::task::JoinSet::new();
        running.spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, kept.clone(), answers.clone()));
            }
        });
        Self { address, questions, _running: running }
    }

    /// What it was asked until now.
    pub(crate) fn questions(&self) -> Vec<Value> {
        self.questions.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, questions: Arc<Mutex<Vec<Value>>>, answers: Arc<Answers>) {
    let mut read = Vec::new();
    loop {
        let mut part = [0; 4096];
        let body = loop {
            if let Some(body) = complete(&mut read) {
                break body;
            }
            match stream.read(&mut part).await {
                Ok(more @ 1..) => read.extend_from_slice(&part[..more]),
                Ok(0) | Err(_) => return,
            }
        };
        let question: Value = serde_json::from_slice(&body).unwrap();
        let (status, text) = answers(&question);
        questions.lock().unwrap().push(question);
        if status == 0 {
            std::future::pending::<()>().await;
        }
        let head =
            format!("HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", text.len());
        if stream.write_all(format!("{head}{text}").as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The body of a whole request, taken out of what was read.
fn complete(read: &mut Vec<u8>) -> Option<Vec<u8>> {
    let end = read.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&read[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok())?;
    let body = read.get(end..end + length)?.to_vec();
    read.drain(..end + length);
    Some(body)
}
