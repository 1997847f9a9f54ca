//! Limits of guesses (CHECKLIST 24). What has 128 random bits or a signature cannot be guessed, so it is checked
//! first and only a failure counts. What a person chose can be:
//!
//! - a guess that costs a slow hash counts before anybody looks at it, and is given back if it was right;
//! - one that costs nothing is looked at, but where there were too many wrong ones a right one passes only where it was
//!   right before, or throttling would slow down nobody's guessing.
//!
//! Nothing is awaited between a decision here and its effect.

use std::net::IpAddr;
use std::time::Duration;

use super::pending::PendingGuesses;
use crate::clock::{Clock, Time};
use crate::limit::bucket::Quota;
use crate::limit::known::KnownSources;
use crate::limit::node_count::NodeCount;
use crate::limit::throttle::{Throttle, ThrottleCharge};

/// Failures of one client and source: twenty at once, then one a second.
const PER_CLIENT: Quota = Quota { every: Duration::from_secs(1), burst: 20 };
/// Slow hashes that one source makes us compute for nothing: twenty, then ten a second, a fifth of a core.
const PER_SOURCE: Quota = Quota { every: Duration::from_millis(100), burst: 20 };
/// The name that stands for every client of a source; no client has an empty id.
const ANY_CLIENT: &str = "";

/// Counts wrong guesses.
pub(super) struct Guesses {
    clients: Throttle,
    /// Slow hashes by source, whichever clients they are for.
    slow: Throttle,
    known: KnownSources,
    pending: PendingGuesses,
}

impl Guesses {
    /// Makes the counts of one of `nodes`.
    pub(super) fn new(nodes: &NodeCount) -> Self {
        Self {
            clients: Throttle::new(PER_CLIENT).among(nodes),
            slow: Throttle::new(PER_SOURCE).among(nodes),
            known: KnownSources::default(),
            pending: PendingGuesses::default(),
        }
    }
}

/// A guess.
#[derive(Clone, Copy)]
pub(super) struct Guess<'a> {
    pub(super) issuer: &'a str,
    pub(super) client: &'a str,
    pub(super) source: IpAddr,
    pub(super) now: Time,
}

/// A guess that counted before anybody looked at it. It counts no more if it is dropped before.
pub(super) struct ReservedGuess<'a> {
    charges: Option<[ThrottleCharge<'a>; 2]>,
    is_seen: bool,
    clock: &'a Clock,
    pending: &'a PendingGuesses,
    who: u64,
}

impl Guesses {
    /// Counts a wrong guess.
    ///
    /// # Errors
    /// The time to wait, if there were too many wrong guesses.
    pub(super) fn wrong(&self, guess: Guess<'_>) -> Result<(), Duration> {
        self.clients.enter(guess.issuer, guess.client, guess.source, guess.now).map(drop)
    }

    /// Accepts a right guess of a secret that can be guessed.
    ///
    /// # Errors
    /// The time to wait, if there were too many wrong guesses and no right one from this source before.
    pub(super) fn right(&self, guess: Guess<'_>) -> Result<(), Duration> {
        let Guess { issuer, client, source, now } = guess;
        if !self.known.has(issuer, client, source, now) {
            self.clients.check(issuer, client, source, now)?;
        }
        self.known.remember(issuer, client, source, now);
        Ok(())
    }

    /// Admits a guess that costs a slow hash.
    ///
    /// # Errors
    /// The time to wait.
    pub(super) fn reserve<'a>(&'a self, guess: Guess<'_>, clock: &'a Clock) -> Result<ReservedGuess<'a>, Duration> {
        let of_source = self.slow.enter(guess.issuer, ANY_CLIENT, guess.source, guess.now)?;
        match self.clients.enter(guess.issuer, guess.client, guess.source, guess.now) {
            Ok(of_client) => {
                let who = self.pending.begin(guess.issuer, guess.client, guess.source);
                Ok(ReservedGuess {
                    charges: Some([of_source, of_client]),
                    is_seen: false,
                    clock,
                    pending: &self.pending,
                    who,
                })
            }
            Err(wait) => {
                of_source.give_back(guess.now);
                Err(wait)
            }
        }
    }

    /// Returns whether a guess at the same client and address was let in and is not decided yet: a secret that it finds
    /// right holds for others too.
    pub(super) fn is_pending(&self, guess: Guess<'_>) -> bool {
        self.pending.has(guess.issuer, guess.client, guess.source)
    }

    /// Gives back a guess that was let in and was right.
    pub(super) fn found_right(&self, guess: Guess<'_>, reserved: ReservedGuess<'_>) {
        self.known.remember(guess.issuer, guess.client, guess.source, guess.now);
        reserved.give_back();
    }
}

impl ReservedGuess<'_> {
    /// Makes the guess count, whatever becomes of the request.
    pub(super) fn look(&mut self) {
        self.is_seen = true;
    }

    /// Gives the guess back: it was right, or nobody looked at it after all.
    pub(super) fn give_back(mut self) {
        self.is_seen = false;
    }
}

impl Drop for ReservedGuess<'_> {
    fn drop(&mut self) {
        if !self.is_seen {
            let now = self.clock.now();
            self.charges.take().into_iter().flatten().for_each(|charge| charge.give_back(now));
        }
        self.pending.end(self.who);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    const NOW: Time = Time::from_secs(1000);

    fn guess(client: &str, last: u8) -> Guess<'_> {
        Guess { issuer: "main", client, source: [10, 0, 0, last].into(), now: NOW }
    }

    fn reserve<'a>(guesses: &'a Guesses, client: &str) -> Result<ReservedGuess<'a>, Duration> {
        static CLOCK: LazyLock<Clock> = LazyLock::new(|| Clock::manual(NOW));
        guesses.reserve(guess(client, 1), &CLOCK)
    }

    #[test]
    fn checklist_24_what_can_be_guessed_passes_a_shut_gate_only_where_it_was_right() {
        let guesses = Guesses::new(&NodeCount::default());
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
        let guesses = Guesses::new(&NodeCount::default());
        let reserved: Vec<_> = (0..512).filter_map(|_| reserve(&guesses, "web").ok()).collect();
        assert_eq!(reserved.len(), 20);
        assert!(reserve(&guesses, "other").is_err(), "the source's own pace");
        for right in reserved {
            guesses.found_right(guess("web", 1), right);
        }
        let reserved: Vec<_> = (0..512).filter_map(|_| reserve(&guesses, "web").ok()).collect();
        assert_eq!(reserved.len(), 20);
    }

    #[test]
    fn checklist_24_a_request_that_is_reset_before_anybody_looked_at_it_does_not_count() {
        let guesses = Guesses::new(&NodeCount::default());
        for _ in 0..24 {
            assert!(reserve(&guesses, "web").is_ok());
        }
        let looked_at = (0..512).filter_map(|_| reserve(&guesses, "web").ok()).map(|mut seen| seen.look());
        assert_eq!(looked_at.count(), 20, "and one that was looked at does");
    }

    #[test]
    fn a_guess_is_pending_until_it_is_decided_and_for_its_client_and_address_only() {
        let guesses = Guesses::new(&NodeCount::default());
        let reserved = [reserve(&guesses, "web"), reserve(&guesses, "web")];
        let pending =
            || [("web", 1), ("web", 2), ("app", 1)].map(|(client, last)| guesses.is_pending(guess(client, last)));
        assert_eq!(pending(), [true, false, false]);
        let [one, other] = reserved;
        drop(one);
        assert!(guesses.is_pending(guess("web", 1)));
        drop(other);
        assert_eq!(pending(), [false; 3]);
    }
}
