//! The token endpoint (RFC 6749 section 3.2): client first, then grant type, then whether the one may use the other.

use std::time::Duration;

use super::form::evidence;
use super::responder::Responder;
use crate::auth::AuthenticatedClient;
use crate::grant::TokenRequest;
use crate::http::access::RequestLog;
use crate::http::{Request, Response};
use crate::metrics::Stopwatch;
use crate::protocol::endpoint::Endpoint;
use crate::protocol::error::{BrokenRule, ErrorCause, ErrorCode, OAuthError};
use crate::protocol::form::Form;
use crate::protocol::response::TokenResponse;
use crate::router::RegisteredGrant;
use crate::service::Service;
use crate::slow_hash::Waiting;

pub(super) async fn serve(
    service: &Service,
    responder: &Responder<'_>,
    request: &Request,
    log: &mut RequestLog,
) -> Response {
    let issuer = responder.issuer;
    let form = match responder.parameters(request).and_then(|form| responder.dialect.read(form)) {
        Ok(form) => form,
        Err(error) => return responder.refused(log, error, None),
    };
    // looked up once; a name that nobody registered is no label
    let grant = form.get("grant_type").and_then(|name| service.router.grant(name));
    let metrics = grant.as_ref().map_or(service.router.unknown(), |grant| grant.metrics());
    log.grant = metrics.label().clone();
    let watch = Stopwatch::start();
    let authenticated = service.authenticator.authenticate(issuer, &evidence(request, &form)).await;
    metrics.authenticated(watch.seconds());
    let response = match authenticated {
        Ok(client) => {
            log.client = Some(client.id.clone());
            match admit(service, responder, &client, &form, grant.as_deref()) {
                Ok(grant) => {
                    let form = form.into_owned();
                    let (issuer, peer, waiting) = (issuer.clone(), request.peer, Waiting::default());
                    match grant.serve(TokenRequest { issuer, client, form, peer, waiting }).await {
                        Ok(tokens) => {
                            count_tokens(service, &tokens);
                            responder.granted(&tokens)
                        }
                        Err(error) => responder.not_granted(log, &error),
                    }
                }
                Err(refusal) => responder.refused(log, refusal.error, refusal.retry_after),
            }
        }
        Err(failure) => responder.unknown(log, &failure),
    };
    metrics.count(log.error.map(|error| error.code));
    response
}

/// The refusal of an authenticated request before any work is done on it.
pub(super) struct EarlyRefusal {
    pub(super) error: OAuthError,
    pub(super) retry_after: Option<Duration>,
}

impl From<OAuthError> for EarlyRefusal {
    fn from(error: OAuthError) -> Self {
        Self { error, retry_after: None }
    }
}

/// Returns the grant of the request if this client may use it now.
fn admit<'a>(
    service: &Service,
    responder: &Responder<'_>,
    client: &AuthenticatedClient,
    form: &Form<'_>,
    grant: Option<&'a RegisteredGrant>,
) -> Result<&'a RegisteredGrant, EarlyRefusal> {
    let issuer = responder.issuer;
    let grant_type = form.require("grant_type", "grant_type is missing")?;
    let offered = issuer.settings.grant_types.iter().any(|offered| offered.as_str() == grant_type);
    let unsupported = OAuthError::new(ErrorCode::UnsupportedGrantType, "this grant type is not offered");
    let grant = grant.filter(|_| offered).ok_or(unsupported)?;
    if !client.may_use(grant_type) {
        let error = OAuthError::new(ErrorCode::UnauthorizedClient, "the client may not use this grant type");
        let custom = issuer.custom_grant(grant_type).is_some();
        return Err(
            if custom { error.because(ErrorCause::CustomGrant(BrokenRule::Registration)) } else { error }.into()
        );
    }
    responder.dialect.check(Endpoint::Token, form)?;
    check_rate(service, client)?;
    Ok(grant)
}

/// Checks that the client stays within the rate of its issuer.
pub(super) fn check_rate(service: &Service, client: &AuthenticatedClient) -> Result<(), EarlyRefusal> {
    client.rate.admit(service.context.clock.now()).map_err(|wait| {
        service.counters.client_rate.inc();
        let error = OAuthError::new(ErrorCode::TooManyRequests, "the client asks more often than it may");
        EarlyRefusal { error, retry_after: Some(wait) }
    })
}

fn count_tokens(service: &Service, tokens: &TokenResponse) {
    let counters = &service.counters;
    counters.access_tokens.inc();
    if tokens.refresh_token.is_some() {
        counters.refresh_tokens.inc();
    }
    if tokens.id_token.is_some() {
        counters.id_tokens.inc();
    }
}
