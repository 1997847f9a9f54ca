//! The committer: one thread that takes all queued commands, applies them, makes them durable together, and only then
//! answers. The longer an fsync takes, the more commands share the next one.

use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::oneshot;

use super::disk::Disk;
use crate::clock::{Clock, Time};
use crate::metrics::Stopwatch;
use crate::state::Op;
use crate::store::{Health, StoreError};

mod command;
mod group;

pub(super) use command::Needs;
use command::{Answers, Command, CommitReply, Work};
use group::Group;

/// Number of commands that may wait; more are refused at once. Each shard has a few in flight (`depth`).
const QUEUE: usize = 4096;

/// Number of operations that share one fsync. More would only make the first one wait.
const GROUP: usize = 1024;

/// Time after which a commit counts as stuck.
const STUCK: Duration = Duration::from_secs(5);

/// The handle of the thread.
pub(super) struct Committer {
    queue: Option<SyncSender<Command>>,
    thread: Option<JoinHandle<()>>,
    state: Arc<State>,
    disk: Arc<ArcSwapOption<Disk>>,
    min_free: u64,
}

/// The state of the thread, as other threads see it.
#[derive(Default)]
struct State {
    /// Reason for which the thread cannot continue.
    failed: Mutex<Option<String>>,
    /// Time since which a commit is in progress.
    busy: Mutex<Option<Stopwatch>>,
}

pub(super) fn closed() -> StoreError {
    StoreError::Unavailable { reason: "it is closed".to_owned() }
}

impl Committer {
    pub(super) fn start(
        disk: Arc<Disk>,
        shared: Arc<ArcSwapOption<Disk>>,
        clock: Clock,
        min_free: u64,
    ) -> Result<Self, StoreError> {
        let (queue, commands) = sync_channel(QUEUE);
        let state = Arc::new(State::default());
        let thread = std::thread::Builder::new()
            .name("store-committer".to_owned())
            .spawn({
                let (state, shared) = (Arc::clone(&state), Arc::clone(&shared));
                move || Loop { disk, shared, clock, min_free, state }.run(&commands)
            })
            .map_err(|error| StoreError::Fatal(format!("failed to start the committer thread: {error}")))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), state, disk: shared, min_free })
    }

    /// Applies operations and answers after they are durable.
    pub(super) async fn apply(&self, ops: Vec<Op>) -> Result<Answers, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Apply(ops, reply))?;
        answer.await.unwrap_or_else(|_| Err(self.gone()))
    }

    /// Runs `work` on the thread and answers once the condition `needs` is met.
    pub(super) fn run<T: Send + 'static>(
        &self,
        needs: Needs,
        work: impl FnOnce(&Disk, Time) -> Result<T, StoreError> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send {
        let (reply, answer) = oneshot::channel();
        let work: Work = Box::new(move |may| {
            let done = may.and_then(|(disk, now)| work(disk, now));
            let worked = done.as_ref().map(|_| ()).map_err(Clone::clone);
            let answer: CommitReply = Box::new(move |committed| {
                let _ = reply.send(committed.clone().and(done));
            });
            (worked, answer)
        });
        let sent = self.send(Command::Run(work, needs));
        async move {
            sent?;
            answer.await.unwrap_or_else(|_| Err(self.gone()))
        }
    }

    pub(super) async fn close(&self) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        match self.send(Command::Close(reply)) {
            Ok(()) => answer.await.unwrap_or(Ok(())),
            // closed already
            Err(StoreError::Unavailable { .. }) if self.disk.load().is_none() => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn send(&self, command: Command) -> Result<(), StoreError> {
        self.check()?;
        match self.queue.as_ref().map(|queue| queue.try_send(command)) {
            Some(Ok(())) => Ok(()),
            Some(Err(TrySendError::Full(_))) => {
                Err(StoreError::Unavailable { reason: "too much waits for the disk".to_owned() })
            }
            Some(Err(TrySendError::Disconnected(_))) | None => Err(self.gone()),
        }
    }

    /// Returns the error for a command that the thread took and did not answer: fatal if the thread failed; unavailable
    /// if the committer is closed, because the command had not begun; otherwise indeterminate.
    fn gone(&self) -> StoreError {
        match self.check() {
            Err(failed) => failed,
            Ok(()) if self.disk.load().is_none() => closed(),
            Ok(()) => StoreError::Indeterminate { reason: "the committer thread is gone".to_owned() },
        }
    }

    /// Returns an error if the thread cannot continue.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        lock(&self.state.failed).clone().map_or(Ok(()), |why| Err(StoreError::Fatal(why)))
    }

    pub(super) fn health(&self) -> Health {
        if let Some(why) = lock(&self.state.failed).clone() {
            return Health::Failed(why);
        }
        let Some(disk) = self.disk.load_full() else {
            return Health::Unavailable("it is closed".to_owned());
        };
        if let Some(busy) = *lock(&self.state.busy)
            && busy.elapsed() > STUCK
        {
            return Health::Unavailable(format!("the disk has not answered for {} s", busy.elapsed().as_secs()));
        }
        match has_room(&disk, self.min_free) {
            Ok(()) => Health::Ready,
            Err(error) => Health::Unavailable(error.to_string()),
        }
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // it has said why it panicked
            let _ = thread.join();
        }
    }
}

/// Refuses writes before the disk is so full that sled fails.
fn has_room(disk: &Disk, min_free: u64) -> Result<(), StoreError> {
    match disk.free() {
        Some(free) if free < min_free => Err(StoreError::Unavailable {
            reason: format!(
                "the disk of {} is full ({} KiB left, {} KiB needed); make room",
                disk.path.display(),
                free / 1024,
                min_free / 1024
            ),
        }),
        _ => Ok(()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The state that the thread owns.
struct Loop {
    disk: Arc<Disk>,
    shared: Arc<ArcSwapOption<Disk>>,
    clock: Clock,
    min_free: u64,
    state: Arc<State>,
}

impl Loop {
    fn run(self, commands: &Receiver<Command>) {
        while let Ok(first) = commands.recv() {
            let mut group = Group::default();
            let mut closing = group.add(first);
            while closing.is_none() && group.ops() < GROUP {
                match commands.try_recv() {
                    Ok(command) => closing = group.add(command),
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
                }
            }
            *lock(&self.state.busy) = Some(Stopwatch::start());
            self.commit(group);
            *lock(&self.state.busy) = None;
            if let Some(reply) = closing {
                let synced = self.disk.sync().and_then(|()| self.disk.watermark.sync());
                self.shared.store(None);
                drop(self);
                let _ = reply.send(synced);
                return;
            }
        }
    }

    fn commit(&self, group: Group) {
        let failed = lock(&self.state.failed).clone().map_or(Ok(()), |why| Err(StoreError::Fatal(why)));
        if let Err(error) = failed.and_then(|()| has_room(&self.disk, self.min_free)) {
            return group.refuse(&error);
        }
        if let Err(error) = group.commit(&self.disk, self.clock.now()) {
            tracing::error!(%error, "failed to commit; the store stops");
            lock(&self.state.failed).get_or_insert(match error {
                StoreError::Fatal(why) => why,
                other => other.to_string(),
            });
        }
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let why = "the committer thread panicked; start jeton again, and report this".to_owned();
            lock(&self.state.failed).get_or_insert(why);
        }
    }
}
