//! The work of a shard without its queue: applies a batch until the outcome is known, sweeps in small steps, and counts
//! both.

use std::time::Duration;

use prometheus::{Histogram, IntCounter, IntGauge};

use super::config::ShardsConfig;
use super::failure::{Failure, report};
use crate::metrics::{Metrics, Stopwatch};
use crate::state::{Op, Outcome};
use crate::store::{Answer, Engine, LaneId, StoreError, audit};

/// Delay between two tries of a batch whose outcome is unknown.
const PAUSE: Duration = Duration::from_millis(50);

/// The access of one shard to the engine.
pub(super) struct Lane {
    pub(super) shard: LaneId,
    pub(super) queue_depth: IntGauge,
    engine: Engine,
    config: ShardsConfig,
    failure: Failure,
    ops: OpCounts,
    batches: IntCounter,
    batch_duration: Histogram,
    swept: IntCounter,
    size: IntGauge,
    metrics: Metrics,
}

impl Lane {
    pub(super) fn new(
        shard: LaneId,
        engine: Engine,
        config: ShardsConfig,
        metrics: &Metrics,
        failure: Failure,
    ) -> Self {
        let label = shard.to_string();
        let label = &[label.as_str()];
        Self {
            shard,
            queue_depth: metrics.store_queue.with_label_values(label),
            engine,
            config,
            failure,
            ops: OpCounts::new(metrics),
            batches: metrics.store_batches.with_label_values(label),
            batch_duration: metrics.store_batch_duration.with_label_values(label),
            swept: metrics.store_swept.clone(),
            size: metrics.store_size.clone(),
            metrics: metrics.clone(),
        }
    }

    /// Returns the largest number of operations in one batch.
    pub(super) fn batch(&self) -> usize {
        self.config.batch.max(1)
    }

    /// Returns the largest number of batches in flight at once.
    pub(super) fn depth(&self) -> usize {
        self.engine.ledger.lanes().depth.max(1)
    }

    pub(super) fn sweep_every(&self) -> Duration {
        self.config.sweep_every
    }

    /// Applies a batch; returns as many results, in the same order.
    pub(super) async fn apply(&self, ops: Vec<Op>) -> Vec<Result<Outcome, StoreError>> {
        let watch = Stopwatch::start();
        let answers = self.apply_until_known(&ops, watch).await;
        self.batches.inc();
        self.batch_duration.observe(watch.seconds());
        ops.iter().zip(answers).map(|(op, answer)| self.tell(op, answer)).collect()
    }

    /// Counts the outcome of an operation and writes the audit stream.
    fn tell(&self, op: &Op, answer: Result<Answer, StoreError>) -> Result<Outcome, StoreError> {
        let Answer { outcome, event } = answer.inspect_err(|error| {
            if let StoreError::Fatal(why) = error {
                report(&self.failure, why.clone());
            }
        })?;
        self.ops.count(op, &outcome);
        if let Some(event) = &event {
            audit::write(event, &self.metrics);
        }
        Ok(outcome)
    }

    /// Retries operations of unknown outcome, with the same attempts, while somebody may still wait for them and the engine is
    /// there.
    async fn apply_until_known(&self, ops: &[Op], watch: Stopwatch) -> Vec<Result<Answer, StoreError>> {
        let mut answers = self.try_once(ops.to_vec()).await;
        let mut away = false;
        loop {
            let unknown: Vec<usize> = (0..ops.len()).filter(|index| is_unknown(&answers[*index])).collect();
            let Some(Err(reason)) = unknown.first().map(|index| &answers[*index]) else { return answers };
            if away || watch.elapsed() + PAUSE >= self.config.timeout {
                return answers;
            }
            tracing::warn!(shard = self.shard, %reason, "failed to learn what a batch came to; trying again");
            pause().await;
            let again = unknown.iter().map(|index| ops[*index].clone()).collect();
            for (index, answer) in unknown.into_iter().zip(self.try_once(again).await) {
                // an engine that is away now does not say that nothing was done before
                if matches!(answer, Err(StoreError::Unavailable { .. })) {
                    away = true;
                } else {
                    answers[index] = answer;
                }
            }
        }
    }

    /// Returns as many results as operations, whatever the engine does.
    async fn try_once(&self, ops: Vec<Op>) -> Vec<Result<Answer, StoreError>> {
        let count = ops.len();
        match self.engine.ledger.apply(self.shard, ops).await {
            Ok(answers) if answers.len() == count => answers,
            Ok(_) => vec![Err(self.lost()); count],
            Err(error) => vec![Err(error); count],
        }
    }

    fn lost(&self) -> StoreError {
        StoreError::Fatal(format!("the engine of shard {} lost an outcome", self.shard))
    }

    /// Deletes a few expired rows; returns whether there are more.
    pub(super) async fn sweep(&self) -> bool {
        if self.shard == 0
            && let Some(size) = self.engine.lifecycle.size()
        {
            self.size.set(i64::try_from(size).unwrap_or(i64::MAX));
        }
        match self.engine.ledger.sweep(self.shard, self.config.sweep_budget).await {
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

fn is_unknown(answer: &Result<Answer, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Indeterminate { .. }))
}

#[expect(clippy::disallowed_methods, reason = "a failover takes a while; trying at once would only add to it")]
async fn pause() {
    tokio::time::sleep(PAUSE).await;
}

/// Counters of operations, by operation and whether it was done or refused.
struct OpCounts(Vec<[IntCounter; 2]>);

impl OpCounts {
    fn new(metrics: &Metrics) -> Self {
        let counters =
            |op: &&str| ["done", "refused"].map(|outcome| metrics.store_ops.with_label_values(&[*op, outcome]));
        Self(Op::NAMES.iter().map(counters).collect())
    }

    fn count(&self, op: &Op, outcome: &Outcome) {
        self.0[op.index()][usize::from(outcome.is_refused())].inc();
    }
}

/// Counters of failures, by kind.
pub(super) struct ErrorCounts([IntCounter; 5]);

impl ErrorCounts {
    pub(super) fn new(metrics: &Metrics) -> Self {
        let kinds = ["unavailable", "indeterminate", "too_large", "corrupt", "fatal"];
        Self(kinds.map(|kind| metrics.store_errors.with_label_values(&[kind])))
    }

    /// Counts the error and returns it.
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
