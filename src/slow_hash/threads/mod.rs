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
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_login_gets_through_while_low_priority_threads_get_no_core() {
        let cost = Cost { memory_kib: 8 * 1024, ..Cost::default() };
        let (metrics, config) = (Metrics::new(), HashPoolConfig { queue: 2, cost, ..HashPoolConfig::default() });
        // what waits is taken by nobody: a thread that is never given a core
        let (threads, waiting, overdue) = HashThreads::without_threads("password", &config, &metrics);
        threads.spawn("password-overdue".to_owned(), Arc::new(Mutex::new(overdue)), false).unwrap();
        let horse = threads.hash("horse").await.unwrap().unwrap();
        let edge = Arc::new(());
        assert_eq!(threads.verify("horse", horse.clone(), Some(&Arc::downgrade(&edge))).await, Ok(true));
        assert_eq!(threads.verify("horse", horse, Some(&Arc::downgrade(&edge))).await, Err(Full), "its queue is full");
        assert_eq!((threads.rescued.get(), threads.queue.get()), (2, 0), "what was rescued does not wait any more");
        // the thread gets a core again: it leaves what was done, and has room
        threads.spawn("password-0".to_owned(), Arc::new(Mutex::new(waiting)), true).unwrap();
        let soon = timeout(Duration::from_secs(10), async {
            while threads.hash("mule").await.is_err() {
                tokio::task::yield_now().await;
            }
        });
        soon.await.unwrap();
    }

    #[tokio::test]
    async fn what_is_over_the_queue_is_refused_at_once_and_the_rest_is_answered() {
        let cost = Cost { memory_kib: 8 * 1024, ..Cost::default() };
        let metrics = Metrics::new();
        let threads = HashThreads::start("password", &HashPoolConfig { workers: 1, queue: 2, cost }, &metrics).unwrap();
        let horse = threads.hash("horse").await.unwrap().unwrap();
        let edge = Arc::new(());
        let waiting = Arc::downgrade(&edge);
        let tries = (0..50).map(|_| threads.verify("horse", horse.clone(), Some(&waiting)));
        let answers = futures(tries).await;
        let right = answers.iter().filter(|answer| **answer == Ok(true)).count();
        assert!((2..50).contains(&right), "{right}");
        assert!(answers.iter().all(|answer| matches!(answer, Ok(true) | Err(Full))));
        assert_eq!(usize::try_from(threads.shed.get()).unwrap(), 50 - right);
        assert_eq!((threads.queue.get(), threads.verify("donkey", horse, Some(&waiting)).await), (0, Ok(false)));
    }

    #[tokio::test]
    async fn a_password_whose_request_was_given_up_meanwhile_is_not_hashed() {
        let cost = Cost { memory_kib: 8 * 1024, ..Cost::default() };
        let threads =
            HashThreads::start("password", &HashPoolConfig { workers: 1, queue: 8, cost }, &Metrics::new()).unwrap();
        let horse = threads.hash("horse").await.unwrap().unwrap();
        let edges = [Arc::new(()), Arc::new(())];
        let [first, second] = edges.each_ref().map(Arc::downgrade);
        let [there, gone] = edges;
        drop(gone);
        // the task that waits for the hash is there all along, as that of a grant is
        assert_eq!(threads.verify("horse", horse.clone(), Some(&second)).await, Err(Full));
        assert_eq!(threads.verify("horse", horse, Some(&first)).await, Ok(true));
        drop(there);
    }

    async fn futures<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
        let mut waiting: Vec<_> = all.map(Box::pin).collect();
        let mut done: Vec<Option<T>> = waiting.iter().map(|_| None).collect();
        std::future::poll_fn(|cx| {
            for (future, slot) in waiting.iter_mut().zip(&mut done) {
                if slot.is_none()
                    && let std::task::Poll::Ready(value) = future.as_mut().poll(cx)
                {
                    *slot = Some(value);
                }
            }
            if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        done.into_iter().flatten().collect()
    }
}
