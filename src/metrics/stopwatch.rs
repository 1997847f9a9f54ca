//! Durations of work.

use std::time::{Duration, Instant};

/// Measures durations; not a source of time for decisions.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts the watch.
    #[expect(clippy::disallowed_methods, reason = "the one place that measures durations")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Returns the time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// Returns the seconds since the start, for a histogram.
    pub fn seconds(&self) -> f64 {
        self.elapsed().as_secs_f64()
    }
}
