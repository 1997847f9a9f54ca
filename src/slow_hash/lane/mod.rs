//! Where hashes are computed: in threads of their own that stand back for all others, so that a flood of logins takes
//! what the other grants leave over, and in one that does not, so that some get through when nothing is left over.
//!
//! Always true: at most `queue` jobs wait and what is over is refused at once; a job nobody waits for is not done; and
//! while jobs wait, one is begun every quarter of a second whatever else wants the machine. A hash in a worker of the
//! runtime would hold up the requests of that worker, at the priority of everything else.

mod manners;
mod worker;

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use prometheus::{IntCounter, IntGauge};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::time::timeout;
use zeroize::Zeroizing;

use self::worker::{Done, Job, Queued, Work, Worker};
use super::Cost;
use crate::metrics::Metrics;
use crate::setting::SettingError;

/// For how long the threads that stand back may finish nothing before the one that does not takes a job.
const PATIENCE: Duration = Duration::from_millis(250);

/// How many hashes are computed at a time, and what they cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LaneConfig {
    /// Threads that stand back.
    pub workers: usize,
    /// Checks that may wait for one; more are refused at once.
    pub queue: usize,
    /// What a check costs.
    pub cost: Cost,
}

impl Default for LaneConfig {
    fn default() -> Self {
        Self { workers: 1, queue: 32, cost: Cost::default() }
    }
}

impl LaneConfig {
    /// Checks the bounds of the threads, of the queue and of the cost.
    ///
    /// # Errors
    /// The first setting that breaks its rule.
    pub fn check(&self) -> Result<(), SettingError> {
        if !(1..=64).contains(&self.workers) {
            return Err(SettingError::new("workers", self.workers, "1 to 64"));
        }
        if !(1..=4096).contains(&self.queue) {
            return Err(SettingError::new("queue", self.queue, "1 to 4096"));
        }
        self.cost.check().map_err(|rule| SettingError::new("cost", self.cost, rule))
    }
}

/// The handle of the threads; they end with it.
pub struct Lane {
    jobs: SyncSender<Job>,
    /// Has no room: it takes a job only while its thread has none.
    overdue: SyncSender<Job>,
    /// Jobs that a thread is done with.
    finished: Arc<AtomicU64>,
    queue: IntGauge,
    busy: IntGauge,
    shed: IntCounter,
    rescued: IntCounter,
    /// What a check costs.
    pub cost: Cost,
}

/// Alive as long as somebody waits for an answer: the work on a request goes on after its edge gave it up.
pub type Waiting = Weak<()>;

/// No room, nobody waited any more, or the threads are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many hashes wait to be computed")]
pub struct Full;

impl Lane {
    /// Starts the threads; `of` is what they hash, for their names and the metrics: `password` or `secret`.
    ///
    /// # Errors
    /// If the system has no thread for us.
    pub fn start(of: &'static str, config: &LaneConfig, metrics: &Metrics) -> io::Result<Self> {
        let (lane, waiting, overdue) = Self::without_threads(of, config, metrics);
        let waiting = Arc::new(Mutex::new(waiting));
        for number in 0..config.workers.max(1) {
            lane.spawn(format!("{of}-{number}"), waiting.clone(), true)?;
        }
        lane.spawn(format!("{of}-overdue"), Arc::new(Mutex::new(overdue)), false)?;
        Ok(lane)
    }

    fn spawn(&self, name: String, jobs: Arc<Mutex<Receiver<Job>>>, stands_back: bool) -> io::Result<()> {
        let (finished, busy) = (self.finished.clone(), self.busy.clone());
        let worker = Worker { jobs, stands_back, finished, busy, cost: self.cost };
        std::thread::Builder::new().name(name).spawn(move || worker.run())?;
        Ok(())
    }

    /// A lane, and where its threads find what waits and what is overdue.
    fn without_threads(of: &str, config: &LaneConfig, metrics: &Metrics) -> (Self, Receiver<Job>, Receiver<Job>) {
        let (jobs, waiting) = sync_channel(config.queue.max(1));
        let (overdue, rescues) = sync_channel(0);
        let lane = Self {
            jobs,
            overdue,
            finished: Arc::default(),
            queue: metrics.hash_queue.with_label_values(&[of]),
            busy: metrics.hash_busy.with_label_values(&[of]),
            shed: metrics.shed.with_label_values(&[&format!("{of}_queue")]),
            rescued: metrics.hashes_overdue.with_label_values(&[of]),
            cost: config.cost,
        };
        (lane, waiting, rescues)
    }

    /// Whether `password` is the one behind `phc`. Dropping the future takes the job back, and so does the end of
    /// whoever is `waiting`.
    ///
    /// # Errors
    /// [`Full`], at once; or later, if nobody is `waiting` when its turn comes.
    pub async fn verify(&self, password: &str, phc: String, waiting: Option<&Waiting>) -> Result<bool, Full> {
        match self.done(password, Some(phc), waiting).await? {
            Done::Verified(right) => Ok(right),
            Done::Hashed(_) => Err(Full),
        }
    }

    /// The hash of a new password.
    ///
    /// # Errors
    /// [`Full`], at once; inside, why it cannot be hashed.
    pub async fn hash(&self, password: &str) -> Result<Result<String, &'static str>, Full> {
        match self.done(password, None, None).await? {
            Done::Hashed(hash) => Ok(hash),
            Done::Verified(_) => Err(Full),
        }
    }

    async fn done(&self, password: &str, phc: Option<String>, waiting: Option<&Waiting>) -> Result<Done, Full> {
        let (password, queued) = (Zeroizing::new(password.to_owned()), Queued::count(&self.queue));
        let work = Arc::new(Work { password, phc, waiting: waiting.cloned(), queued });
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

    fn enqueue(&self, work: &Arc<Work>) -> Result<oneshot::Receiver<Done>, Full> {
        let (job, answer) = Job::new(work);
        if self.jobs.try_send(job).is_err() {
            self.shed.inc();
            return Err(Full);
        }
        Ok(answer)
    }

    /// Has `work` done by the thread that does not stand back, if that has nothing else to do.
    fn rescue(&self, work: &Arc<Work>) -> Option<oneshot::Receiver<Done>> {
        let (job, answer) = Job::new(work);
        self.overdue.try_send(job).ok()?;
        self.rescued.inc();
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_login_gets_through_while_the_threads_that_stand_back_get_no_core() {
        let cost = Cost { memory_kib: 8 * 1024, ..Cost::default() };
        let (metrics, config) = (Metrics::new(), LaneConfig { queue: 2, cost, ..LaneConfig::default() });
        // what waits is taken by nobody: a thread that is never given a core
        let (lane, waiting, overdue) = Lane::without_threads("password", &config, &metrics);
        lane.spawn("password-overdue".to_owned(), Arc::new(Mutex::new(overdue)), false).unwrap();
        let horse = lane.hash("horse").await.unwrap().unwrap();
        let edge = Arc::new(());
        assert_eq!(lane.verify("horse", horse.clone(), Some(&Arc::downgrade(&edge))).await, Ok(true));
        assert_eq!(lane.verify("horse", horse, Some(&Arc::downgrade(&edge))).await, Err(Full), "its queue is full");
        assert_eq!((lane.rescued.get(), lane.queue.get()), (2, 0), "what was rescued does not wait any more");
        // the thread gets a core again: it leaves what was done, and has room
        lane.spawn("password-0".to_owned(), Arc::new(Mutex::new(waiting)), true).unwrap();
        let soon = timeout(Duration::from_secs(10), async {
            while lane.hash("mule").await.is_err() {
                tokio::task::yield_now().await;
            }
        });
        soon.await.unwrap();
    }

    #[tokio::test]
    async fn what_is_over_the_queue_is_refused_at_once_and_the_rest_is_answered() {
        let cost = Cost { memory_kib: 8 * 1024, ..Cost::default() };
        let metrics = Metrics::new();
        let lane = Lane::start("password", &LaneConfig { workers: 1, queue: 2, cost }, &metrics).unwrap();
        let horse = lane.hash("horse").await.unwrap().unwrap();
        let edge = Arc::new(());
        let waiting = Arc::downgrade(&edge);
        let tries = (0..50).map(|_| lane.verify("horse", horse.clone(), Some(&waiting)));
        let answers = futures(tries).await;
        let right = answers.iter().filter(|answer| **answer == Ok(true)).count();
        assert!((2..50).contains(&right), "{right}");
        assert!(answers.iter().all(|answer| matches!(answer, Ok(true) | Err(Full))));
        assert_eq!(usize::try_from(lane.shed.get()).unwrap(), 50 - right);
        assert_eq!((lane.queue.get(), lane.verify("donkey", horse, Some(&waiting)).await), (0, Ok(false)));
    }

    #[tokio::test]
    async fn a_password_whose_request_was_given_up_meanwhile_is_not_hashed() {
        let cost = Cost { memory_kib: 8 * 1024, ..Cost::default() };
        let lane = Lane::start("password", &LaneConfig { workers: 1, queue: 8, cost }, &Metrics::new()).unwrap();
        let horse = lane.hash("horse").await.unwrap().unwrap();
        let edges = [Arc::new(()), Arc::new(())];
        let [first, second] = edges.each_ref().map(Arc::downgrade);
        let [there, gone] = edges;
        drop(gone);
        // the task that waits for the hash is there all along, as that of a grant is
        assert_eq!(lane.verify("horse", horse.clone(), Some(&second)).await, Err(Full));
        assert_eq!(lane.verify("horse", horse, Some(&first)).await, Ok(true));
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
