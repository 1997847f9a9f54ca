//! The intervals between polls of a device (RFC 8628 section 3.5): `interval` apart, and five seconds more after each `slow_down`, but
//! never more than a minute apart: an answer may be lost, and the device then does not know that it is to wait longer.
//!
//! In memory and bounded, so that idle polling writes nothing; after a restart every device starts with its interval
//! again. If the table is full of living codes, further ones are not slowed down.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Time;
use crate::id::Id;
use crate::protocol::naming::Naming;

/// Codes that are watched at a time, about 5 MiB.
const MOST: usize = 1 << 16;
/// Time that each `slow_down` adds (RFC 8628 section 3.5).
const PENALTY: Duration = Duration::from_secs(5);

/// Time that a poll may be early, at most a quarter of its interval: timers and networks are not exact.
const TOLERANCE: Duration = Duration::from_secs(1);
/// Time after a poll in which another one that names its client in the other place is that poll again: x/oauth2 sends
/// each twice, with Basic and without, until one of them succeeds; its form has the `client_id` both times.
const REPETITION: Duration = Duration::from_secs(1);
/// The longest interval that is demanded; also the longest that an issuer can set.
const LONGEST: Duration = Duration::from_secs(60);

/// The last poll of each device.
#[derive(Default)]
pub(super) struct PollIntervals(Mutex<PollTable>);

#[derive(Default)]
struct PollTable {
    polls: HashMap<Id, Poll>,
    cleaned_at: Time,
}

struct Poll {
    at: Time,
    naming: Naming,
    kept: bool,
    /// The poll came again, which it may do once.
    repeated: bool,
    interval: Duration,
    expires_at: Time,
}

impl PollIntervals {
    /// Notes a poll; false if it came too soon, and from now on the device must wait longer.
    pub(super) fn is_kept(&self, device: Id, naming: Naming, interval: Duration, expires_at: Time, now: Time) -> bool {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(poll) = table.polls.get_mut(&device) {
            return poll.next(naming, now);
        }
        if table.polls.len() >= MOST && now.since(table.cleaned_at) >= Duration::from_secs(1) {
            table.cleaned_at = now;
            table.polls.retain(|_, poll| now < poll.expires_at);
        }
        if table.polls.len() < MOST {
            table.polls.insert(device, Poll { at: now, naming, kept: true, repeated: false, interval, expires_at });
        }
        true
    }

    /// Forgets a device that has its answer.
    pub(super) fn forget(&self, device: Id) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).polls.remove(&device);
    }
}

impl Poll {
    /// Notes the next poll of this device; false if it came too soon.
    fn next(&mut self, naming: Naming, now: Time) -> bool {
        if !self.repeated && naming != self.naming && now < self.at + REPETITION {
            self.repeated = true;
            return self.kept;
        }
        self.kept = now + TOLERANCE.min(self.interval / 4) >= self.at + self.interval;
        if !self.kept {
            self.interval = (self.interval + PENALTY).min(LONGEST);
        }
        (self.at, self.naming) = (now, naming);
        self.repeated = false;
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::Naming::{InForm, InHeader};
    use super::*;

    const FIVE: Duration = Duration::from_secs(5);

    #[test]
    fn rfc8628_3_5_each_slow_down_adds_five_seconds() {
        let (intervals, device) = (PollIntervals::default(), Id::random());
        let poll = |second| intervals.is_kept(device, InForm, FIVE, Time::from_secs(600), Time::from_secs(second));
        assert_eq!([0, 5, 8, 16, 26, 40].map(poll), [true, true, false, false, false, false]);
        assert!(poll(65), "25 s are the interval now");
    }

    #[test]
    fn rfc8628_3_5_a_poll_may_be_a_second_early() {
        let (intervals, device) = (PollIntervals::default(), Id::random());
        let poll = |millis| intervals.is_kept(device, InForm, FIVE, Time::from_secs(600), Time::from_millis(millis));
        assert_eq!([0, 4_995, 9_990, 13_990, 17_989].map(poll), [true, true, true, true, false]);
    }

    #[test]
    fn rfc8628_3_5_a_poll_that_is_sent_twice_is_one_poll() {
        let (intervals, device) = (PollIntervals::default(), Id::random());
        let poll =
            |(naming, millis)| intervals.is_kept(device, naming, FIVE, Time::from_secs(600), Time::from_millis(millis));
        let basic = |millis| (InHeader, millis);
        let body = |millis| (InForm, millis);
        let twice = [basic(0), body(10), basic(4_995), body(5_005), body(9_990), basic(10_000)];
        assert_eq!(twice.map(poll), [true; 6]);
        assert!(!poll(body(10_010)), "but not three times");
        assert!(!poll(basic(10_020)) && poll(body(19_010)), "and what is too early costs five seconds once");
        assert!(!poll(basic(20_010)), "a second later it is another poll");
    }

    #[test]
    fn rfc8628_3_5_a_second_poll_that_names_its_client_the_same_way_is_another_one() {
        for naming in [InForm, InHeader] {
            let (intervals, device) = (PollIntervals::default(), Id::random());
            let poll =
                |millis| intervals.is_kept(device, naming, FIVE, Time::from_secs(600), Time::from_millis(millis));
            assert!(poll(0) && !poll(0) && !poll(10));
        }
    }

    #[test]
    fn rfc8628_3_5_a_short_interval_is_an_interval() {
        let (intervals, device) = (PollIntervals::default(), Id::random());
        let second = Duration::from_secs(1);
        let poll = |millis| intervals.is_kept(device, InForm, second, Time::from_secs(600), Time::from_millis(millis));
        assert_eq!([0, 750, 1_499, 1_500].map(poll), [true, true, false, false]);
    }

    #[test]
    fn no_interval_is_longer_than_a_minute() {
        let (intervals, device) = (PollIntervals::default(), Id::random());
        let poll = |second| intervals.is_kept(device, InForm, FIVE, Time::from_secs(600), Time::from_secs(second));
        assert_eq!((0..80).filter(|_| poll(0)).count(), 1, "the first");
        assert!(!poll(58) && poll(118));
    }

    #[test]
    fn the_table_is_bounded_and_gives_expired_codes_up() {
        let intervals = PollIntervals::default();
        let poll = |second| {
            intervals.is_kept(Id::random(), InForm, FIVE, Time::from_secs(second + 10), Time::from_secs(second))
        };
        assert!((0..MOST + 10).all(|_| poll(100)));
        assert_eq!(intervals.0.lock().unwrap().polls.len(), MOST);
        assert!(poll(111));
        assert_eq!(intervals.0.lock().unwrap().polls.len(), 1);
    }
}
