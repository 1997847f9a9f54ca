//! Guessing is slowed down without locking out the true user (RFC 6749 section 4.3.2, RFC 6819 section 5.1.4.2.3).
//!
//! Three gates, each of fixed memory: of a user at one address, of one address, and of a user from everywhere. Who
//! logged in from an address lately passes the latter two there: a botnet that guesses a name, or a neighbour that
//! guesses other names, shuts nobody out who is at home. The price: whoever shares an address with somebody (an
//! application's server is one address for all its users) and has failed two hundred times there can tell by the answer
//! who logged in from it lately.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::prepared;
use crate::clock::Time;
use crate::limit::bucket::Quota;
use crate::limit::known::KnownSources;
use crate::limit::node_count::NodeCount;
use crate::limit::throttle::{Throttle, ThrottleCharge};

/// Ten guesses of one user's password from one address, then one every five seconds.
const USER_HERE: Quota = Quota { every: Duration::from_secs(5), burst: 10 };
/// Whole applications log people in from one address: failures of two hundred people, then five a second.
const ADDRESS: Quota = Quota { every: Duration::from_millis(200), burst: 200 };
/// A hundred guesses of one user's password from everywhere (NIST SP 800-63B section 5.2.2), then two a minute.
const USER_ANYWHERE: Quota = Quota { every: Duration::from_secs(30), burst: 100 };
/// No request comes from there.
const EVERYWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Counts failures, and remembers who was right where.
pub(super) struct Guard {
    user_here: Throttle,
    address: Throttle,
    user_anywhere: Throttle,
    known: KnownSources,
}

impl Guard {
    /// Makes the gates of one of `nodes`.
    pub(super) fn new(nodes: &NodeCount) -> Self {
        Self {
            user_here: Throttle::new(USER_HERE).among(nodes),
            address: Throttle::new(ADDRESS).among(nodes),
            // what all nodes admit together is the promise
            user_anywhere: Throttle::new(USER_ANYWHERE).strictly_among(nodes),
            known: KnownSources::default(),
        }
    }
}

/// An attempt that was let in: it counts as a failure until it is given back.
pub(super) struct LoginAttempt<'a> {
    guard: &'a Guard,
    charges: Vec<ThrottleCharge<'a>>,
    who: (String, String, IpAddr),
}

impl Guard {
    /// Admits one attempt and counts it, before anything is known about it: a thousand at once are still a thousand.
    ///
    /// # Errors
    /// The time to wait.
    pub(super) fn admit(
        &self,
        issuer: &str,
        username: &str,
        source: IpAddr,
        now: Time,
    ) -> Result<LoginAttempt<'_>, Duration> {
        // a user service may take `Ann ` for ann, and each spelling must not be ten guesses more
        let username = prepared::name(username.trim()).to_lowercase();
        let gates = [
            (&self.user_here, username.as_str(), source),
            (&self.address, "", source),
            (&self.user_anywhere, username.as_str(), EVERYWHERE),
        ];
        let must_be_open = if self.known.has(issuer, &username, source, now) { 1 } else { gates.len() };
        let mut charges = Vec::with_capacity(gates.len());
        for (at, (throttle, name, source)) in gates.into_iter().enumerate() {
            match throttle.enter(issuer, name, source, now) {
                Ok(charge) => charges.push(charge),
                Err(wait) if at < must_be_open => {
                    charges.into_iter().for_each(|charge: ThrottleCharge<'_>| charge.give_back(now));
                    return Err(wait);
                }
                Err(_) => {}
            }
        }
        Ok(LoginAttempt { guard: self, charges, who: (issuer.to_owned(), username, source) })
    }
}

impl LoginAttempt<'_> {
    /// Gives back an attempt that was no guess: the password was right, or nobody looked at it.
    pub(super) fn give_back(self, now: Time) {
        self.charges.into_iter().for_each(|charge| charge.give_back(now));
    }

    /// Gives back an attempt whose password was right, and remembers its address.
    pub(super) fn succeeded(self, now: Time) {
        let (issuer, username, source) = &self.who;
        self.guard.known.remember(issuer, username, *source, now);
        self.give_back(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_secs(1_900_000_000);

    fn here(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    /// Returns the number of `tries` wrong passwords that are looked at.
    fn looked_at(guard: &Guard, user: &str, source: IpAddr, tries: usize) -> usize {
        (0..tries).filter(|_| guard.admit("main", user, source, NOW).is_ok()).count()
    }

    #[test]
    fn a_guesser_locks_out_only_itself() {
        let guard = Guard::new(&NodeCount::default());
        assert_eq!(looked_at(&guard, "ann", here(1), 1000), 10);
        assert!(guard.admit("main", "ann", here(2), NOW).is_ok(), "ann at home");
        assert!(guard.admit("main", "bob", here(1), NOW).is_ok(), "somebody else there");
        assert!(guard.admit("other", "ann", here(1), NOW).is_ok(), "another issuer");
        assert!(guard.admit("main", "ann", here(1), NOW + Duration::from_secs(5)).is_ok());
    }

    #[test]
    fn checklist_74_another_spelling_of_a_name_is_no_other_user() {
        let guard = Guard::new(&NodeCount::default());
        let spellings = ["ann", "Ann", "aNN", "ann ", "\tANN", "\u{a0}ann"];
        assert_eq!(spellings.map(|name| looked_at(&guard, name, here(1), 10)).iter().sum::<usize>(), 10);
        let spellings = ["\u{c9}va", "\u{e9}VA", "E\u{301}va"];
        assert_eq!(spellings.map(|name| looked_at(&guard, name, here(2), 10)).iter().sum::<usize>(), 10);
    }

    #[test]
    fn checklist_74_failures_of_many_other_names_do_not_shut_a_users_gate() {
        let guard = Guard::new(&NodeCount::default());
        // two failures each of 16,384 names, each from an address of its own: a fourth of the buckets of each row
        for name in 0_u32..1 << 14 {
            let source = Ipv4Addr::from_bits(0x0b00_0000 + name).into();
            assert_eq!(looked_at(&guard, &format!("user-{name}"), source, 2), 2, "user-{name}");
        }
        let shut = (0..1000).filter(|name| guard.admit("main", &format!("true-{name}"), here(1), NOW).is_err()).count();
        assert_eq!(shut, 800, "nothing but the address's own gate, after its two hundred");
    }

    #[test]
    fn right_passwords_are_never_too_many() {
        let guard = Guard::new(&NodeCount::default());
        for _ in 0..1000 {
            guard.admit("main", "ann", here(1), NOW).ok().unwrap().succeeded(NOW);
        }
        assert_eq!(looked_at(&guard, "ann", here(1), 1000), 10);
    }

    #[test]
    fn an_address_that_guesses_many_names_is_slowed_down_but_not_who_logged_in_there() {
        let guard = Guard::new(&NodeCount::default());
        guard.admit("main", "ann", here(1), NOW).ok().unwrap().succeeded(NOW);
        let tried = (0..1000).map(|name| looked_at(&guard, &format!("user-{name}"), here(1), 1)).sum::<usize>();
        assert_eq!(tried, 200);
        assert!(guard.admit("main", "bob", here(1), NOW).is_err());
        assert!(guard.admit("main", "bob", here(2), NOW).is_ok());
        assert!(guard.admit("main", "ann", here(1), NOW).is_ok());
    }

    #[test]
    fn a_botnet_that_guesses_one_name_is_slowed_down_but_not_the_user_at_home() {
        let guard = Guard::new(&NodeCount::default());
        guard.admit("main", "ann", here(0), NOW).ok().unwrap().succeeded(NOW);
        let tried = (1..=250).map(|last| looked_at(&guard, "ann", here(last), 2)).sum::<usize>();
        assert_eq!(tried, 100);
        assert!(guard.admit("main", "ann", here(251), NOW).is_err());
        assert!(guard.admit("main", "ann", here(0), NOW).is_ok());
        let later = NOW + Duration::from_secs(31 * 86_400);
        let tried = (1..=250).filter(|last| guard.admit("main", "ann", here(*last), later).is_ok()).count();
        assert_eq!((tried, guard.admit("main", "ann", here(0), later).is_err()), (100, true), "a month is over");
    }
}
