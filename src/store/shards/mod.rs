//! The handle of the store: which shard, is there room, and what it came to. Everything that changes state goes
//! through [`Shards::apply`]; `actor` holds the queues, an engine the rows.

use std::sync::Arc;
use std::time::Duration;

use prometheus::IntCounter;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::actor::Shard;
use super::{Health, Store, StoreError, check_size};
use crate::clock::Time;
use crate::metrics::Metrics;
use crate::state::key::{Fence, Key};
use crate::state::op::Op;
use crate::state::step::{Outcome, Row};

mod lane;
#[cfg(test)]
mod tests;

use lane::ErrorCounts;
pub(super) use lane::Lane;

/// How the shards queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShardsConfig {
    /// Operations that may be in one shard at once; more are refused at once.
    pub queue: u32,
    /// Operations in one batch.
    pub batch: usize,
    /// How long an operation may take, retries of unknown outcomes included.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// How often a shard looks for expired rows.
    #[serde(with = "humantime_serde")]
    pub sweep_every: Duration,
    /// How many of them it looks at in one step.
    pub sweep_budget: usize,
}

impl Default for ShardsConfig {
    fn default() -> Self {
        Self {
            queue: 4096,
            batch: 256,
            timeout: Duration::from_secs(5),
            sweep_every: Duration::from_secs(1),
            sweep_budget: 256,
        }
    }
}

/// The handle of the store.
#[derive(Clone)]
pub struct Shards {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    shards: Vec<Shard>,
    timeout: Duration,
    peeks: IntCounter,
    errors: ErrorCounts,
    failure: watch::Sender<Option<String>>,
}

impl std::fmt::Debug for Shards {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shards").field("shards", &self.inner.shards.len()).finish_non_exhaustive()
    }
}

impl Shards {
    /// Starts an actor for each shard of the engine.
    ///
    /// # Errors
    /// [`StoreError::Fatal`] if an actor cannot be started.
    pub async fn start(store: Arc<dyn Store>, config: ShardsConfig, metrics: &Metrics) -> Result<Self, StoreError> {
        let failure = watch::Sender::new(None);
        let mut shards = Vec::with_capacity(usize::from(store.shards()));
        for shard in 0..store.shards() {
            let lane = Lane::new(shard, Arc::clone(&store), config.clone(), metrics, failure.clone());
            let failure = failure.clone();
            let died = move |shard| report(&failure, format!("the actor of store shard {shard} died"));
            shards.push(Shard::start(Arc::new(lane), config.queue.max(1), died).await?);
        }
        let peeks = metrics.store_ops.with_label_values(&["peek", "done"]);
        let errors = ErrorCounts::new(metrics);
        Ok(Self { inner: Arc::new(Inner { store, shards, timeout: config.timeout, peeks, errors, failure }) })
    }

    /// Applies one operation; its outcome is durable when it is given.
    ///
    /// # Errors
    /// If the store cannot. [`StoreError::Unavailable`] and [`StoreError::TooLarge`]: nothing was done.
    pub async fn apply(&self, op: Op) -> Result<Outcome, StoreError> {
        self.apply_within(op, self.inner.timeout).await
    }

    /// [`Shards::apply`] with a limit of its own. It is the wait that ends: the operation may still be carried out,
    /// so a late one is [`StoreError::Indeterminate`].
    ///
    /// # Errors
    /// As [`Shards::apply`].
    pub async fn apply_within(&self, op: Op, limit: Duration) -> Result<Outcome, StoreError> {
        check_size(&op).and_then(|()| self.check()).map_err(|error| self.inner.errors.count(error))?;
        let shard = usize::from(self.inner.store.route(&op.key()));
        let Some(shard) = self.inner.shards.get(shard) else {
            return Err(StoreError::Fatal(format!("shard {shard} does not exist")));
        };
        shard.apply(op, limit).await.map_err(|error| self.inner.errors.count(error))
    }

    /// Reads rows; never the basis of a single-use decision.
    ///
    /// # Errors
    /// If the store cannot.
    pub async fn peek(&self, keys: &[Key]) -> Result<Vec<Option<Row>>, StoreError> {
        self.inner.peeks.inc();
        self.inner.store.peek(keys).await.map_err(|error| self.inner.errors.count(error))
    }

    /// The moment at or before which everything of the issuer, of the client or about the subject is void;
    /// [`Time::ZERO`] if there is none.
    ///
    /// # Errors
    /// If the store cannot.
    pub async fn fence(&self, issuer: &str, client: &str, subject: &str) -> Result<Time, StoreError> {
        let keys = [Fence::Issuer, Fence::Client(client), Fence::Subject(subject)].map(|f| Key::fence(issuer, f));
        let rows = self.peek(&keys).await?;
        let at = |row| if let Some(Row::Fence { at, .. }) = row { at } else { Time::ZERO };
        Ok(rows.into_iter().map(at).max().unwrap_or_default())
    }

    /// The engine, for keys and documents.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.store
    }

    /// Whether the store can take writes now.
    pub fn health(&self) -> Health {
        match &*self.inner.failure.borrow() {
            Some(why) => Health::Failed(why.clone()),
            None => self.inner.store.health(),
        }
    }

    /// Waits until the store cannot go on in this process, and gives the reason; the server then stops the node.
    pub async fn failed(&self) -> String {
        let mut failure = self.inner.failure.subscribe();
        let why = failure.wait_for(Option::is_some).await.ok().and_then(|why| why.clone());
        // `self` holds the sender, so there is a reason
        why.unwrap_or_default()
    }

    /// Refuses new operations, finishes those that are in within `limit`, and closes the engine within as much again.
    ///
    /// # Errors
    /// If the engine could not make everything durable.
    pub async fn stop(&self, limit: Duration) -> Result<(), StoreError> {
        let finish = async {
            for shard in &self.inner.shards {
                shard.stop().await;
            }
        };
        if tokio::time::timeout(limit, finish).await.is_err() {
            tracing::warn!(?limit, "failed to finish all store operations in time");
            self.inner.shards.iter().for_each(Shard::abandon);
        }
        // a disk that does not answer must not keep the process: what was answered is durable already
        tokio::time::timeout(limit, self.inner.store.close()).await.unwrap_or_else(|_| {
            Err(StoreError::Indeterminate { reason: "the engine did not close in time".to_owned() })
        })
    }

    fn check(&self) -> Result<(), StoreError> {
        self.inner.failure.borrow().clone().map_or(Ok(()), |why| Err(StoreError::Fatal(why)))
    }
}

/// Says once why the store cannot go on.
fn report(failure: &watch::Sender<Option<String>>, why: String) {
    failure.send_if_modified(|reason| {
        let first = reason.is_none();
        if first {
            tracing::error!(%why, "the store failed; the node stops");
            *reason = Some(why);
        }
        first
    });
}
