//! The handle of the store: finds cell and lane, checks for room, and returns the outcome. Every change of state goes
//! through [`Shards::ask`]; `actor` holds the queues, an engine the rows.

use std::sync::Arc;
use std::time::Duration;

use prometheus::IntCounter;
use tokio::sync::watch;

use super::{Engine, Health, StoreError, check_size};
use crate::clock::Time;
use crate::id::Id;
use crate::metrics::Metrics;
use crate::state::family::SLACK;
use crate::state::op::Ask;
use crate::state::{Cell, Key, Op, Outcome, Placed, Row, SpendAssertion, SpendRefusal};

mod actor;
mod config;
mod failure;
mod lane;
#[cfg(test)]
mod tests;

use actor::Shard;
pub(crate) use config::ShardsConfig;
use failure::{Failure, report};
use lane::{ErrorCounts, Lane};

/// The handle of the store.
#[derive(Clone)]
pub struct Shards {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    shards: Vec<Shard>,
    timeout: Duration,
    peeks: IntCounter,
    errors: ErrorCounts,
    failure: Failure,
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
    pub async fn start(engine: Engine, config: ShardsConfig, metrics: &Metrics) -> Result<Self, StoreError> {
        let failure = watch::Sender::new(None);
        let lanes = engine.ledger.lanes().count.max(1);
        let mut shards = Vec::with_capacity(usize::from(lanes));
        for shard in 0..lanes {
            let lane = Lane::new(shard, engine.clone(), config.clone(), metrics, failure.clone());
            let failure = failure.clone();
            let died = move |shard| report(&failure, format!("the actor of store shard {shard} died"));
            shards.push(Shard::start(Arc::new(lane), config.queue.max(1), died).await?);
        }
        let peeks = metrics.store_ops.with_label_values(&["peek", "done"]);
        let errors = ErrorCounts::new(metrics);
        Ok(Self { inner: Arc::new(Inner { engine, shards, timeout: config.timeout, peeks, errors, failure }) })
    }

    /// Returns the cell in which something new begins.
    pub fn place(&self) -> Cell {
        Cell::default()
    }

    /// Returns the cell of a row that has no cell of its own, such as a used assertion or a user code.
    pub fn home(&self, key: &Key) -> Cell {
        let _ = key;
        Cell::default()
    }

    /// Returns every cell, for operations that concern all of them.
    pub fn cells(&self) -> impl Iterator<Item = Cell> + use<> {
        std::iter::once(Cell::default())
    }

    /// Carries out one operation in `cell`; its outcome is durable when it is returned.
    ///
    /// # Errors
    /// If the store fails. [`StoreError::Unavailable`] and [`StoreError::TooLarge`]: nothing was done.
    pub async fn ask<O: Ask>(&self, cell: Cell, op: O) -> Result<Result<O::Done, O::Refusal>, StoreError> {
        let outcome = self.apply(cell.place(op.into()), self.inner.timeout).await;
        outcome.map_err(|error| self.inner.errors.count(error)).and_then(|outcome| {
            O::answer(outcome)
                .ok_or_else(|| StoreError::Fatal(format!("the engine answered another operation than {}", O::NAME)))
        })
    }

    /// Marks the assertion or proof `name` at `issuer` as used until it has expired, on every node and over restarts.
    ///
    /// # Errors
    /// If the store fails; inside, if it was used before.
    pub async fn spend(
        &self,
        issuer: &str,
        name: &[u8],
        expires_at: Time,
    ) -> Result<Result<(), SpendRefusal>, StoreError> {
        let key = Key::used_assertion(issuer, name);
        // a store whose clock is ahead must not forget it while it still counts
        let spend = SpendAssertion { key, attempt: Id::random(), keep_until: expires_at + SLACK };
        self.ask(self.home(&key), spend).await
    }

    /// Only the wait ends after `limit`: the operation may still be carried out, so a late one is
    /// [`StoreError::Indeterminate`].
    async fn apply(&self, op: Placed<Op>, limit: Duration) -> Result<Outcome, StoreError> {
        check_size(&op.of).and_then(|()| self.check()).and_then(|()| here(op.cell))?;
        let shard = self.inner.shards.get(usize::from(self.inner.engine.ledger.lane(&op.of)));
        let shard = shard.ok_or_else(|| StoreError::Fatal("the engine has no lane".to_owned()))?;
        shard.apply(op.of, limit).await
    }

    /// Waits until the clocks of all nodes that share the store show a moment that is later than this one's now.
    #[expect(clippy::disallowed_methods, reason = "the difference of clocks passes with time alone")]
    pub async fn wait_for_clocks(&self) {
        let error = self.inner.engine.ledger.clock_error();
        if !error.is_zero() {
            tokio::time::sleep(error).await;
        }
    }

    /// Reads rows, in the order of `keys`; never the basis of a single-use decision.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn peek(&self, keys: &[Placed<Key>]) -> Result<Vec<Option<Row>>, StoreError> {
        self.inner.peeks.inc();
        let keys: Result<Vec<Key>, _> = keys.iter().map(|key| here(key.cell).map(|()| key.of)).collect();
        let rows = async { self.inner.engine.ledger.peek(&keys?).await };
        rows.await.map_err(|error| self.inner.errors.count(error))
    }

    /// Reads one row, see [`Shards::peek`].
    ///
    /// # Errors
    /// If the store fails.
    pub async fn peek_one(&self, key: Placed<Key>) -> Result<Option<Row>, StoreError> {
        Ok(self.peek(&[key]).await?.pop().flatten())
    }

    /// Returns the engine, for keys and documents.
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// Returns whether the store can take writes now.
    pub fn health(&self) -> Health {
        match &*self.inner.failure.borrow() {
            Some(why) => Health::Failed(why.clone()),
            None => self.inner.engine.lifecycle.health(),
        }
    }

    /// Waits until the store cannot continue in this process, and returns the reason; the server then stops the node.
    pub async fn failed(&self) -> String {
        let mut failure = self.inner.failure.subscribe();
        let why = failure.wait_for(Option::is_some).await.ok().and_then(|why| why.clone());
        // `self` holds the sender, so there is a reason
        why.unwrap_or_default()
    }

    /// Refuses new operations, finishes the accepted ones within `limit`, and closes the engine within as much again.
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
        tokio::time::timeout(limit, self.inner.engine.lifecycle.close()).await.unwrap_or_else(|_| {
            Err(StoreError::Indeterminate { reason: "the engine did not close in time".to_owned() })
        })
    }

    fn check(&self) -> Result<(), StoreError> {
        self.inner.failure.borrow().clone().map_or(Ok(()), |why| Err(StoreError::Fatal(why)))
    }
}

/// Fails for a cell that this node does not know.
fn here(cell: Cell) -> Result<(), StoreError> {
    if cell == Cell::default() {
        return Ok(());
    }
    Err(StoreError::Unavailable { reason: format!("cell {} is not one of this node's", cell.0) })
}
