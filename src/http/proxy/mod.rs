//! The headers in which a reverse proxy names the client behind it: its address and its certificate.
//!
//! Only a peer with one of the configured addresses is believed; from anybody else these headers are ignored as if they
//! were not there (RFC 9700 section 4.13, RFC 9440 section 2.4; CHECKLIST 65). While a header for certificates is
//! configured, the certificate of the proxy's own connection is the proxy's and never a client's.

mod certificate;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hyper::HeaderMap;
use hyper::header::HeaderName;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

pub(crate) use certificate::Format;

use super::Request;
use crate::x509::Chain;

/// Most hops of a forwarded address that are looked at, from the right.
const MAX_HOPS: usize = 32;

/// The proxies in front of a listener, as they stand in the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProxySettings {
    /// Addresses of proxies, or networks in CIDR notation.
    pub trusted: Vec<String>,
    /// The header in which they give the client's certificate; absent is never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate_header: Option<String>,
    /// The encoding of the certificate.
    pub client_certificate_format: Format,
    /// The header in which they give the client's address, like `X-Forwarded-For`; absent is never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forwarded_for_header: Option<String>,
}

/// A setting that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProxyError {
    /// The name of the setting below `proxy`.
    pub setting: &'static str,
    /// The value of the setting.
    pub value: String,
    /// The rule.
    pub rule: &'static str,
}

/// The header of a certificate is not what it should be, or there are several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The proxies in front of a listener.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    trusted: Vec<IpNet>,
    certificate: Option<(HeaderName, Format)>,
    forwarded_for: Option<HeaderName>,
}

impl Proxy {
    /// Checks the settings.
    ///
    /// # Errors
    /// The first that breaks a rule.
    pub(crate) fn new(settings: &ProxySettings) -> Result<Self, ProxyError> {
        let wrong = |setting, value: &str, rule| ProxyError { setting, value: value.to_owned(), rule };
        let rule = "addresses of proxies like 10.0.0.7, or networks like 10.0.0.0/8, but not all of the internet";
        let network = |text: &String| network(text).ok_or_else(|| wrong("trusted", text, rule));
        let trusted: Vec<IpNet> = settings.trusted.iter().map(network).collect::<Result<_, _>>()?;
        if trusted.is_empty() {
            return Err(wrong("trusted", "empty", rule));
        }
        let name = |setting, name: &Option<String>| {
            let parse = |name: &String| name.parse().map_err(|_| wrong(setting, name, "the name of a header"));
            name.as_ref().map(parse).transpose()
        };
        let certificate = name("client_certificate_header", &settings.client_certificate_header)?;
        Ok(Self {
            trusted,
            certificate: certificate.map(|name| (name, settings.client_certificate_format)),
            forwarded_for: name("forwarded_for_header", &settings.forwarded_for_header)?,
        })
    }

    /// Replaces the address and the certificate of the connection by those that the proxy names, if the connection is a
    /// proxy's.
    ///
    /// # Errors
    /// If a proxy gives several certificates, or something else.
    pub(super) fn look_behind(&self, request: &mut Request) -> Result<(), Malformed> {
        if !self.trusts(request.peer) {
            return Ok(());
        }
        if let Some((name, format)) = &self.certificate {
            request.certificate = given(&request.headers, name, *format)?;
        }
        if let Some(name) = &self.forwarded_for {
            request.peer = self.source(&request.headers, name, request.peer);
        }
        Ok(())
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// Returns the last hop that is no trusted proxy: everything left of it may be made up.
    fn source(&self, headers: &HeaderMap, name: &HeaderName, peer: IpAddr) -> IpAddr {
        let lines: Vec<&str> = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or("?")).collect();
        let hops = lines.iter().rev().flat_map(|line| line.rsplit(',')).map(str::trim);
        let mut source = peer;
        for hop in hops.take(MAX_HOPS) {
            let Some(address) = address(hop) else { break };
            source = address;
            if !self.trusts(source) {
                break;
            }
        }
        source
    }
}

fn given(headers: &HeaderMap, name: &HeaderName, format: Format) -> Result<Option<Arc<Chain>>, Malformed> {
    let mut lines = headers.get_all(name).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(Malformed);
    }
    match line.as_bytes().trim_ascii() {
        b"" => Ok(None),
        text => format.read(text).map(|chain| Some(Arc::new(chain))).ok_or(Malformed),
    }
}

fn network(text: &str) -> Option<IpNet> {
    let network = text.parse().ok().or_else(|| text.parse().ok().map(|address: IpAddr| address.to_canonical().into()));
    network.filter(|network: &IpNet| network.prefix_len() > 0)
}

/// An address, perhaps with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse().ok().map(|address: SocketAddr| address.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests;
