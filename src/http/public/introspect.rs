//! The introspection endpoint (RFC 7662 section 2): authenticated confidential clients only.

use super::form::evidence;
use super::place::Place;
use crate::auth::AuthenticatedClient;
use crate::http::access::Told;
use crate::http::{Request, Response};
use crate::inspect;
use crate::protocol::error::{OAuthError, Occasion};
use crate::protocol::form::Form;
use crate::protocol::introspection::Introspection;
use crate::service::{Service, Tally};

pub(super) async fn serve(service: &Service, place: &Place<'_>, request: &Request, told: &mut Told) -> Response {
    let (caller, form) = match caller(service, place, request, told).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    if caller.is_public() {
        // a public client cannot prove that it is entitled to anything (RFC 7662 section 2.1)
        let failure = crate::auth::AuthFailure {
            error: OAuthError::INVALID_CLIENT,
            retry_after: None,
            reason: "public client at introspection",
            claimed: None,
        };
        return place.unknown(told, &failure);
    }
    let token = match form.require("token", "token is missing") {
        Ok(token) => token,
        Err(error) => return place.refused(told, error.on(Occasion::NoToken), None),
    };
    match inspect::introspect(place.issuer, &caller, token, &service.context).await {
        Ok(answer) => {
            let Tally { active, inactive, .. } = &service.tally;
            if matches!(answer, Introspection::Active(_)) {
                active.inc()
            } else {
                inactive.inc()
            }
            // maps of strings and JSON values always serialise
            place.success(serde_json::to_vec(&answer).unwrap_or_default())
        }
        Err(error) => place.not_granted(told, &error),
    }
}

/// The authenticated sender of a form, and the form; for introspection and revocation.
pub(super) async fn caller<'a>(
    service: &Service,
    place: &Place<'_>,
    request: &'a Request,
    told: &mut Told,
) -> Result<(AuthenticatedClient, Form<'a>), Response> {
    let form = place.parameters(request).map_err(|error| place.refused(told, error, None))?;
    let evidence = evidence(request, &form);
    match service.authenticator.authenticate_at(place.endpoint, place.issuer, &evidence).await {
        Ok(client) => {
            told.client = Some(client.id.clone());
            Ok((client, form))
        }
        Err(failure) => Err(place.unknown(told, &failure)),
    }
}
