//! The priority of a hash thread, below every other thread.
//!
//! The scheduling class gets only CPU that nobody else wants (sched(7), `SCHED_IDLE`), so any thread that wakes up on
//! its core preempts it at once. Preemption is not enough: a core that hashes is never idle, so it does not fetch work
//! that waits on another core before its next tick (4 ms at 250 Hz). So the thread sleeps after work during which
//! others wanted its core; on an otherwise idle machine it does not. Both are needed for the p99 of other grants
//! (benches/README.md, "Bulkhead").

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::metrics::Stopwatch;

/// Longest sleep after a hash.
const LONGEST_SLEEP: Duration = Duration::from_millis(100);

/// Lowers the priority of this thread below all others, where the system can.
#[cfg(target_os = "linux")]
pub(super) fn lower_priority() {
    use preempt_rt::sched::{Pid, Scheduler, SchedulerParams, set_scheduler};
    let params = SchedulerParams { priority: 0 };
    if let Err(error) = set_scheduler(Pid::current_thread(), Scheduler::SCHED_IDLE, params) {
        tracing::warn!(%error, "failed to lower the priority of a thread that hashes");
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn lower_priority() {}

/// Measures for how long a thread is kept from its core while it works.
pub(super) struct PreemptionTimer {
    wall: Stopwatch,
    cpu_time: Duration,
}

impl PreemptionTimer {
    pub(super) fn start() -> Self {
        Self { wall: Stopwatch::start(), cpu_time: cpu_time() }
    }

    /// Returns how long to sleep after the work: as long as the thread was kept from its core.
    pub(super) fn sleep(&self) -> Duration {
        let preempted = self.wall.elapsed().saturating_sub(cpu_time().saturating_sub(self.cpu_time));
        preempted.min(LONGEST_SLEEP)
    }
}

/// Returns the CPU time of this thread.
fn cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
