//! The device grant (RFC 8628 sections 3.4 and 3.5): a poll reads, an approved code is consumed by one write.
//!
//! Decisions on a row that was merely read rest only on facts that cannot change any more: an approved device stays as
//! it was approved until it is consumed, and the store decides whether this request consumes it (CHECKLIST 69).

use super::device::DeviceStarts;
use super::poll_intervals::PollIntervals;
use super::{Context, Deciding, Error, Grant, Issue, Lineage, Starting, TokenRequest, device};
use crate::id::Id;
use crate::protocol::endpoint::GrantEndpoint;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::grant_type::GrantType;
use crate::protocol::resource;
use crate::state::{ConsumeDevice, ConsumeRefusal, Decision, Lifetimes, Row};
use crate::token::Granted;
use crate::token::device_code::DeviceCode;
use crate::token::refresh::RefreshToken;
use crate::token::wire::Head;

const SLOW_DOWN: OAuthError =
    OAuthError::new(ErrorCode::DeviceSlowDown, "the device polls too often; wait five seconds longer from now on");

/// `urn:ietf:params:oauth:grant-type:device_code`.
#[derive(Default)]
pub(crate) struct DeviceCodeGrant {
    pace: PollIntervals,
    starts: DeviceStarts,
}

impl Grant for DeviceCodeGrant {
    fn grant_type(&self) -> GrantType {
        GrantType::DEVICE_CODE
    }

    fn decide<'a>(&'a self, request: &'a TokenRequest, context: &'a Context) -> Deciding<'a> {
        Box::pin(decide(&self.pace, request, context))
    }

    fn endpoint(&self) -> Option<GrantEndpoint> {
        Some(device::ENDPOINT)
    }

    fn start<'a>(&'a self, request: &'a TokenRequest, context: &'a Context) -> Starting<'a> {
        Box::pin(device::start(&self.starts, request, context))
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
    let key = consume(request, context, &code, lifetimes).await?;
    let successor = offline.then_some(RefreshToken { head: Head { key, ..code.head }, generation: 0 });
    Ok(Issue {
        subject,
        access_scope: granted.scope.clone(),
        access_resources: if resources.is_empty() { granted.resources.clone() } else { resources },
        granted,
        lineage: Lineage::Login { family: code.head.cell.place(code.head.family), refresh: successor },
    })
}

/// Redeems the code and returns the number of the master key of its first refresh token.
async fn consume(
    request: &TokenRequest,
    context: &Context,
    code: &DeviceCode,
    lifetimes: Lifetimes,
) -> Result<u8, Error> {
    let key = context.vault.current();
    let consume = ConsumeDevice {
        family: code.head.family,
        issuer: request.issuer.id.as_str().into(),
        client: request.client.id.as_str().into(),
        key,
        attempt: Id::random(),
        lifetimes,
        shown: request.client.shown(),
    };
    context.shards.ask(code.head.cell, consume).await??;
    Ok(key)
}

/// Returns the person who approved and the approved grant, or the answer to a poll that is too early or too late.
async fn approved(
    pace: &PollIntervals,
    request: &TokenRequest,
    context: &Context,
    code: &DeviceCode,
) -> Result<(String, Granted), Error> {
    let (family, now) = (code.head.family, context.clock.now());
    let (subject, sealed) = match context.shards.peek_one(code.head.row()).await? {
        Some(Row::Device(device)) if *device.client != *request.client.id => {
            // the store refuses it, and says so to an operator
            consume(request, context, code, request.client.settings.lifetimes).await?;
            return Err(ConsumeRefusal::WrongClient.into());
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
        _ if now >= code.expires_at => return Err(ConsumeRefusal::Expired.into()),
        _ => return Err(ConsumeRefusal::Unknown.into()),
    };
    pace.forget(family);
    let granted = Granted::open(&sealed, &family, &request.issuer.id, &context.vault).ok_or(Error::Sealed)?;
    Ok((subject.into(), granted))
}
