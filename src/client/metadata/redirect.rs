//! Redirect URIs: which may be registered, and which equals a registered one (RFC 9700 section 2.1, RFC 8252).

use std::net::Ipv4Addr;

use url::Url;

use super::error::{MetadataError, refuse};
use super::{ClientMetadata, LocalhostPort, MAX_REDIRECT_URIS, MAX_URI};
use crate::client::Client;
use crate::protocol::grant_type::GrantType;

impl ClientMetadata {
    /// Checks redirect URIs and the URLs of pages.
    pub(super) fn check_uris(&self) -> Result<(), MetadataError> {
        if self.redirect_uris.len() > MAX_REDIRECT_URIS {
            return refuse("redirect_uris", self.redirect_uris.len(), "at most 64");
        }
        for uri in &self.redirect_uris {
            if let Err(rule) = check_redirect_uri(uri) {
                return refuse("redirect_uris", uri, rule);
            }
        }
        if self.grant_types.contains(&GrantType::AUTHORIZATION_CODE) && self.redirect_uris.is_empty() {
            return refuse("redirect_uris", "empty", "a client of the authorization code grant needs at least one");
        }
        let pages = [
            ("client_uri", &self.client_uri),
            ("logo_uri", &self.logo_uri),
            ("tos_uri", &self.tos_uri),
            ("policy_uri", &self.policy_uri),
        ];
        for (field, uri) in pages {
            if let Some(uri) = uri
                && !Url::parse(uri).is_ok_and(|url| matches!(url.scheme(), "https" | "http"))
            {
                return refuse(field, uri, "must be an http or https URL");
            }
        }
        Ok(())
    }
}

/// RFC 9700 section 2.1, RFC 8252 sections 7 and 8.4: absolute, no fragment, no wildcard, https, or http on loopback,
/// or a private scheme with a dot.
fn check_redirect_uri(uri: &str) -> Result<(), &'static str> {
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

/// Returns whether the host is this machine (RFC 8252 section 7.3).
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl Client {
    /// Returns whether `uri` is one of the registered redirect URIs: byte for byte, but for the port on this machine (RFC 9700
    /// section 2.1, RFC 8252 section 7.3).
    pub fn allows_redirect(&self, uri: &str) -> bool {
        let localhost = self.metadata.jeton.localhost_port.unwrap_or_default();
        self.metadata
            .redirect_uris
            .iter()
            .any(|registered| registered == uri || same_but_port(registered, uri, localhost))
    }
}

/// Returns whether two URIs differ in nothing but the port, where that may differ.
fn same_but_port(registered: &str, asked: &str, localhost: LocalhostPort) -> bool {
    let (Some((host, rest)), Some(asked)) = (without_port(registered), without_port(asked)) else { return false };
    let any_port = match host {
        "localhost" => localhost == LocalhostPort::Any,
        "[::1]" => true,
        address => address.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback()),
    };
    any_port && asked == (host, rest)
}

/// Host and rest of an http URI, exactly as they are written, if what stands between them is no port or a decimal one.
fn without_port(uri: &str) -> Option<(&str, &str)> {
    let authority = uri.strip_prefix("http://")?;
    let end = match authority.strip_prefix('[') {
        Some(literal) => literal.find(']')? + 2,
        None => authority.find([':', '/', '?']).unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at(end);
    let rest = match rest.strip_prefix(':') {
        None => rest,
        Some(port) => {
            let digits = port.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = port.split_at(digits);
            (!number.starts_with('0') && number.parse::<u16>().is_ok()).then_some(rest)?
        }
    };
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest))
}
