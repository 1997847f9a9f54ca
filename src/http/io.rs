//! The socket as hyper sees it: gives back the bytes that were sniffed, keeps the [`ConnectionState`] up to date.
//!
//! On close it reads what a refused peer still sends, for a while: closing a socket with unread bytes resets the
//! connection, and the reset may overtake the answer (RFC 9112 section 9.6). A peer that has ended its sending side is
//! answered; one that has reset the connection is gone.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::server::TlsStream;

use super::framing::Framing;
use super::state::{ConnectionPhase, ConnectionState, Protocol};

const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Most bytes of a refused request that are read and thrown away.
const MOST_LINGERING: usize = 1024 * 1024;

/// A byte stream over TCP.
pub(super) trait Transport: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// The socket below.
    fn tcp(&self) -> &TcpStream;
}

impl Transport for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Transport for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// The first bytes of a connection.
#[derive(Debug)]
pub(super) struct Opening {
    bytes: [u8; PREFACE.len()],
    len: usize,
    given: usize,
    /// The arrival of the first of them.
    pub(super) since: Instant,
    pub(super) protocol: Protocol,
}

/// The end of a connection before its first request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OpenError {
    /// No byte arrived in time.
    Silent,
    /// Only a part of the HTTP/2 preface arrived in time.
    Partial,
    /// The peer closed.
    Gone,
}

/// Reads until it is clear whether the peer speaks HTTP/2 with prior knowledge (RFC 9113 section 3.3).
pub(super) async fn open<S: AsyncRead + Unpin>(
    stream: &mut S,
    first_byte: Duration,
    rest: Duration,
) -> Result<Opening, OpenError> {
    let mut bytes = [0; PREFACE.len()];
    let mut len = match timeout(first_byte, stream.read(&mut bytes)).await {
        Err(_) => return Err(OpenError::Silent),
        Ok(Err(_) | Ok(0)) => return Err(OpenError::Gone),
        Ok(Ok(n)) => n,
    };
    let since = Instant::now();
    while len < PREFACE.len() && PREFACE.starts_with(&bytes[..len]) {
        match timeout_at(since + rest, stream.read(&mut bytes[len..])).await {
            Err(_) => return Err(OpenError::Partial),
            Ok(Err(_) | Ok(0)) => return Err(OpenError::Gone),
            Ok(Ok(n)) => len += n,
        }
    }
    let protocol = if &bytes == PREFACE { Protocol::Http2 } else { Protocol::Http1 };
    Ok(Opening { bytes, len, given: 0, since, protocol })
}

/// A socket, its state and what is known of the requests that arrived.
#[derive(Debug)]
pub(super) struct Io<S> {
    stream: S,
    opening: Opening,
    /// Bytes that hyper had read ahead when it was taken away; the state knows them already.
    ahead: Bytes,
    state: Arc<ConnectionState>,
    framing: Framing,
    /// Bytes thrown away since our end was closed; `None` while it is open.
    lingered: Option<usize>,
}

impl<S> Io<S> {
    pub(super) fn new(stream: S, opening: Opening, state: Arc<ConnectionState>) -> Self {
        Self { stream, opening, ahead: Bytes::new(), state, framing: Framing::default(), lingered: None }
    }

    /// Gives back what hyper had read ahead.
    pub(super) fn unread(&mut self, ahead: Bytes) {
        self.ahead = ahead;
    }

    fn received(&mut self, bytes: &[u8]) {
        if self.state.protocol() == Protocol::Http1 {
            self.framing.feed(bytes);
            self.state.received(self.framing.good());
        }
    }
}

impl<S: AsyncRead + Unpin> Io<S> {
    /// Waits for the first bytes of the next request, holding nothing but the socket.
    pub(super) async fn next_request(&mut self, until: Instant) -> Result<(), OpenError> {
        let mut bytes = [0; PREFACE.len()];
        let len = match timeout_at(until, self.stream.read(&mut bytes)).await {
            Err(_) => return Err(OpenError::Silent),
            Ok(Err(_) | Ok(0)) => return Err(OpenError::Gone),
            Ok(Ok(n)) => n,
        };
        self.opening = Opening { bytes, len, given: 0, since: Instant::now(), protocol: Protocol::Http1 };
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Io<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.ahead.is_empty() {
            let n = this.ahead.len().min(buf.remaining());
            buf.put_slice(&this.ahead[..n]);
            this.ahead.advance(n);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        if this.opening.given < this.opening.len {
            let left = &this.opening.bytes[this.opening.given..this.opening.len];
            let n = left.len().min(buf.remaining());
            buf.put_slice(&left[..n]);
            this.opening.given += n;
            // the rest of the request is most likely there already: give both in one go. An error must not take these bytes
            // along: they may be a whole request, and the error one that comes again, like an end without close_notify
            if buf.remaining() > 0 {
                let _ = Pin::new(&mut this.stream).poll_read(cx, buf);
            }
        } else {
            match ready!(Pin::new(&mut this.stream).poll_read(cx, buf)) {
                // an end without close_notify is an end: no request ends with its connection (RFC 9112 section 9.8)
                Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Poll::Ready(Err(error)),
                Ok(()) | Err(_) => {}
            }
        }
        let fresh = &buf.filled()[before..];
        if !fresh.is_empty() {
            this.received(fresh);
        } else if buf.remaining() > 0 && !this.state.end_of_input() {
            // nothing more will arrive: what wakes the connection now is its answers and its timer
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: Transport> Io<S> {
    /// Notices a reset while the handler runs, when hyper reads nothing. What else arrives stays where it is.
    fn notice_reset(&self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.state.phase() != ConnectionPhase::Handling || self.state.protocol() == Protocol::Http2 {
            return Ok(());
        }
        let mut byte = [0; 1];
        match self.stream.tcp().poll_peek(cx, &mut ReadBuf::new(&mut byte)) {
            Poll::Ready(Err(reset)) => Err(reset),
            Poll::Ready(Ok(_)) | Poll::Pending => Ok(()),
        }
    }
}

impl<S: Transport> AsyncWrite for Io<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, buf);
        if written.is_pending() {
            this.state.block();
        }
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        if written.is_pending() {
            this.state.block();
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // hyper flushes at the end of each of its turns, also while it waits for the handler
        this.notice_reset(cx)?;
        let flushed = Pin::new(&mut this.stream).poll_flush(cx);
        match flushed {
            Poll::Pending => this.state.block(),
            Poll::Ready(_) => this.state.flushed(),
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let mut lingered = match this.lingered {
            Some(lingered) => lingered,
            None => {
                ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
                0
            }
        };
        let mut scrap = [0; 4096];
        while this.state.lingers() && lingered < MOST_LINGERING {
            this.lingered = Some(lingered);
            let mut scrap = ReadBuf::new(&mut scrap);
            match ready!(Pin::new(&mut this.stream).poll_read(cx, &mut scrap)) {
                Ok(()) if !scrap.filled().is_empty() => lingered += scrap.filled().len(),
                Ok(()) | Err(_) => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}
