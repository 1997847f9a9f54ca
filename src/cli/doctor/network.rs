//! Ports and hooks: whether something listens there.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use url::Url;

use super::Finding;
use crate::config::Config;
use crate::hook::HookSettings;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(2);

pub(super) fn listens(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&dialled(address), CONNECT).is_ok()
}

/// Who listens everywhere is called on the loopback address.
pub(super) fn dialled(address: SocketAddr) -> SocketAddr {
    let loopback = if address.is_ipv6() { [0, 0, 0, 0, 0, 0, 0, 1].into() } else { [127, 0, 0, 1].into() };
    if address.ip().is_unspecified() { SocketAddr::new(loopback, address.port()) } else { address }
}

/// A running daemon must answer on both ports; without one, both must be free.
pub(super) fn port(check: &'static str, name: &str, address: SocketAddr, running: bool) -> Finding {
    if running {
        return if listens(address) {
            Finding::good(check, format!("{name}.listen {address}: something answers"))
        } else {
            let advice = "nothing answers although the other listener does; restart";
            Finding::bad(check, format!("{name}.listen {address}: {advice}"))
        };
    }
    match TcpListener::bind(address) {
        Ok(_) => Finding::good(check, format!("{name}.listen {address}: free; start with `jeton serve --config FILE`")),
        Err(error) => {
            Finding::bad(check, format!("{name}.listen {address}: {error}; stop who has it, or set {name}.listen"))
        }
    }
}

/// Whether the hooks of the issuers can be reached; nothing is asked of them.
pub(super) fn hooks(config: &Config) -> Vec<Finding> {
    let mut found = Vec::new();
    for (id, issuer) in &config.issuers {
        let users = issuer.users.hook.iter().map(|hook| (format!("issuers.{id}.users.hook"), hook));
        let grants = issuer.custom_grants.iter().enumerate();
        let grants = grants.map(|(index, grant)| (format!("issuers.{id}.custom_grants[{index}].hook"), &grant.hook));
        found.extend(users.chain(grants).map(|(place, settings)| hook(&place, settings)));
    }
    found
}

fn hook(place: &str, settings: &HookSettings) -> Finding {
    let url = &settings.url;
    match reach(url) {
        Ok(()) => Finding::good("hook", format!("{place} {url}: something listens there")),
        Err(reason) => {
            Finding::bad("hook", format!("{place} {url}: {reason}; start the service, or correct {place}.url"))
        }
    }
}

fn reach(url: &str) -> Result<(), String> {
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    let addresses = url.socket_addrs(|| None).map_err(|error| format!("cannot find its address: {error}"))?;
    let mut last = "it has no address".to_owned();
    for address in addresses {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(_) => return Ok(()),
            Err(error) => last = format!("cannot connect to {address}: {error}"),
        }
    }
    Err(last)
}
