//! PostgreSQL as an engine that several nodes share: rows, documents and keys in tables, by compare-and-set.
//!
//! SQL compares and stores; every rule of OAuth stays in [`Cas`](super::cas::Cas) above. A row has a random stamp that
//! each write replaces, and a write names the stamp that it read. Nothing here trusts a server that has not committed a
//! moment ago: `connect` finds the primary and watches over it, a `lane` owns each connection.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::watch;

pub(crate) use self::cell_check::{CellCheck, CellCheckStatus};
pub(crate) use self::config::PostgresConfig;
use self::connect::{Connector, Watched};
pub(crate) use self::examine::examine;
use self::failure::{closed, unavailable};
use self::lane_task::LaneParts;
use self::links::Links;
use self::metrics::CellMetrics;
pub(crate) use self::migrate::{MigrationState, migrate, migration_state};
use self::outage::LastOutage;
use self::primary::Primary;
use self::settings::settings;
use self::time::EngineTime;
use super::{Lifecycle, StoreError};
use crate::clock::Clock;
use crate::metrics::Metrics;

mod admit;
mod any_name;
mod cell_check;
mod config;
mod connect;
mod connection;
mod dial;
mod documents;
mod examine;
mod examine_primary;
mod facts;
mod failure;
mod gate;
mod host;
mod job;
mod key_rings;
mod lane;
mod lane_task;
mod lifecycle;
mod links;
mod metrics;
mod migrate;
mod nodes;
mod outage;
mod primary;
mod query;
mod reads;
mod rows;
mod schema;
mod settings;
mod statements;
mod stored;
#[cfg(test)]
mod tests;
mod time;
mod tls;

/// The shared engine on PostgreSQL.
pub(crate) struct Postgres {
    changes_lanes: u16,
    begins_lanes: u16,
    max_staleness: Duration,
    time: Arc<EngineTime>,
    outage: Arc<LastOutage>,
    metrics: CellMetrics,
    /// `None` after [`Lifecycle::close`].
    links: ArcSwapOption<Links>,
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Postgres").field("health", &self.health()).finish_non_exhaustive()
    }
}

impl Postgres {
    /// Opens the engine, and waits until there is a primary, for at most ten seconds. The engine's time is the servers',
    /// unless `clock` is moved by hand. Needs a tokio runtime.
    ///
    /// # Errors
    /// If a setting breaks its rule or no server can be used; the message says what to do.
    #[cfg(test)]
    pub(crate) async fn open(config: &PostgresConfig, clock: Clock) -> Result<Self, StoreError> {
        let engine = Self::start(config, clock, &Metrics::new())?;
        engine.ready(Duration::from_secs(10)).await.map(|()| engine)
    }

    /// Waits for a primary, for at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if there is none by then, [`StoreError::Fatal`] if there will be none until an operator
    /// changes something; the message says what.
    pub(crate) async fn ready(&self, limit: Duration) -> Result<(), StoreError> {
        let mut primary = self.links()?.primary.clone();
        let settled = |known: &Primary| matches!(known, Primary::Found(_) | Primary::Away { lasting: true, .. });
        let _ = tokio::time::timeout(limit, primary.wait_for(settled)).await;
        match &*primary.borrow() {
            Primary::Found(_) => Ok(()),
            Primary::Away { reason, lasting: true } => Err(StoreError::Fatal(reason.clone())),
            Primary::Away { reason, lasting: false } => Err(unavailable(reason.clone())),
            Primary::Sought => Err(unavailable("no server answered in time")),
        }
    }

    /// Starts the engine without waiting for a primary; until there is one, every call is unavailable.
    ///
    /// # Errors
    /// If a setting breaks its rule.
    pub(crate) fn start(config: &PostgresConfig, clock: Clock, metrics: &Metrics) -> Result<Self, StoreError> {
        let (dialer, expected) = settings(config)?;
        let cell = dialer.cell();
        let (changes_lanes, begins_lanes) = (cell.changes_lanes, cell.begins_lanes);
        let (publish, primary) = watch::channel(Primary::Sought);
        let (dialer, time) = (Arc::new(dialer), Arc::new(EngineTime::new(clock)));
        let outage = Arc::new(LastOutage::default());
        let metrics = CellMetrics::new(metrics);
        let watched = Watched { time: Arc::clone(&time), outage: Arc::clone(&outage), metrics: metrics.clone() };
        tokio::spawn(Connector::new(Arc::clone(&dialer), expected.clone(), publish, watched).run());
        let parts = LaneParts { dialer, expected, primary, time: Arc::clone(&time), metrics: metrics.clone() };
        let links = Links::start(&parts, changes_lanes.saturating_add(begins_lanes), config.max_staleness);
        Ok(Self {
            changes_lanes,
            begins_lanes,
            max_staleness: config.max_staleness,
            time,
            outage,
            metrics,
            links: ArcSwapOption::from_pointee(links),
        })
    }

    fn links(&self) -> Result<Arc<Links>, StoreError> {
        self.links.load_full().ok_or_else(closed)
    }
}
