//! The signal to stop, seen by every connection: first announced, so that peers leave by themselves, then a drain with a
//! deadline, which may be given again with an earlier one.
//!
//! Reading it is one atomic load, because every connection does so on every wake-up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::{Instant, timeout_at};

/// Nothing has been asked for.
const SERVING: u64 = u64::MAX;
/// The end has been announced, and no drain has been asked for.
const LEAVING: u64 = u64::MAX - 1;

/// Time an idle connection stays open in a drain: its next request may have been sent before its peer could know.
pub(super) const PARTING: Duration = Duration::from_millis(250);

#[derive(Debug)]
struct Signal {
    start: Instant,
    /// Milliseconds after `start` by which everything must have ended.
    deadline: AtomicU64,
    raised: Notify,
}

/// The end that says stop. Dropping it says nothing.
#[derive(Debug, Clone)]
pub(crate) struct Stop(Arc<Signal>);

/// The end that listens.
#[derive(Debug, Clone)]
pub(crate) struct Shutdown(Arc<Signal>);

/// Makes the two ends of a signal that has not been given.
pub(crate) fn shutdown() -> (Stop, Shutdown) {
    let deadline = AtomicU64::new(SERVING);
    let signal = Arc::new(Signal { start: Instant::now(), deadline, raised: Notify::new() });
    (Stop(Arc::clone(&signal)), Shutdown(signal))
}

impl Stop {
    /// Asks every connection to end with its next answer; new ones are still accepted, and end with their first.
    pub(crate) fn announce(&self) {
        self.0.deadline.fetch_min(LEAVING, Ordering::SeqCst);
        self.0.raised.notify_waiters();
    }

    /// Asks everything to finish within `span`; of several calls the earliest deadline counts.
    pub(crate) fn drain(&self, span: Duration) {
        let by = (self.0.start.elapsed() + span).as_millis();
        self.0.deadline.fetch_min(u64::try_from(by).unwrap_or(LEAVING - 1), Ordering::SeqCst);
        self.0.raised.notify_waiters();
    }
}

impl Shutdown {
    /// Returns whether connections shall end: the next answer on each is its last.
    pub(crate) fn is_leaving(&self) -> bool {
        self.0.deadline.load(Ordering::Acquire) != SERVING
    }

    /// The deadline of the drain; `None` before it.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.0.deadline.load(Ordering::Acquire) {
            SERVING | LEAVING => None,
            millis => Some(self.0.start + Duration::from_millis(millis)),
        }
    }

    /// Waits until a drain is asked for; returns at once if it already was.
    pub(crate) async fn draining(&self) {
        loop {
            let raised = self.raised();
            if self.deadline().is_some() {
                return;
            }
            raised.await;
        }
    }

    /// Waits until a drain is asked for and what had been sent by then has had [`PARTING`] to arrive.
    pub(super) async fn parted(&self) {
        self.draining().await;
        let until = Instant::now() + PARTING;
        let until = self.deadline().map_or(until, |deadline| deadline.min(until));
        let _ = timeout_at(until, std::future::pending::<()>()).await;
    }

    /// Completes at the next call of [`Stop::announce`] or [`Stop::drain`]; calls count from here on, polled or not.
    pub(super) fn raised(&self) -> Notified<'_> {
        self.0.raised.notified()
    }
}
