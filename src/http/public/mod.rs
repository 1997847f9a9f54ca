//! The public surface: what clients and resource servers call. A path leads to an issuer's endpoint in one lookup;
//! each endpoint is one file.

mod cors;
mod documents;
mod form;
mod introspect;
mod responder;
mod revoke;
mod start;
mod token;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{ALLOW, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use responder::{ResolvedEndpoint, Responder};

use super::access::RequestLog;
use super::observer::Observers;
use super::proxy::{Malformed, Proxy};
use super::{Admission, Fault, Handler, Request, Response, respond};
use crate::dialect::{self, Refused};
use crate::metrics::Stopwatch;
use crate::protocol::endpoint::Endpoint;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::service::Service;

/// Longest body of a request, in bytes (CHECKLIST 10).
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// The error of a request that is shed.
const UNAVAILABLE: OAuthError =
    OAuthError::new(ErrorCode::TemporarilyUnavailable, "too many requests at once; try again");

/// The error of a request whose proxy sends an unreadable certificate header.
const BAD_CERTIFICATE: OAuthError =
    OAuthError::invalid_request("the proxy's header for the client certificate is malformed or there are several");

/// The public surface of a service.
pub(crate) struct Public {
    service: Arc<Service>,
    /// Proxies whose word on the address and the certificate of a client counts.
    proxy: Option<Proxy>,
    /// Every endpoint, in the order of their observers.
    endpoints: Vec<Endpoint>,
    observers: Observers,
}

impl Public {
    /// The surface of `service`, perhaps behind proxies.
    pub(crate) fn new(service: Arc<Service>, proxy: Option<Proxy>) -> Self {
        let of_grants = service.router.endpoints().into_iter().map(Endpoint::OfGrant);
        let endpoints: Vec<Endpoint> = Endpoint::COMMON.into_iter().chain(of_grants).collect();
        let names: Vec<&str> = endpoints.iter().map(|endpoint| endpoint.name()).collect();
        let observers = Observers::new(&service.context.metrics, &names);
        Self { service, proxy, endpoints, observers }
    }
}

impl Handler for Public {
    type Target = ResolvedEndpoint;

    fn admit(&self, head: &Parts, _peer: IpAddr) -> Result<Admission<ResolvedEndpoint>, Box<Response>> {
        let path = head.uri.path();
        let Some(route) = self.service.registry.route(path) else {
            let issuers = self.service.registry.issuers_of(path);
            return Err(self.observers.refused_early(cors::allow_below(not_found(), &issuers, &head.headers)));
        };
        let dialect = self.service.dialects.of(&route.issuer);
        let target = ResolvedEndpoint { route, dialect };
        if let Some(response) = refuse_head(&target, head) {
            return Err(self.observers.refused_early(cors::allow(response, &target.route, &head.headers)));
        }
        // parameters in the query exclude a body
        let is_bodiless =
            target.route.endpoint.takes_form() && !form::is_form(&head.headers) && !form::is_json(&head.headers);
        Ok(Admission { max_body: if is_bodiless { 0 } else { MAX_BODY }, target })
    }

    async fn handle(&self, mut request: Request, target: ResolvedEndpoint) -> Response {
        let watch = Stopwatch::start();
        let mut log = RequestLog::default();
        let behind = self.proxy.as_ref().map_or(Ok(()), |proxy| proxy.look_behind(&mut request));
        let route = &target.route;
        let responder = Responder::new(&target, request.path());
        let answer = if let Err(Malformed) = behind {
            responder.refuse(&mut log, BAD_CERTIFICATE.into())
        } else if request.method == Method::OPTIONS {
            cors::preflight(route)
        } else {
            serve(&self.service, &responder, &request, &mut log).await
        };
        let answer = cors::allow(answer, route, &request.headers);
        let elapsed = watch.elapsed();
        if let Some(at) = self.endpoints.iter().position(|known| *known == route.endpoint) {
            self.observers.answered(at, answer.status(), elapsed);
        }
        log.write(route.endpoint.name(), &route.issuer.id, &request, &answer, elapsed);
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
            extension: None,
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
        *self.observers.refused_early(answer)
    }
}

fn not_found() -> Response {
    respond::json(404, r#"{"error":"not_found"}"#)
}

impl Public {
    /// Adds CORS headers to an answer that no endpoint gave.
    fn readable(&self, answer: Response, head: &Parts) -> Response {
        let (registry, path) = (&self.service.registry, head.uri.path());
        match registry.route(path) {
            Some(route) => cors::allow(answer, &route, &head.headers),
            None => cors::allow_below(answer, &registry.issuers_of(path), &head.headers),
        }
    }
}

async fn serve(service: &Service, responder: &Responder<'_>, request: &Request, log: &mut RequestLog) -> Response {
    let served = match responder.endpoint {
        Endpoint::Token => token::serve(service, responder, request, log).await,
        Endpoint::Introspection => introspect::serve(service, responder, request, log).await,
        Endpoint::Revocation => revoke::serve(service, responder, request, log).await,
        Endpoint::OfGrant(own) => start::serve(service, responder, request, log, own).await,
        Endpoint::Jwks => documents::jwks(service, responder, request).await,
        Endpoint::OpenIdConfiguration | Endpoint::AuthorizationServerMetadata => {
            Ok(documents::metadata(service, responder, request))
        }
    };
    served.unwrap_or_else(|refusal| responder.refuse(log, refusal))
}

/// Refuses what can be refused before the body is read: the method (405) and the content type (415). Query parameters are
/// not looked at, so credentials there are not used (CHECKLIST 1-3), but where a dialect says otherwise.
fn refuse_head(target: &ResolvedEndpoint, head: &Parts) -> Option<Response> {
    let responder = Responder::new(target, head.uri.path());
    let (method, headers) = (&head.method, &head.headers);
    if method == Method::OPTIONS && cors::is_welcome(&target.route, headers) {
        return None;
    }
    let refuse = |status, description| {
        let mut response = responder.write(&OAuthError::invalid_request(description), &mut RequestLog::default());
        *response.status_mut() = status;
        response
    };
    if responder.endpoint.takes_form() {
        if method != Method::POST {
            let response = refuse(StatusCode::METHOD_NOT_ALLOWED, "use POST");
            return Some(respond::with(response, ALLOW, HeaderValue::from_static("POST")));
        }
        if !form::is_form(headers) && !responder.takes(head) {
            let rule = "the content type must be application/x-www-form-urlencoded";
            return Some(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, rule));
        }
    } else if method != Method::GET && method != Method::HEAD {
        let response = refuse(StatusCode::METHOD_NOT_ALLOWED, "use GET");
        return Some(respond::with(response, ALLOW, HeaderValue::from_static("GET, HEAD")));
    }
    None
}
