//! The budget of looks at the feed that strangers cause: anybody can name a client that does not exist.

use std::time::Duration;

use crate::clock::Time;
use crate::limit::bucket::{Bucket, Quota};
use crate::metrics::Stopwatch;

/// A hundred looks at once, then two hundred a second. What is not seen for lack of one is seen a second later.
const LOOKS: Quota = Quota { every: Duration::from_millis(5), burst: 100 };

/// The budget of looks.
pub(super) struct LookBudget {
    bucket: Bucket,
    since: Stopwatch,
}

impl LookBudget {
    pub(super) fn new() -> Self {
        Self { bucket: Bucket::default(), since: Stopwatch::start() }
    }

    /// Takes a look, if there is one left.
    pub(super) fn take(&self) -> bool {
        let now = Time::from_secs(1) + self.since.elapsed();
        self.bucket.take(LOOKS, now).is_ok()
    }
}
