//! The revocation endpoint (RFC 7009 section 2): 200 whatever the token was, so that nothing can be learned from it, but
//! for a dialect whose vendor tells a client that the token is another's, as section 2.1 has it.

use super::introspect::caller;
use super::place::Place;
use crate::http::access::Told;
use crate::http::{Request, Response};
use crate::inspect::{self, Revoked};
use crate::protocol::error::{ErrorCode, OAuthError, Occasion};
use crate::service::Service;

pub(super) async fn serve(service: &Service, place: &Place<'_>, request: &Request, told: &mut Told) -> Response {
    let (client, form) = match caller(service, place, request, told).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    let token = match form.require("token", "token is missing") {
        Ok(token) => token,
        Err(error) => return place.refused(told, error.on(Occasion::NoToken), None),
    };
    if form.get("token_type_hint").is_some_and(|hint| !place.dialect.knows_hint(hint)) {
        let error = OAuthError::new(ErrorCode::UnsupportedTokenType, "token_type_hint is no type that is revoked here");
        return place.refused(told, error, None);
    }
    let issuer = place.issuer;
    // token_type_hint only helps a server that must search; the token says itself what it is
    match inspect::revoke(issuer, &client, token, &service.context).await {
        Ok(revoked) => {
            let what = match revoked {
                Revoked::Family => "family",
                Revoked::Token => "token",
                Revoked::Nothing | Revoked::OfAnother => "nothing",
            };
            service.context.metrics.revocations.with_label_values(&[what]).inc();
            tracing::info!(target: "audit", event = "revoked", what, issuer = issuer.id, client = client.id);
            if revoked == Revoked::OfAnother && place.dialect.tells_whose() {
                return place.refused(told, OAuthError::INVALID_CLIENT, None);
            }
            place.revoked()
        }
        Err(error) => place.not_granted(told, &error),
    }
}
