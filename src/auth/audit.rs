//! Failed authentication in the audit stream, with the client that was claimed (CHECKLIST 75). Whoever fails decides how
//! often, so each issuer has a budget of lines for each event, and the next line says how many are missing.

use std::net::IpAddr;

use super::{ClaimedName, Failure};
use crate::clock::Time;
use crate::issuer::Issuer;
use crate::protocol::auth_method::AuthMethod;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Failed,
    /// Nothing was claimed that could be looked at. It has lines of its own: a probe without a credential hides no failure.
    Unclaimed,
    Throttled,
    Replayed,
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
    let Some(suppressed) = issuer.audit_lines[event as usize].take(now) else { return };
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
