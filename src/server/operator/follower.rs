//! Follows the other nodes: says that this one lives, learns how many they are and what they changed, and takes the time of
//! the engine that they share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::node_info;
use crate::clock::Clock;
use crate::config::Config;
use crate::id::Id;
use crate::keys::Keys;
use crate::limit::node_count::NodeCount;
use crate::metrics::{Metrics, Stopwatch};
use crate::registry::Registry;
use crate::store::nodes::KEYS;
use crate::store::{Heartbeat, NodeInfo, Nodes};
use crate::vault::Vault;

/// Longest time of a sign of life, and of reading what it says has changed.
const LIMIT: Duration = Duration::from_secs(2);
/// Difference between this machine's clock and the engine's that an operator should look at, in milliseconds.
const CLOCK_TOLERANCE: u64 = 1000;

/// Follows the other nodes.
pub(in crate::server) struct Follower {
    nodes: Option<Arc<dyn Nodes>>,
    own: ArcSwap<NodeInfo>,
    parts: FollowerParts,
    /// Version of the key rings that was last taken in.
    keys_version: AtomicU64,
    /// Since everything was last known to be up to date.
    current: Mutex<Stopwatch>,
    /// False once this node has taken its leave.
    alive: tokio::sync::Mutex<bool>,
    /// The last warning, so that each is given once.
    warned: Mutex<String>,
}

/// The parts of the daemon that follow.
pub(in crate::server) struct FollowerParts {
    pub(in crate::server) registry: Arc<Registry>,
    pub(in crate::server) keys: Keys,
    pub(in crate::server) vault: Arc<Vault>,
    pub(in crate::server) clock: Clock,
    pub(in crate::server) count: NodeCount,
    pub(in crate::server) metrics: Metrics,
}

impl Follower {
    /// Creates it; without `nodes` there are no others to count, and changes are looked for.
    pub(in crate::server) fn new(nodes: Option<Arc<dyn Nodes>>, config: &Config, parts: FollowerParts) -> Self {
        let own = ArcSwap::from_pointee(node_info::of(Id::random(), config, &parts.vault));
        let (keys_version, current, warned) = (AtomicU64::new(0), Mutex::new(Stopwatch::start()), Mutex::default());
        let alive = tokio::sync::Mutex::new(true);
        parts.metrics.nodes.set(1);
        Self { nodes, own, parts, keys_version, current, alive, warned }
    }

    /// Presents this node with other settings or master keys from now on.
    pub(super) fn present(&self, config: &Config) {
        self.own.store(Arc::new(node_info::of(self.own.load().id, config, &self.parts.vault)));
        if self.nodes.is_none() {
            self.parts.vault.choose(|_| true);
        }
    }

    /// Takes in what other nodes changed; a failure is the store's, which reports it itself.
    pub(in crate::server) async fn follow(&self) {
        // before anything is awaited, and so also when it never ends
        let behind = self.current.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
        self.parts.metrics.follow_lag.set(i64::try_from(behind.as_secs()).unwrap_or(i64::MAX));
        if self.has_followed().await {
            *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Stopwatch::start();
            self.parts.metrics.follow_lag.set(0);
        }
    }

    /// Does the same as [`Follower::follow`], and returns whether it succeeded.
    pub(in crate::server) async fn has_followed(&self) -> bool {
        let Some(nodes) = &self.nodes else { return within(self.parts.registry.follow()).await.is_some() };
        let heartbeat = {
            // no sign of life may arrive after the farewell
            let alive = self.alive.lock().await;
            if *alive { within(nodes.beat(&self.own.load_full())).await } else { None }
        };
        match heartbeat {
            Some(heartbeat) => self.take(heartbeat).await.is_some(),
            None => false,
        }
    }

    /// Tells the others that this node ends.
    pub(in crate::server) async fn leave(&self) {
        *self.alive.lock().await = false;
        if let Some(nodes) = &self.nodes {
            let _ = within(nodes.leave(self.own.load().id)).await;
        }
    }

    async fn take(&self, heartbeat: Heartbeat) -> Option<()> {
        let Heartbeat { others, versions, now } = heartbeat;
        self.parts.count.set(u32::try_from(others.len()).unwrap_or(u32::MAX).saturating_add(1));
        let ahead = now.map(|now| self.parts.clock.follow(now));
        self.compare(&others, ahead.unwrap_or(0));
        let version = |topic: &str| versions.get(topic).copied().unwrap_or(0);
        let clients = within(self.parts.registry.follow_to(version(Registry::TOPIC))).await;
        let keys = version(KEYS);
        if self.keys_version.load(Ordering::Relaxed) < keys {
            match tokio::time::timeout(LIMIT, self.parts.keys.refresh()).await {
                Ok(Ok(())) => self.keys_version.store(keys, Ordering::Relaxed),
                Ok(Err(error)) => {
                    tracing::debug!(%error, "failed to follow the signing keys");
                    return None;
                }
                Err(_) => return None,
            }
        }
        clients
    }

    /// Compares this node with the others, and makes the newest master key that all of them have the current one.
    fn compare(&self, others: &[NodeInfo], ahead: i64) {
        let (own, metrics) = (self.own.load(), &self.parts.metrics);
        let differing = |differs: &dyn Fn(&NodeInfo) -> bool| others.iter().filter(|other| differs(other)).count();
        let in_common = |digest: &str| others.iter().all(|other| other.master_keys.iter().any(|own| own == digest));
        let chosen = self.parts.vault.choose(in_common);
        let differences = [
            ("settings", differing(&|other| other.settings != own.settings)),
            ("master_keys", differing(&|other| other.master_keys != own.master_keys)),
            ("version", differing(&|other| other.version != own.version)),
        ];
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        for (what, number) in differences {
            metrics.nodes_differ.with_label_values(&[what]).set(count(number));
        }
        metrics.nodes.set(count(others.len() + 1));
        metrics.clock_offset.set(ahead as f64 / 1000.0);
        let mut warning = String::new();
        if !chosen {
            warning
                .push_str("other nodes lack the first master key of this one's file, so an older one stays current; ");
        }
        for (what, number) in differences.iter().filter(|(_, number)| *number > 0) {
            warning.push_str(&format!("{number} other nodes have another value of {what}; "));
        }
        if ahead.unsigned_abs() > CLOCK_TOLERANCE {
            warning.push_str("this machine's clock is more than a second off the database's; ");
        }
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if *warned != warning {
            if !warning.is_empty() {
                tracing::warn!(nodes = others.len() + 1, clock_ahead_ms = ahead, "{}", warning.trim_end_matches("; "));
            }
            *warned = warning;
        }
    }
}

/// Returns the result if it comes in time.
async fn within<T>(question: impl Future<Output = Result<T, crate::store::StoreError>>) -> Option<T> {
    match tokio::time::timeout(LIMIT, question).await {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(error)) => {
            tracing::debug!(%error, "failed to follow the other nodes");
            None
        }
        Err(_) => {
            tracing::debug!("the store takes too long to say what other nodes changed");
            None
        }
    }
}
