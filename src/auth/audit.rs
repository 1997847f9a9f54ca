//! Failed authentication in the audit stream, with the client that was claimed (CHECKLIST 75). Whoever fails decides how
//! often, so each issuer has so many lines of each event a second, and the next one says how many are missing.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{ClaimedName, Failure};
use crate::clock::Time;
use crate::issuer::Issuer;
use crate::limit::rate;
use crate::protocol::auth_method::AuthMethod;

/// Microseconds between two lines of an event at the sustained rate: ten a second.
const INTERVAL: u64 = 100_000;
/// Those of the lines that may come at once: twenty.
const BURST: u64 = 20 * INTERVAL;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Failed,
    /// Nothing was claimed that could be looked at. It has lines of its own: a probe without a credential hides no failure.
    Unclaimed,
    Throttled,
    Replayed,
}

/// How many lines an issuer may write.
#[derive(Debug, Default)]
pub struct LineBudget([EventBudget; 4]);

/// How many lines may be written of one event.
#[derive(Debug, Default)]
pub struct EventBudget {
    full_at: AtomicU64,
    suppressed: AtomicU64,
}

impl LineBudget {
    fn take(&self, event: Event, now: Time) -> Option<u64> {
        self.0[event as usize].take(now)
    }
}

impl EventBudget {
    /// Room for a line, with the number of those that had none since the last one.
    pub fn take(&self, now: Time) -> Option<u64> {
        if rate::take(&self.full_at, now, INTERVAL, BURST).is_err() {
            self.suppressed.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(self.suppressed.swap(0, Ordering::Relaxed))
    }
}

/// Writes a line if there is room.
pub(super) fn write(
    issuer: &Issuer,
    event: Event,
    method: Option<AuthMethod>,
    failure: &Failure,
    peer: IpAddr,
    now: Time,
) {
    let Some(suppressed) = issuer.audit_lines.take(event, now) else { return };
    let suppressed = Some(suppressed).filter(|count| *count > 0);
    let (method, reason) = (method.as_ref().map(AuthMethod::name), failure.reason);
    let claimed_client = failure.claimed.as_ref().map(ClaimedName::as_str);
    macro_rules! line {
        ($level:ident, $event:literal) => {
            tracing::$level!(
                target: "audit", event = $event, issuer = issuer.id, claimed_client, method, reason, peer = %peer, suppressed
            )
        };
    }
    match event {
        Event::Failed | Event::Unclaimed => line!(info, "client_authentication_failed"),
        Event::Throttled => line!(warn, "client_authentication_throttled"),
        Event::Replayed => line!(warn, "client_assertion_replayed"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_flood_of_one_event_is_cut_counted_and_keeps_no_other_out() {
        let (budget, now) = (LineBudget::default(), Time::from_secs(1000));
        let written = (0..500).filter(|_| budget.take(Event::Failed, now).is_some()).count();
        assert_eq!((written, budget.take(Event::Replayed, now)), (20, Some(0)));
        assert_eq!(budget.take(Event::Unclaimed, now), Some(0));
        let later = now + Duration::from_secs(1);
        assert_eq!([budget.take(Event::Failed, later), budget.take(Event::Failed, later)], [Some(480), Some(0)]);
    }
}
