//! The public surface: what clients and resource servers call. A path leads to an issuer's endpoint in one lookup;
//! each endpoint is one file.

mod cors;
mod device;
mod documents;
mod form;
mod introspect;
mod revoke;
mod token;

use std::sync::Arc;
use std::time::Duration;

use hyper::header::{ALLOW, HeaderValue};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method};

use super::{Fault, Handler, Request, Response, respond};
use crate::client::registry::Route;
use crate::dialect;
use crate::metrics::Stopwatch;
use crate::protocol::endpoint::Endpoint;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::service::Service;

/// Longest body of a request, in bytes (CHECKLIST 10).
pub const MAX_BODY: usize = 64 * 1024;

/// What the transport says when it sheds.
const UNAVAILABLE: OAuthError =
    OAuthError::new(ErrorCode::TemporarilyUnavailable, "too many requests at once; try again");

/// The public surface of a service.
pub struct Public {
    service: Arc<Service>,
    seen: super::access::Observers,
}

impl Public {
    /// The surface of `service`.
    pub fn new(service: Arc<Service>) -> Self {
        let seen = super::access::Observers::new(&service.context.metrics, Endpoint::ALL.map(Endpoint::name).into());
        Self { service, seen }
    }
}

impl Handler for Public {
    fn admits(&self, head: &Parts) -> Result<usize, Box<Response>> {
        let Some(route) = self.service.registry.route(head.uri.path()) else {
            return Err(self.seen.turned_away(respond::json(404, r#"{"error":"not_found"}"#)));
        };
        refuse_head(&route, &head.method, &head.headers)
            .map_or(Ok(MAX_BODY), |response| Err(self.seen.turned_away(response)))
    }

    async fn handle(&self, request: Request) -> Response {
        let watch = Stopwatch::start();
        let Some(route) = self.service.registry.route(request.path()) else {
            return respond::json(404, r#"{"error":"not_found"}"#);
        };
        let mut told = super::access::Told::default();
        let answer = if request.method == Method::OPTIONS {
            cors::preflight(&route.issuer, &request.headers)
        } else {
            self.serve(&route, &request, &mut told).await
        };
        let answer = cors::allow(answer, &route, &request.headers);
        self.seen.answered(route.endpoint.name(), &route.issuer.id, &request, &answer, &told, watch);
        answer
    }

    /// The transport knows no issuer, so its refusals look as RFC 6749 section 5.2 has them.
    fn fault(&self, fault: Fault) -> Response {
        let error = match fault {
            Fault::Malformed => OAuthError::invalid_request("the HTTP request is malformed"),
            Fault::HeadTooLarge => OAuthError::invalid_request("the request has too many header fields"),
            Fault::BodyTooLarge => OAuthError::invalid_request("the body is too large"),
            Fault::BodyTimeout => OAuthError::invalid_request("the body did not arrive in time"),
            Fault::Overloaded => UNAVAILABLE,
            Fault::Panicked => OAuthError::new(ErrorCode::ServerError, "the service failed"),
        };
        let (_, body) = dialect::default().error(&error);
        let answer = respond::json(fault.status().as_u16(), body);
        let answer =
            if fault == Fault::Overloaded { respond::retry_after(answer, Duration::from_secs(1)) } else { answer };
        *self.seen.turned_away(answer)
    }
}

impl Public {
    async fn serve(&self, route: &Route, request: &Request, told: &mut super::access::Told) -> Response {
        match route.endpoint {
            Endpoint::Token => token::serve(&self.service, &route.issuer, request, told).await,
            Endpoint::Introspection => introspect::serve(&self.service, &route.issuer, request, told).await,
            Endpoint::Revocation => revoke::serve(&self.service, &route.issuer, request, told).await,
            Endpoint::DeviceAuthorization => device::serve(&self.service, &route.issuer, request, told).await,
            Endpoint::Jwks => documents::jwks(&self.service, &route.issuer, request),
            Endpoint::OpenIdConfiguration | Endpoint::AuthorizationServerMetadata => {
                documents::metadata(&self.service, &route.issuer, request)
            }
        }
    }
}

/// What can be refused before the body is read: the method (405) and the content type (415). Query parameters are
/// never looked at, so credentials there are not used (CHECKLIST 1-3).
fn refuse_head(route: &Route, method: &Method, headers: &HeaderMap) -> Option<Response> {
    if method == Method::OPTIONS && cors::wants(&route.issuer, headers) {
        return None;
    }
    let dialect = dialect::of(&route.issuer);
    let refuse = |status, description| {
        let (_, body) = dialect.error(&OAuthError::new(ErrorCode::InvalidRequest, description));
        respond::json(status, body)
    };
    if route.endpoint.takes_form() {
        if method != Method::POST {
            return Some(respond::with(refuse(405, "use POST"), ALLOW, HeaderValue::from_static("POST")));
        }
        if !form::is_form(headers) {
            return Some(refuse(415, "the content type must be application/x-www-form-urlencoded"));
        }
    } else if method != Method::GET && method != Method::HEAD {
        return Some(respond::with(refuse(405, "use GET"), ALLOW, HeaderValue::from_static("GET, HEAD")));
    }
    None
}

/// The answer to a failed client authentication.
fn auth_failed(route_issuer: &crate::client::Issuer, failure: &crate::client::auth::Failure) -> Response {
    let (status, body) = dialect::of(route_issuer).error(&failure.error);
    let response = respond::json(status, body);
    match (status, failure.retry_after) {
        (401, _) => respond::challenge(response, r#"Basic realm="jeton", charset="UTF-8""#),
        (_, Some(wait)) => respond::retry_after(response, wait),
        (_, None) => response,
    }
}

/// The answer to an error after authentication.
fn refused(issuer: &crate::client::Issuer, error: &OAuthError, wait: Option<Duration>) -> Response {
    let (status, body) = dialect::of(issuer).error(error);
    let response = respond::json(status, body);
    let again_soon = matches!(error.code, ErrorCode::TemporarilyUnavailable).then_some(Duration::from_secs(1));
    match wait.or(again_soon) {
        Some(wait) => respond::retry_after(response, wait),
        None => response,
    }
}
