//! CORS for browser clients: only origins that the issuer's operator registered, never `*`, never with credentials,
//! and never on introspection, which is not for browsers (RFC 9700 section 2.6; CHECKLIST 14).

use hyper::HeaderMap;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    HeaderValue, ORIGIN, VARY,
};

use crate::client::Issuer;
use crate::client::route::Route;
use crate::http::{Response, respond};
use crate::protocol::endpoint::Endpoint;

/// Whether the request comes from an origin that the issuer knows.
pub(super) fn wants(issuer: &Issuer, headers: &HeaderMap) -> bool {
    headers
        .get(ORIGIN)
        .and_then(|origin| origin.to_str().ok())
        .is_some_and(|origin| issuer.settings.allowed_origins.iter().any(|known| known == origin))
}

/// The answer to a preflight of a known origin.
pub(super) fn preflight(issuer: &Issuer, headers: &HeaderMap) -> Response {
    let mut response = respond::json(if wants(issuer, headers) { 204 } else { 403 }, "");
    let own = response.headers_mut();
    own.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    own.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type"));
    own.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
    response
}

/// Lets a known origin read the answer.
pub(super) fn allow(response: Response, route: &Route, headers: &HeaderMap) -> Response {
    if route.issuer.settings.allowed_origins.is_empty() || route.endpoint == Endpoint::Introspection {
        return response;
    }
    let response = respond::with(response, VARY, HeaderValue::from_static("Origin"));
    match headers.get(ORIGIN) {
        Some(origin) if wants(&route.issuer, headers) => {
            respond::with(response, ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone())
        }
        _ => response,
    }
}
