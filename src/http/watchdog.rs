//! Decides how long a connection may stay as it is. Pure: the time is an argument. Each connection has one timer.
//!
//! The timer is only ever moved earlier; when it fires too soon the deadline is worked out again. A busy
//! connection therefore touches the timer wheel once in many requests, not once in each.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::cut::CutReason;
use super::limits::Limits;
use super::shutdown::PARTING;
use super::state::{ConnectionPhase, ConnectionState, Protocol};

/// Later than anything that is waited for.
const FOREVER: Duration = Duration::from_secs(7 * 24 * 3600);

/// Requests that a peer may take back, whatever their share; beyond, at most half of all it makes.
const TOLERATED_RESETS: u32 = 200;

/// The next step for a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WatchdogAction {
    /// Leave it until then, or until its state changes.
    Wait(Instant),
    /// Take its buffers away until the next request begins, or until then.
    Park(Instant),
    /// Let it finish what it has begun, then close it.
    Close(CutReason),
    /// Drop it.
    Cut(CutReason),
}

/// The deadlines of one connection, with the past that they depend on.
#[derive(Debug)]
pub(super) struct Watchdog {
    state: Arc<ConnectionState>,
    limits: Arc<Limits>,
    seen: (ConnectionPhase, u32),
    since: Instant,
    blocked_since: Option<Instant>,
    retire_at: Instant,
    retired: bool,
    /// The beginning of a graceful close.
    closing: Option<Instant>,
    /// The moment the drain was noticed.
    draining: Option<Instant>,
    /// The moment it was noticed that the peer of an HTTP/2 connection has ended its sending side.
    ended: Option<Instant>,
    /// True if it may be parked.
    parkable: bool,
}

impl Watchdog {
    /// A connection whose first byte arrived at `since`; `age` is how old it may become.
    pub(super) fn new(state: Arc<ConnectionState>, limits: Arc<Limits>, since: Instant, age: Duration) -> Self {
        let seen = (state.phase(), state.served());
        let retire_at = since + age;
        let parkable = state.protocol() == Protocol::Http1;
        let (blocked_since, closing, draining, ended) = (None, None, None, None);
        Self {
            state,
            limits,
            seen,
            since,
            blocked_since,
            retire_at,
            retired: false,
            closing,
            draining,
            ended,
            parkable,
        }
    }

    /// Stops parking the connection when it is idle.
    pub(super) fn never_park(&mut self) {
        self.parkable = false;
    }

    /// Returns the next step at `now`; `leaving` if the peer is asked to leave, `drain` is the deadline of a drain.
    pub(super) fn check(&mut self, now: Instant, leaving: bool, drain: Option<Instant>) -> WatchdogAction {
        let seen = (self.state.phase(), self.state.served());
        if seen != self.seen {
            self.seen = seen;
            self.since = now;
        }
        if drain.is_some_and(|by| now >= by) {
            return WatchdogAction::Cut(CutReason::Drain);
        }
        if drain.is_some() {
            self.draining.get_or_insert(now);
        }
        let abandoned = self.state.abandoned();
        if abandoned > TOLERATED_RESETS && abandoned > self.seen.1 / 2 {
            return WatchdogAction::Cut(CutReason::Resets);
        }
        // an HTTP/2 peer that is told before its first request never sends it
        let told = leaving && (self.state.protocol() == Protocol::Http1 || self.seen.1 > 0);
        let used_up = self.limits.max_requests.is_some_and(|most| self.seen.1 >= most);
        if !self.retired && (told || used_up || now >= self.retire_at) {
            self.retired = true;
            self.state.retire();
            if self.state.protocol() == Protocol::Http2 {
                return self.close(if leaving { CutReason::Drain } else { CutReason::Age }, now);
            }
        }
        let mut next = drain.unwrap_or(now + FOREVER);
        if !self.retired {
            next = next.min(self.retire_at);
        }
        for (reason, deadline) in [self.blocked(now), self.ended(now), self.phase()].into_iter().flatten() {
            if now < deadline {
                next = next.min(deadline);
            } else if reason == CutReason::Idle {
                return self.close(if drain.is_some() { CutReason::Drain } else { CutReason::Idle }, now);
            } else {
                return WatchdogAction::Cut(reason);
            }
        }
        if self.parkable && self.seen.0 == ConnectionPhase::Idle && self.closing.is_none() && drain.is_none() {
            let park_at = self.since + self.limits.park_after;
            if now >= park_at {
                return WatchdogAction::Park(self.since + self.limits.idle_timeout);
            }
            next = next.min(park_at);
        }
        WatchdogAction::Wait(next)
    }

    /// Bytes that the peer does not take; their time runs until it has taken the last of them.
    fn blocked(&mut self, now: Instant) -> Option<(CutReason, Instant)> {
        if !self.state.blocked() {
            self.blocked_since = None;
            return None;
        }
        let since = *self.blocked_since.get_or_insert(now);
        Some((CutReason::Write, since + self.limits.write_timeout))
    }

    /// An HTTP/2 peer that sends nothing any more: what was answered has this long to leave, once nothing is under way.
    fn ended(&mut self, now: Instant) -> Option<(CutReason, Instant)> {
        if self.state.protocol() == Protocol::Http1 || !self.state.ended() {
            return None;
        }
        let since = self.since.max(*self.ended.get_or_insert(now));
        let is_waiting = self.seen.0 == ConnectionPhase::Idle && self.blocked_since.is_none();
        is_waiting.then_some((CutReason::Linger, since + self.limits.linger_timeout))
    }

    fn phase(&self) -> Option<(CutReason, Instant)> {
        match (self.seen.0, self.closing) {
            (ConnectionPhase::Idle, None) => {
                let until = self.since + self.limits.idle_timeout;
                Some((CutReason::Idle, self.draining.map_or(until, |since| until.min(since + PARTING))))
            }
            (ConnectionPhase::Idle, Some(at)) => {
                Some((CutReason::Stuck, self.since.max(at) + self.limits.write_timeout))
            }
            (ConnectionPhase::Head, _) => Some((CutReason::Header, self.since + self.limits.header_timeout)),
            (ConnectionPhase::Lingering, _) => Some((CutReason::Linger, self.since + self.limits.linger_timeout)),
            // bodies and handlers have their own timers; an answer is under way until it is blocked
            (
                ConnectionPhase::Body | ConnectionPhase::Handling | ConnectionPhase::Writing | ConnectionPhase::Refused,
                _,
            ) => None,
        }
    }

    fn close(&mut self, reason: CutReason, now: Instant) -> WatchdogAction {
        self.closing = Some(now);
        WatchdogAction::Close(reason)
    }
}
