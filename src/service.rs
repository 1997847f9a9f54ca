//! The parts of a running service, shared by the public and the admin surface.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use prometheus::IntCounter;

use crate::auth::{Authenticator, HashPool};
use crate::dialect::Dialects;
use crate::grant::Context;
use crate::metrics::Metrics;
use crate::registry::Registry;
use crate::router::Router;

/// A running service.
pub struct Service {
    /// Issuers and clients.
    pub registry: Arc<Registry>,
    /// Authenticates clients.
    pub authenticator: Authenticator,
    /// The registered grants.
    pub router: Router,
    /// Store, keys, vault, clock, metrics.
    pub context: Context,
    /// The threads of slow hashes.
    pub pool: Arc<HashPool>,
    /// The phase of the process.
    pub phase: ServingPhase,
    /// The dialects.
    pub dialects: Dialects,
    /// Operations of the daemon around the service.
    pub operator: Arc<dyn Operator>,
    /// The counters of the endpoints.
    pub(crate) counters: Counters,
}

/// Counters of the endpoints, resolved once.
pub(crate) struct Counters {
    /// Introspections of active tokens.
    pub(crate) active: IntCounter,
    /// Introspections of all other tokens.
    pub(crate) inactive: IntCounter,
    // issued
    pub(crate) access_tokens: IntCounter,
    pub(crate) refresh_tokens: IntCounter,
    pub(crate) id_tokens: IntCounter,
    pub(crate) codes: IntCounter,
    /// Requests refused because their client sends more than it may.
    pub(crate) client_rate: IntCounter,
    pub(crate) revocations: Revocations,
}

/// Revocations, by what was revoked.
pub(crate) struct Revocations {
    pub(crate) family: IntCounter,
    pub(crate) token: IntCounter,
    pub(crate) subject: IntCounter,
    pub(crate) client: IntCounter,
    pub(crate) issuer: IntCounter,
    pub(crate) nothing: IntCounter,
}

impl Counters {
    /// Resolves the counters.
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let introspected = |outcome| metrics.introspections.with_label_values(&[outcome]);
        let issued = |kind| metrics.tokens_issued.with_label_values(&[kind]);
        let shed = |reason| metrics.shed.with_label_values(&[reason]);
        let revoked = |what| metrics.revocations.with_label_values(&[what]);
        Self {
            active: introspected("active"),
            inactive: introspected("inactive"),
            access_tokens: issued("access"),
            refresh_tokens: issued("refresh"),
            id_tokens: issued("id"),
            codes: issued("code"),
            client_rate: shed("client_rate"),
            revocations: Revocations {
                family: revoked("family"),
                token: revoked("token"),
                subject: revoked("subject"),
                client: revoked("client"),
                issuer: revoked("issuer"),
                nothing: revoked("nothing"),
            },
        }
    }
}

/// Operations that only the daemon can do for the admin surface.
pub trait Operator: Send + Sync {
    /// Reads the configuration again and swaps it in, whole or not at all; `Ok` says what changed.
    fn reload(&self) -> Pin<Box<dyn Future<Output = Result<Reloaded, String>> + Send + '_>>;

    /// The effective configuration with the origin of each value, secrets redacted.
    fn config(&self) -> serde_json::Value;
}

/// The outcome of a reload.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Reloaded {
    /// True if anything that can be reloaded had changed.
    pub changed: bool,
    /// Settings that changed but need a restart.
    pub needs_restart: Vec<String>,
}

/// The phase of a process: starting, serving, draining.
#[derive(Debug, Default)]
pub struct ServingPhase(AtomicU8);

const SERVING: u8 = 1;
const DRAINING: u8 = 2;

impl ServingPhase {
    /// Begins to serve.
    pub fn serve(&self) {
        self.0.store(SERVING, Ordering::Release);
    }

    /// Begins to drain: requests are answered, but no new traffic is wanted.
    pub fn drain(&self) {
        self.0.store(DRAINING, Ordering::Release);
    }

    /// Returns whether the process wants traffic.
    pub fn is_serving(&self) -> bool {
        self.0.load(Ordering::Acquire) == SERVING
    }
}
