//! Cold secrets of an issuer: imported, and only argon2id can check them, because none was right since the start.
//! While there are any, a failed authentication must cost what they cost, whoever it names (CHECKLIST 16).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::Time;
use crate::slow_hash::Cost;

/// Numbers of cold secrets of each cost, by the millisecond at which they expire.
type ColdCounts = BTreeMap<Cost, BTreeMap<u64, usize>>;

/// The cold secrets of an issuer. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct ColdSecrets(Arc<Mutex<ColdCounts>>);

/// A cold secret, counted until it is dropped.
#[derive(Debug)]
pub struct Cold {
    all: ColdSecrets,
    cost: Cost,
    expiry: u64,
}

impl ColdSecrets {
    /// Returns whether any cold secret works at `now`.
    pub fn any(&self, now: Time) -> bool {
        self.counts().values().any(|of_cost| is_live(of_cost, now))
    }

    /// Returns the costs of the secrets that work at `now`, each once.
    pub fn costs(&self, now: Time) -> Vec<Cost> {
        self.counts().iter().filter(|(_, of_cost)| is_live(of_cost, now)).map(|(cost, _)| *cost).collect()
    }

    /// ColdCounts a cold secret.
    pub fn count(&self, cost: Cost, expires_at: Option<Time>) -> Cold {
        let expiry = expires_at.map_or(u64::MAX, Time::as_millis);
        *self.counts().entry(cost).or_default().entry(expiry).or_default() += 1;
        Cold { all: self.clone(), cost, expiry }
    }

    fn counts(&self) -> MutexGuard<'_, ColdCounts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns whether the secret that expires last works at `now`.
fn is_live(of_cost: &BTreeMap<u64, usize>, now: Time) -> bool {
    of_cost.last_key_value().is_some_and(|(expiry, _)| now.as_millis() < *expiry)
}

impl Drop for Cold {
    fn drop(&mut self) {
        let mut counts = self.all.counts();
        let Some(of_cost) = counts.get_mut(&self.cost) else { return };
        let left = of_cost.get(&self.expiry).map_or(0, |count| count.saturating_sub(1));
        if left > 0 {
            of_cost.insert(self.expiry, left);
            return;
        }
        of_cost.remove(&self.expiry);
        if of_cost.is_empty() {
            counts.remove(&self.cost);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checklist_16_each_cost_counts_while_a_secret_of_it_is_there_and_works() {
        let (cold, cost) = (ColdSecrets::default(), Cost::default());
        let dear = Cost { passes: 9, ..cost };
        let [early, late] = [10, 20].map(Time::from_secs);
        let one = cold.count(cost, Some(late));
        let two = [cold.count(dear, Some(early)), cold.count(dear, Some(early))];
        assert_eq!(cold.costs(Time::ZERO), [cost, dear]);
        assert_eq!((cold.costs(early), cold.any(early), cold.any(late)), (vec![cost], true, false));
        let [first, second] = two;
        drop((one, first));
        assert_eq!(cold.costs(Time::ZERO), [dear]);
        let forever = cold.count(cost, None);
        drop(second);
        assert_eq!(cold.costs(late), [cost]);
        drop(forever);
        assert!(!cold.any(Time::ZERO));
    }
}
