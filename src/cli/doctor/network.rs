//! Checks of ports and hooks.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use url::Url;

use super::bounded::{self, Probe};
use super::finding::Finding;
use crate::config::Config;
use crate::hook::HookSettings;

/// Longest time for a connection.
const CONNECT: Duration = Duration::from_secs(2);
/// Longest time to resolve a name and connect to it.
const REACH: Duration = Duration::from_secs(5);

pub(super) fn listens(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&dialled(address), CONNECT).is_ok()
}

/// Returns the address to connect to: the loopback address for a listener on every interface.
pub(super) fn dialled(address: SocketAddr) -> SocketAddr {
    let loopback = if address.is_ipv6() { [0, 0, 0, 0, 0, 0, 0, 1].into() } else { [127, 0, 0, 1].into() };
    if address.ip().is_unspecified() { SocketAddr::new(loopback, address.port()) } else { address }
}

/// The place of the daemon that answered.
#[derive(Clone, Copy)]
pub(super) struct Running {
    /// True if something listens at admin.listen.
    pub(super) here: bool,
    /// True if the daemon was asked by `--admin-url` and nothing listens here.
    pub(super) elsewhere: bool,
}

/// Checks a port: a daemon that runs here must answer on both, and without one both must be free.
pub(super) fn port(check: &'static str, name: &str, address: SocketAddr, running: Running) -> Finding {
    if running.here {
        return if listens(address) {
            Finding::good(check, format!("{name}.listen {address}: something answers"))
        } else {
            let advice = "nothing answers although the other listener does; restart";
            Finding::bad(check, format!("{name}.listen {address}: {advice}"))
        };
    }
    match TcpListener::bind(address) {
        Ok(_) if running.elsewhere => {
            Finding::good(check, format!("{name}.listen {address}: free here; the daemon that was asked is elsewhere"))
        }
        Ok(_) => Finding::good(check, format!("{name}.listen {address}: free; start with `jeton serve --config FILE`")),
        Err(error) => {
            Finding::bad(check, format!("{name}.listen {address}: {error}; stop who has it, or set {name}.listen"))
        }
    }
}

/// Checks that the hooks of the issuers can be reached; sends them nothing.
pub(super) async fn hooks(config: &Config) -> Vec<Finding> {
    let mut hooks: Vec<(String, &HookSettings)> = Vec::new();
    for (id, issuer) in &config.issuers {
        hooks.extend(issuer.users.hook.iter().map(|hook| (format!("issuers.{id}.users.hook"), hook)));
        let grants = issuer.custom_grants.iter().enumerate();
        hooks.extend(grants.map(|(index, grant)| (format!("issuers.{id}.custom_grants[{index}].hook"), &grant.hook)));
    }
    let probes =
        hooks.iter().map(|(_, settings)| Box::pin(reach(&settings.url)) as Probe<'_, Result<(), String>>).collect();
    let found = bounded::run_all(probes, bounded::ALL).await;
    hooks.iter().zip(found).map(|((place, settings), reached)| hook(place, &settings.url, reached)).collect()
}

fn hook(place: &str, url: &str, reached: Option<Result<(), String>>) -> Finding {
    match reached {
        Some(Ok(())) => Finding::good("hook", format!("{place} {url}: something listens there")),
        Some(Err(reason)) => {
            Finding::bad("hook", format!("{place} {url}: {reason}; start the service, or correct {place}.url"))
        }
        None => Finding::warning(
            "hook",
            format!("{place} {url}: not looked at: the hooks before it took {} s", bounded::ALL.as_secs()),
        ),
    }
}

async fn reach(url: &str) -> Result<(), String> {
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    let host = url.host_str().unwrap_or_default();
    let address = format!("{host}:{}", url.port_or_known_default().unwrap_or(443));
    let connected = tokio::time::timeout(REACH, tokio::net::TcpStream::connect(&address)).await;
    let connected = connected.map_err(|_| format!("no connection to {address} within {} s", REACH.as_secs()))?;
    connected.map(drop).map_err(|error| format!("cannot connect to {address}: {error}"))
}
