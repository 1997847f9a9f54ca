//! One keep-alive connection: write a pre-built request, read one answer. One `write` and usually one `read` a request,
//! because the generator shares its cores with the server it measures.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::http::{self, Malformed};

/// How long a connect may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const FIRST_BUFFER: usize = 4 * 1024;
/// An answer longer than this is an error.
const LARGEST_BUFFER: usize = 4 * 1024 * 1024;

/// A connection to one address, opened again when the server closes it.
pub(crate) struct Connection {
    address: SocketAddr,
    source: Option<IpAddr>,
    stream: TcpStream,
    buffer: Vec<u8>,
    /// The server said that it closes after its last answer.
    closing: bool,
}

/// What came back. The body is valid until the next exchange.
pub(crate) struct Reply<'a> {
    /// The status code.
    pub(crate) status: u16,
    /// The body, without transfer coding.
    pub(crate) body: &'a [u8],
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExchangeError {
    /// The connection broke.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The answer cannot be understood.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        Self::open_from(None, address).await
    }

    /// Connects from an address of this machine.
    pub(crate) async fn open_from(source: Option<IpAddr>, address: SocketAddr) -> io::Result<Self> {
        let stream = connect(source, address).await?;
        Ok(Self { address, source, stream, buffer: vec![0; FIRST_BUFFER], closing: false })
    }

    /// Replaces the connection if the server announced that it closes it; whether it was replaced.
    pub(crate) async fn renew_if_closing(&mut self) -> io::Result<bool> {
        if self.closing {
            self.reopen().await?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Replaces a broken connection.
    pub(crate) async fn reopen(&mut self) -> io::Result<()> {
        self.stream = connect(self.source, self.address).await?;
        self.closing = false;
        Ok(())
    }

    /// Sends a request and waits for its answer. After an error the connection must be reopened.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Reply<'_>, ExchangeError> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        let answer = loop {
            if filled == self.buffer.len() {
                if filled == LARGEST_BUFFER {
                    return Err(Malformed("the answer is longer than 4 MiB").into());
                }
                self.buffer.resize(filled * 2, 0);
            }
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            filled += read;
            if let Some(answer) = http::parse(&mut self.buffer[..filled])? {
                break answer;
            }
        };
        if answer.total != filled {
            return Err(Malformed("more came than was asked for").into());
        }
        self.closing = answer.close;
        Ok(Reply { status: answer.status, body: &self.buffer[answer.body] })
    }
}

async fn connect(source: Option<IpAddr>, address: SocketAddr) -> io::Result<TcpStream> {
    let connecting = async {
        let Some(source) = source else { return TcpStream::connect(address).await };
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(source, 0))?;
        socket.connect(address).await
    };
    let stream = timeout(CONNECT_LIMIT, connecting)
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, format!("no connection to {address} within 5 s")))??;
    stream.set_nodelay(true)?;
    Ok(stream)
}
