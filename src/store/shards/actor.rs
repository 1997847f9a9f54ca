//! One actor per shard: collects operations while earlier batches are being made durable, and sends the next batch.
//!
//! Invariants: no more batches of a shard are in flight than the engine wants, the handler never waits, and an
//! operation that nobody waits for any more does not enter a batch. Admission is before the mailbox: a permit travels
//! with each operation.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::lane::Lane;
use crate::ask::{AskError, ask};
use crate::state::{Op, Outcome};
use crate::store::{LaneId, StoreError};

type Reply = RpcReplyPort<Result<Outcome, StoreError>>;

/// The messages of a shard's actor.
enum Message {
    /// Put this operation into the next batch; the permit lives as long as the operation.
    Apply(Op, Reply, OwnedSemaphorePermit),
    /// The batch is answered.
    BatchDone,
    /// Time to sweep.
    Sweep,
    /// The step of the sweep is over; true if there is more.
    SweepDone(bool),
}

/// The handle of a shard's actor.
#[derive(Clone, Debug)]
pub(super) struct Shard {
    actor: ActorRef<Message>,
    permits: Arc<Semaphore>,
    capacity: u32,
}

impl Shard {
    /// Starts the actor of a shard over `lane`; `capacity` is the number of operations that may be in it at once.
    /// `died` is called when the actor ends without having been asked to.
    pub(super) async fn start(
        lane: Arc<Lane>,
        capacity: u32,
        died: impl FnOnce(LaneId) + Send + 'static,
    ) -> Result<Self, StoreError> {
        let (shard, sweep_every) = (lane.shard, lane.sweep_every());
        let (actor, ended) = Actor::spawn(None, ShardActor, lane)
            .await
            .map_err(|error| StoreError::Fatal(format!("failed to start the actor of shard {shard}: {error}")))?;
        let permits = Arc::new(Semaphore::new(capacity as usize));
        tokio::spawn({
            let permits = Arc::clone(&permits);
            async move {
                let _ = ended.await;
                // `stop` closes the semaphore first
                if !permits.is_closed() {
                    died(shard);
                }
            }
        });
        actor.send_interval(sweep_every, || Message::Sweep);
        Ok(Self { actor, permits, capacity })
    }

    /// Applies an operation, or fails at once if there are too many.
    pub(super) async fn apply(&self, op: Op, limit: Duration) -> Result<Outcome, StoreError> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().map_err(|_| StoreError::Unavailable {
            reason: if self.permits.is_closed() { "it is stopping" } else { "too many operations wait" }.to_owned(),
        })?;
        match ask(&self.actor, |reply| Message::Apply(op, reply, permit), limit).await {
            Ok(outcome) => outcome,
            Err(AskError::Late) => Err(StoreError::Indeterminate { reason: "it did not answer in time".to_owned() }),
            Err(AskError::Gone) => Err(StoreError::Indeterminate { reason: "the shard is gone".to_owned() }),
        }
    }

    /// Refuses new operations, waits for the accepted ones, and ends the actor.
    pub(super) async fn stop(&self) {
        // nobody else gets a permit once all are taken here, and they are never given back
        if let Ok(all) = self.permits.acquire_many(self.capacity).await {
            self.permits.close();
            all.forget();
        }
        self.abandon();
    }

    /// Ends the actor without waiting for its operations.
    pub(super) fn abandon(&self) {
        self.permits.close();
        self.actor.stop(None);
    }

    /// Ends the actor as a defect would.
    #[cfg(test)]
    pub(super) fn kill(&self) {
        self.actor.kill();
    }
}

struct ShardActor;

struct State {
    lane: Arc<Lane>,
    queue: VecDeque<(Op, Reply, OwnedSemaphorePermit)>,
    /// Number of batches sent and not answered.
    under_way: usize,
    sweep: Stage,
}

#[derive(PartialEq, Eq)]
enum Stage {
    Idle,
    UnderWay,
}

impl Actor for ShardActor {
    type Msg = Message;
    type State = State;
    type Arguments = Arc<Lane>;

    async fn pre_start(&self, _: ActorRef<Message>, lane: Arc<Lane>) -> Result<State, ActorProcessingErr> {
        Ok(State { lane, queue: VecDeque::new(), under_way: 0, sweep: Stage::Idle })
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        message: Message,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Apply(op, reply, permit) => state.queue.push_back((op, reply, permit)),
            Message::BatchDone => state.under_way -= 1,
            Message::Sweep => state.sweep(&myself),
            Message::SweepDone(more) => {
                state.sweep = Stage::Idle;
                if more {
                    state.sweep(&myself);
                }
            }
        }
        state.send_batch(&myself);
        state.lane.queue_depth.set(i64::try_from(state.queue.len()).unwrap_or(i64::MAX));
        Ok(())
    }
}

impl State {
    fn send_batch(&mut self, myself: &ActorRef<Message>) {
        if self.under_way >= self.lane.depth() || self.queue.is_empty() {
            return;
        }
        let most = self.lane.batch().min(self.queue.len());
        let (mut ops, mut waiting) = (Vec::with_capacity(most), Vec::with_capacity(most));
        while ops.len() < most
            && let Some((op, reply, permit)) = self.queue.pop_front()
        {
            if !reply.is_closed() {
                ops.push(op);
                waiting.push((reply, permit));
            }
        }
        if ops.is_empty() {
            return;
        }
        self.under_way += 1;
        let (lane, done) = (Arc::clone(&self.lane), Tell(myself.clone(), Some(Message::BatchDone)));
        tokio::spawn(async move {
            let outcomes = lane.apply(ops).await;
            // the next batch goes out before the answers of this one
            drop(done);
            for ((reply, permit), outcome) in waiting.into_iter().zip(outcomes) {
                drop(permit);
                let _ = reply.send(outcome);
            }
        });
    }

    fn sweep(&mut self, myself: &ActorRef<Message>) {
        let busy = self.queue.len() >= self.lane.batch();
        if self.sweep == Stage::UnderWay || busy {
            return;
        }
        self.sweep = Stage::UnderWay;
        let (lane, mut done) = (Arc::clone(&self.lane), Tell(myself.clone(), Some(Message::SweepDone(false))));
        tokio::spawn(async move {
            let more = lane.sweep().await;
            done.instead(Message::SweepDone(more));
        });
    }
}

/// Sends the message when dropped, so that a panic in the task cannot leave the shard waiting for ever.
struct Tell(ActorRef<Message>, Option<Message>);

impl Tell {
    fn instead(&mut self, message: Message) {
        self.1 = Some(message);
    }
}

impl Drop for Tell {
    fn drop(&mut self) {
        if let Some(message) = self.1.take() {
            // an actor that is gone needs to know nothing
            let _ = self.0.cast(message);
        }
    }
}
