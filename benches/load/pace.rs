//! When requests start: as soon as the last one was answered (closed loop), or on a schedule that does not wait for
//! answers (open loop), so that a stall of the server is measured by everyone who would have come meanwhile.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jeton::internals::Stopwatch;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;

/// The pacer does not wake more often than this: it bounds how late an arrival is released, and what releasing costs the
/// machine (every wake of an idle thread is some 10 us taken from the server).
const QUANTUM: Duration = Duration::from_micros(250);

/// Evenly spaced arrivals, the first at time zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    rate: f64,
    total: u64,
}

impl Schedule {
    /// `rate` arrivals a second for `length`.
    pub(crate) fn new(rate: f64, length: Duration) -> Self {
        Self { rate, total: (rate * length.as_secs_f64()).ceil() as u64 }
    }

    /// How many arrivals there are.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// When arrival `number` (from 0) is due; `None` after the last.
    pub(crate) fn at(&self, number: u64) -> Option<Duration> {
        (number < self.total).then(|| Duration::from_secs_f64(number as f64 / self.rate))
    }

    /// How many arrivals are due at `now`.
    pub(crate) fn due(&self, now: Duration) -> u64 {
        ((now.as_secs_f64() * self.rate) as u64 + 1).min(self.total)
    }
}

/// Releases one permit for each arrival when it is due. The runtime's timers tick in milliseconds, which is as long as
/// an answer takes, so a thread of its own keeps time; it wakes one task, and that task wakes the workers, because a
/// wake across threads is a system call. Both stop when the pacer is dropped.
pub(crate) struct Pacer {
    /// One permit for each arrival that is due.
    pub(crate) due: Rc<Semaphore>,
    stop: Arc<AtomicBool>,
    releasing: JoinHandle<()>,
}

impl Pacer {
    /// Starts releasing, by the clock of `origin`; after the last arrival releases `workers` more permits, so that
    /// everyone who waits finds out. Must be called within a `LocalSet`.
    pub(crate) fn start(schedule: Schedule, origin: Stopwatch, workers: usize) -> Self {
        let (due, tick) = (Rc::new(Semaphore::new(0)), Arc::new(Notify::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let releasing = tokio::task::spawn_local(release(schedule, origin, workers, tick.clone(), due.clone()));
        let stopped = stop.clone();
        std::thread::spawn(move || {
            let mut now = origin.elapsed();
            while let (Some(next), false) = (schedule.at(schedule.due(now)), stopped.load(Ordering::Relaxed)) {
                std::thread::sleep(next.saturating_sub(now).max(QUANTUM));
                now = origin.elapsed();
                tick.notify_one();
            }
        });
        Self { due, stop, releasing }
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.releasing.abort();
    }
}

async fn release(schedule: Schedule, origin: Stopwatch, workers: usize, tick: Arc<Notify>, due: Rc<Semaphore>) {
    let mut released = 0;
    loop {
        let now_due = schedule.due(origin.elapsed());
        due.add_permits(usize::try_from(now_due - released).unwrap_or(usize::MAX));
        released = now_due;
        if released == schedule.total() {
            break due.add_permits(workers);
        }
        tick.notified().await;
    }
}
