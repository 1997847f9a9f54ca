//! The side of the device grant that is not the token endpoint (RFC 8628 sections 3.1 to 3.3): starts a device
//! authorization, finds it by its user code for the portal, and records the person's decision.

use std::sync::OnceLock;
use std::time::Duration;

use prometheus::IntCounter;

use super::{Context, Error, TokenRequest};
use crate::id::Id;
use crate::issuer::Issuer;
use crate::limit::bucket::Quota;
use crate::limit::throttle::Throttle;
use crate::protocol::endpoint::{GrantEndpoint, Path};
use crate::protocol::error::OAuthError;
use crate::protocol::resource;
use crate::protocol::response::{DeviceResponse, StartResponse};
use crate::state::{
    Cell, DecideDevice, DecideRefusal, DeviceDecision, Key, NameRefusal, NameUserCode, Placed, Row, SenderBinding,
    StartDevice,
};
use crate::token::Granted;
use crate::token::device_code::DeviceCode;
use crate::token::user_code::UserCode;
use crate::token::wire::Head;

/// The device authorization endpoint (RFC 8628 section 3.1).
pub const ENDPOINT: GrantEndpoint = GrantEndpoint {
    name: "device_authorization",
    paths: &[Path::Below("/oauth2/device_authorization")],
    metadata: "device_authorization_endpoint",
};

/// Quota of starts: two hundred at once of one client behind one address, then five a second. Each start writes two
/// rows, which stay until they expire.
const STARTS: Quota = Quota { every: Duration::from_millis(200), burst: 200 };

/// Number of user codes that are tried before giving up; of 51.8 bits one is hardly ever taken.
const TRIES: usize = 4;

/// Limits and counts the device authorizations that are started.
#[derive(Default)]
pub(super) struct DeviceStarts {
    throttle: OnceLock<Throttle>,
    started: OnceLock<IntCounter>,
    refused: OnceLock<IntCounter>,
}

/// Starts a device authorization: two rows, durable before anybody sees a code.
///
/// # Errors
/// What the client may not ask for, [`Error::TooManyDevices`], or a failure of the store.
pub(super) async fn start(
    starts: &DeviceStarts,
    request: &TokenRequest,
    context: &Context,
) -> Result<StartResponse, Error> {
    let TokenRequest { issuer, client, peer, .. } = request;
    let (granted, binding) = asked(request)?;
    let throttle = starts.throttle.get_or_init(|| Throttle::new(STARTS).among(&context.nodes));
    throttle.enter(&issuer.id, &client.id, *peer, context.clock.now()).map_err(|wait| {
        starts.refused.get_or_init(|| context.metrics.shed.with_label_values(&["device_starts"])).inc();
        Error::TooManyDevices(wait)
    })?;
    let settings = &issuer.settings;
    let family = Id::random();
    let head = Head { key: context.vault.current(), cell: context.shards.place(), family };
    let expires_at = context.clock.now() + settings.device_code_lifetime;
    let start = StartDevice {
        family,
        issuer: issuer.id.as_str().into(),
        client: client.id.as_str().into(),
        grant: granted.seal(&family, &issuer.id, &context.vault),
        attempt: Id::random(),
        expires_at,
        binding,
    };
    let (started, user_code) =
        tokio::join!(context.shards.ask(head.cell, start), name(issuer, head.cell.place(family), expires_at, context));
    started??;
    let (user_code, uri) = (user_code?.to_string(), &settings.verification_uri);
    let separator = if uri.contains('?') { '&' } else { '?' };
    let codes = DeviceResponse {
        device_code: DeviceCode { head, expires_at }.encode(&issuer.id, &context.vault).ok_or(Error::Sealed)?,
        verification_uri: uri.clone(),
        verification_uri_complete: format!("{uri}{separator}user_code={user_code}"),
        user_code,
        expires_in: settings.device_code_lifetime.as_secs(),
        interval: settings.device_interval.as_secs(),
    };
    starts.started.get_or_init(|| context.metrics.tokens_issued.with_label_values(&["device_code"])).inc();
    // strings and numbers always serialise
    Ok(StartResponse { body: serde_json::to_vec(&codes).unwrap_or_default(), expires_at: expires_at.as_secs() })
}

/// Checks what the client asks for; without `scope` that is its registered scope, which the portal may narrow.
fn asked(request: &TokenRequest) -> Result<(Granted, Option<SenderBinding>), OAuthError> {
    let TokenRequest { issuer, client, form, .. } = request;
    let may = &client.settings.scope;
    let scope = issuer.asked_scope(form, may)?.unwrap_or_else(|| may.clone());
    issuer.check_scope(&scope, may)?;
    let resources = resource::asked(form, &client.settings.resources)?;
    // the device code is a public client's refresh token to be, and bound like one
    let binding = client.refresh_binding()?;
    Ok((Granted { scope, resources, proven: !client.is_public(), ..Granted::default() }, binding))
}

/// Gives the device a user code that no other device has.
async fn name(
    issuer: &Issuer,
    device: Placed<Id>,
    keep_until: crate::clock::Time,
    context: &Context,
) -> Result<UserCode, Error> {
    for _ in 0..TRIES {
        let code = UserCode::random();
        let key = Key::user_code(&issuer.id, code.letters());
        let name = NameUserCode { key, family: device.of, cell: device.cell, keep_until };
        match context.shards.ask(context.shards.home(&key), name).await? {
            Ok(()) => return Ok(code),
            Err(NameRefusal::Taken) => {}
        }
    }
    Err(NameRefusal::Taken.into())
}

/// Returns the device or family that a user code names, if the code has not expired: the family's id in its cell, and
/// its row. A miss is counted, which shows guessing of codes at the portal (RFC 8628 section 5.1).
///
/// # Errors
/// If the store fails.
pub(crate) async fn find(issuer: &Issuer, typed: &str, context: &Context) -> Result<Option<(Placed<Id>, Row)>, Error> {
    let found = look_up(issuer, typed, context).await?;
    if found.is_none() {
        context.metrics.user_code_misses.inc();
        tracing::info!(target: "audit", event = "user_code_missed", issuer = issuer.id);
    }
    Ok(found)
}

async fn look_up(issuer: &Issuer, typed: &str, context: &Context) -> Result<Option<(Placed<Id>, Row)>, Error> {
    let Some(code) = UserCode::parse(typed) else { return Ok(None) };
    let key = Key::user_code(&issuer.id, code.letters());
    let named = context.shards.peek_one(context.shards.home(&key).place(key)).await?;
    let Some(Row::UserCode { family, keep_until, cell }) = named else {
        return Ok(None);
    };
    if context.clock.now() >= keep_until {
        return Ok(None);
    }
    let cell = Cell(cell);
    let row = context.shards.peek_one(cell.place(Key::Family(family))).await?;
    Ok(row.map(|row| (cell.place(family), row)))
}

/// Makes the person's decision durable; the same decision again is a retry.
///
/// # Errors
/// If the store fails; inside, a refusal if the person decided otherwise before or the device has expired.
pub(crate) async fn decide(
    issuer: &Issuer,
    device: Placed<Id>,
    decision: DeviceDecision,
    context: &Context,
) -> Result<Result<(), DecideRefusal>, Error> {
    let decide = DecideDevice { family: device.of, issuer: issuer.id.as_str().into(), decision };
    Ok(context.shards.ask(device.cell, decide).await?)
}
