//! The revocation endpoint (RFC 7009 section 2): 200 whatever the token was, so that nothing can be learned from it, but
//! for a dialect whose vendor tells a client that the token is another's, as section 2.1 has it.

use super::introspect::caller;
use super::responder::Responder;
use crate::http::access::RequestLog;
use crate::http::{Request, Response};
use crate::inspect::{self, Revoked};
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::service::Service;

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
    let token = match form.require("token", "token is missing") {
        Ok(token) => token,
        Err(error) => return responder.refused(log, error, None),
    };
    if form.get("token_type_hint").is_some_and(|hint| !responder.dialect.knows_hint(hint)) {
        let error = OAuthError::new(ErrorCode::UnsupportedTokenType, "token_type_hint is no type that is revoked here");
        return responder.refused(log, error, None);
    }
    let issuer = responder.issuer;
    // token_type_hint only helps a server that must search; the token says itself what it is
    match inspect::revoke(issuer, &client, token, &service.context).await {
        Ok(revoked) => {
            let revocations = &service.counters.revocations;
            let (what, counter) = match revoked {
                Revoked::Family => ("family", &revocations.family),
                Revoked::Token => ("token", &revocations.token),
                Revoked::Nothing | Revoked::OfAnother => ("nothing", &revocations.nothing),
            };
            counter.inc();
            tracing::info!(target: "audit", event = "revoked", what, issuer = issuer.id, client = client.id);
            if revoked == Revoked::OfAnother && responder.dialect.tells_whose() {
                return responder.refused(log, OAuthError::INVALID_CLIENT, None);
            }
            responder.revoked()
        }
        Err(error) => responder.not_granted(log, &error),
    }
}
