//! The signal to stop: given once or again with an earlier deadline, seen by every connection.
//!
//! Reading it is one atomic load, because every connection does so on every wake-up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;

/// No drain has been asked for.
const SERVING: u64 = u64::MAX;

#[derive(Debug)]
struct Signal {
    start: Instant,
    /// Milliseconds after `start` by which everything must have ended.
    deadline: AtomicU64,
    raised: Notify,
}

/// The end that says stop. Dropping it says nothing.
#[derive(Debug, Clone)]
pub struct Stop(Arc<Signal>);

/// The end that listens.
#[derive(Debug, Clone)]
pub struct Shutdown(Arc<Signal>);

/// Makes the two ends of a signal that has not been given.
pub fn shutdown() -> (Stop, Shutdown) {
    let deadline = AtomicU64::new(SERVING);
    let signal = Arc::new(Signal { start: Instant::now(), deadline, raised: Notify::new() });
    (Stop(Arc::clone(&signal)), Shutdown(signal))
}

impl Stop {
    /// Asks everything to finish within `span`; of several calls the earliest deadline counts.
    pub fn drain(&self, span: Duration) {
        let by = (self.0.start.elapsed() + span).as_millis();
        self.0.deadline.fetch_min(u64::try_from(by).unwrap_or(SERVING - 1), Ordering::SeqCst);
        self.0.raised.notify_waiters();
    }
}

impl Shutdown {
    /// When everything must have ended; `None` while serving.
    pub fn deadline(&self) -> Option<Instant> {
        match self.0.deadline.load(Ordering::Acquire) {
            SERVING => None,
            millis => Some(self.0.start + Duration::from_millis(millis)),
        }
    }

    /// Waits until a drain is asked for; returns at once if it already was.
    pub async fn draining(&self) {
        let raised = self.raised();
        if self.deadline().is_none() {
            raised.await;
        }
    }

    /// Completes at the next call of [`Stop::drain`]; calls count from here on, polled or not.
    pub(super) fn raised(&self) -> Notified<'_> {
        self.0.raised.notified()
    }
}
