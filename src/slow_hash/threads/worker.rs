//! A thread that hashes, and its jobs.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::IntGauge;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::priority::{PreemptionTimer, lower_priority};
use crate::slow_hash::cost::{Cost, Workspace};
use crate::slow_hash::waiting::Waiting;

/// Time without work after which a thread gives its memory back.
const IDLE: Duration = Duration::from_secs(10);

/// A hash to compute.
pub(super) struct HashWork {
    pub(super) password: Zeroizing<String>,
    /// The hash that the password is compared with; `None` makes a new hash.
    pub(super) phc: Option<String>,
    /// The request that waits, besides the holder of the other end of [`HashJob::reply`].
    pub(super) waiting: Option<Waiting>,
    /// The work's count in the depth of the queue.
    pub(super) queued: QueueDepth,
}

/// The result of [`HashWork`].
pub(super) enum HashResult {
    Verified(bool),
    Hashed(Result<String, &'static str>),
}

/// Work for a thread; two threads may have a job for the same work.
pub(super) struct HashJob {
    work: Arc<HashWork>,
    reply: oneshot::Sender<HashResult>,
}

impl HashJob {
    /// Makes a job, and the receiver of its result.
    pub(super) fn new(work: &Arc<HashWork>) -> (Self, oneshot::Receiver<HashResult>) {
        let (reply, answer) = oneshot::channel();
        (Self { work: work.clone(), reply }, answer)
    }
}

/// One unit of the depth of the queue, until a thread takes the work or none is left to take it.
pub(super) struct QueueDepth {
    depth: IntGauge,
    waits: AtomicBool,
}

impl QueueDepth {
    /// Adds one to `depth`.
    pub(super) fn count(depth: &IntGauge) -> Self {
        depth.inc();
        Self { depth: depth.clone(), waits: AtomicBool::new(true) }
    }

    /// Ends the wait; returns whether it had not ended yet.
    fn leave(&self) -> bool {
        let waited = self.waits.swap(false, Ordering::Relaxed);
        if waited {
            self.depth.dec();
        }
        waited
    }
}

impl Drop for QueueDepth {
    fn drop(&mut self) {
        self.leave();
    }
}

/// A thread that hashes, until the handle of the threads is gone.
pub(super) struct HashWorker {
    pub(super) jobs: Arc<Mutex<Receiver<HashJob>>>,
    /// True if it leaves its core to every other thread.
    pub(super) low_priority: bool,
    pub(super) finished: Arc<AtomicU64>,
    pub(super) busy: IntGauge,
    pub(super) cost: Cost,
}

impl HashWorker {
    pub(super) fn run(self) {
        if self.low_priority {
            lower_priority();
        }
        let mut workspace = Workspace::default();
        loop {
            let next = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(IDLE);
            match next {
                Ok(job) => {
                    let timer = self.low_priority.then(PreemptionTimer::start);
                    self.work(job, &mut workspace);
                    self.finished.fetch_add(1, Ordering::Relaxed);
                    if let Some(timer) = timer {
                        std::thread::sleep(timer.sleep());
                    }
                }
                Err(RecvTimeoutError::Timeout) => workspace.release(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn work(&self, HashJob { work, reply }: HashJob, workspace: &mut Workspace) {
        let rescued = !work.queued.leave() && self.low_priority;
        let given_up = work.waiting.as_ref().is_some_and(|waiting| waiting.strong_count() == 0);
        if rescued || given_up || reply.is_closed() {
            return;
        }
        self.busy.inc();
        let done = match &work.phc {
            Some(phc) => HashResult::Verified(workspace.verify(&work.password, phc)),
            None => HashResult::Hashed(self.cost.hash(&work.password)),
        };
        self.busy.dec();
        let _ = reply.send(done);
    }
}
