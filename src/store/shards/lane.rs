//! What a shard does with the engine, without its queue: apply a batch until the outcome is known, sweep a little,
//! and count both.

use std::sync::Arc;
use std::time::Duration;

use prometheus::{Histogram, IntCounter, IntGauge};
use tokio::sync::watch;

use super::{ShardsConfig, report};
use crate::metrics::{Metrics, Stopwatch};
use crate::state::op::Op;
use crate::state::step::Outcome;
use crate::store::{ShardId, Store, StoreError};

/// Between two tries of a batch whose outcome is unknown.
const PAUSE: Duration = Duration::from_millis(50);

/// One shard's way to the engine.
pub(in crate::store) struct Lane {
    pub(in crate::store) shard: ShardId,
    pub(in crate::store) queue_depth: IntGauge,
    store: Arc<dyn Store>,
    config: ShardsConfig,
    failure: watch::Sender<Option<String>>,
    ops: OpCounts,
    batches: IntCounter,
    batch_duration: Histogram,
    swept: IntCounter,
    size: IntGauge,
}

impl Lane {
    pub(super) fn new(
        shard: ShardId,
        store: Arc<dyn Store>,
        config: ShardsConfig,
        metrics: &Metrics,
        failure: watch::Sender<Option<String>>,
    ) -> Self {
        let label = shard.to_string();
        let label = &[label.as_str()];
        Self {
            shard,
            queue_depth: metrics.store_queue.with_label_values(label),
            store,
            config,
            failure,
            ops: OpCounts::new(metrics),
            batches: metrics.store_batches.with_label_values(label),
            batch_duration: metrics.store_batch_duration.with_label_values(label),
            swept: metrics.store_swept.clone(),
            size: metrics.store_size.clone(),
        }
    }

    /// Operations in one batch, at most.
    pub(in crate::store) fn batch(&self) -> usize {
        self.config.batch.max(1)
    }

    /// Batches under way at once, at most.
    pub(in crate::store) fn depth(&self) -> usize {
        self.store.depth().max(1)
    }

    pub(in crate::store) fn sweep_every(&self) -> Duration {
        self.config.sweep_every
    }

    /// Applies a batch; as many results, in the same order.
    pub(in crate::store) async fn apply(&self, ops: Vec<Op>) -> Vec<Result<Outcome, StoreError>> {
        let watch = Stopwatch::start();
        let results = match self.apply_all(&ops, watch).await {
            Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
            // one damaged row must not be everybody's
            Err(StoreError::Corrupt(_) | StoreError::TooLarge { .. }) if ops.len() > 1 => {
                self.apply_each(&ops, watch).await
            }
            Err(error) => vec![Err(error); ops.len()],
        };
        self.batches.inc();
        self.batch_duration.observe(watch.seconds());
        for (op, result) in ops.iter().zip(&results) {
            match result {
                Ok(outcome) => self.ops.count(op, outcome),
                Err(StoreError::Fatal(why)) => report(&self.failure, why.clone()),
                Err(_) => {}
            }
        }
        results
    }

    async fn apply_each(&self, ops: &[Op], watch: Stopwatch) -> Vec<Result<Outcome, StoreError>> {
        let mut results = Vec::with_capacity(ops.len());
        for op in ops {
            let mut result = self.apply_all(std::slice::from_ref(op), watch).await;
            results.push(match &mut result {
                Ok(outcomes) => outcomes.pop().ok_or_else(|| self.lost()),
                Err(error) => Err(error.clone()),
            });
        }
        results
    }

    /// Tries again, with the same attempts, while the outcome is unknown and somebody may still wait for it.
    async fn apply_all(&self, ops: &[Op], watch: Stopwatch) -> Result<Vec<Outcome>, StoreError> {
        loop {
            match self.store.apply(self.shard, ops.to_vec()).await {
                Ok(outcomes) if outcomes.len() != ops.len() => return Err(self.lost()),
                Err(StoreError::Indeterminate { reason }) if watch.elapsed() + PAUSE < self.config.timeout => {
                    tracing::warn!(shard = self.shard, %reason, "failed to learn what a batch came to; trying again");
                    pause().await;
                }
                known => return known,
            }
        }
    }

    fn lost(&self) -> StoreError {
        StoreError::Fatal(format!("the engine of shard {} lost an outcome", self.shard))
    }

    /// Forgets a few expired rows; whether there are more.
    pub(in crate::store) async fn sweep(&self) -> bool {
        if self.shard == 0
            && let Some(size) = self.store.size()
        {
            self.size.set(i64::try_from(size).unwrap_or(i64::MAX));
        }
        match self.store.sweep(self.shard, self.config.sweep_budget).await {
            Ok(swept) => {
                self.swept.inc_by(swept.forgotten as u64);
                swept.more
            }
            Err(StoreError::Fatal(why)) => {
                report(&self.failure, why);
                false
            }
            // the next one comes soon
            Err(error) => {
                tracing::debug!(shard = self.shard, %error, "failed to sweep");
                false
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a failover takes a while; trying at once would only add to it")]
async fn pause() {
    tokio::time::sleep(PAUSE).await;
}

/// Counters of operations, by what was asked and whether it was done or refused.
struct OpCounts([[IntCounter; 2]; 10]);

impl OpCounts {
    const NAMES: [&str; 10] =
        ["redeem", "miss", "rotate", "revoke", "mark", "fence", "start_device", "name_user_code", "decide", "consume"];

    fn new(metrics: &Metrics) -> Self {
        Self(Self::NAMES.map(|op| {
            ["done", "refused"].map(|outcome| metrics.store_ops.with_label_values(&[op, outcome])) //
        }))
    }

    fn count(&self, op: &Op, outcome: &Outcome) {
        let op = match op {
            Op::Redeem(_) => 0,
            Op::Miss { .. } => 1,
            Op::Rotate(_) => 2,
            Op::Revoke { .. } => 3,
            Op::Mark { .. } => 4,
            Op::RaiseFence { .. } => 5,
            Op::StartDevice(_) => 6,
            Op::NameUserCode { .. } => 7,
            Op::Decide(_) => 8,
            Op::Consume(_) => 9,
        };
        self.0[op][usize::from(outcome.is_err())].inc();
    }
}

/// Counters of failures, by kind.
pub(super) struct ErrorCounts([IntCounter; 5]);

impl ErrorCounts {
    pub(super) fn new(metrics: &Metrics) -> Self {
        let kinds = ["unavailable", "indeterminate", "too_large", "corrupt", "fatal"];
        Self(kinds.map(|kind| metrics.store_errors.with_label_values(&[kind])))
    }

    /// Counts the error and gives it back.
    pub(super) fn count(&self, error: StoreError) -> StoreError {
        let kind = match error {
            StoreError::Unavailable { .. } => 0,
            StoreError::Indeterminate { .. } => 1,
            StoreError::TooLarge { .. } => 2,
            StoreError::Corrupt(_) => 3,
            StoreError::Fatal(_) => 4,
        };
        self.0[kind].inc();
        error
    }
}
