//! The budget of reads of single clients: anybody can name a client that does not exist.

use std::time::Duration;

use crate::clock::Time;
use crate::limit::bucket::{Bucket, Quota};
use crate::metrics::Stopwatch;

/// Reads of single clients: a hundred at once, then two hundred a second. A client that is
/// not read for lack of it is known a second later, from the feed.
const READS: Quota = Quota { every: Duration::from_millis(5), burst: 100 };

/// The budget of reads.
pub(super) struct ReadBudget {
    bucket: Bucket,
    since: Stopwatch,
}

impl ReadBudget {
    pub(super) fn new() -> Self {
        Self { bucket: Bucket::default(), since: Stopwatch::start() }
    }

    /// Takes a read, if there is one left.
    pub(super) fn take(&self) -> bool {
        let now = Time::from_secs(1) + self.since.elapsed();
        self.bucket.take(READS, now).is_ok()
    }
}
