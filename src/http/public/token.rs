//! The token endpoint (RFC 6749 section 3.2): client first, then grant type, then whether the one may use the other.

use super::form::evidence;
use super::responder::{Refusal, Responder};
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

/// The client may not use the grant.
pub(super) const UNAUTHORIZED: OAuthError =
    OAuthError::new(ErrorCode::UnauthorizedClient, "the client may not use this grant type");
const UNSUPPORTED: OAuthError = OAuthError::new(ErrorCode::UnsupportedGrantType, "this grant type is not offered");

pub(super) async fn serve(
    service: &Service,
    responder: &Responder<'_>,
    request: &Request,
    log: &mut RequestLog,
) -> Result<Response, Refusal> {
    let form = responder.dialect.read(responder.parameters(request)?)?;
    // looked up once; a name that nobody registered is no label
    let grant = form.get("grant_type").and_then(|name| service.router.grant(name));
    let metrics = grant.as_ref().map_or(service.router.unknown(), |grant| grant.metrics());
    log.grant = metrics.label().clone();
    let watch = Stopwatch::start();
    let authenticated = service.authenticator.authenticate(responder.issuer, &evidence(request, &form)).await;
    metrics.authenticated(watch.seconds());
    let granted = async {
        let client = authenticated?;
        log.client = Some(client.id.clone());
        let grant = admit(service, responder, &client, &form, grant.as_deref())?;
        let (issuer, form) = (responder.issuer.clone(), form.into_owned());
        let request = TokenRequest { issuer, client, form, peer: request.peer, waiting: Waiting::default() };
        Ok(grant.serve(request).await?)
    };
    let response = match granted.await {
        Ok(tokens) => {
            count_tokens(service, &tokens);
            responder.granted(&tokens)
        }
        Err(refusal) => responder.refuse(log, refusal),
    };
    metrics.count(log.error.map(|error| error.code));
    Ok(response)
}

/// Returns the grant of the request if this client may use it now.
fn admit<'a>(
    service: &Service,
    responder: &Responder<'_>,
    client: &AuthenticatedClient,
    form: &Form<'_>,
    grant: Option<&'a RegisteredGrant>,
) -> Result<&'a RegisteredGrant, Refusal> {
    let issuer = responder.issuer;
    let grant_type = form.require("grant_type", "grant_type is missing")?;
    let offered = issuer.settings.grant_types.iter().any(|offered| offered.as_str() == grant_type);
    let grant = grant.filter(|_| offered).ok_or(UNSUPPORTED)?;
    if !client.may_use(grant_type) {
        let custom = issuer.custom_grant(grant_type).is_some();
        let cause = ErrorCause::CustomGrant(BrokenRule::Registration);
        return Err(if custom { UNAUTHORIZED.because(cause) } else { UNAUTHORIZED }.into());
    }
    responder.dialect.check(Endpoint::Token, form)?;
    check_rate(service, client)?;
    Ok(grant)
}

/// Checks that the client stays within the rate of its issuer.
pub(super) fn check_rate(service: &Service, client: &AuthenticatedClient) -> Result<(), Refusal> {
    client.rate.admit(service.context.clock.now(), service.context.nodes.get()).map_err(|wait| {
        service.counters.client_rate.inc();
        let error = OAuthError::new(ErrorCode::TooManyRequests, "the client asks more often than it may");
        Refusal::Request(error, Some(wait))
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
