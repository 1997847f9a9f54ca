//! The introspection endpoint (RFC 7662 section 2): authenticated confidential clients only.

use super::form::evidence;
use super::responder::{Refusal, Responder};
use crate::auth::{AuthFailure, AuthenticatedClient};
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
) -> Result<Response, Refusal> {
    let (caller, form) = caller(service, responder, request, log).await?;
    if caller.is_public() {
        // a public client cannot prove that it is entitled to anything (RFC 7662 section 2.1)
        let reason = "public client at introspection";
        let failure = AuthFailure { error: OAuthError::INVALID_CLIENT, retry_after: None, reason, claimed: None };
        return Err(failure.into());
    }
    let token = form.require("token", "token is missing")?;
    let answer = inspect::introspect(responder.issuer, &caller, token, &service.context).await?;
    let Counters { active, inactive, .. } = &service.counters;
    let counter = if matches!(answer, Introspection::Active(_)) { active } else { inactive };
    counter.inc();
    // maps of strings and JSON values always serialise
    Ok(responder.success(serde_json::to_vec(&answer).unwrap_or_default()))
}

/// The authenticated sender of a form, and the form; for every endpoint but that of tokens.
pub(super) async fn caller<'a>(
    service: &Service,
    responder: &Responder<'_>,
    request: &'a Request,
    log: &mut RequestLog,
) -> Result<(AuthenticatedClient, Form<'a>), Refusal> {
    let form = responder.parameters(request)?;
    let evidence = evidence(request, &form);
    let client = service.authenticator.authenticate_at(responder.endpoint, responder.issuer, &evidence).await?;
    log.client = Some(client.id.clone());
    Ok((client, form))
}
