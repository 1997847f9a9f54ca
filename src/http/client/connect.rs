//! Connections of outbound requests: by a [`Dial`], with TLS or without.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tower_service::Service;
use url::Host;

/// Opens a connection to a host by its name; an argument, so that tests can have a network of their own.
pub trait Dial: Send + Sync {
    /// Connects to `host`.
    ///
    /// # Errors
    /// The reason why it cannot.
    fn dial<'a>(&'a self, host: Host<&'a str>, port: u16) -> Dialling<'a>;
}

/// The future of [`Dial::dial`].
pub type Dialling<'a> = Pin<Box<dyn Future<Output = Result<TcpStream, String>> + Send + 'a>>;

/// Connects to any address that the system's resolver gives.
pub(super) struct SystemDial;

impl Dial for SystemDial {
    fn dial<'a>(&'a self, host: Host<&'a str>, port: u16) -> Dialling<'a> {
        let address = format!("{host}:{port}");
        Box::pin(async move {
            TcpStream::connect(&address).await.map_err(|error| format!("cannot connect to {address}: {error}"))
        })
    }
}

/// The failure to connect.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("the URL must be http://HOST[:PORT] or https://HOST[:PORT]")]
    Url,
    #[error("https needs the certificate authority of the server")]
    NoTrust,
    #[error("{0}")]
    Dial(String),
    #[error("the TLS handshake with {address} failed: {reason}")]
    Handshake { address: String, reason: String },
}

/// Connects for the connection pool.
#[derive(Clone)]
pub(in crate::http) struct Connector {
    dial: Arc<dyn Dial>,
    /// Absent if only http is spoken.
    tls: Option<TlsConnector>,
}

impl Connector {
    pub(in crate::http) fn new(dial: Arc<dyn Dial>, tls: Option<rustls::ClientConfig>) -> Self {
        Self { dial, tls: tls.map(|config| Arc::new(config).into()) }
    }

    async fn connect(&self, uri: &Uri) -> Result<Stream, ConnectError> {
        let host = uri.host().and_then(|host| Host::parse(host).ok()).ok_or(ConnectError::Url)?;
        let (tls, default_port) = match uri.scheme_str() {
            Some("http") => (None, 80),
            Some("https") => (Some(self.tls.as_ref().ok_or(ConnectError::NoTrust)?), 443),
            _ => return Err(ConnectError::Url),
        };
        let port = uri.port_u16().unwrap_or(default_port);
        let (named, server) = match &host {
            Host::Domain(name) => (Host::Domain(name.as_str()), ServerName::try_from(name.clone()).ok()),
            Host::Ipv4(address) => (Host::Ipv4(*address), Some(IpAddr::V4(*address).into())),
            Host::Ipv6(address) => (Host::Ipv6(*address), Some(IpAddr::V6(*address).into())),
        };
        let stream = self.dial.dial(named, port).await.map_err(ConnectError::Dial)?;
        let Some(tls) = tls else { return Ok(Stream(Box::new(TokioIo::new(stream)))) };
        let failed =
            |error: io::Error| ConnectError::Handshake { address: format!("{host}:{port}"), reason: error.to_string() };
        let stream = tls.connect(server.ok_or(ConnectError::Url)?, stream).await.map_err(failed)?;
        Ok(Stream(Box::new(TokioIo::new(stream))))
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move { connector.connect(&uri).await })
    }
}

trait Duplex: Read + Write + Send + Unpin {}

impl<T: Read + Write + Send + Unpin> Duplex for T {}

/// A connection, with TLS or without.
pub(in crate::http) struct Stream(Box<dyn Duplex>);

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
