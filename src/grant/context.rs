//! The parts of a running service that grants use.

use std::sync::Arc;

use crate::clock::Clock;
use crate::keys::Keys;
use crate::limit::node_count::NodeCount;
use crate::metrics::Metrics;
use crate::registry::Registry;
use crate::store::Shards;
use crate::user::Users;
use crate::vault::Vault;

/// The parts of the service that grants may use.
#[derive(Clone)]
pub struct Context {
    /// The store.
    pub shards: Shards,
    /// The signing keys.
    pub keys: Keys,
    /// The master keys.
    pub vault: Arc<Vault>,
    /// The time.
    pub clock: Clock,
    /// The metrics.
    pub metrics: Metrics,
    /// The users, for the password grant.
    pub users: Users,
    /// Issuers and clients.
    pub registry: Arc<Registry>,
    /// The nodes that limits are divided by.
    pub nodes: NodeCount,
}
