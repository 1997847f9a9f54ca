//! The endpoints at which grants begin, such as that of devices (RFC 8628 section 3.1): the client as at the token
//! endpoint, then the grant.

use super::introspect::caller;
use super::responder::Responder;
use super::token::check_rate;
use crate::grant::{Error, TokenRequest};
use crate::http::access::RequestLog;
use crate::http::{Request, Response};
use crate::protocol::endpoint::{Endpoint, GrantEndpoint};
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::service::Service;
use crate::slow_hash::Waiting;

const UNAUTHORIZED: OAuthError =
    OAuthError::new(ErrorCode::UnauthorizedClient, "the client may not use this grant type");

pub(super) async fn serve(
    service: &Service,
    responder: &Responder<'_>,
    request: &Request,
    log: &mut RequestLog,
    endpoint: GrantEndpoint,
) -> Response {
    let (client, form) = match caller(service, responder, request, log).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    let Some(grant) = service.router.begins_at(endpoint) else { return responder.not_granted(log, &Error::Gone) };
    if !client.may_use(grant.grant_type().as_str()) {
        return responder.refused(log, UNAUTHORIZED, None);
    }
    let dialect = responder.dialect;
    let form =
        match dialect.read(form).and_then(|form| dialect.check(Endpoint::OfGrant(endpoint), &form).map(|()| form)) {
            Ok(form) => form.into_owned(),
            Err(error) => return responder.refused(log, error, None),
        };
    if let Err(refusal) = check_rate(service, &client) {
        return responder.refused(log, refusal.error, refusal.retry_after);
    }
    let (issuer, peer, waiting) = (responder.issuer.clone(), request.peer, Waiting::default());
    match grant.start(&TokenRequest { issuer, client, form, peer, waiting }).await {
        Ok(started) => responder.success(dialect.started(&started)),
        Err(error) => responder.not_granted(log, &error),
    }
}
