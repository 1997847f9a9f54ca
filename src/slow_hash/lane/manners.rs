//! How a thread stands back for all others.
//!
//! It is in the class that gets what nobody else wants (sched(7), `SCHED_IDLE`), so that whoever wakes up on its core takes
//! it at once. That is not enough: a core that hashes is never idle, so it does not fetch what waits on another one before
//! its next tick (4 ms at 250 Hz). So the thread rests after work that others shared its core with; on a machine that is
//! idle otherwise it does not.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::metrics::Stopwatch;

/// The longest rest.
const LONGEST: Duration = Duration::from_millis(100);

/// Puts this thread behind all others, where the system can.
#[cfg(target_os = "linux")]
pub(super) fn stand_back() {
    use preempt_rt::sched::{Pid, Scheduler, SchedulerParams, set_scheduler};
    let params = SchedulerParams { priority: 0 };
    if let Err(error) = set_scheduler(Pid::current_thread(), Scheduler::SCHED_IDLE, params) {
        tracing::warn!(%error, "failed to lower the priority of a thread that hashes");
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn stand_back() {}

/// Work between two rests.
pub(super) struct Turn {
    wall: Stopwatch,
    on_core: Duration,
}

impl Turn {
    pub(super) fn begin() -> Self {
        Self { wall: Stopwatch::start(), on_core: on_core() }
    }

    /// How long to rest after it: as long as it was kept from its core.
    pub(super) fn rest(&self) -> Duration {
        let kept = self.wall.elapsed().saturating_sub(on_core().saturating_sub(self.on_core));
        kept.min(LONGEST)
    }
}

/// CPU time of this thread.
fn on_core() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
