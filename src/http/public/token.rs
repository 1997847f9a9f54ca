//! The token endpoint (RFC 6749 section 3.2): client first, then grant type, then whether the one may use the other.

use std::sync::Arc;

use super::form::authorization;
use super::{auth_failed, refused};
use crate::client::Issuer;
use crate::dialect;
use crate::grant::{Error, TokenRequest};
use crate::http::access::Told;
use crate::http::{Request, Response, respond};
use crate::id::Id;
use crate::metrics::Stopwatch;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::form::Form;
use crate::service::Service;

pub(super) async fn serve(service: &Service, issuer: &Arc<Issuer>, request: &Request, told: &mut Told) -> Response {
    let form = match Form::parse(&request.body) {
        Ok(form) => form,
        Err(error) => return refused(issuer, told.refuse(error), None),
    };
    // the label: a grant type that the router knows, never what the request says
    let known = form.get("grant_type").and_then(|name| service.router.knows(name));
    told.grant = known.unwrap_or("unknown").to_owned();
    let watch = Stopwatch::start();
    let authenticated =
        service.authenticator.authenticate(issuer, authorization(&request.headers), &form, request.peer).await;
    let metrics = &service.context.metrics;
    metrics.stage_duration.with_label_values(&[told.grant.as_str(), "auth"]).observe(watch.seconds());
    let outcome = match authenticated {
        Err(failure) => {
            told.fail(&failure);
            Err(auth_failed(issuer, &failure))
        }
        Ok(client) => {
            told.client = Some(client.id.clone());
            admit(service, issuer, &client, &form, told).map(|grant_type| (client, grant_type.to_owned()))
        }
    };
    let (client, grant_type) = match outcome {
        Ok(admitted) => admitted,
        Err(response) => {
            metrics.token_requests.with_label_values(&[told.grant.as_str(), told.outcome()]).inc();
            return response;
        }
    };
    let job = TokenRequest { issuer: issuer.clone(), client, form: form.into_owned(), attempt: Id::random() };
    let response = match service.router.token(&grant_type, job).await {
        Ok(tokens) => {
            count_tokens(service, &tokens);
            respond::json(200, dialect::of(issuer).success(&tokens))
        }
        Err(error) => {
            let oauth = error.to_oauth();
            told.refuse(oauth);
            told.explain(&error);
            refused(issuer, &oauth, None)
        }
    };
    metrics.token_requests.with_label_values(&[told.grant.as_str(), told.outcome()]).inc();
    response
}

/// Whether this client may have this grant now.
fn admit<'a>(
    service: &Service,
    issuer: &Issuer,
    client: &crate::client::Client,
    form: &'a Form<'_>,
    told: &mut Told,
) -> Result<&'a str, Response> {
    let Some(grant_type) = form.get("grant_type") else {
        return Err(refused(issuer, told.refuse(OAuthError::invalid_request("grant_type is missing")), None));
    };
    let offered = issuer.settings.grant_types.iter().any(|offered| offered.as_str() == grant_type);
    if !offered || service.router.knows(grant_type).is_none() {
        let error = OAuthError::new(ErrorCode::UnsupportedGrantType, "this grant type is not offered");
        return Err(refused(issuer, told.refuse(error), None));
    }
    if !client.may_use(grant_type) {
        let error = OAuthError::new(ErrorCode::UnauthorizedClient, "the client may not use this grant type");
        return Err(refused(issuer, told.refuse(error), None));
    }
    if let Err(wait) = client.rate.admit(service.context.clock.now()) {
        service.context.metrics.shed.with_label_values(&["client_rate"]).inc();
        let error = OAuthError::new(ErrorCode::SlowDown, "the client asks more often than it may");
        return Err(refused(issuer, told.refuse(error), Some(wait)));
    }
    Ok(grant_type)
}

fn count_tokens(service: &Service, tokens: &crate::protocol::response::TokenResponse) {
    let issued = &service.context.metrics.tokens_issued;
    issued.with_label_values(&["access"]).inc();
    if tokens.refresh_token.is_some() {
        issued.with_label_values(&["refresh"]).inc();
    }
    if tokens.id_token.is_some() {
        issued.with_label_values(&["id"]).inc();
    }
}

impl Told {
    /// Keeps the chain of causes for the log line.
    fn explain(&mut self, error: &Error) {
        let mut cause: Option<&dyn std::error::Error> = Some(error);
        let mut text = String::new();
        while let Some(error) = cause {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&error.to_string());
            cause = error.source();
        }
        self.reason = Some(text);
    }
}
