//! Binds an address and accepts from it, with errors that say what to do.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

/// Connections that the kernel holds for us before they are accepted.
const BACKLOG: i32 = 4096;

/// The failure to listen on an address.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody else has the port.
    #[error("another process listens on {0}; stop it or choose another address")]
    InUse(SocketAddr),
    /// The port is below 1024, or a security policy forbids it.
    #[error("no permission to listen on {0}; choose a port from 1024 up or grant CAP_NET_BIND_SERVICE")]
    Forbidden(SocketAddr),
    /// No interface of this machine has the address.
    #[error("{0} is not an address of this machine; choose one (0.0.0.0 or [::] for all)")]
    NotHere(SocketAddr),
    /// Anything else.
    #[error("failed to listen on {0}")]
    Other(SocketAddr, #[source] io::Error),
}

impl BindError {
    /// The address that could not be listened on.
    pub fn address(&self) -> SocketAddr {
        match self {
            Self::InUse(addr) | Self::Forbidden(addr) | Self::NotHere(addr) | Self::Other(addr, _) => *addr,
        }
    }

    fn from_io(addr: SocketAddr, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AddrInUse => Self::InUse(addr),
            io::ErrorKind::PermissionDenied => Self::Forbidden(addr),
            io::ErrorKind::AddrNotAvailable => Self::NotHere(addr),
            _ => Self::Other(addr, error),
        }
    }
}

/// Listens on `addr`; port 0 lets the kernel choose. Must be called within a tokio runtime.
pub(crate) fn bind(addr: SocketAddr) -> Result<TcpListener, BindError> {
    listen(addr).map_err(|error| BindError::from_io(addr, error))
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // a restart must not wait for the old connections' TIME_WAIT
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Accepts connections, and remembers failed attempts.
#[derive(Debug, Default)]
pub(super) struct Acceptor {
    failures: u32,
}

impl Acceptor {
    /// The next connection. Failures of one connection are skipped; a lack of descriptors or memory is waited out.
    pub(super) async fn accept(&mut self, listener: &TcpListener) -> (TcpStream, SocketAddr) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    self.failures = 0;
                    // an answer is one write: waiting for more would only delay it
                    let _ = stream.set_nodelay(true);
                    return (stream, peer);
                }
                Err(error) if concerns_one_connection(&error) => {}
                Err(error) => {
                    if self.failures == 0 {
                        tracing::warn!(%error, "failed to accept connections; trying again");
                    }
                    self.failures += 1;
                    pause(self.failures).await;
                }
            }
        }
    }
}

/// accept(2): errors that were already pending on the new connection.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable};
    use io::ErrorKind::{Interrupted, NetworkDown, NetworkUnreachable, TimedOut};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | HostUnreachable | Interrupted | TimedOut
    ) || matches!(error.kind(), NetworkDown | NetworkUnreachable)
}

/// 10 ms doubling up to 640 ms.
#[expect(clippy::disallowed_methods, reason = "accept reports readiness again at once while descriptors are short")]
async fn pause(failures: u32) {
    tokio::time::sleep(Duration::from_millis(10 << failures.saturating_sub(1).min(6))).await;
}
