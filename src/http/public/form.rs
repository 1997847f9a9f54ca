//! The content types that the OAuth endpoints read (RFC 6749 appendix B; CHECKLIST 3): a form, and JSON where a dialect
//! admits it.

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};

use crate::auth::Evidence;
use crate::http::Request;
use crate::protocol::form::Form;

/// Collects everything in a request that can authenticate its client.
pub(super) fn evidence<'a>(request: &'a Request, form: &'a Form<'_>) -> Evidence<'a> {
    let (authorization, certificate) = (authorization(&request.headers), request.certificate.as_deref());
    Evidence::new(authorization, form, certificate, request.peer)
}

/// Returns whether the body is declared as a form; parameters such as a charset are allowed.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    is(headers, "application/x-www-form-urlencoded")
}

/// Returns whether the body is declared as JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    is(headers, "application/json")
}

fn is(headers: &HeaderMap, wanted: &str) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let Some(first) = values.next() else { return false };
    let essence = first.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    // one that is repeated is the same one; of two different ones neither counts
    essence.eq_ignore_ascii_case(wanted.as_bytes()) && values.all(|other| other == first)
}

/// The `Authorization` header; two of them are as bad as a malformed one.
fn authorization(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let first = values.next()?.as_bytes();
    Some(if values.next().is_some() { b"" } else { first })
}
