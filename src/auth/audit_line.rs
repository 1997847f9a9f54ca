//! Failed authentication in the audit stream, with the client that was claimed (CHECKLIST 75). Whoever fails decides how
//! often, so each issuer has a budget of lines for each event, and the next line says how many are missing.

use std::net::IpAddr;

use super::claimed_name::ClaimedName;
use super::failure::AuthFailure;
use crate::clock::Time;
use crate::issuer::Issuer;
use crate::protocol::auth_method::AuthMethod;

/// The kind of a failed authentication, each with a budget of lines of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AuthEvent {
    /// The claim does not hold.
    Failed,
    /// Nothing was claimed that could be looked at: a probe without a credential hides no failure.
    Unclaimed,
    /// Too many claims did not hold.
    Throttled,
    /// An assertion was used before.
    Replayed,
}

/// Writes a line if there is room.
pub(super) fn write(
    issuer: &Issuer,
    event: AuthEvent,
    method: Option<AuthMethod>,
    failure: &AuthFailure,
    peer: IpAddr,
    now: Time,
) {
    let Some(suppressed) = issuer.audit_lines[event as usize].take(now) else { return };
    let suppressed = Some(suppressed).filter(|count| *count > 0);
    let (method, reason) = (method.map(|method| method.name), failure.reason);
    let claimed_client = failure.claimed.as_ref().map(ClaimedName::as_str);
    macro_rules! line {
        ($level:ident, $event:literal) => {
            tracing::$level!(
                target: "audit", event = $event, issuer = issuer.id, claimed_client, method, reason, peer = %peer, suppressed
            )
        };
    }
    match event {
        AuthEvent::Failed | AuthEvent::Unclaimed => line!(info, "client_authentication_failed"),
        AuthEvent::Throttled => line!(warn, "client_authentication_throttled"),
        AuthEvent::Replayed => line!(warn, "client_assertion_replayed"),
    }
}
