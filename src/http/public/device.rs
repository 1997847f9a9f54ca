//! The device authorization endpoint (RFC 8628 section 3.1): the client as at the token endpoint, a scope and resources
//! it may ask for, and two codes.

use super::introspect::caller;
use super::responder::Responder;
use super::token::check_rate;
use crate::auth::AuthenticatedClient;
use crate::grant::{Error, device};
use crate::http::access::RequestLog;
use crate::http::{Request, Response};
use crate::protocol::endpoint::Endpoint;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::form::Form;
use crate::protocol::grant_type::GrantType;
use crate::protocol::resource;
use crate::service::Service;
use crate::state::SenderBinding;
use crate::token::Granted;

pub(super) async fn serve(
    service: &Service,
    responder: &Responder<'_>,
    request: &Request,
    log: &mut RequestLog,
) -> Response {
    let (client, form) = match caller(service, responder, request, log).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    let context = &service.context;
    let (granted, binding) = match asked(responder, &client, form) {
        Ok(asked) => asked,
        Err(error) => return responder.refused(log, error, None),
    };
    if let Err(refusal) = check_rate(service, &client) {
        return responder.refused(log, refusal.error, refusal.retry_after);
    }
    let now = context.clock.now();
    if let Err(wait) = service.device_starts.enter(&responder.issuer.id, &client.id, request.peer, now) {
        service.counters.device_starts.inc();
        let error = OAuthError::new(ErrorCode::TooManyRequests, "too many devices are started from this address");
        return responder.refused(log, error, Some(wait));
    }
    let grant = service.router.grant(GrantType::DEVICE_CODE.as_str()).ok_or(Error::Gone);
    let _permit = match grant.and_then(|grant| grant.admit()) {
        Ok(permit) => permit,
        Err(error) => return responder.not_granted(log, &error),
    };
    match device::start(responder.issuer, &client, &granted, binding, context).await {
        Ok(codes) => {
            service.counters.device_codes.inc();
            responder.started(&codes)
        }
        Err(error) => responder.not_granted(log, &error),
    }
}

/// Checks what the client asks for; without `scope` that is its registered scope, which the portal may narrow.
fn asked(
    responder: &Responder<'_>,
    client: &AuthenticatedClient,
    form: Form<'_>,
) -> Result<(Granted, Option<SenderBinding>), OAuthError> {
    if !client.may_use(GrantType::DEVICE_CODE.as_str()) {
        return Err(OAuthError::new(ErrorCode::UnauthorizedClient, "the client may not use this grant type"));
    }
    let form = responder.dialect.read(form)?;
    responder.dialect.check(Endpoint::DeviceAuthorization, &form)?;
    let may = &client.settings.scope;
    let scope = responder.issuer.asked_scope(&form, may)?.unwrap_or_else(|| may.clone());
    responder.issuer.check_scope(&scope, may)?;
    let resources = resource::asked(&form, &client.settings.resources)?;
    // the device code is a public client's refresh token to be, and bound like one
    let binding = client.refresh_binding()?.map(SenderBinding::Certificate);
    Ok((Granted { scope, resources, proven: !client.is_public(), ..Granted::default() }, binding))
}
