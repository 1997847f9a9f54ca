//! The threads in which passwords are hashed: their own, few, and of low priority, so that a flood of logins takes
//! what the other grants leave over.
//!
//! Always true: at most `queue` jobs wait and what is over is refused at once; a job nobody waits for is not done.
//! A hash in a worker of the runtime would hold up the requests of that worker, at the priority of everything else.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use prometheus::{IntCounter, IntGauge};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::hash::{Cost, Workspace};
use crate::metrics::Metrics;

/// After how long without work a thread gives its memory back.
const IDLE: Duration = Duration::from_secs(10);
/// How nice the threads are that have a low priority: one gets about a tenth of a core while all cores are wanted.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// How the threads stand beside all others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// They get less than others, but enough to go on whatever else the machine does.
    #[default]
    Low,
    /// They get what others leave over, and one that wakes up takes its core at once (sched(7), `SCHED_IDLE`): the least a
    /// flood of logins can take, but no login gets through while something else wants every core.
    Idle,
}

/// How passwords are hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LaneConfig {
    /// Threads.
    pub workers: usize,
    /// Checks that may wait for one; more are refused at once.
    pub queue: usize,
    /// How the threads stand beside all others.
    pub priority: Priority,
    /// What a check costs.
    pub cost: Cost,
}

impl Default for LaneConfig {
    fn default() -> Self {
        Self { workers: 1, queue: 32, priority: Priority::default(), cost: Cost::default() }
    }
}

/// The handle of the threads; they end with it.
pub struct Lane {
    jobs: SyncSender<Job>,
    queue: IntGauge,
    shed: IntCounter,
    /// What a check costs.
    pub cost: Cost,
}

/// Alive as long as somebody waits for an answer: the work on a request goes on after its edge gave it up.
pub type Waiting = Weak<()>;

/// No room, nobody waited any more, or the threads are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords wait to be checked")]
pub struct Full;

struct Job {
    password: Zeroizing<String>,
    /// What it is compared with; a new hash is made without.
    phc: Option<String>,
    /// Who waits, besides whoever holds the other end of `reply`.
    waiting: Option<Waiting>,
    reply: oneshot::Sender<Done>,
}

enum Done {
    Verified(bool),
    Hashed(Result<String, &'static str>),
}

impl Lane {
    /// Starts the threads.
    ///
    /// # Errors
    /// If the system has no thread for us.
    pub fn start(config: &LaneConfig, metrics: &Metrics) -> io::Result<Self> {
        let (jobs, waiting) = sync_channel(config.queue.max(1));
        let waiting = Arc::new(Mutex::new(waiting));
        let queue = metrics.password_queue.clone();
        for number in 0..config.workers.max(1) {
            let worker = Worker {
                waiting: waiting.clone(),
                queue: queue.clone(),
                busy: metrics.password_busy.clone(),
                priority: config.priority,
                cost: config.cost,
            };
            std::thread::Builder::new().name(format!("password-{number}")).spawn(move || worker.run())?;
        }
        let shed = metrics.shed.with_label_values(&["password_queue"]);
        Ok(Self { jobs, queue, shed, cost: config.cost })
    }

    /// Whether `password` is the one behind `phc`.
    ///
    /// # Errors
    /// [`Full`], at once; or later, if nobody is `waiting` when its turn comes.
    pub async fn verify(&self, password: &str, phc: String, waiting: &Waiting) -> Result<bool, Full> {
        match self.done(password, Some((phc, waiting.clone()))).await? {
            Done::Verified(right) => Ok(right),
            Done::Hashed(_) => Err(Full),
        }
    }

    /// The hash of a new password.
    ///
    /// # Errors
    /// [`Full`], at once; inside, why it cannot be hashed.
    pub async fn hash(&self, password: &str) -> Result<Result<String, &'static str>, Full> {
        match self.done(password, None).await? {
            Done::Hashed(hash) => Ok(hash),
            Done::Verified(_) => Err(Full),
        }
    }

    async fn done(&self, password: &str, checked: Option<(String, Waiting)>) -> Result<Done, Full> {
        let (reply, answer) = oneshot::channel();
        let (phc, waiting) = checked.unzip();
        let job = Job { password: Zeroizing::new(password.to_owned()), phc, waiting, reply };
        // counted before, because a thread may take it before we are back
        self.queue.inc();
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.jobs.try_send(job) {
            self.queue.dec();
            self.shed.inc();
            return Err(Full);
        }
        answer.await.map_err(|_| Full)
    }
}

struct Worker {
    waiting: Arc<Mutex<Receiver<Job>>>,
    queue: IntGauge,
    busy: IntGauge,
    priority: Priority,
    cost: Cost,
}

impl Worker {
    fn run(self) {
        step_back(self.priority);
        let mut workspace = Workspace::default();
        loop {
            let next = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(IDLE);
            match next {
                Ok(job) => {
                    self.queue.dec();
                    self.work(job, &mut workspace);
                }
                Err(RecvTimeoutError::Timeout) => workspace.release(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn work(&self, job: Job, workspace: &mut Workspace) {
        let given_up = job.waiting.as_ref().is_some_and(|waiting| waiting.strong_count() == 0);
        if given_up || job.reply.is_closed() {
            return;
        }
        self.busy.inc();
        let done = match &job.phc {
            Some(phc) => Done::Verified(workspace.verify(&job.password, phc)),
            None => Done::Hashed(self.cost.hash(&job.password)),
        };
        self.busy.dec();
        let _ = job.reply.send(done);
    }
}

/// Lowers the priority of this thread, where priorities are a thread's own.
#[cfg(target_os = "linux")]
fn step_back(priority: Priority) {
    use preempt_rt::sched::{Pid, Scheduler, SchedulerParams, set_scheduler};
    let done = match priority {
        Priority::Low => rustix::process::setpriority_process(None, NICENESS).map_err(|error| error.to_string()),
        Priority::Idle => set_scheduler(Pid::current_thread(), Scheduler::SCHED_IDLE, SchedulerParams { priority: 0 })
            .map_err(|error| error.to_string()),
    };
    if let Err(error) = done {
        tracing::warn!(error, "failed to lower the priority of a password thread");
    }
}

#[cfg(not(target_os = "linux"))]
fn step_back(_priority: Priority) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_over_the_queue_is_refused_at_once_and_the_rest_is_answered() {
        let cost = Cost { memory_kib: 8 * 1024, ..Cost::default() };
        let metrics = Metrics::new();
        let lane = Lane::start(&LaneConfig { workers: 1, queue: 2, cost, ..LaneConfig::default() }, &metrics).unwrap();
        let horse = lane.hash("horse").await.unwrap().unwrap();
        let edge = Arc::new(());
        let waiting = Arc::downgrade(&edge);
        let tries = (0..50).map(|_| lane.verify("horse", horse.clone(), &waiting));
        let answers = futures(tries).await;
        let right = answers.iter().filter(|answer| **answer == Ok(true)).count();
        assert!((2..50).contains(&right), "{right}");
        assert!(answers.iter().all(|answer| matches!(answer, Ok(true) | Err(Full))));
        assert_eq!(usize::try_from(lane.shed.get()).unwrap(), 50 - right);
        assert_eq!((metrics.password_queue.get(), lane.verify("donkey", horse, &waiting).await), (0, Ok(false)));
    }

    #[tokio::test]
    async fn a_password_whose_request_was_given_up_meanwhile_is_not_hashed() {
        let cost = Cost { memory_kib: 8 * 1024, ..Cost::default() };
        let lane =
            Lane::start(&LaneConfig { workers: 1, queue: 8, cost, ..LaneConfig::default() }, &Metrics::new()).unwrap();
        let horse = lane.hash("horse").await.unwrap().unwrap();
        let edges = [Arc::new(()), Arc::new(())];
        let [first, second] = edges.each_ref().map(Arc::downgrade);
        let [there, gone] = edges;
        drop(gone);
        // the task that waits for the hash is there all along, as that of a grant is
        assert_eq!(lane.verify("horse", horse.clone(), &second).await, Err(Full));
        assert_eq!(lane.verify("horse", horse, &first).await, Ok(true));
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
