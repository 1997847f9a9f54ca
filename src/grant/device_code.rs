//! The device grant (RFC 8628 sections 3.4 and 3.5): a poll reads, an approved code is consumed by one write.
//!
//! What is decided on the row that was read is only what cannot change any more: an approved device stays as it was
//! approved until it is consumed, and whether this request consumes it is decided by the store (CHECKLIST 69).

use super::poll_intervals::PollIntervals;
use super::{Context, Deciding, Error, Grant, Issue, Lineage, TokenRequest};
use crate::id::Id;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::grant_type::GrantType;
use crate::protocol::resource;
use crate::state::device::{Consume, Decision};
use crate::state::key::Key;
use crate::state::op::Op;
use crate::state::step::{Refusal, Row};
use crate::token::Granted;
use crate::token::device_code::DeviceCode;
use crate::token::refresh::RefreshToken;
use crate::token::wire::Head;

const SLOW_DOWN: OAuthError =
    OAuthError::new(ErrorCode::PollSlower, "the device polls too often; wait five seconds longer from now on");
const EXPIRED: OAuthError = OAuthError::new(ErrorCode::ExpiredToken, "the device code has expired; begin again");

/// `urn:ietf:params:oauth:grant-type:device_code`.
#[derive(Default)]
pub struct DeviceCodeGrant {
    pace: PollIntervals,
}

impl Grant for DeviceCodeGrant {
    fn grant_type(&self) -> GrantType {
        GrantType::DEVICE_CODE
    }

    fn decide<'a>(&'a self, request: &'a TokenRequest, context: &'a Context) -> Deciding<'a> {
        Box::pin(decide(&self.pace, request, context))
    }
}

async fn decide(pace: &PollIntervals, request: &TokenRequest, context: &Context) -> Result<Issue, Error> {
    let text = request.form.require("device_code", "device_code is missing")?;
    let code = DeviceCode::parse(text, &request.issuer.id, &context.vault).ok_or(Error::Forged)?;
    let (subject, granted) = approved(pace, request, context, &code).await?;
    request.confirms(&granted)?;
    let granted = request.still_granted(granted)?;
    let resources = resource::asked(&request.form, &granted.resources)?;
    let (offline, lifetimes) = request.lifetimes(&granted);
    let key = context.vault.current();
    let consume = Consume {
        family: code.head.family,
        issuer: request.issuer.id.as_str().into(),
        client: request.client.id.as_str().into(),
        key,
        attempt: Id::random(),
        lifetimes,
    };
    if let Err(refusal) = context.shards.apply(Op::Consume(Box::new(consume))).await? {
        return Err(refused(refusal, request, context));
    }
    let successor = offline.then_some(RefreshToken { head: Head { key, ..code.head }, generation: 0 });
    Ok(Issue {
        subject,
        access_scope: granted.scope.clone(),
        access_resources: if resources.is_empty() { granted.resources.clone() } else { resources },
        granted,
        lineage: Lineage::Code { family: code.head.family, refresh: successor },
    })
}

/// Who approved what, or the answer to a poll that is too early or too late.
async fn approved(
    pace: &PollIntervals,
    request: &TokenRequest,
    context: &Context,
    code: &DeviceCode,
) -> Result<(String, Granted), Error> {
    let (family, now) = (code.head.family, context.clock.now());
    let (subject, sealed) = match context.shards.peek(&[Key::Family(family)]).await?.pop().flatten() {
        Some(Row::Device(device)) if *device.client != *request.client.id => {
            return Err(refused(Refusal::WrongClient, request, context));
        }
        Some(Row::Device(device)) if now < device.expires_at => match device.decision {
            Decision::Pending => {
                let (naming, interval) = (request.client.naming(), request.issuer.settings.device_interval);
                let kept = pace.is_kept(family, naming, interval, device.expires_at, now);
                return Err(if kept { OAuthError::AUTHORIZATION_PENDING } else { SLOW_DOWN }.into());
            }
            Decision::Denied => {
                pace.forget(family);
                return Err(OAuthError::ACCESS_DENIED.into());
            }
            Decision::Approved { subject, .. } => (subject, device.grant),
        },
        // consumed before: the store takes it for the replay that it is
        Some(Row::Family(family)) => (family.subject, family.grant),
        _ if now >= code.expires_at => return Err(EXPIRED.into()),
        _ => return Err(Refusal::Unknown.into()),
    };
    pace.forget(family);
    let granted = Granted::open(&sealed, &family, &request.issuer.id, &context.vault).ok_or(Error::Sealed)?;
    Ok((subject.into(), granted))
}

/// The error of a refusal, after an operator has heard of what concerns one.
fn refused(refusal: Refusal, request: &TokenRequest, context: &Context) -> Error {
    let (issuer, client) = (&request.issuer.id, &request.client.id);
    match refusal {
        Refusal::Replayed => {
            context.metrics.code_replays.inc();
            tracing::warn!(target: "audit", event = "device_code_replayed", issuer, client);
        }
        Refusal::WrongClient => {
            tracing::warn!(target: "audit", event = "device_code_of_another_client", issuer, client);
        }
        Refusal::Expired => return EXPIRED.into(),
        Refusal::Unknown
        | Refusal::Revoked
        | Refusal::Reused
        | Refusal::Missed
        | Refusal::Regressed
        | Refusal::Taken
        | Refusal::Decided
        | Refusal::Pending
        | Refusal::Denied => {}
    }
    refusal.into()
}
