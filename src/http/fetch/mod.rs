//! Documents of the outside world that clients name: their keys (CHECKLIST 37, RFC 7591 section 5, RFC 9101 section
//! 10.4).
//!
//! https only; the name is resolved once, every address of it must be a public one, and the connection goes to an
//! address that was checked, so that nothing inside our network can be reached by naming it. No redirect, nothing but
//! 200, at most 64 KiB, at most two seconds with everything.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use url::{Host, Url};

use super::client::{Call, Connector, HttpClient, Method, ServerTrust, trusting};
pub use super::client::{Dial, Dialling};
use crate::cause::chain;
use crate::jwks::remote::{Fetch, Fetching};

/// Longest duration of a fetch, with everything.
const LIMIT: Duration = Duration::from_secs(2);
/// Longest document, in bytes.
const MAX_DOCUMENT: usize = 64 * 1024;

/// Reads documents over https.
pub struct Fetcher(Result<HttpClient, String>);

impl Default for Fetcher {
    fn default() -> Self {
        Self::new()
    }
}

impl Fetcher {
    /// For the internet: public addresses only, the certificate authorities that browsers trust.
    pub fn new() -> Self {
        Self::over(Arc::new(PublicOnly), ServerTrust::Browsers.config().map_err(|error| chain(&error)))
    }

    /// For another network.
    pub fn with(dial: Arc<dyn Dial>, roots: rustls::RootCertStore) -> Self {
        Self::over(dial, trusting(roots).map(Some).map_err(|error| error.to_string()))
    }

    /// Connections are not kept: each document is fetched from an address that was checked for it.
    fn over(dial: Arc<dyn Dial>, tls: Result<Option<rustls::ClientConfig>, String>) -> Self {
        Self(tls.map(|tls| HttpClient::new(Connector::new(dial, tls), MAX_DOCUMENT, 0)))
    }

    async fn read(&self, url: &Url) -> Result<bytes::Bytes, String> {
        if url.scheme() != "https" || url.host().is_none() {
            return Err("the URL is not https".to_owned());
        }
        let client = self.0.as_ref().map_err(Clone::clone)?;
        let call = Call { method: Method::GET, url, authorization: None, body: None };
        let reply = client.send(call).await.map_err(|error| chain(&error))?;
        match reply.status {
            200 => Ok(reply.body),
            status => Err(format!("the answer has status {status}; redirects are not followed")),
        }
    }
}

impl Fetch for Fetcher {
    fn fetch<'a>(&'a self, url: &'a Url) -> Fetching<'a> {
        Box::pin(async move {
            let late = |_| format!("no document within {} seconds", LIMIT.as_secs());
            tokio::time::timeout(LIMIT, self.read(url)).await.map_err(late)?
        })
    }
}

/// Connects to public addresses only.
struct PublicOnly;

impl Dial for PublicOnly {
    fn dial<'a>(&'a self, host: Host<&'a str>, port: u16) -> Dialling<'a> {
        Box::pin(async move {
            let found: Vec<SocketAddr> = match host {
                Host::Domain(name) => {
                    tokio::net::lookup_host((name, port)).await.map_err(|error| error.to_string())?.collect()
                }
                Host::Ipv4(address) => vec![(address, port).into()],
                Host::Ipv6(address) => vec![(address, port).into()],
            };
            let checked = check(found)?;
            TcpStream::connect(&checked[..]).await.map_err(|error| format!("cannot connect: {error}"))
        })
    }
}

/// Checks the addresses of a name, all or nothing: an inner address among public ones is no accident.
fn check(found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, String> {
    match found.iter().find(|address| !is_public(address.ip())) {
        Some(inner) => Err(format!("the host is at {}, which is no public address", inner.ip())),
        None if found.is_empty() => Err("the host has no address".to_owned()),
        None => Ok(found),
    }
}

/// Returns whether an address is of the public internet, by the IANA registries of special-purpose addresses (RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => address.to_ipv4_mapped().map_or_else(|| is_public_v6(address), is_public_v4),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && b & 0xc0 == 64;
    let protocols = a == 192 && b == 0 && c == 0 || a == 192 && b == 88 && c == 99;
    let benchmarks = a == 198 && b & 0xfe == 18;
    !(a == 0
        || a >= 224
        || shared
        || protocols
        || benchmarks
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let global = a & 0xe000 == 0x2000;
    // 2001::/23 holds Teredo and other protocols, 2002::/16 wraps IPv4, the others are for documents
    let special = a == 0x2001 && b < 0x200 || a == 0x2002 || a == 0x2001 && b == 0xdb8 || a == 0x3fff && b < 0x1000;
    global && !special
}

#[cfg(test)]
mod tests;
