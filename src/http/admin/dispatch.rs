//! From the path and the method of an admin call to the function that answers it.

use hyper::Method;

use super::body::AdminResult;
use super::problem::Problem;
use super::{clients, codes, device, keys, operation, revocations, secrets, users};
use crate::http::Request;
use crate::issuer::Issuer;
use crate::service::Service;

const GET: &[Method] = &[Method::GET];
const POST: &[Method] = &[Method::POST];
const DELETE: &[Method] = &[Method::DELETE];
const GET_POST: &[Method] = &[Method::GET, Method::POST];
const GET_PUT_DELETE: &[Method] = &[Method::GET, Method::PUT, Method::DELETE];

/// Answers a call by the segments of its path below `/admin/v1/`; also returns the label it is counted under.
pub(super) async fn dispatch(service: &Service, request: &Request, segments: &[&str]) -> (&'static str, AdminResult) {
    match segments {
        ["config"] => ("config", allow(request, GET).map(|()| operation::config(service))),
        ["reload"] => ("reload", reload(service, request).await),
        ["issuers", issuer, rest @ ..] => match (service.registry.issuer(issuer), resource(rest)) {
            (None, _) => ("open", Err(Problem::new(404, "there is no such issuer"))),
            (_, None) => ("open", Err(no_such_resource())),
            (Some(issuer), Some((label, methods))) => {
                (label, of_issuer(service, &issuer, request, rest, methods).await)
            }
        },
        _ => ("open", Err(no_such_resource())),
    }
}

async fn reload(service: &Service, request: &Request) -> AdminResult {
    allow(request, POST)?;
    operation::reload(service).await
}

/// The label and the methods of a resource of an issuer.
fn resource(segments: &[&str]) -> Option<(&'static str, &'static [Method])> {
    Some(match segments {
        ["clients"] => ("clients", GET_POST),
        ["clients", _] => ("clients", GET_PUT_DELETE),
        ["clients", _, "secrets"] => ("secrets", POST),
        ["clients", _, "secrets", _] => ("secrets", DELETE),
        ["codes"] => ("codes", POST),
        ["device", _] => ("device", GET),
        ["device", _, "approve" | "deny"] => ("device", POST),
        ["users"] => ("users", GET),
        ["users", _] => ("users", GET_PUT_DELETE),
        ["keys"] => ("keys", GET),
        ["keys", "rotate"] => ("keys", POST),
        ["revocations"] => ("revocations", POST),
        _ => return None,
    })
}

async fn of_issuer(
    service: &Service,
    issuer: &Issuer,
    request: &Request,
    segments: &[&str],
    methods: &[Method],
) -> AdminResult {
    allow(request, methods)?;
    if let ["clients" | "revocations", ..] = segments {
        service.registry.catch_up().await?;
    }
    match (segments, &request.method) {
        (["clients"], &Method::GET) => clients::list(service, issuer, request),
        (["clients"], _) => clients::create(service, issuer, request).await,
        (["clients", id], &Method::GET) => clients::show(service, issuer, id),
        (["clients", id], &Method::PUT) => clients::replace(service, issuer, id, request).await,
        (["clients", id], _) => clients::delete(service, issuer, id).await,
        (["clients", id, _], _) => secrets::add(service, issuer, id, request).await,
        (["clients", id, _, secret], _) => secrets::remove(service, issuer, id, secret).await,
        (["codes"], _) => codes::issue(service, issuer, request).await,
        (["device", code], _) => device::show(service, issuer, code).await,
        (["device", code, "approve"], _) => device::approve(service, issuer, code, request).await,
        (["device", code, _], _) => device::deny(service, issuer, code).await,
        (["users"], _) => users::list(service, issuer, request).await,
        (["users", name], &Method::GET) => users::show(service, issuer, name).await,
        (["users", name], &Method::PUT) => users::put(service, issuer, name, request).await,
        (["users", name], _) => users::delete(service, issuer, name, request).await,
        (["keys"], _) => keys::list(service, issuer).await,
        (["keys", _], _) => keys::rotate(service, issuer, request).await,
        (["revocations"], _) => revocations::revoke(service, issuer, request).await,
        _ => Err(no_such_resource()),
    }
}

fn no_such_resource() -> Problem {
    Problem::new(404, "there is no such resource")
}

/// Refuses a method that is not among `allowed` (405, RFC 9110 section 15.5.6).
fn allow(request: &Request, allowed: &[Method]) -> Result<(), Problem> {
    if allowed.contains(&request.method) { Ok(()) } else { Err(Problem::method_not_allowed(allowed)) }
}
