//! CORS for browser clients (RFC 9700 section 2.6; CHECKLIST 14): where credentials go, only for origins that the issuer's
//! operator registered; the public documents for any origin; never with credentials of the browser's, and never on
//! introspection, which is not for browsers. What lets a browser read an answer is on each answer, refusals too.

use std::sync::Arc;

use hyper::HeaderMap;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HeaderValue, ORIGIN, VARY,
};

use crate::http::{Response, respond};
use crate::issuer::Issuer;
use crate::protocol::endpoint::Endpoint;
use crate::registry::route::Route;

/// Origins whose scripts may read the answers of an endpoint.
enum Readers<'a> {
    Nobody,
    Anybody,
    Origins(&'a [String]),
}

fn readers(route: &Route) -> Readers<'_> {
    match route.endpoint {
        Endpoint::Introspection => Readers::Nobody,
        endpoint if endpoint.takes_form() => Readers::Origins(&route.issuer.settings.allowed_origins),
        _ => Readers::Anybody,
    }
}

/// Returns whether a preflight with these headers is answered.
pub(super) fn is_welcome(route: &Route, headers: &HeaderMap) -> bool {
    match readers(route) {
        Readers::Nobody => false,
        Readers::Anybody => headers.contains_key(ORIGIN),
        Readers::Origins(known) => headers.get(ORIGIN).is_some_and(|origin| is_known(origin, known)),
    }
}

/// The answer to a welcome preflight, before [`allow`].
pub(super) fn preflight(route: &Route) -> Response {
    let methods = if route.endpoint.takes_form() { "POST" } else { "GET, HEAD" };
    let mut response = respond::json(204, "");
    let own = response.headers_mut();
    own.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    own.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type"));
    own.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
    response
}

/// Adds the CORS headers that the endpoint's answers have.
pub(super) fn allow(response: Response, route: &Route, headers: &HeaderMap) -> Response {
    match readers(route) {
        Readers::Nobody => response,
        Readers::Anybody => respond::with(response, ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        Readers::Origins(known) => among(response, std::iter::once(known), headers),
    }
}

/// Lets the known origins of `issuers` read an answer that is not of any endpoint of theirs.
pub(super) fn allow_below(response: Response, issuers: &[Arc<Issuer>], headers: &HeaderMap) -> Response {
    among(response, issuers.iter().map(|issuer| &issuer.settings.allowed_origins[..]), headers)
}

fn among<'a>(mut response: Response, lists: impl Iterator<Item = &'a [String]>, headers: &HeaderMap) -> Response {
    let origin = headers.get(ORIGIN);
    for known in lists.filter(|known| !known.is_empty()) {
        let own = response.headers_mut();
        own.insert(VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = origin.filter(|origin| is_known(origin, known)) {
            own.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            own.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after, www-authenticate"));
        }
    }
    response
}

fn is_known(origin: &HeaderValue, known: &[String]) -> bool {
    known.iter().any(|known| known.as_bytes() == origin.as_bytes())
}
