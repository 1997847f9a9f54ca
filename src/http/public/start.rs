//! The endpoints at which grants begin, such as that of devices (RFC 8628 section 3.1): the client as at the token
//! endpoint, then the grant.

use super::introspect::caller;
use super::responder::{Refusal, Responder};
use super::token::{UNAUTHORIZED, check_rate};
use crate::grant::{Error, TokenRequest};
use crate::http::access::RequestLog;
use crate::http::{Request, Response};
use crate::protocol::endpoint::{Endpoint, GrantEndpoint};
use crate::service::Service;
use crate::slow_hash::Waiting;

pub(super) async fn serve(
    service: &Service,
    responder: &Responder<'_>,
    request: &Request,
    log: &mut RequestLog,
    endpoint: GrantEndpoint,
) -> Result<Response, Refusal> {
    let (client, form) = caller(service, responder, request, log).await?;
    let grant = service.router.begins_at(endpoint).ok_or(Error::Gone)?;
    if !client.may_use(grant.grant_type().as_str()) {
        return Err(UNAUTHORIZED.into());
    }
    let form = responder.dialect.read(form)?.into_owned();
    responder.dialect.check(Endpoint::OfGrant(endpoint), &form)?;
    check_rate(service, &client)?;
    let (issuer, peer, waiting) = (responder.issuer.clone(), request.peer, Waiting::default());
    let started = grant.start(&TokenRequest { issuer, client, form, peer, waiting }).await?;
    Ok(responder.success(responder.dialect.started(&started)))
}
