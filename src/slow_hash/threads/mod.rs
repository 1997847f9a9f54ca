//! The threads that compute hashes: some of the lowest priority, so that a flood of logins takes only the CPU that other
//! grants leave over, and one of normal priority, so that some logins get through when nothing is left over.
//!
//! Always true: at most `queue` jobs wait and further ones are refused at once; a job that nobody waits for is not done;
//! and while jobs wait, one is begun every quarter of a second, however busy the machine is. A hash in a worker of the
//! runtime would hold up the requests of that worker, at the priority of everything else.

mod priority;
mod worker;

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prometheus::{IntCounter, IntGauge};
use tokio::sync::oneshot;
use tokio::time::timeout;
use zeroize::Zeroizing;

use self::worker::{HashJob, HashResult, HashWork, HashWorker, QueueDepth};
use super::Cost;
use super::config::HashPoolConfig;
use super::waiting::{Full, Waiting};
use crate::metrics::Metrics;

/// Time without a finished job after which the thread of normal priority takes one.
const PATIENCE: Duration = Duration::from_millis(250);

/// The handle of the threads, which end with it.
pub(super) struct HashThreads {
    jobs: SyncSender<HashJob>,
    /// A channel without room: takes a job only while the thread of normal priority has none.
    overdue: SyncSender<HashJob>,
    /// Jobs that a thread has finished.
    finished: Arc<AtomicU64>,
    queue: IntGauge,
    busy: IntGauge,
    shed: IntCounter,
    rescued: IntCounter,
    /// Cost of a new hash.
    pub(super) cost: Cost,
}

impl HashThreads {
    /// Starts the threads; `of` names what they hash, in their names and in the metrics: `password` or `secret`.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub(super) fn start(of: &'static str, config: &HashPoolConfig, metrics: &Metrics) -> io::Result<Self> {
        let (threads, waiting, overdue) = Self::without_threads(of, config, metrics);
        let waiting = Arc::new(Mutex::new(waiting));
        for number in 0..config.workers.max(1) {
            threads.spawn(format!("{of}-{number}"), waiting.clone(), true)?;
        }
        threads.spawn(format!("{of}-overdue"), Arc::new(Mutex::new(overdue)), false)?;
        Ok(threads)
    }

    fn spawn(&self, name: String, jobs: Arc<Mutex<Receiver<HashJob>>>, low_priority: bool) -> io::Result<()> {
        let (finished, busy) = (self.finished.clone(), self.busy.clone());
        let worker = HashWorker { jobs, low_priority, finished, busy, cost: self.cost };
        std::thread::Builder::new().name(name).spawn(move || worker.run())?;
        Ok(())
    }

    /// Makes the handle, and the receivers of waiting and of overdue jobs.
    fn without_threads(
        of: &str,
        config: &HashPoolConfig,
        metrics: &Metrics,
    ) -> (Self, Receiver<HashJob>, Receiver<HashJob>) {
        let (jobs, waiting) = sync_channel(config.queue.max(1));
        let (overdue, rescues) = sync_channel(0);
        let threads = Self {
            jobs,
            overdue,
            finished: Arc::default(),
            queue: metrics.hash_queue.with_label_values(&[of]),
            busy: metrics.hash_busy.with_label_values(&[of]),
            shed: metrics.shed.with_label_values(&[&format!("{of}_queue")]),
            rescued: metrics.hashes_overdue.with_label_values(&[of]),
            cost: config.cost,
        };
        (threads, waiting, rescues)
    }

    /// Returns whether `phc` is a hash of `password`. The job is given up when the future is dropped, or when the
    /// `waiting` request ends.
    ///
    /// # Errors
    /// [`Full`] at once, or later if the request is gone when a thread takes the job.
    pub(super) async fn verify(&self, password: &str, phc: String, waiting: Option<&Waiting>) -> Result<bool, Full> {
        match self.done(password, Some(phc), waiting).await? {
            HashResult::Verified(right) => Ok(right),
            HashResult::Hashed(_) => Err(Full),
        }
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// [`Full`] at once; inside, the reason why the password cannot be hashed.
    pub(super) async fn hash(&self, password: &str) -> Result<Result<String, &'static str>, Full> {
        match self.done(password, None, None).await? {
            HashResult::Hashed(hash) => Ok(hash),
            HashResult::Verified(_) => Err(Full),
        }
    }

    async fn done(&self, password: &str, phc: Option<String>, waiting: Option<&Waiting>) -> Result<HashResult, Full> {
        let (password, queued) = (Zeroizing::new(password.to_owned()), QueueDepth::count(&self.queue));
        let work = Arc::new(HashWork { password, phc, waiting: waiting.cloned(), queued });
        let mut answer = self.enqueue(&work)?;
        let mut before = self.finished.load(Ordering::Relaxed);
        loop {
            if let Ok(answer) = timeout(PATIENCE, &mut answer).await {
                return answer.map_err(|_| Full);
            }
            let finished = self.finished.load(Ordering::Relaxed);
            if finished == before
                && let Some(rescue) = self.rescue(&work)
            {
                // whichever thread has it first; one that comes to it later leaves it
                return tokio::select! { Ok(done) = answer => Ok(done), Ok(done) = rescue => Ok(done), else => Err(Full) };
            }
            before = finished;
        }
    }

    fn enqueue(&self, work: &Arc<HashWork>) -> Result<oneshot::Receiver<HashResult>, Full> {
        let (job, answer) = HashJob::new(work);
        if self.jobs.try_send(job).is_err() {
            self.shed.inc();
            return Err(Full);
        }
        Ok(answer)
    }

    /// Gives `work` to the thread of normal priority, if that is idle.
    fn rescue(&self, work: &Arc<HashWork>) -> Option<oneshot::Receiver<HashResult>> {
        let (job, answer) = HashJob::new(work);
        self.overdue.try_send(job).ok()?;
        self.rescued.inc();
        Some(answer)
    }
}

#[cfg(test)]
mod tests;
