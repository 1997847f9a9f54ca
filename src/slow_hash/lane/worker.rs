//! One thread that hashes, and what it is given.

use std::sync::atomic::{AtomicU64, Ordering};
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
}

/// What came of it.
pub(super) enum Done {
    Verified(bool),
    Hashed(Result<String, &'static str>),
}

/// Work that waits for a thread.
pub(super) struct Job {
    work: Arc<Work>,
    reply: oneshot::Sender<Done>,
    queued: Option<Queued>,
}

impl Job {
    /// A job, counted in `depth` while it waits, and its answer.
    pub(super) fn new(work: &Arc<Work>, depth: Option<&IntGauge>) -> (Self, oneshot::Receiver<Done>) {
        let (reply, answer) = oneshot::channel();
        let job = Self { work: work.clone(), reply, queued: depth.map(Queued::count) };
        (job, answer)
    }
}

/// Counted in the depth of the queue until a thread takes the job, or none is left to take it.
struct Queued(IntGauge);

impl Queued {
    fn count(depth: &IntGauge) -> Self {
        depth.inc();
        Self(depth.clone())
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.0.dec();
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

    fn work(&self, Job { work, reply, queued }: Job, workspace: &mut Workspace) {
        drop(queued);
        let given_up = work.waiting.as_ref().is_some_and(|waiting| waiting.strong_count() == 0);
        if given_up || reply.is_closed() {
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
