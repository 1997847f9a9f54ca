//! What the public and the admin surface share: the parts of a running service, in one place.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use prometheus::IntCounter;

use crate::auth::{Authenticator, HashPool};
use crate::dialect::Dialects;
use crate::grant::Context;
use crate::limit::throttle::Throttle;
use crate::metrics::Metrics;
use crate::registry::Registry;
use crate::router::Router;

/// A running service.
pub struct Service {
    /// Issuers and clients.
    pub registry: Arc<Registry>,
    /// Who is who.
    pub authenticator: Authenticator,
    /// Who answers what.
    pub router: Router,
    /// Store, keys, vault, clock, metrics.
    pub context: Context,
    /// Where slow hashes run.
    pub pool: Arc<HashPool>,
    /// Devices that were started.
    pub device_starts: Throttle,
    /// Whether it takes requests.
    pub phase: Phase,
    /// How its endpoints may be spelled.
    pub dialects: Dialects,
    /// What only the daemon around it can do.
    pub operator: Arc<dyn Operator>,
    /// What most requests count.
    pub tally: Tally,
}

/// Counters that most requests touch, resolved once.
pub struct Tally {
    /// Introspections of tokens that are alive.
    pub active: IntCounter,
    /// Introspections of all others.
    pub inactive: IntCounter,
    /// Access tokens.
    pub access: IntCounter,
    /// Refresh tokens.
    pub refresh: IntCounter,
    /// ID tokens.
    pub id: IntCounter,
}

impl Tally {
    /// Resolves them.
    pub fn new(metrics: &Metrics) -> Self {
        let introspected = |outcome| metrics.introspections.with_label_values(&[outcome]);
        let issued = |kind| metrics.tokens_issued.with_label_values(&[kind]);
        Self {
            active: introspected("active"),
            inactive: introspected("inactive"),
            access: issued("access"),
            refresh: issued("refresh"),
            id: issued("id"),
        }
    }
}

/// What only the daemon can do for the admin surface.
pub trait Operator: Send + Sync {
    /// Reads the configuration again and swaps it in, whole or not at all; `Ok` says what changed.
    fn reload(&self) -> Pin<Box<dyn Future<Output = Result<Reloaded, String>> + Send + '_>>;

    /// The effective configuration with the origin of each value, secrets redacted.
    fn config(&self) -> serde_json::Value;
}

/// What a reload came to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Reloaded {
    /// Whether anything that can be reloaded had changed.
    pub changed: bool,
    /// Settings that changed but need a restart.
    pub needs_restart: Vec<String>,
}

/// Where a process is in its life.
#[derive(Debug, Default)]
pub struct Phase(AtomicU8);

const SERVING: u8 = 1;
const DRAINING: u8 = 2;

impl Phase {
    /// From now on it serves.
    pub fn serve(&self) {
        self.0.store(SERVING, Ordering::Release);
    }

    /// From now on it drains: it answers, but wants no new traffic.
    pub fn drain(&self) {
        self.0.store(DRAINING, Ordering::Release);
    }

    /// Whether it wants traffic.
    pub fn is_serving(&self) -> bool {
        self.0.load(Ordering::Acquire) == SERVING
    }
}
