//! A host of a cell, from the first packet to a proof: connect, gate, confirm.

use super::connection::ServerConnection;
use super::dial::{CONNECT, Dialer};
use super::facts::{self, MetaRow};
use super::gate::{self, Expected};
use super::query::Query;
use super::statements::CONFIRM;
use crate::state::Outage;

/// A connection that passed the gate.
pub(super) struct Admitted {
    pub(super) connection: ServerConnection,
    pub(super) timeline: u32,
    /// The last outage that was written down there.
    pub(super) outage: Option<Outage>,
}

/// The reason why a host is of no use.
pub(super) struct HostRefusal {
    pub(super) reason: String,
    pub(super) lasting: bool,
    /// The rules of the gate that it breaks, but for being a primary.
    pub(super) rules: Vec<&'static str>,
}

impl HostRefusal {
    /// Makes the reason of a host that no rule refused.
    pub(super) fn now(reason: String) -> Self {
        Self { reason, lasting: false, rules: Vec::new() }
    }
}

/// Connects to a host and takes it through the gate.
pub(super) async fn admit(dialer: &Dialer, expected: &Expected, host: usize) -> Result<Admitted, HostRefusal> {
    let name = dialer.name(host);
    let turned = |reason: String| HostRefusal::now(format!("{name}: {reason}"));
    let connection = dialer.connect(host).await.map_err(turned)?;
    let asked = tokio::time::timeout(CONNECT, facts::ask(&connection)).await;
    let facts = asked.map_err(|_| turned("no answer in time".to_owned()))?.map_err(|failure| turned(failure.reason))?;
    let verdicts = gate::judge(&facts, expected);
    let failures: Vec<_> = verdicts.iter().filter_map(|own| Some((own.rule, own.failure()?))).collect();
    if failures.is_empty() {
        return Ok(Admitted {
            connection,
            timeline: facts.timeline,
            outage: facts.meta.as_ref().and_then(MetaRow::outage),
        });
    }
    let lasting = failures.iter().all(|(_, (_, lasting))| *lasting);
    let rules = failures.iter().map(|(rule, _)| *rule).filter(|rule| *rule != "primary").collect();
    let reasons: Vec<_> = failures.into_iter().map(|(_, (reason, _))| reason).collect();
    Err(HostRefusal { reason: format!("{name}: {}", reasons.join("; ")), lasting, rules })
}

/// Proves that the server commits, by a commit; gives the connection back.
pub(super) async fn confirm(admitted: Admitted) -> Result<Admitted, String> {
    let confirmed = admitted.connection.run(Query::read(CONFIRM, Vec::new())).await;
    confirmed.map(|_| admitted).map_err(|failure| failure.reason)
}
