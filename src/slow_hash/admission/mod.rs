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
pub use self::fair::{QueueRefusal, QueueShare};
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
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn share(source: u64) -> QueueShare {
        QueueShare { source, client: "web".to_owned() }
    }

    #[tokio::test]
    async fn a_turn_goes_to_the_next_and_not_to_who_is_gone() {
        let queue = AdmissionQueue::new("secret", 1, 8, &Metrics::new());
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Ok(first)) = pin!(queue.enter(share(1), None)).poll(&mut cx) else { panic!("free at first") };
        let mut gone = Box::pin(queue.enter(share(2), None));
        let mut late = Box::pin(queue.enter(share(3), None));
        let mut last = Box::pin(queue.enter(share(4), None));
        for waiting in [&mut gone, &mut late, &mut last] {
            assert!(waiting.as_mut().poll(&mut cx).is_pending());
        }
        assert_eq!(queue.depth.get(), 3);
        drop(gone);
        drop(first);
        // given a turn and gone before it was taken
        drop(late);
        let Poll::Ready(Ok(turn)) = last.as_mut().poll(&mut cx) else { panic!("the turn went on") };
        drop(turn);
        assert!(matches!(pin!(queue.enter(share(5), None)).poll(&mut cx), Poll::Ready(Ok(_))));
        drop(last);
        assert_eq!((queue.depth.get(), queue.shed.get()), (0, 0));
    }

    #[tokio::test]
    async fn who_is_displaced_is_told() {
        let queue = AdmissionQueue::new("secret", 1, 2, &Metrics::new());
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Ok(_turn)) = pin!(queue.enter(share(1), None)).poll(&mut cx) else { panic!("free at first") };
        let mut flood = [Box::pin(queue.enter(share(1), None)), Box::pin(queue.enter(share(1), None))];
        for waiting in &mut flood {
            assert!(waiting.as_mut().poll(&mut cx).is_pending());
        }
        let mut other = Box::pin(queue.enter(share(2), None));
        assert!(other.as_mut().poll(&mut cx).is_pending());
        let [one, two] = &mut flood;
        assert!(matches!(two.as_mut().poll(&mut cx), Poll::Ready(Err(QueueRefusal::OverShare))));
        assert!(one.as_mut().poll(&mut cx).is_pending());
        assert_eq!(queue.shed.get(), 1);
    }

    #[tokio::test]
    async fn checklist_24_nobody_waits_for_ever() {
        let queue = AdmissionQueue { patience: Duration::ZERO, ..AdmissionQueue::new("secret", 1, 8, &Metrics::new()) };
        let turn = queue.enter(share(1), None).await;
        assert!(turn.is_ok());
        assert!(matches!(queue.enter(share(2), None).await, Err(QueueRefusal::Full)));
        assert_eq!((queue.depth.get(), queue.shed.get()), (0, 1));
    }

    #[tokio::test]
    async fn who_was_given_up_by_its_edge_keeps_no_place() {
        let queue = AdmissionQueue::new("password", 1, 1, &Metrics::new());
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Ok(_turn)) = pin!(queue.enter(share(1), None)).poll(&mut cx) else { panic!("free at first") };
        let edge = Arc::new(());
        let waiting = Arc::downgrade(&edge);
        let mut given_up = Box::pin(queue.enter(share(2), Some(&waiting)));
        assert!(given_up.as_mut().poll(&mut cx).is_pending());
        drop(edge);
        let mut other = Box::pin(queue.enter(share(3), None));
        assert!(other.as_mut().poll(&mut cx).is_pending(), "there is room");
        assert!(given_up.as_mut().poll(&mut cx).is_ready());
    }
}
