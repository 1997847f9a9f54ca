//! The public surface: what clients and resource servers call. A path leads to an issuer's endpoint in one lookup;
//! each endpoint is one file.

mod cors;
mod device;
mod documents;
mod form;
mod introspect;
mod place;
mod revoke;
mod token;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{ALLOW, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use place::Place;

use super::access::Told;
use super::proxy::{Malformed, Proxy};
use super::{Fault, Handler, Request, Response, respond};
use crate::dialect::{self, Refused};
use crate::metrics::Stopwatch;
use crate::protocol::endpoint::Endpoint;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::registry::route::Route;
use crate::service::Service;

/// Longest body of a request, in bytes (CHECKLIST 10).
pub const MAX_BODY: usize = 64 * 1024;

/// What the transport says when it sheds.
const UNAVAILABLE: OAuthError =
    OAuthError::new(ErrorCode::TemporarilyUnavailable, "too many requests at once; try again");

/// What is said to a proxy whose word on a certificate cannot be read.
const BAD_CERTIFICATE: OAuthError =
    OAuthError::invalid_request("the proxy's header for the client certificate is malformed or there are several");

/// The public surface of a service.
pub struct Public {
    service: Arc<Service>,
    /// Who may speak for a client behind it.
    proxy: Option<Proxy>,
    seen: super::access::Observers,
}

impl Public {
    /// The surface of `service`, perhaps behind proxies.
    pub fn new(service: Arc<Service>, proxy: Option<Proxy>) -> Self {
        let seen = super::access::Observers::new(&service.context.metrics, Endpoint::ALL.map(Endpoint::name).into());
        Self { service, proxy, seen }
    }
}

impl Handler for Public {
    fn admits(&self, head: &Parts, _peer: IpAddr) -> Result<usize, Box<Response>> {
        let Some(route) = self.service.registry.route(head.uri.path()) else {
            return Err(self.seen.turned_away(self.readable(not_found(), head)));
        };
        let place = Place::new(&route, head.uri.path(), &self.service.dialects);
        match refuse_head(&route, &place, head) {
            Some(response) => Err(self.seen.turned_away(cors::allow(response, &route, &head.headers))),
            // parameters in the query exclude a body
            None if place.endpoint.takes_form() && !form::is_form(&head.headers) && !form::is_json(&head.headers) => {
                Ok(0)
            }
            None => Ok(MAX_BODY),
        }
    }

    async fn handle(&self, mut request: Request) -> Response {
        let watch = Stopwatch::start();
        let Some(route) = self.service.registry.route(request.path()) else {
            return not_found();
        };
        let mut told = Told::default();
        let behind = self.proxy.as_ref().map_or(Ok(()), |proxy| proxy.look_behind(&mut request));
        let answer = if let Err(Malformed) = behind {
            Place::new(&route, request.path(), &self.service.dialects).refused(&mut told, BAD_CERTIFICATE, None)
        } else if request.method == Method::OPTIONS {
            cors::preflight(&route)
        } else {
            self.serve(&route, &request, &mut told).await
        };
        let answer = cors::allow(answer, &route, &request.headers);
        self.seen.answered(route.endpoint.name(), &route.issuer.id, &request, &answer, &told, watch);
        answer
    }

    /// The transport knows no issuer, so its refusals look as RFC 6749 section 5.2 has them.
    fn fault(&self, fault: Fault, head: Option<&Parts>) -> Response {
        let error = match fault {
            Fault::Malformed => OAuthError::invalid_request("the HTTP request is malformed"),
            Fault::HeadTooLarge => OAuthError::invalid_request("the request has too many header fields"),
            Fault::BodyTooLarge => OAuthError::invalid_request("the body is too large"),
            Fault::BodyTimeout => OAuthError::invalid_request("the body did not arrive in time"),
            Fault::Coding => OAuthError::invalid_request("the body has a Content-Encoding; send it without"),
            Fault::Expectation => OAuthError::invalid_request("the only expectation that is met is 100-continue"),
            Fault::Overloaded => UNAVAILABLE,
            Fault::Panicked => OAuthError::new(ErrorCode::ServerError, "the service failed"),
        };
        let refused = Refused {
            error: &error,
            endpoint: Endpoint::Token,
            path: "",
            grant: "",
            request_id: None,
            worded: None,
            message: None,
        };
        let (_, body) = dialect::default().error(&refused);
        let answer = respond::json(fault.status().as_u16(), body);
        let answer =
            if fault == Fault::Overloaded { respond::retry_after(answer, Duration::from_secs(1)) } else { answer };
        let answer = match head {
            Some(head) => self.readable(answer, head),
            None => answer,
        };
        *self.seen.turned_away(answer)
    }
}

fn not_found() -> Response {
    respond::json(404, r#"{"error":"not_found"}"#)
}

impl Public {
    /// Lets the browsers read an answer that no endpoint gave.
    fn readable(&self, answer: Response, head: &Parts) -> Response {
        let (registry, path) = (&self.service.registry, head.uri.path());
        match registry.route(path) {
            Some(route) => cors::allow(answer, &route, &head.headers),
            None => cors::allow_below(answer, &registry.issuers_of(path), &head.headers),
        }
    }

    async fn serve(&self, route: &Route, request: &Request, told: &mut Told) -> Response {
        let place = Place::new(route, request.path(), &self.service.dialects);
        match route.endpoint {
            Endpoint::Token => token::serve(&self.service, &place, request, told).await,
            Endpoint::Introspection => introspect::serve(&self.service, &place, request, told).await,
            Endpoint::Revocation => revoke::serve(&self.service, &place, request, told).await,
            Endpoint::DeviceAuthorization => device::serve(&self.service, &place, request, told).await,
            Endpoint::Jwks => documents::jwks(&self.service, &place, request, told).await,
            Endpoint::OpenIdConfiguration | Endpoint::AuthorizationServerMetadata => {
                documents::metadata(&self.service, &route.issuer, request)
            }
        }
    }
}

/// What can be refused before the body is read: the method (405) and the content type (415). Query parameters are
/// not looked at, so credentials there are not used (CHECKLIST 1-3), but where a dialect says otherwise.
fn refuse_head(route: &Route, place: &Place<'_>, head: &Parts) -> Option<Response> {
    let (method, headers) = (&head.method, &head.headers);
    if method == Method::OPTIONS && cors::is_welcome(route, headers) {
        return None;
    }
    let refuse = |status, description| {
        let mut response = place.write(&OAuthError::invalid_request(description), &mut Told::default());
        *response.status_mut() = status;
        response
    };
    if place.endpoint.takes_form() {
        if method != Method::POST {
            let response = refuse(StatusCode::METHOD_NOT_ALLOWED, "use POST");
            return Some(respond::with(response, ALLOW, HeaderValue::from_static("POST")));
        }
        if !form::is_form(headers) && !place.takes(head) {
            let rule = "the content type must be application/x-www-form-urlencoded";
            return Some(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, rule));
        }
    } else if method != Method::GET && method != Method::HEAD {
        let response = refuse(StatusCode::METHOD_NOT_ALLOWED, "use GET");
        return Some(respond::with(response, ALLOW, HeaderValue::from_static("GET, HEAD")));
    }
    None
}
