//! The runtime of the daemon: as many I/O workers as it may use cores, each on a core of its own.
//!
//! Left to the scheduler two workers come to wait for one core now and then, and a core that hashes passwords does not look
//! for work elsewhere before its next tick (4 ms at 250 Hz), because it is not idle: that was the p99 of every other
//! grant (`cargo bench --bench load -- bulkhead`). Work moves between workers all the same; tokio sees to that.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;

use tokio::runtime::{Builder, Runtime};

use super::exit;
use super::failure::CommandFailure;

/// Builds the runtime.
pub(super) fn start() -> io::Result<Runtime> {
    let workers = available_parallelism()?.get();
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(workers).enable_all();
    if let Some(cores) = Cores::for_workers(workers) {
        // the runtime starts its workers before anything else can ask it for a thread
        let started = AtomicUsize::new(0);
        builder.on_thread_start(move || cores.give(started.fetch_add(1, Ordering::Relaxed)));
    }
    builder.build()
}

/// Builds the runtime of a command, on this thread.
pub(super) fn small() -> Result<Runtime, CommandFailure> {
    let failed = |error| CommandFailure::new(exit::INTERNAL, format!("cannot start a runtime: {error}"));
    Builder::new_current_thread().enable_all().build().map_err(failed)
}

#[cfg(target_os = "linux")]
mod cores {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    /// The cores that this process may use.
    pub(super) struct Cores {
        all: CpuSet,
        each: Vec<usize>,
    }

    impl Cores {
        /// One for each of `workers`; `None` if the process may use more cores than that, as in a container with a share of a
        /// large machine: every container there would choose the same ones.
        pub(super) fn for_workers(workers: usize) -> Option<Self> {
            let all = sched_getaffinity(None).ok()?;
            let each: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|core| all.is_set(*core)).collect();
            (each.len() == workers).then_some(Self { all, each })
        }

        /// Gives this thread, the `number`th, its core, or all of them if it is no worker: threads inherit.
        pub(super) fn give(&self, number: usize) {
            let mut own = CpuSet::new();
            let cores = match self.each.get(number) {
                Some(core) => {
                    own.set(*core);
                    &own
                }
                None => &self.all,
            };
            if let Err(error) = sched_setaffinity(None, cores) {
                tracing::warn!(%error, number, "failed to give a thread its core; it runs where the system puts it");
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod cores {
    /// Threads run where the system puts them.
    pub(super) enum Cores {}

    impl Cores {
        pub(super) fn for_workers(_workers: usize) -> Option<Self> {
            None
        }

        pub(super) fn give(&self, _number: usize) {
            match *self {}
        }
    }
}

use cores::Cores;
