//! The budget of log lines of one event that a stranger can cause: whoever causes them decides how often, so there are so
//! many a second, and the next line says how many are missing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::bucket::{Bucket, Quota};
use crate::clock::Time;

/// Twenty lines at once, then ten a second.
const LINES: Quota = Quota { every: Duration::from_millis(100), burst: 20 };

/// The lines that may be written of one event.
#[derive(Debug, Default)]
pub struct LineBudget {
    bucket: Bucket,
    suppressed: AtomicU64,
}

impl LineBudget {
    /// Takes room for a line and returns how many lines had none since the last one; `None` if there is no room.
    pub fn take(&self, now: Time) -> Option<u64> {
        if self.bucket.take(LINES, now).is_err() {
            self.suppressed.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(self.suppressed.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checklist_75_a_flood_of_one_event_is_cut_counted_and_keeps_no_other_out() {
        let (flood, others) = (LineBudget::default(), [LineBudget::default(), LineBudget::default()]);
        let now = Time::from_secs(1000);
        assert_eq!((0..500).filter(|_| flood.take(now).is_some()).count(), 20);
        assert_eq!(others.map(|other| other.take(now)), [Some(0), Some(0)]);
        let later = now + Duration::from_secs(1);
        assert_eq!([flood.take(later), flood.take(later)], [Some(480), Some(0)]);
    }
}
