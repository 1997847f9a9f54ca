//! The rate of requests of a client: one bucket, kept with the client itself, so there is no table that could grow.

use std::sync::Arc;
use std::time::Duration;

use super::bucket::{Bucket, Quota};
use crate::clock::Time;

/// The requests a second that a client may make; a burst of one second's worth is fine.
#[derive(Debug)]
pub struct RateLimit {
    /// `None` is no limit.
    quota: Option<Quota>,
    /// One for a client however often it is read again: requests that still have it as it was count in it too.
    bucket: Arc<Bucket>,
}

impl RateLimit {
    /// Makes a limit of `per_second` requests; `None` or 0 is no limit.
    pub fn new(per_second: Option<u32>) -> Self {
        let quota = |burst| Quota { every: Duration::from_micros(1_000_000 / u64::from(burst)), burst };
        Self { quota: per_second.filter(|&rate| rate > 0).map(quota), bucket: Arc::default() }
    }

    /// Takes over the bucket of `old`, the same client's before it was read again.
    pub fn inherit(&mut self, old: &Self) {
        self.bucket = old.bucket.clone();
    }

    /// Takes one request from the bucket, of which `nodes` nodes have a part each.
    ///
    /// # Errors
    /// The time until the next request is welcome.
    pub fn admit(&self, now: Time, nodes: u32) -> Result<(), Duration> {
        self.quota.map_or(Ok(()), |quota| self.bucket.take(quota.divided(nodes, 1), now).map(drop))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_one_second_passes_then_the_sustained_rate() {
        let limit = RateLimit::new(Some(10));
        let now = Time::from_secs(1000);
        assert_eq!((0..20).filter(|_| limit.admit(now, 1).is_ok()).count(), 10);
        let wait = limit.admit(now, 1).unwrap_err();
        assert!(limit.admit(now + wait, 1).is_ok());
        assert!(limit.admit(now + wait, 1).is_err());
        assert_eq!((0..20).filter(|_| limit.admit(now + Duration::from_secs(60), 1).is_ok()).count(), 10);
    }

    #[test]
    fn who_is_read_again_has_no_new_burst() {
        let (limit, mut again, now) = (RateLimit::new(Some(1)), RateLimit::new(Some(1)), Time::from_secs(1000));
        again.inherit(&limit);
        // by a request that came before
        assert!(limit.admit(now, 1).is_ok());
        assert!(again.admit(now, 1).is_err());
        assert!(again.admit(now + Duration::from_secs(1), 1).is_ok());
    }

    #[test]
    fn without_a_limit_everything_passes() {
        let limit = RateLimit::new(None);
        assert!((0..100_000).all(|_| limit.admit(Time::from_secs(1), 1).is_ok()));
    }

    #[test]
    fn several_nodes_have_a_part_each_and_never_none() {
        let (now, limit) = (Time::from_secs(1000), RateLimit::new(Some(9)));
        assert_eq!((0..20).filter(|_| limit.admit(now, 3).is_ok()).count(), 3);
        assert_eq!((0..20).filter(|_| limit.admit(now + Duration::from_secs(60), 100).is_ok()).count(), 1);
    }
}
