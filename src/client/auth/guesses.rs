//! How often somebody may guess (CHECKLIST 24). What has 128 random bits or a signature cannot be guessed, so it is checked
//! first and only a failure counts. What a person chose can be:
//!
//! - a guess that costs a slow hash counts before anybody looks at it, and is given back if it was right;
//! - one that costs nothing is looked at, but where there were too many wrong ones a right one passes only where it was
//!   right before, or throttling would slow down nobody's guessing.
//!
//! Nothing is awaited between a decision here and its effect.

use std::net::IpAddr;
use std::time::Duration;

use super::throttle::{Charge, Known, Throttle};
use crate::clock::Time;

/// Counts wrong guesses.
#[derive(Default)]
pub(super) struct Guesses {
    clients: Throttle,
    /// Slow hashes, which have a pace of their own: buckets are times, and a slow pace would fill those of a fast one.
    slow: Throttle,
    known: Known,
}

/// One of them.
#[derive(Clone, Copy)]
pub(super) struct Guess<'a> {
    pub(super) issuer: &'a str,
    pub(super) client: &'a str,
    pub(super) source: IpAddr,
    pub(super) now: Time,
}

/// A guess that counted before anybody looked at it.
pub(super) struct Reserved<'a> {
    charges: [Charge<'a>; 2],
}

impl Guesses {
    /// It was wrong.
    ///
    /// # Errors
    /// How long to wait, if there were too many.
    pub(super) fn wrong(&self, guess: Guess<'_>) -> Result<(), Duration> {
        self.clients.gate(guess.issuer, guess.client, guess.source).enter(guess.now).map(drop)
    }

    /// It was right, by something that can be guessed.
    ///
    /// # Errors
    /// How long to wait, if there were too many wrong ones and it was never right there.
    pub(super) fn right(&self, guess: Guess<'_>) -> Result<(), Duration> {
        let Guess { issuer, client, source, now } = guess;
        if !self.known.has(issuer, client, source, now) {
            self.clients.gate(issuer, client, source).is_open(now)?;
        }
        self.known.remember(issuer, client, source, now);
        Ok(())
    }

    /// Lets one in that costs a slow hash.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn reserve(&self, guess: Guess<'_>) -> Result<Reserved<'_>, Duration> {
        let of_source = self.slow.slow_gate(guess.issuer, guess.source).enter(guess.now)?;
        match self.clients.gate(guess.issuer, guess.client, guess.source).enter(guess.now) {
            Ok(of_client) => Ok(Reserved { charges: [of_source, of_client] }),
            Err(wait) => {
                of_source.give_back();
                Err(wait)
            }
        }
    }

    /// What was let in was right.
    pub(super) fn found_right(&self, guess: Guess<'_>, reserved: Reserved<'_>) {
        self.known.remember(guess.issuer, guess.client, guess.source, guess.now);
        reserved.give_back();
    }
}

impl Reserved<'_> {
    /// Nobody looked at it.
    pub(super) fn give_back(self) {
        self.charges.into_iter().for_each(Charge::give_back);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_secs(1000);

    fn guess(client: &str, last: u8) -> Guess<'_> {
        Guess { issuer: "main", client, source: [10, 0, 0, last].into(), now: NOW }
    }

    #[test]
    fn checklist_24_what_can_be_guessed_passes_a_shut_gate_only_where_it_was_right() {
        let guesses = Guesses::default();
        guesses.right(guess("web", 1)).unwrap();
        for last in [1, 2] {
            assert_eq!((0..100).filter(|_| guesses.wrong(guess("web", last)).is_ok()).count(), 20);
        }
        assert_eq!(guesses.right(guess("web", 1)), Ok(()));
        assert_eq!(guesses.right(guess("web", 2)), Err(Duration::from_secs(1)));
        assert_eq!(guesses.right(guess("web", 3)), Ok(()));
    }

    #[test]
    fn checklist_24_slow_guesses_count_before_they_are_looked_at() {
        let guesses = Guesses::default();
        let reserved: Vec<_> = (0..512).filter_map(|_| guesses.reserve(guess("web", 1)).ok()).collect();
        assert_eq!(reserved.len(), 20);
        assert!(guesses.reserve(guess("other", 1)).is_err(), "the source's own pace");
        for right in reserved {
            guesses.found_right(guess("web", 1), right);
        }
        assert_eq!((0..512).filter(|_| guesses.reserve(guess("web", 1)).is_ok()).count(), 20);
    }
}
