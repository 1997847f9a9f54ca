//! The environment of a daemon: what it takes from its process instead of its settings.

use std::sync::Arc;

use super::operator::LogControl;
use crate::clock::Clock;
use crate::http::fetch::Fetcher;
use crate::jwks::remote::Fetch;
use crate::metrics::Metrics;

/// The time, the metrics and the means of a daemon, which are no settings.
pub struct Environment {
    /// The time.
    pub clock: Clock,
    /// The metrics.
    pub metrics: Metrics,
    /// Reads documents of clients from their servers.
    pub fetch: Arc<dyn Fetch>,
    /// Changes the log filter, for a reload.
    pub log: LogControl,
}

impl Environment {
    /// Makes the environment of a process: the system's clock, new metrics, documents from the network, and its `log`.
    pub fn system(log: LogControl) -> Self {
        Self { clock: Clock::system(), metrics: Metrics::new(), fetch: Arc::new(Fetcher::new()), log }
    }
}
