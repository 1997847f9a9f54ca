//! Raw HTTP/1.1 over a socket: what is sent is what the test wrote, what comes back is every byte.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// No answer takes longer than this.
const LIMIT: Duration = Duration::from_secs(20);

/// One response.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// Id and secret (empty for a public one) of a client that was registered.
    pub(crate) fn client(&self) -> (String, String) {
        assert_eq!(self.status, 201, "{}", self.text());
        let body = self.json();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        (text("client_id"), text("client_secret"))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The `error` member.
    pub(crate) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }

    /// Checks an error of an OAuth endpoint in full (CHECKLIST 7-9): status, code, never stored, JSON, nosniff, a
    /// challenge exactly with 401, and a description in the characters of RFC 6749 section 5.2.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, error: &str) -> String {
        assert_eq!((self.status, self.error().as_str()), (status, error), "{}", self.text());
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"));
        let challenge = self.header("www-authenticate");
        assert_eq!(challenge, (status == 401).then_some(r#"Basic realm="jeton", charset="UTF-8""#));
        let body = self.json();
        let members: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(members, ["error", "error_description"]);
        let description = self.get("error_description");
        assert!(
            description.bytes().all(|byte| matches!(byte, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e)),
            "{description}"
        );
        description
    }

    /// A string member of the JSON body.
    pub(crate) fn get(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.text())).to_owned()
    }
}

/// Sends bytes and reads until the server closes or stops answering.
pub(crate) async fn raw(to: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let work = async {
        let mut stream = TcpStream::connect(to).await.unwrap();
        // the server may answer and close before it has read everything
        let _ = stream.write_all(bytes).await;
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all).await;
        all
    };
    tokio::time::timeout(LIMIT, work).await.expect("the server answers and closes within the limit")
}

/// The bytes of one form POST that keeps its connection.
pub(crate) fn post_bytes(path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut head = format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// One request on a connection of its own.
pub(crate) async fn request(to: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() || method == "POST" || method == "PUT" {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    let answers = parse_all(&raw(to, &[head.as_bytes(), body].concat()).await, method == "HEAD");
    assert_eq!(answers.len(), 1, "{method} {path}: exactly one response");
    answers.into_iter().next().unwrap()
}

/// A form POST.
pub(crate) async fn post_form(to: SocketAddr, path: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Answer {
    let mut all = vec![("Content-Type", "application/x-www-form-urlencoded")];
    all.extend_from_slice(headers);
    request(to, "POST", path, &all, form(fields).as_bytes()).await
}

/// One request for a connection that stays open.
pub(crate) fn compose(to: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {to}\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat()
}

/// A connection that stays open, one request at a time. What goes wrong on it is an error, not a panic: the server may
/// be killed under it.
pub(crate) struct Wire {
    stream: TcpStream,
    to: SocketAddr,
    unread: Vec<u8>,
    /// The server said that it closes this connection.
    pub(crate) closing: bool,
}

impl Wire {
    pub(crate) async fn connect(to: SocketAddr) -> io::Result<Self> {
        Self::over(TcpStream::connect(to).await?, to)
    }

    /// From another loopback address than everybody's.
    pub(crate) async fn connect_from(source: std::net::IpAddr, to: SocketAddr) -> io::Result<Self> {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(source, 0))?;
        Self::over(socket.connect(to).await?, to)
    }

    fn over(stream: TcpStream, to: SocketAddr) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, to, unread: Vec::new(), closing: false })
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// The next answer.
    pub(crate) async fn answer(&mut self) -> io::Result<Answer> {
        let work = async {
            loop {
                if let Some(answer) = self.whole_answer() {
                    return Ok(answer);
                }
                if self.stream.read_buf(&mut self.unread).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
        };
        tokio::time::timeout(LIMIT, work).await.map_err(|_| io::ErrorKind::TimedOut)?
    }

    fn whole_answer(&mut self) -> Option<Answer> {
        let head = self.unread.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let length =
            parse_all(&self.unread[..head], true)[0].header("content-length").map_or(0, |n| n.parse().unwrap());
        if self.unread.len() < head + length {
            return None;
        }
        let answer = parse_all(&self.unread[..head + length], false).remove(0);
        self.unread.drain(..head + length);
        self.closing |= answer.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        Some(answer)
    }

    /// Sends one request and reads its answer, on a new connection if the server closed this one.
    pub(crate) async fn call(&mut self, request: &[u8]) -> io::Result<Answer> {
        if self.closing {
            *self = Self::connect(self.to).await?;
        }
        self.send(request).await?;
        self.answer().await
    }

    /// A form POST.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> io::Result<Answer> {
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        let request = compose(self.to, "POST", path, &headers, form(fields).as_bytes());
        self.call(&request).await
    }
}

/// `application/x-www-form-urlencoded`.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Every response in a byte stream; bodies by Content-Length or chunked.
pub(crate) fn parse_all(mut bytes: &[u8], head_only: bool) -> Vec<Answer> {
    let mut answers = Vec::new();
    while let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status: u16 = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        bytes = &bytes[end + 4..];
        let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length: usize = length.map_or(0, |(_, value)| value.parse().unwrap());
        let length = if head_only || status == 304 || status == 204 { 0 } else { length };
        let body = bytes[..length.min(bytes.len())].to_vec();
        bytes = &bytes[length.min(bytes.len())..];
        if status != 100 {
            answers.push(Answer { status, headers, body });
        }
    }
    answers
}
