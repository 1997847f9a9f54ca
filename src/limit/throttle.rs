//! Slows down whoever does something too often, by name *and* source address, so that a guesser locks out only itself
//! (RFC 6749 section 2.3.1, RFC 6819 section 5.1.4.2.3; CHECKLIST 24).
//!
//! Occurrences are counted in two rows of buckets chosen by keyed hashes; somebody is refused only if both of its buckets
//! are empty. Memory is fixed and nothing is ever evicted. Asking and counting are one step, so that a thousand guesses at
//! once are still a thousand: those of one name and source take turns, or two of them would each find the last place of
//! another bucket.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::bucket::{Bucket, Quota, Taken};
use super::network::network;
use super::node_count::NodeCount;
use crate::clock::Time;

/// Buckets in a row; two rows of 8-byte buckets are 1 MiB, touched only where something happened.
const BUCKETS: usize = 1 << 16;
/// Occurrences at once that a node admits, however many nodes there are.
const LEAST: u32 = 5;
/// Locks of the turns; names whose buckets in the first row are this far apart share one.
const TURNS: usize = 64;

/// Counts by name and source, with one quota for each: buckets are times, and a slow quota would fill those of a fast one.
pub(crate) struct Throttle {
    quota: Quota,
    /// The nodes that have a part of the quota each, and the fewest occurrences at once of a part.
    nodes: NodeCount,
    least: u32,
    /// Made when somebody is first looked at: most installations have no use for most throttles.
    rows: OnceLock<[Vec<Bucket>; 2]>,
    turns: [Mutex<()>; TURNS],
    seeds: [RandomState; 2],
}

/// An occurrence that was counted, in each bucket that had room for it.
pub(crate) struct ThrottleCharge<'a>([Option<Taken<'a>>; 2]);

impl Throttle {
    /// Makes one that gives everybody `quota`.
    pub(crate) fn new(quota: Quota) -> Self {
        Self {
            quota,
            nodes: NodeCount::default(),
            least: quota.burst,
            rows: OnceLock::new(),
            turns: std::array::from_fn(|_| Mutex::default()),
            seeds: [RandomState::new(), RandomState::new()],
        }
    }

    /// Divides the quota among nodes, as many as there are by then. Each admits at least five at once, or one person's
    /// mistakes would shut it out; so many nodes together may admit more than the quota.
    #[must_use]
    pub(crate) fn among(self, nodes: &NodeCount) -> Self {
        Self { nodes: nodes.clone(), least: LEAST, ..self }
    }

    /// Divides the quota among nodes that together admit no more than it, but for one each.
    #[must_use]
    pub(crate) fn strictly_among(self, nodes: &NodeCount) -> Self {
        Self { nodes: nodes.clone(), least: 1, ..self }
    }

    fn quota(&self) -> Quota {
        self.quota.divided(self.nodes.get(), self.least)
    }

    /// Checks that `name` of `issuer` would be let in from `source`, counting nothing.
    ///
    /// # Errors
    /// The time to wait.
    pub(crate) fn check(&self, issuer: &str, name: &str, source: IpAddr, now: Time) -> Result<(), Duration> {
        let [one, other] = self.buckets(self.places(issuer, name, source)).map(|bucket| bucket.wait(self.quota(), now));
        if one.min(other).is_zero() { Ok(()) } else { Err(one.min(other)) }
    }

    /// Lets `name` of `issuer` in from `source`, and counts the entry until it is given back.
    ///
    /// # Errors
    /// The time to wait.
    pub(crate) fn enter(
        &self,
        issuer: &str,
        name: &str,
        source: IpAddr,
        now: Time,
    ) -> Result<ThrottleCharge<'_>, Duration> {
        let places = self.places(issuer, name, source);
        let _turn = self.turns[places[0] % TURNS].lock().unwrap_or_else(PoisonError::into_inner);
        match self.buckets(places).map(|bucket| bucket.take(self.quota(), now)) {
            [Err(one), Err(other)] => Err(one.min(other)),
            // an empty bucket stays as it is: a guesser waits for the sustained rate, not for ever
            taken => Ok(ThrottleCharge(taken.map(Result::ok))),
        }
    }

    /// Returns where in each row the bucket of a name and source is.
    fn places(&self, issuer: &str, name: &str, source: IpAddr) -> [usize; 2] {
        self.seeds.each_ref().map(|seed| {
            let hash = seed.hash_one((issuer, name, network(source)));
            usize::try_from(hash).unwrap_or_default() % BUCKETS
        })
    }

    fn buckets(&self, places: [usize; 2]) -> [&Bucket; 2] {
        let row = || (0..BUCKETS).map(|_| Bucket::default()).collect();
        let rows = self.rows.get_or_init(|| [row(), row()]);
        std::array::from_fn(|row| &rows[row][places[row]])
    }
}

impl ThrottleCharge<'_> {
    /// Gives back what turned out at `now` not to count.
    pub(crate) fn give_back(self, now: Time) {
        self.0.into_iter().flatten().for_each(|taken| taken.give_back(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle() -> Throttle {
        Throttle::new(Quota { every: Duration::from_secs(1), burst: 20 })
    }

    #[test]
    fn checklist_24_a_guesser_locks_out_only_itself() {
        let throttle = throttle();
        let now = Time::from_secs(1000);
        let (guesser, honest): (IpAddr, IpAddr) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let tries = (0..10_000).filter(|_| throttle.enter("main", "web", guesser, now).is_ok());
        assert_eq!(tries.count(), 20);
        assert!(throttle.check("main", "web", honest, now).is_ok());
        assert!(throttle.check("main", "", guesser, now).is_ok());
        assert!(throttle.check("main", "other", guesser, now).is_ok());
        assert!(throttle.check("main", "web", guesser, now + Duration::from_secs(2)).is_ok());
    }

    #[test]
    fn what_is_given_back_was_not_counted() {
        let throttle = throttle();
        let enter = |now| throttle.enter("main", "web", [10, 0, 0, 1].into(), now);
        let now = Time::from_secs(1000);
        for _ in 0..100 {
            enter(now).ok().unwrap().give_back(now);
        }
        assert_eq!((0..100).filter(|_| enter(now).is_ok()).count(), 20);
        assert_eq!(throttle.check("main", "web", [10, 0, 0, 1].into(), now), Err(Duration::from_secs(1)));
    }

    #[test]
    fn what_has_drained_is_not_given_back_at_the_cost_of_another_failure() {
        let throttle = throttle();
        let enter = |now| throttle.enter("main", "web", [10, 0, 0, 1].into(), now);
        let (now, later) = (Time::from_secs(1000), Time::from_secs(1005));
        let charges: Vec<_> = (0..5).map(|_| enter(now).ok().unwrap()).collect();
        assert_eq!((0..100).filter(|_| enter(later).is_ok()).count(), 20);
        charges.into_iter().for_each(|charge| charge.give_back(later));
        assert!(enter(later).is_err());
    }

    #[test]
    fn checklist_24_guesses_of_many_threads_at_once_count_each() {
        let (now, barrier) = (Time::from_secs(1000), std::sync::Barrier::new(4));
        for round in 0..500 {
            // of its own: with one for all, a name now and then meets two buckets that others have emptied
            let throttle = throttle();
            let name = format!("web-{round}");
            let tries = || {
                barrier.wait();
                (0..50).filter(|_| throttle.enter("main", &name, [10, 0, 0, 1].into(), now).is_ok()).count()
            };
            let entered: usize = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(tries)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).sum()
            });
            assert_eq!(entered, 20, "{name}");
        }
    }

    #[test]
    fn several_nodes_have_a_part_each() {
        let (now, source) = (Time::from_secs(1000), [10, 0, 0, 1].into());
        let nodes = NodeCount::default();
        let admitted =
            |throttle: Throttle| (0..100).filter(|_| throttle.enter("main", "web", source, now).is_ok()).count();
        for (count, part, strict_part) in [(1, 20, 20), (2, 10, 10), (10, 5, 2), (100, 5, 1)] {
            nodes.set(count);
            let parts = [throttle().among(&nodes), throttle().strictly_among(&nodes)].map(admitted);
            assert_eq!(parts, [part, strict_part], "{count} nodes");
        }
    }
}
