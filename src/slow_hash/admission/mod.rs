//! Admission to the hash threads: so many at a time, and a fair queue before them.
//!
//! Always true: at most `queue` requests wait, none longer than `PATIENCE`; the share with the most waiting gives way to
//! those with fewer; and a permit that nobody takes any more goes to the next.

mod fair;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus::{IntCounter, IntGauge};
use tokio::sync::oneshot;
use tokio::time::timeout;

use self::fair::FairQueue;
pub(crate) use self::fair::{QueueRefusal, QueueShare};
use super::waiting::Waiting;
use crate::metrics::{GaugeGuard, Metrics};

/// Longest wait: clients have given up soon after, or ask again. An unoptimised build is tested on machines that have no
/// core left for hashes.
const PATIENCE: Duration = Duration::from_secs(if cfg!(debug_assertions) { 120 } else { 3 });

/// A semaphore with a fair, bounded queue.
pub(super) struct AdmissionQueue {
    state: Arc<Mutex<State>>,
    /// Requests that wait.
    depth: IntGauge,
    shed: IntCounter,
    patience: Duration,
}

struct State {
    free: usize,
    queue: FairQueue<Waiter>,
}

struct Waiter {
    turn: oneshot::Sender<QueuePermit>,
    /// The request at the edge, for work that goes on after its edge gave it up.
    edge: Option<Waiting>,
}

impl Waiter {
    fn waits(&self) -> bool {
        !self.turn.is_closed() && self.edge.as_ref().is_none_or(|edge| edge.strong_count() > 0)
    }
}

/// The permit to use a thread; goes to the next in the queue when it is dropped.
pub(super) struct QueuePermit(Arc<Mutex<State>>);

impl AdmissionQueue {
    /// Makes a queue for `places` permits with `queue` requests waiting; `of` is the label of its metrics.
    pub(super) fn new(of: &str, places: usize, queue: usize, metrics: &Metrics) -> Self {
        let state = State { free: places.max(1), queue: FairQueue::new(queue) };
        Self {
            state: Arc::new(Mutex::new(state)),
            depth: metrics.hash_queue.with_label_values(&[of]),
            shed: metrics.shed.with_label_values(&[&format!("{of}_queue")]),
            patience: PATIENCE,
        }
    }

    /// Waits for a permit, as long as the `edge` waits, if it is known.
    ///
    /// # Errors
    /// [`QueueRefusal`] at once, or later if a smaller share displaced the request or it waited too long.
    pub(super) async fn enter(&self, share: QueueShare, edge: Option<&Waiting>) -> Result<QueuePermit, QueueRefusal> {
        let entered = self.wait(share, edge.cloned()).await;
        if entered.is_err() {
            self.shed.inc();
        }
        entered
    }

    async fn wait(&self, share: QueueShare, edge: Option<Waiting>) -> Result<QueuePermit, QueueRefusal> {
        let turn = {
            let mut state = lock(&self.state);
            if state.free > 0 {
                state.free -= 1;
                return Ok(QueuePermit(self.state.clone()));
            }
            let (sender, turn) = oneshot::channel();
            state.queue.retain(Waiter::waits);
            // whoever is displaced hears of it by its sender's end
            drop(state.queue.join(share, Waiter { turn: sender, edge })?);
            turn
        };
        let _waits = GaugeGuard::new(&self.depth);
        timeout(self.patience, turn).await.map_err(|_| QueueRefusal::Full)?.map_err(|_| QueueRefusal::OverShare)
    }
}

impl Drop for QueuePermit {
    fn drop(&mut self) {
        let next = {
            let mut state = lock(&self.0);
            state.queue.retain(Waiter::waits);
            let next = state.queue.next();
            state.free += usize::from(next.is_none());
            next
        };
        if let Some(next) = next {
            // whoever is gone by now drops the turn, which goes on
            let _ = next.turn.send(Self(self.0.clone()));
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
