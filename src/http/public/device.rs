//! The device authorization endpoint (RFC 8628 section 3.1): the client as at the token endpoint, a scope and resources
//! it may ask for, and two codes.

use super::introspect::caller;
use super::place::Place;
use crate::auth::AuthenticatedClient;
use crate::grant::device;
use crate::http::access::Told;
use crate::http::{Request, Response};
use crate::protocol::endpoint::Endpoint;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::form::Form;
use crate::protocol::grant_type::GrantType;
use crate::protocol::resource;
use crate::service::Service;
use crate::state::SenderBinding;
use crate::token::Granted;

pub(super) async fn serve(service: &Service, place: &Place<'_>, request: &Request, told: &mut Told) -> Response {
    let (client, form) = match caller(service, place, request, told).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    let context = &service.context;
    let (granted, binding) = match asked(place, &client, form) {
        Ok(asked) => asked,
        Err(error) => return place.refused(told, error, None),
    };
    if let Err(wait) = client.rate.admit(context.clock.now()) {
        context.metrics.shed.with_label_values(&["client_rate"]).inc();
        let error = OAuthError::new(ErrorCode::TooManyRequests, "the client asks more often than it may");
        return place.refused(told, error, Some(wait));
    }
    let now = context.clock.now();
    if let Err(wait) = service.device_starts.enter(&place.issuer.id, &client.id, request.peer, now) {
        context.metrics.shed.with_label_values(&["device_starts"]).inc();
        let error = OAuthError::new(ErrorCode::TooManyRequests, "too many devices are started from this address");
        return place.refused(told, error, Some(wait));
    }
    let _place = match service.router.admit(GrantType::DEVICE_CODE.as_str()) {
        Ok(place) => place,
        Err(error) => return place.not_granted(told, &error),
    };
    match device::start(place.issuer, &client, &granted, binding, context).await {
        Ok(codes) => {
            context.metrics.tokens_issued.with_label_values(&["device_code"]).inc();
            place.started(&codes)
        }
        Err(error) => place.not_granted(told, &error),
    }
}

/// What the client asks for, if it may; without `scope` everything it registered, which the portal may narrow.
fn asked(
    place: &Place<'_>,
    client: &AuthenticatedClient,
    form: Form<'_>,
) -> Result<(Granted, Option<SenderBinding>), OAuthError> {
    if !client.may_use(GrantType::DEVICE_CODE.as_str()) {
        return Err(OAuthError::new(ErrorCode::UnauthorizedClient, "the client may not use this grant type"));
    }
    let form = place.dialect.read(form)?;
    place.dialect.check(Endpoint::DeviceAuthorization, &form)?;
    let may = &client.settings.scope;
    let scope = place.issuer.asked_scope(&form, may)?.unwrap_or_else(|| may.clone());
    place.issuer.check_scope(&scope, may)?;
    let resources = resource::asked(&form, &client.settings.resources)?;
    // the device code is a public client's refresh token to be, and bound like one
    let binding = client.refresh_binding()?.map(SenderBinding::Certificate);
    Ok((Granted { scope, resources, proven: !client.is_public(), ..Granted::default() }, binding))
}
