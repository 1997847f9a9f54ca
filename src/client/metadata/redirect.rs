//! Redirect URIs: which may be registered, and which equals a registered one (RFC 9700 section 2.1, RFC 8252).

use url::Url;

use super::MAX_URI;
use crate::client::Client;

/// RFC 9700 section 2.1, RFC 8252 sections 7 and 8.4: absolute, no fragment, no wildcard, https, or http on loopback,
/// or a private scheme with a dot.
pub(super) fn check_redirect_uri(uri: &str) -> Result<(), &'static str> {
    let url = Url::parse(uri).map_err(|_| "must be an absolute URI")?;
    if uri.len() > MAX_URI
        || uri.contains('#')
        || uri.contains('*')
        || !uri.bytes().all(|byte| matches!(byte, 0x21..=0x7e))
    {
        return Err("at most 2048 ASCII characters, without fragment and wildcard");
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(&url) => Ok(()),
        "http" => Err("http is for loopback addresses only"),
        private if private.contains('.') => Ok(()),
        _ => Err("the scheme must be https, or a private one in reverse domain notation"),
    }
}

/// Whether the host is this machine (RFC 8252 section 7.3).
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl Client {
    /// Whether `uri` is one of the registered redirect URIs: byte for byte, but for the port of a loopback address
    /// (RFC 9700 section 2.1, RFC 8252 section 7.3).
    pub fn allows_redirect(&self, uri: &str) -> bool {
        self.metadata
            .redirect_uris
            .iter()
            .any(|registered| registered == uri || same_but_loopback_port(registered, uri))
    }
}

fn same_but_loopback_port(registered: &str, asked: &str) -> bool {
    let (Ok(mut registered_url), Ok(mut asked_url)) = (Url::parse(registered), Url::parse(asked)) else {
        return false;
    };
    let literal = |url: &Url| url.scheme() == "http" && is_loopback(url) && url.host_str() != Some("localhost");
    if !literal(&registered_url) || !literal(&asked_url) || asked.contains('#') || asked.contains('@') {
        return false;
    }
    let _ = (registered_url.set_port(None), asked_url.set_port(None));
    registered_url == asked_url
}
