//! The admin surface: health and metrics for everyone on its listener, everything else for who
//! holds the admin token. Errors are RFC 9457 problem documents that say what to do.

mod clients;
mod codes;
mod device;
mod keys;
mod operation;
mod page;
mod person;
mod problem;
mod revocations;
mod secrets;
mod target;
mod users;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::digest;
use hyper::Method;
use hyper::header::{ALLOW, AUTHORIZATION, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_json::Value;
use subtle::ConstantTimeEq;

use super::{Fault, Handler, Request, Response, respond};
use crate::issuer::Issuer;
use crate::limit::lines::LineBudget;
use crate::metrics::Stopwatch;
use crate::protocol::strict_json;
use crate::service::Service;
use problem::Problem;
use target::Target;

/// Longest body of an admin request, in bytes.
pub const MAX_BODY: usize = 256 * 1024;
const PREFIX: &str = "/admin/v1/";
/// What a call is counted as; paths carry ids, labels do not.
const LABELS: [&str; 10] =
    ["clients", "secrets", "codes", "device", "users", "keys", "revocations", "config", "reload", "open"];

/// The admin token, known by its hash only. Clones share what [`AdminToken::replace`] changes.
#[derive(Clone)]
pub struct AdminToken {
    hash: Arc<ArcSwap<[u8; 32]>>,
    is_fixed: bool,
}

impl AdminToken {
    /// `token` until it is replaced.
    pub fn new(token: &str) -> Self {
        Self { hash: Arc::new(ArcSwap::from_pointee(sha256(token.as_bytes()))), is_fixed: false }
    }

    /// `token` for as long as the process lives, whatever a file says.
    pub fn fixed(token: &str) -> Self {
        Self { is_fixed: true, ..Self::new(token) }
    }

    /// From now on `token` is the one that counts, and the one before is worth nothing.
    pub fn replace(&self, token: &str) {
        if !self.is_fixed {
            self.hash.store(Arc::new(sha256(token.as_bytes())));
        }
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        let presented = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.split_once(' '));
        // schemes have no case (RFC 9110 section 11.1)
        let token = presented.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer")).map(|(_, token)| token);
        token.is_some_and(|token| sha256(token.trim().as_bytes()).ct_eq(&**self.hash.load()).into())
    }
}

/// The call that a path of anybody is about; never what else stands in it.
fn label(path: &str) -> &'static str {
    path.split('/').rev().find_map(|segment| LABELS.into_iter().find(|label| *label == segment)).unwrap_or("open")
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

/// The admin surface of a service.
pub struct Admin {
    service: Arc<Service>,
    token: AdminToken,
    seen: super::access::Observers,
    /// Whoever has no token decides how often it is refused.
    refusals: LineBudget,
}

impl Admin {
    /// The surface of `service`, for holders of `token`.
    pub fn new(service: Arc<Service>, token: AdminToken) -> Self {
        let seen = super::access::Observers::new(&service.context.metrics, LABELS.to_vec());
        Self { service, token, seen, refusals: LineBudget::default() }
    }
}

impl Handler for Admin {
    fn admits(&self, head: &Parts, peer: IpAddr) -> Result<usize, Box<Response>> {
        let guarded = head.uri.path().starts_with("/admin/");
        if guarded && !self.token.admits(&head.headers) {
            if let Some(suppressed) = self.refusals.take(self.service.context.clock.now()) {
                let suppressed = Some(suppressed).filter(|count| *count > 0);
                tracing::warn!(target: "audit", event = "admin_refused", call = label(head.uri.path()), %peer, suppressed);
            }
            return Err(self.seen.turned_away(respond::challenge(
                Problem::new(401, "send the admin token as `Authorization: Bearer <token>`").into(),
                r#"Bearer realm="jeton-admin""#,
            )));
        }
        Ok(MAX_BODY)
    }

    async fn handle(&self, request: Request) -> Response {
        let watch = Stopwatch::start();
        let Some(path) = request.path().strip_prefix(PREFIX) else {
            return operation::open(&self.service, &request);
        };
        let segments: Option<Vec<String>> = path
            .split('/')
            .map(|segment| percent_decode_str(segment).decode_utf8().ok().map(|text| text.into_owned()))
            .collect();
        let segments = segments.unwrap_or_default();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (label, answer) = dispatch(&self.service, &request, &segments).await;
        let response = answer.unwrap_or_else(Response::from);
        let told = super::access::Told::default();
        let issuer = segments.get(1).copied().unwrap_or_default();
        self.seen.answered(label, issuer, &request, &response, &told, watch);
        Target::of(&segments, &request, &response).audit(label, issuer, &request, &response);
        response
    }

    fn fault(&self, fault: Fault, _head: Option<&Parts>) -> Response {
        let detail = match fault {
            Fault::Malformed => "the HTTP request is malformed",
            Fault::HeadTooLarge => "the request has too many header fields",
            Fault::BodyTooLarge => "the body is larger than 256 KiB",
            Fault::BodyTimeout => "the body did not arrive in time",
            Fault::Coding => "the body has a Content-Encoding; send it without",
            Fault::Expectation => "the only expectation that is met is 100-continue",
            Fault::Overloaded => "too many requests at once; try again",
            Fault::Panicked => "the service failed; its log says more",
        };
        let answer = Problem::new(fault.status().as_u16(), detail).into();
        let answer =
            if fault == Fault::Overloaded { respond::retry_after(answer, Duration::from_secs(1)) } else { answer };
        *self.seen.turned_away(answer)
    }
}

type Answer = Result<Response, Problem>;

async fn dispatch(service: &Service, request: &Request, segments: &[&str]) -> (&'static str, Answer) {
    let method = &request.method;
    match segments {
        ["config"] => ("config", only(method, &[Method::GET]).map(|()| operation::config(service))),
        ["reload"] => (
            "reload",
            match only(method, &[Method::POST]) {
                Ok(()) => operation::reload(service).await,
                Err(problem) => Err(problem),
            },
        ),
        ["issuers", issuer, rest @ ..] => match service.registry.issuer(issuer) {
            Some(issuer) => of_issuer(service, &issuer, request, rest).await,
            None => ("open", Err(Problem::new(404, "there is no such issuer"))),
        },
        _ => ("open", Err(Problem::new(404, "there is no such resource"))),
    }
}

async fn of_issuer(
    service: &Service,
    issuer: &Arc<Issuer>,
    request: &Request,
    segments: &[&str],
) -> (&'static str, Answer) {
    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    let method = &request.method;
    match segments {
        ["clients"] if *method == POST => ("clients", clients::create(service, issuer, request).await),
        ["clients"] => ("clients", only(method, &[GET, POST]).and_then(|()| clients::list(service, issuer, request))),
        ["clients", id] => (
            "clients",
            match *method {
                Method::GET => clients::show(service, issuer, id),
                Method::PUT => clients::replace(service, issuer, id, request).await,
                Method::DELETE => clients::delete(service, issuer, id).await,
                _ => Err(not_allowed(&[GET, Method::PUT, Method::DELETE])),
            },
        ),
        ["clients", id, "secrets"] => (
            "secrets",
            match only(method, &[POST]) {
                Ok(()) => secrets::add(service, issuer, id, request).await,
                Err(problem) => Err(problem),
            },
        ),
        ["clients", id, "secrets", secret] => (
            "secrets",
            match only(method, &[Method::DELETE]) {
                Ok(()) => secrets::remove(service, issuer, id, secret).await,
                Err(problem) => Err(problem),
            },
        ),
        ["codes"] => ("codes", only(method, &[POST]).and_then(|()| codes::issue(service, issuer, request))),
        ["device", code] => (
            "device",
            match only(method, &[GET]) {
                Ok(()) => device::show(service, issuer, code).await,
                Err(problem) => Err(problem),
            },
        ),
        ["device", code, verdict @ ("approve" | "deny")] => (
            "device",
            match only(method, &[POST]) {
                Ok(()) if *verdict == "approve" => device::approve(service, issuer, code, request).await,
                Ok(()) => device::deny(service, issuer, code).await,
                Err(problem) => Err(problem),
            },
        ),
        ["users"] => (
            "users",
            match only(method, &[GET]) {
                Ok(()) => users::list(service, issuer, request).await,
                Err(problem) => Err(problem),
            },
        ),
        ["users", name] => (
            "users",
            match *method {
                Method::GET => users::show(service, issuer, name).await,
                Method::PUT => users::put(service, issuer, name, request).await,
                Method::DELETE => users::delete(service, issuer, name, request).await,
                _ => Err(not_allowed(&[GET, Method::PUT, Method::DELETE])),
            },
        ),
        ["keys"] => (
            "keys",
            match only(method, &[GET]) {
                Ok(()) => keys::list(service, issuer).await,
                Err(problem) => Err(problem),
            },
        ),
        ["keys", "rotate"] => (
            "keys",
            match only(method, &[POST]) {
                Ok(()) => keys::rotate(service, issuer, request).await,
                Err(problem) => Err(problem),
            },
        ),
        ["revocations"] => (
            "revocations",
            match only(method, &[POST]) {
                Ok(()) => revocations::revoke(service, issuer, request).await,
                Err(problem) => Err(problem),
            },
        ),
        _ => ("open", Err(Problem::new(404, "there is no such resource"))),
    }
}

fn only(method: &Method, allowed: &[Method]) -> Result<(), Problem> {
    if allowed.contains(method) { Ok(()) } else { Err(not_allowed(allowed)) }
}

fn not_allowed(allowed: &[Method]) -> Problem {
    let names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
    let mut problem = Problem::new(405, format!("use {}", names.join(", ")));
    problem.allow = HeaderValue::from_str(&names.join(", ")).ok().map(|value| (ALLOW, value));
    problem
}

/// Reads a JSON body; an empty one counts as `{}`, and a member that is `null` as absent (RFC 7592 section 2.2).
fn body<T: DeserializeOwned>(request: &Request) -> Result<T, Problem> {
    let text: &[u8] = if request.body.is_empty() { b"{}" } else { &request.body };
    let mut body: Value =
        strict_json::from_slice(text).map_err(|error| Problem::new(400, format!("the JSON body is wrong: {error}")))?;
    if let Value::Object(members) = &mut body {
        members.retain(|_, value| !value.is_null());
    }
    read(body)
}

/// What a JSON value says; an error names the member that is wrong.
fn read<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| match error.path().to_string().as_str() {
        "." => Problem::new(400, format!("the JSON body is wrong: {}", error.inner())),
        member => Problem::new(400, format!("{member}: {}", error.inner())),
    })
}

fn json(status: u16, value: &impl serde::Serialize) -> Response {
    // maps of strings and JSON values always serialise
    respond::json(status, serde_json::to_vec(value).unwrap_or_default())
}
