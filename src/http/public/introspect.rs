//! The introspection endpoint (RFC 7662 section 2): authenticated confidential clients only.

use super::form::evidence;
use super::responder::Responder;
use crate::auth::AuthenticatedClient;
use crate::http::access::RequestLog;
use crate::http::{Request, Response};
use crate::inspect;
use crate::protocol::error::OAuthError;
use crate::protocol::form::Form;
use crate::protocol::introspection::Introspection;
use crate::service::{Counters, Service};

pub(super) async fn serve(
    service: &Service,
    responder: &Responder<'_>,
    request: &Request,
    log: &mut RequestLog,
) -> Response {
    let (caller, form) = match caller(service, responder, request, log).await {
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
        return responder.unknown(log, &failure);
    }
    let token = match form.require("token", "token is missing") {
        Ok(token) => token,
        Err(error) => return responder.refused(log, error, None),
    };
    match inspect::introspect(responder.issuer, &caller, token, &service.context).await {
        Ok(answer) => {
            let Counters { active, inactive, .. } = &service.counters;
            if matches!(answer, Introspection::Active(_)) {
                active.inc()
            } else {
                inactive.inc()
            }
            // maps of strings and JSON values always serialise
            responder.success(serde_json::to_vec(&answer).unwrap_or_default())
        }
        Err(error) => responder.not_granted(log, &error),
    }
}

/// The authenticated sender of a form, and the form; for introspection and revocation.
pub(super) async fn caller<'a>(
    service: &Service,
    responder: &Responder<'_>,
    request: &'a Request,
    log: &mut RequestLog,
) -> Result<(AuthenticatedClient, Form<'a>), Response> {
    let form = responder.parameters(request).map_err(|error| responder.refused(log, error, None))?;
    let evidence = evidence(request, &form);
    match service.authenticator.authenticate_at(responder.endpoint, responder.issuer, &evidence).await {
        Ok(client) => {
            log.client = Some(client.id.clone());
            Ok((client, form))
        }
        Err(failure) => Err(responder.unknown(log, &failure)),
    }
}
