//! Settings of the figures that start their own servers.

use std::path::PathBuf;
use std::time::Duration;

/// How long is measured, and what.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct MeasureOptions {
    /// Measured seconds of each run.
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
    duration: f64,
    /// Seconds before each, not measured.
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    warmup: f64,
    /// The executable to measure.
    #[arg(long, value_name = "FILE", default_value = env!("CARGO_BIN_EXE_jeton"))]
    pub(crate) program: PathBuf,
    /// Where to put its data; should be on the disk that you want to know about.
    #[arg(long, value_name = "DIR", default_value = env!("CARGO_TARGET_TMPDIR"))]
    pub(crate) data_root: PathBuf,
}

impl MeasureOptions {
    /// The measured time of a run.
    pub(crate) fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.duration)
    }

    /// The time before it.
    pub(crate) fn warmup(&self) -> Duration {
        Duration::from_secs_f64(self.warmup)
    }
}
