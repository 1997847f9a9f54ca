//! The token endpoint (RFC 6749 section 3.2): client first, then grant type, then whether the one may use the other.

use std::time::Duration;

use super::form::evidence;
use super::place::Place;
use crate::auth::AuthenticatedClient;
use crate::grant::TokenRequest;
use crate::http::access::Told;
use crate::http::{Request, Response};
use crate::metrics::Stopwatch;
use crate::protocol::endpoint::Endpoint;
use crate::protocol::error::{ErrorCode, OAuthError, Occasion};
use crate::protocol::form::Form;
use crate::service::{Service, Tally};
use crate::slow_hash::Waiting;

pub(super) async fn serve(service: &Service, place: &Place<'_>, request: &Request, told: &mut Told) -> Response {
    let issuer = place.issuer;
    let form = match place.parameters(request).and_then(|form| place.dialect.read(form)) {
        Ok(form) => form,
        Err(error) => return place.refused(told, error, None),
    };
    // the label: a grant type that the router knows, never what the request says
    let known = form.get("grant_type").filter(|name| service.router.knows(name));
    told.grant = known.unwrap_or(crate::router::UNKNOWN).to_owned();
    let watch = Stopwatch::start();
    let authenticated = service.authenticator.authenticate(issuer, &evidence(request, &form)).await;
    let metrics = &service.context.metrics;
    metrics.stage_duration.with_label_values(&[told.grant.as_str(), "auth"]).observe(watch.seconds());
    let admitted = match authenticated {
        Ok(client) => {
            told.client = Some(client.id.clone());
            admit(service, place, &client, &form)
                .map(str::to_owned)
                .map(|grant_type| (grant_type, form, client))
                .map_err(|turned| place.refused(told, turned.error, turned.wait))
        }
        Err(failure) => Err(place.unknown(told, &failure)),
    };
    let (grant_type, form, client) = match admitted {
        Ok(admitted) => admitted,
        Err(response) => {
            metrics.token_requests.with_label_values(&[told.grant.as_str(), told.outcome()]).inc();
            return response;
        }
    };
    let job = TokenRequest {
        issuer: issuer.clone(),
        client,
        form: form.into_owned(),
        peer: request.peer,
        waiting: Waiting::default(),
    };
    let response = match service.router.token(&grant_type, job).await {
        Ok(tokens) => {
            count_tokens(service, &tokens);
            place.granted(&tokens)
        }
        Err(error) => place.not_granted(told, &error),
    };
    metrics.token_requests.with_label_values(&[told.grant.as_str(), told.outcome()]).inc();
    response
}

/// A request turned away after authentication, before any work.
struct Turned {
    error: OAuthError,
    wait: Option<Duration>,
}

impl From<OAuthError> for Turned {
    fn from(error: OAuthError) -> Self {
        Self { error, wait: None }
    }
}

/// The grant type, if this client may have it now.
fn admit<'a>(
    service: &Service,
    place: &Place<'_>,
    client: &AuthenticatedClient,
    form: &'a Form<'_>,
) -> Result<&'a str, Turned> {
    let issuer = place.issuer;
    let missing = |error: OAuthError| error.on(Occasion::NoGrantType);
    let grant_type = form.require("grant_type", "grant_type is missing").map_err(missing)?;
    let offered = issuer.settings.grant_types.iter().any(|offered| offered.as_str() == grant_type);
    if !offered || !service.router.knows(grant_type) {
        return Err(OAuthError::new(ErrorCode::UnsupportedGrantType, "this grant type is not offered").into());
    }
    if !client.may_use(grant_type) {
        let error = OAuthError::new(ErrorCode::UnauthorizedClient, "the client may not use this grant type");
        let custom = issuer.custom_grant(grant_type).is_some();
        return Err(if custom { error.on(Occasion::CustomGrantOfOthers) } else { error }.into());
    }
    place.dialect.check(Endpoint::Token, form)?;
    client.binding()?;
    client.rate.admit(service.context.clock.now()).map_err(|wait| {
        service.context.metrics.shed.with_label_values(&["client_rate"]).inc();
        let error = OAuthError::new(ErrorCode::TooManyRequests, "the client asks more often than it may");
        Turned { error, wait: Some(wait) }
    })?;
    Ok(grant_type)
}

fn count_tokens(service: &Service, tokens: &crate::protocol::response::TokenResponse) {
    let Tally { access, refresh, id, .. } = &service.tally;
    access.inc();
    if tokens.refresh_token.is_some() {
        refresh.inc();
    }
    if tokens.id_token.is_some() {
        id.inc();
    }
}
