//! The requests that wait for the first RSA key of an issuer. Their number is bounded for each issuer, because a
//! waiting request keeps its place among the requests in flight, which all issuers share.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Number of requests of one issuer that may wait.
pub(super) const MOST: usize = 64;

/// Number of waiting requests, by issuer.
#[derive(Default)]
pub(super) struct KeyWaiters(Mutex<HashMap<String, usize>>);

/// A place among the requests that wait for an issuer; released on drop.
pub(super) struct Place<'a> {
    waiting: &'a KeyWaiters,
    issuer: &'a str,
}

impl KeyWaiters {
    /// Takes a place among the requests that wait for `issuer`, if one is left.
    pub(super) fn enter<'a>(&'a self, issuer: &'a str) -> Option<Place<'a>> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.entry(issuer.to_owned()).or_default();
        if *count >= MOST {
            return None;
        }
        *count += 1;
        Some(Place { waiting: self, issuer })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut waiting = self.waiting.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = waiting.get_mut(self.issuer) {
            *count -= 1;
            if *count == 0 {
                waiting.remove(self.issuer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_issuer_cannot_take_the_places_of_another_and_nothing_is_kept_of_those_who_left() {
        let waiting = KeyWaiters::default();
        let places: Vec<_> = (0..MOST).map(|_| waiting.enter("a").unwrap()).collect();
        assert!(waiting.enter("a").is_none());
        assert!(waiting.enter("b").is_some());
        drop(places);
        assert!(waiting.enter("a").is_some());
        assert!(waiting.0.lock().unwrap().is_empty());
    }
}
