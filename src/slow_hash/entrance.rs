//! Who may hash next: so many at a time, and among those who wait each address has its turn, and each client of it.
//!
//! Always true: at most `queue` wait; whoever has more waiting than others gives way to who has less; and a turn that
//! nobody takes any more goes on to the next.

mod fair;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus::{IntCounter, IntGauge};
use tokio::sync::oneshot;

use self::fair::FairQueue;
pub use self::fair::{Crowded, Share};
use crate::metrics::Metrics;

/// The one way in.
pub struct Entrance {
    state: Arc<Mutex<State>>,
    /// How many wait.
    depth: IntGauge,
    shed: IntCounter,
}

struct State {
    free: usize,
    queue: FairQueue<oneshot::Sender<Turn>>,
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
        }
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// [`Crowded`], at once; or later, if somebody whose share is smaller came instead.
    pub async fn enter(&self, share: Share) -> Result<Turn, Crowded> {
        let entered = self.wait(share).await;
        if entered.is_err() {
            self.shed.inc();
        }
        entered
    }

    async fn wait(&self, share: Share) -> Result<Turn, Crowded> {
        let turn = {
            let mut state = lock(&self.state);
            if state.free > 0 {
                state.free -= 1;
                return Ok(Turn(self.state.clone()));
            }
            let (sender, turn) = oneshot::channel();
            state.queue.retain(|waiting: &oneshot::Sender<Turn>| !waiting.is_closed());
            // whoever is displaced hears of it by its sender's end
            drop(state.queue.join(share, sender)?);
            turn
        };
        let _waits = Waits::count(&self.depth);
        turn.await.map_err(|_| Crowded::Greedy)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let next = {
            let mut state = lock(&self.0);
            state.queue.retain(|waiting| !waiting.is_closed());
            let next = state.queue.next();
            state.free += usize::from(next.is_none());
            next
        };
        if let Some(next) = next {
            // whoever is gone by now drops the turn, which goes on
            let _ = next.send(Self(self.0.clone()));
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

    #[test]
    fn a_turn_goes_to_the_next_and_not_to_who_is_gone() {
        let entrance = Entrance::new("secret", 1, 8, &Metrics::new());
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Ok(first)) = pin!(entrance.enter(share(1))).poll(&mut cx) else { panic!("free at first") };
        let mut gone = Box::pin(entrance.enter(share(2)));
        let mut late = Box::pin(entrance.enter(share(3)));
        let mut last = Box::pin(entrance.enter(share(4)));
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
        assert!(matches!(pin!(entrance.enter(share(5))).poll(&mut cx), Poll::Ready(Ok(_))));
        drop(last);
        assert_eq!((entrance.depth.get(), entrance.shed.get()), (0, 0));
    }

    #[test]
    fn who_is_displaced_is_told() {
        let entrance = Entrance::new("secret", 1, 2, &Metrics::new());
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Ok(_turn)) = pin!(entrance.enter(share(1))).poll(&mut cx) else { panic!("free at first") };
        let mut flood = [Box::pin(entrance.enter(share(1))), Box::pin(entrance.enter(share(1)))];
        for waiting in &mut flood {
            assert!(waiting.as_mut().poll(&mut cx).is_pending());
        }
        let mut other = Box::pin(entrance.enter(share(2)));
        assert!(other.as_mut().poll(&mut cx).is_pending());
        let [one, two] = &mut flood;
        assert!(matches!(two.as_mut().poll(&mut cx), Poll::Ready(Err(Crowded::Greedy))));
        assert!(one.as_mut().poll(&mut cx).is_pending());
        assert_eq!(entrance.shed.get(), 1);
    }
}
