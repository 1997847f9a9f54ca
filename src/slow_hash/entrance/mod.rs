//! Who may hash next: so many at a time, and among those who wait each address has its turn, and each client of it.
//!
//! Always true: at most `queue` wait, none longer than `PATIENCE`; whoever has more waiting than others gives way to who
//! has less; and a turn that nobody takes any more goes on to the next.

mod fair;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus::{IntCounter, IntGauge};
use tokio::sync::oneshot;
use tokio::time::timeout;

use self::fair::FairQueue;
pub use self::fair::{Crowded, Share};
use super::Waiting;
use crate::metrics::Metrics;

/// How long anybody waits: whoever asks has given up soon after, or asks again. An unoptimised build is
/// tested on machines that have no core left for hashes.
const PATIENCE: Duration = Duration::from_secs(if cfg!(debug_assertions) { 120 } else { 3 });

/// The one way in.
pub struct Entrance {
    state: Arc<Mutex<State>>,
    /// How many wait.
    depth: IntGauge,
    shed: IntCounter,
    patience: Duration,
}

struct State {
    free: usize,
    queue: FairQueue<Waiter>,
}

struct Waiter {
    turn: oneshot::Sender<Turn>,
    /// The edge that asked, for work that goes on after its edge gave it up.
    edge: Option<Waiting>,
}

impl Waiter {
    fn waits(&self) -> bool {
        !self.turn.is_closed() && self.edge.as_ref().is_none_or(|edge| edge.strong_count() > 0)
    }
}

/// A turn, which goes to the next when it is dropped.
pub struct Turn(Arc<Mutex<State>>);

impl Entrance {
    /// For `places` at a time, with `queue` waiting for one; `of` is what they hash, for the metrics.
    pub fn new(of: &str, places: usize, queue: usize, metrics: &Metrics) -> Self {
        let state = State { free: places.max(1), queue: FairQueue::new(queue) };
        Self {
            state: Arc::new(Mutex::new(state)),
            depth: metrics.hash_queue.with_label_values(&[of]),
            shed: metrics.shed.with_label_values(&[&format!("{of}_queue")]),
            patience: PATIENCE,
        }
    }

    /// Waits for a turn, as long as the `edge` waits, if it is known.
    ///
    /// # Errors
    /// [`Crowded`], at once; or later, if somebody whose share is smaller came instead or none came for too long.
    pub async fn enter(&self, share: Share, edge: Option<&Waiting>) -> Result<Turn, Crowded> {
        let entered = self.wait(share, edge.cloned()).await;
        if entered.is_err() {
            self.shed.inc();
        }
        entered
    }

    async fn wait(&self, share: Share, edge: Option<Waiting>) -> Result<Turn, Crowded> {
        let turn = {
            let mut state = lock(&self.state);
            if state.free > 0 {
                state.free -= 1;
                return Ok(Turn(self.state.clone()));
            }
            let (sender, turn) = oneshot::channel();
            state.queue.retain(Waiter::waits);
            // whoever is displaced hears of it by its sender's end
            drop(state.queue.join(share, Waiter { turn: sender, edge })?);
            turn
        };
        let _waits = Waits::count(&self.depth);
        timeout(self.patience, turn).await.map_err(|_| Crowded::Full)?.map_err(|_| Crowded::Greedy)
    }
}

impl Drop for Turn {
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

struct Waits<'a>(&'a IntGauge);

impl<'a> Waits<'a> {
    fn count(depth: &'a IntGauge) -> Self {
        depth.inc();
        Self(depth)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn share(source: u64) -> Share {
        Share { source, client: "web".to_owned() }
    }

    #[tokio::test]
    async fn a_turn_goes_to_the_next_and_not_to_who_is_gone() {
        let entrance = Entrance::new("secret", 1, 8, &Metrics::new());
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Ok(first)) = pin!(entrance.enter(share(1), None)).poll(&mut cx) else {
            panic!("free at first")
        };
        let mut gone = Box::pin(entrance.enter(share(2), None));
        let mut late = Box::pin(entrance.enter(share(3), None));
        let mut last = Box::pin(entrance.enter(share(4), None));
        for waiting in [&mut gone, &mut late, &mut last] {
            assert!(waiting.as_mut().poll(&mut cx).is_pending());
        }
        assert_eq!(entrance.depth.get(), 3);
        drop(gone);
        drop(first);
        // given a turn and gone before it was taken
        drop(late);
        let Poll::Ready(Ok(turn)) = last.as_mut().poll(&mut cx) else { panic!("the turn went on") };
        drop(turn);
        assert!(matches!(pin!(entrance.enter(share(5), None)).poll(&mut cx), Poll::Ready(Ok(_))));
        drop(last);
        assert_eq!((entrance.depth.get(), entrance.shed.get()), (0, 0));
    }

    #[tokio::test]
    async fn who_is_displaced_is_told() {
        let entrance = Entrance::new("secret", 1, 2, &Metrics::new());
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Ok(_turn)) = pin!(entrance.enter(share(1), None)).poll(&mut cx) else {
            panic!("free at first")
        };
        let mut flood = [Box::pin(entrance.enter(share(1), None)), Box::pin(entrance.enter(share(1), None))];
        for waiting in &mut flood {
            assert!(waiting.as_mut().poll(&mut cx).is_pending());
        }
        let mut other = Box::pin(entrance.enter(share(2), None));
        assert!(other.as_mut().poll(&mut cx).is_pending());
        let [one, two] = &mut flood;
        assert!(matches!(two.as_mut().poll(&mut cx), Poll::Ready(Err(Crowded::Greedy))));
        assert!(one.as_mut().poll(&mut cx).is_pending());
        assert_eq!(entrance.shed.get(), 1);
    }

    #[tokio::test]
    async fn checklist_24_nobody_waits_for_ever() {
        let entrance = Entrance { patience: Duration::ZERO, ..Entrance::new("secret", 1, 8, &Metrics::new()) };
        let turn = entrance.enter(share(1), None).await;
        assert!(turn.is_ok());
        assert!(matches!(entrance.enter(share(2), None).await, Err(Crowded::Full)));
        assert_eq!((entrance.depth.get(), entrance.shed.get()), (0, 1));
    }

    #[tokio::test]
    async fn who_was_given_up_by_its_edge_keeps_no_place() {
        let entrance = Entrance::new("password", 1, 1, &Metrics::new());
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Ok(_turn)) = pin!(entrance.enter(share(1), None)).poll(&mut cx) else {
            panic!("free at first")
        };
        let edge = Arc::new(());
        let waiting = Arc::downgrade(&edge);
        let mut given_up = Box::pin(entrance.enter(share(2), Some(&waiting)));
        assert!(given_up.as_mut().poll(&mut cx).is_pending());
        drop(edge);
        let mut other = Box::pin(entrance.enter(share(3), None));
        assert!(other.as_mut().poll(&mut cx).is_pending(), "there is room");
        assert!(given_up.as_mut().poll(&mut cx).is_ready());
    }
}
