//! The revocation endpoint (RFC 7009 section 2): 200 whatever the token was, so that nothing can be learned from it, but
//! for a dialect whose vendor tells a client that the token is another's, as section 2.1 has it.

use super::introspect::caller;
use super::responder::{Refusal, Responder};
use crate::http::access::RequestLog;
use crate::http::{Request, Response};
use crate::inspect::{self, Revoked};
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::service::Service;

const UNKNOWN_HINT: OAuthError =
    OAuthError::new(ErrorCode::UnsupportedTokenType, "token_type_hint is no type that is revoked here");

pub(super) async fn serve(
    service: &Service,
    responder: &Responder<'_>,
    request: &Request,
    log: &mut RequestLog,
) -> Result<Response, Refusal> {
    let (client, form) = caller(service, responder, request, log).await?;
    let token = form.require("token", "token is missing")?;
    // otherwise it only helps a server that must search; the token says itself what it is
    if form.get("token_type_hint").is_some_and(|hint| !responder.dialect.knows_hint(hint)) {
        return Err(UNKNOWN_HINT.into());
    }
    let issuer = responder.issuer;
    let revoked = inspect::revoke(issuer, &client, token, &service.context).await?;
    let revocations = &service.counters.revocations;
    let (what, counter) = match revoked {
        Revoked::Family => ("family", &revocations.family),
        Revoked::Token => ("token", &revocations.token),
        Revoked::Nothing | Revoked::OfAnother => ("nothing", &revocations.nothing),
    };
    counter.inc();
    tracing::info!(target: "audit", event = "revoked", what, issuer = issuer.id, client = client.id);
    if revoked == Revoked::OfAnother && responder.dialect.tells_whose() {
        return Err(OAuthError::INVALID_CLIENT.into());
    }
    Ok(responder.revoked())
}
