//! One thread that hashes, and what it is given.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::IntGauge;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::Waiting;
use super::manners::{self, Turn};
use crate::slow_hash::cost::{Cost, Workspace};

/// After how long without work a thread gives its memory back.
const IDLE: Duration = Duration::from_secs(10);

/// What is to be computed.
pub(super) struct Work {
    pub(super) password: Zeroizing<String>,
    /// What it is compared with; a new hash is made without.
    pub(super) phc: Option<String>,
    /// Who waits, besides whoever holds the other end of [`Job::reply`].
    pub(super) waiting: Option<Waiting>,
    /// Its place in the depth of the queue.
    pub(super) queued: Queued,
}

/// What came of it.
pub(super) enum Done {
    Verified(bool),
    Hashed(Result<String, &'static str>),
}

/// Work for a thread.
pub(super) struct Job {
    work: Arc<Work>,
    reply: oneshot::Sender<Done>,
}

impl Job {
    /// A job, and its answer.
    pub(super) fn new(work: &Arc<Work>) -> (Self, oneshot::Receiver<Done>) {
        let (reply, answer) = oneshot::channel();
        (Self { work: work.clone(), reply }, answer)
    }
}

/// Counted in the depth of the queue until the first thread takes the work, or none is left to take it.
pub(super) struct Queued {
    depth: IntGauge,
    waits: AtomicBool,
}

impl Queued {
    /// Counts in `depth`.
    pub(super) fn count(depth: &IntGauge) -> Self {
        depth.inc();
        Self { depth: depth.clone(), waits: AtomicBool::new(true) }
    }

    /// Ends the wait; whether it had not ended yet.
    fn leave(&self) -> bool {
        let waited = self.waits.swap(false, Ordering::Relaxed);
        if waited {
            self.depth.dec();
        }
        waited
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.leave();
    }
}

/// A thread that hashes, until the lane is gone.
pub(super) struct Worker {
    pub(super) jobs: Arc<Mutex<Receiver<Job>>>,
    /// Whether it leaves its core to whoever else wants it.
    pub(super) stands_back: bool,
    pub(super) finished: Arc<AtomicU64>,
    pub(super) busy: IntGauge,
    pub(super) cost: Cost,
}

impl Worker {
    pub(super) fn run(self) {
        if self.stands_back {
            manners::stand_back();
        }
        let mut workspace = Workspace::default();
        loop {
            let next = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(IDLE);
            match next {
                Ok(job) => {
                    let turn = self.stands_back.then(Turn::begin);
                    self.work(job, &mut workspace);
                    self.finished.fetch_add(1, Ordering::Relaxed);
                    if let Some(turn) = turn {
                        std::thread::sleep(turn.rest());
                    }
                }
                Err(RecvTimeoutError::Timeout) => workspace.release(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn work(&self, Job { work, reply }: Job, workspace: &mut Workspace) {
        let rescued = !work.queued.leave() && self.stands_back;
        let given_up = work.waiting.as_ref().is_some_and(|waiting| waiting.strong_count() == 0);
        if rescued || given_up || reply.is_closed() {
            return;
        }
        self.busy.inc();
        let done = match &work.phc {
            Some(phc) => Done::Verified(workspace.verify(&work.password, phc)),
            None => Done::Hashed(self.cost.hash(&work.password)),
        };
        self.busy.dec();
        let _ = reply.send(done);
    }
}
