//! A circuit breaker as a state machine: closed until too many calls in a row fail, then open for a pause, then half-open
//! for one probe, which decides.
//!
//! Always true: while it is open nothing is let through, and never more than one probe is under way.

use std::time::Duration;

use crate::clock::Time;

/// The settings of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BreakerRules {
    /// Failures in a row that open it, at least 1.
    pub failures: u32,
    /// From opening to the probe.
    pub pause: Duration,
}

/// The state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Breaker {
    /// Calls go through; so many of the last ones failed in a row.
    Closed {
        /// Failures in a row.
        failures: u32,
    },
    /// Nothing goes through.
    Open {
        /// The moment it opened.
        since: Time,
    },
    /// One call is under way that decides; nothing else goes through.
    HalfOpen,
}

/// The right to make one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ticket {
    /// A call like any other.
    Call,
    /// The call that decides whether the breaker closes.
    Probe,
}

/// The end of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallEnd {
    /// With an answer, whatever it says.
    Answered,
    /// Without a usable one.
    Failed,
    /// Nobody waited for it: it says nothing about the other side.
    Abandoned,
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Breaker {
    /// Returns whether calls go through.
    pub(crate) const fn is_closed(self) -> bool {
        matches!(self, Self::Closed { .. })
    }

    /// A ticket for a call at `now`, if it may go through.
    #[must_use]
    pub(crate) fn admit(self, rules: &BreakerRules, now: Time) -> (Self, Option<Ticket>) {
        match self {
            Self::Closed { .. } => (self, Some(Ticket::Call)),
            // a clock that was set back must not keep it open
            Self::Open { since } if now < since || now.since(since) >= rules.pause => {
                (Self::HalfOpen, Some(Ticket::Probe))
            }
            Self::Open { .. } | Self::HalfOpen => (self, None),
        }
    }

    /// The state after the call of `ticket` ended at `now`. A call that began before the breaker opened decides nothing
    /// any more.
    #[must_use]
    pub(crate) fn report(self, ticket: Ticket, end: CallEnd, rules: &BreakerRules, now: Time) -> Self {
        match (self, ticket, end) {
            (Self::Closed { .. }, Ticket::Call, CallEnd::Answered)
            | (Self::HalfOpen, Ticket::Probe, CallEnd::Answered) => Self::default(),
            (Self::Closed { failures }, Ticket::Call, CallEnd::Failed) if failures + 1 < rules.failures => {
                Self::Closed { failures: failures + 1 }
            }
            (Self::Closed { .. }, Ticket::Call, CallEnd::Failed)
            | (Self::HalfOpen, Ticket::Probe, CallEnd::Failed | CallEnd::Abandoned) => Self::Open { since: now },
            (Self::Closed { .. }, Ticket::Call, CallEnd::Abandoned)
            | (Self::Closed { .. }, Ticket::Probe, _)
            | (Self::Open { .. }, _, _)
            | (Self::HalfOpen, Ticket::Call, _) => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULES: BreakerRules = BreakerRules { failures: 3, pause: Duration::from_secs(5) };

    #[derive(Clone, Debug)]
    enum Event {
        Ask,
        End(usize, CallEnd),
        Wait(u64),
    }

    fn event() -> impl Strategy<Value = Event> {
        let end = prop_oneof![
            Just(CallEnd::Answered),
            Just(CallEnd::Failed),
            Just(CallEnd::Failed),
            Just(CallEnd::Abandoned)
        ];
        prop_oneof![
            3 => Just(Event::Ask),
            3 => (0..8usize, end).prop_map(|(which, end)| Event::End(which, end)),
            1 => (0..4_000u64).prop_map(Event::Wait),
        ]
    }

    proptest! {
        #[test]
        fn nothing_passes_an_open_breaker_one_probe_decides_and_only_failures_in_a_row_open_it(
            events in proptest::collection::vec(event(), 1..200),
        ) {
            let (mut breaker, mut now) = (Breaker::default(), Time::from_secs(1_000));
            let (mut under_way, mut in_a_row, mut opened_at) = (Vec::new(), 0, None);
            for event in events {
                match event {
                    Event::Wait(millis) => now = now + Duration::from_millis(millis),
                    Event::Ask => {
                        let (next, ticket) = breaker.admit(&RULES, now);
                        let may = opened_at.is_none_or(|at| now.since(at) >= RULES.pause);
                        let probing = under_way.contains(&Ticket::Probe);
                        match ticket {
                            Some(Ticket::Call) => prop_assert!(opened_at.is_none()),
                            Some(Ticket::Probe) => prop_assert!(opened_at.is_some() && may && !probing),
                            None => prop_assert!(opened_at.is_some() && (!may || probing)),
                        }
                        under_way.extend(ticket);
                        breaker = next;
                    }
                    Event::End(which, end) if which < under_way.len() => {
                        let ticket = under_way.swap_remove(which);
                        breaker = breaker.report(ticket, end, &RULES, now);
                        match (ticket, end, opened_at) {
                            (Ticket::Probe, CallEnd::Answered, _) => (opened_at, in_a_row) = (None, 0),
                            (Ticket::Probe, CallEnd::Failed | CallEnd::Abandoned, _) => opened_at = Some(now),
                            (Ticket::Call, CallEnd::Answered, None) => in_a_row = 0,
                            (Ticket::Call, CallEnd::Failed, None) => {
                                in_a_row += 1;
                                opened_at = (in_a_row == RULES.failures).then_some(now);
                            }
                            (Ticket::Call, _, _) => {}
                        }
                    }
                    Event::End(..) => {}
                }
                prop_assert_eq!(breaker.is_closed(), opened_at.is_none());
            }
        }
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_keep_it_open() {
        let open = Breaker::Open { since: Time::from_secs(1_000_000) };
        assert_eq!(open.admit(&RULES, Time::from_secs(10)), (Breaker::HalfOpen, Some(Ticket::Probe)));
    }
}
