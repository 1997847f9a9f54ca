//! The connector of a cell: finds the primary, watches over it, and publishes what it knows.
//!
//! All hosts are tried at once; one counts only after the gate, and of several the one with the highest timeline is it,
//! once it has confirmed: an old primary lists frozen standbys as streaming for a long time, and would never commit again.
//! A connection on which a confirmation is late is kept: the server keeps the backend of a client that hung up until
//! enough standbys answer, and reconnecting every few seconds would use up its connections.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::admit::{Admitted, HostRefusal, admit, confirm};
use super::dial::Dialer;
use super::facts::{self, MetaRow, ServerFacts};
use super::gate::{self, Expected};
use super::metrics::CellMetrics;
use super::outage::{self, LastOutage};
use super::primary::{FoundPrimary, Primary};
use super::time::EngineTime;
use crate::id::random_bytes;
use crate::metrics::Stopwatch;

/// Longest time of a confirmation; after it the cell is away.
pub(super) const CONFIRMATION: Duration = Duration::from_secs(1);
/// Time between two looks at the primary.
const LOOK: Duration = Duration::from_millis(500);
/// Time between two looks at another host.
const SIDE_LOOK: Duration = Duration::from_secs(1);
/// Shortest and longest time between two searches.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// A confirmation under way, with its connection, which it gives back.
type Confirming = JoinHandle<Result<Admitted, String>>;

/// A look at a host that may have become the primary.
type SideLook = JoinHandle<Option<Admitted>>;

/// The values that the connector keeps up to date besides the primary.
#[derive(Clone)]
pub(super) struct Watched {
    pub(super) time: Arc<EngineTime>,
    pub(super) outage: Arc<LastOutage>,
    pub(super) metrics: CellMetrics,
}

impl Watched {
    fn learn(&self, facts: &ServerFacts) {
        if let Some(outage) = facts.meta.as_ref().and_then(MetaRow::outage) {
            self.outage.learn(outage);
        }
    }
}

/// Finds and watches the primary.
pub(super) struct Connector {
    dialer: Arc<Dialer>,
    expected: Expected,
    primary: watch::Sender<Primary>,
    watched: Watched,
    /// Since the last confirmation began; `None` before the first.
    confirmed: Option<Stopwatch>,
    /// For each host, the confirmation that is late there.
    late: Vec<Option<Confirming>>,
    /// For each host, the last look at it while another one is the primary.
    looks: Vec<Option<(Stopwatch, SideLook)>>,
    /// The highest timeline that confirmed; a server of a lower one was left behind by a failover.
    highest: u32,
}

impl Connector {
    pub(super) fn new(
        dialer: Arc<Dialer>,
        expected: Expected,
        primary: watch::Sender<Primary>,
        watched: Watched,
    ) -> Self {
        let late = dialer.hosts.iter().map(|_| None).collect();
        let looks = dialer.hosts.iter().map(|_| None).collect();
        Self { dialer, expected, primary, watched, confirmed: None, late, looks, highest: 0 }
    }

    /// Works until nobody follows any more.
    pub(super) async fn run(mut self) {
        let mut pause = PAUSES.0;
        loop {
            match self.find().await {
                Ok(admitted) => {
                    pause = PAUSES.0;
                    let reason = self.keep(admitted).await;
                    if self.primary.is_closed() {
                        return;
                    }
                    tracing::warn!(reason, "lost the primary of a cell");
                    // one search at once: a primary that only ended this connection is not away
                    continue;
                }
                Err(HostRefusal { reason, lasting, .. }) => self.publish(Primary::Away { reason, lasting }),
            }
            tokio::select! {
                () = self.primary.closed() => return,
                () = wait(jittered(pause)) => {}
            }
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    fn publish(&self, primary: Primary) {
        self.primary.send_if_modified(|known| {
            let changed = *known != primary;
            if changed {
                self.watched.metrics.up.set(i64::from(matches!(primary, Primary::Found(_))));
                match &primary {
                    Primary::Away { reason, .. } => tracing::error!(reason, "a cell is away"),
                    Primary::Found(found) => {
                        let host = self.dialer.name(found.host);
                        tracing::info!(host, timeline = found.timeline, "found the primary of a cell");
                        self.watched.time.measure_again();
                    }
                    Primary::Sought => {}
                }
                *known = primary;
            }
            changed
        });
    }

    /// Looks for the primary once.
    async fn find(&mut self) -> Result<Admitted, HostRefusal> {
        let mut looks = Vec::new();
        let mut turned = Vec::new();
        for host in 0..self.late.len() {
            match &self.late[host] {
                Some(late) if !late.is_finished() => {
                    turned.push(HostRefusal::now(format!("{} does not confirm", self.dialer.name(host))))
                }
                _ => {
                    self.late[host] = None;
                    let (dialer, expected) = (Arc::clone(&self.dialer), self.expected.clone());
                    looks.push(tokio::spawn(async move { admit(&dialer, &expected, host).await }));
                }
            }
        }
        let mut admitted: Option<Admitted> = None;
        for look in looks {
            match look.await {
                Ok(Ok(found)) if found.timeline < self.highest => turned.push(HostRefusal::now(format!(
                    "{} writes timeline {}, and there was {} already; it was left behind by a failover",
                    self.dialer.name(found.connection.host),
                    found.timeline,
                    self.highest
                ))),
                Ok(Ok(found)) if admitted.as_ref().is_none_or(|best| found.timeline > best.timeline) => {
                    admitted = Some(found);
                }
                Ok(Ok(_)) => {}
                Ok(Err(why)) => {
                    self.watched.metrics.refused(&why.rules);
                    turned.push(why);
                }
                Err(error) => turned.push(HostRefusal::now(error.to_string())),
            }
        }
        match admitted {
            Some(admitted) => {
                if let Some(outage) = admitted.outage {
                    self.watched.outage.learn(outage);
                }
                self.confirmed(admitted).await.map_err(HostRefusal::now)
            }
            None => Err(HostRefusal {
                lasting: !turned.is_empty() && turned.iter().all(|why| why.lasting),
                reason: turned.into_iter().map(|why| why.reason).collect::<Vec<_>>().join("; "),
                rules: Vec::new(),
            }),
        }
    }

    /// Confirms on a connection; one on which that is late is kept, and the host left alone until it is over.
    async fn confirmed(&mut self, admitted: Admitted) -> Result<Admitted, String> {
        let host = admitted.connection.host;
        let name = self.dialer.name(host);
        let began = Stopwatch::start();
        let away = self.confirmed.map(|last| last.elapsed()).filter(|away| *away > outage::SHORTEST);
        let watched = self.watched.clone();
        let mut confirming = tokio::spawn(async move {
            let Some(away) = away else { return confirm(admitted).await };
            let noted = outage::note(&admitted.connection, away, &watched.time, &watched.outage).await;
            noted.map(|()| admitted).map_err(|failure| failure.reason)
        });
        match tokio::time::timeout(CONFIRMATION, &mut confirming).await {
            Ok(Ok(Ok(admitted))) => {
                self.highest = self.highest.max(admitted.timeline);
                self.confirmed = Some(began);
                if let Some(away) = away {
                    self.watched.metrics.away.inc_by(away.as_secs_f64());
                    tracing::warn!(seconds = away.as_secs_f64(), "a cell was away; grace periods start again");
                }
                Ok(admitted)
            }
            Ok(Ok(Err(reason))) => Err(format!("{name}: {reason}")),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => {
                if let Some(place) = self.late.get_mut(host) {
                    *place = Some(confirming);
                }
                Err(format!(
                    "{name} did not confirm a commit within {} s; are its standbys there?",
                    CONFIRMATION.as_secs()
                ))
            }
        }
    }

    /// Publishes the primary and looks at it twice a second, until it is lost; returns the reason.
    async fn keep(&mut self, mut admitted: Admitted) -> String {
        loop {
            let found = FoundPrimary { host: admitted.connection.host, timeline: admitted.timeline };
            self.publish(Primary::Found(found));
            tokio::select! {
                () = self.primary.closed() => return "the engine was closed".to_owned(),
                () = admitted.connection.ended() => return "its connection ended".to_owned(),
                () = wait(LOOK) => {}
            }
            if let Some(other) = self.higher(found).await {
                match self.confirmed(other).await {
                    Ok(other) => {
                        admitted = other;
                        continue;
                    }
                    Err(reason) => tracing::debug!(reason, "a higher timeline that does not confirm"),
                }
            }
            let still = self.still_admitted(&admitted).await;
            if let Err(reason) = &still {
                self.publish(Primary::Away { reason: reason.clone(), lasting: false });
            }
            // also where it is of no use any more: its connection is kept while a commit is late there
            match still.and(self.confirmed(admitted).await) {
                Ok(same) => admitted = same,
                Err(reason) => {
                    self.publish(Primary::Away { reason: reason.clone(), lasting: false });
                    return reason;
                }
            }
        }
    }

    /// Takes the primary in use through the gate again: its settings may be changed while it runs.
    async fn still_admitted(&self, admitted: &Admitted) -> Result<(), String> {
        let name = self.dialer.name(admitted.connection.host);
        match tokio::time::timeout(CONFIRMATION, facts::ask(&admitted.connection)).await {
            Ok(Ok(facts)) => {
                self.watched.learn(&facts);
                let verdicts = gate::judge(&facts, &self.expected);
                let failure = verdicts.iter().find_map(gate::Verdict::failure);
                failure.map_or(Ok(()), |(reason, _)| Err(format!("{name}: {reason}")))
            }
            Ok(Err(failure)) => Err(format!("{name}: {}", failure.reason)),
            Err(_) => Err(format!("{name} does not answer")),
        }
    }

    /// Returns a primary of a higher timeline than the one in use, if a look at another host has found one, and looks again
    /// where a second has passed. A host that does not answer must not delay the look at the one in use.
    async fn higher(&mut self, than: FoundPrimary) -> Option<Admitted> {
        let mut best: Option<Admitted> = None;
        for host in (0..self.late.len()).filter(|host| *host != than.host) {
            if self.looks[host].as_ref().is_some_and(|look| look.1.is_finished())
                && let Some((_, look)) = self.looks[host].take_if(|look| look.0.elapsed() >= SIDE_LOOK)
                && let Ok(Some(found)) = look.await
                && found.timeline > best.as_ref().map_or(than.timeline, |best| best.timeline)
            {
                best = Some(found);
            }
            if self.looks[host].is_none() && self.late[host].as_ref().is_none_or(JoinHandle::is_finished) {
                self.late[host] = None;
                let (dialer, expected) = (Arc::clone(&self.dialer), self.expected.clone());
                let look = tokio::spawn(async move { admit(&dialer, &expected, host).await.ok() });
                self.looks[host] = Some((Stopwatch::start(), look));
            }
        }
        best
    }
}

fn jittered(pause: Duration) -> Duration {
    // three quarters to five quarters, so that nodes do not come all at once
    pause * (192 + u32::from(random_bytes::<1>()[0]) / 2) / 256
}

#[expect(clippy::disallowed_methods, reason = "a server that is away is not asked without a pause")]
async fn wait(pause: Duration) {
    tokio::time::sleep(pause).await;
}
