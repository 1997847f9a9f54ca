//! JSON in and out of the admin API.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::problem::Problem;
use crate::http::{Request, Response, respond};
use crate::strict_json;

/// The answer of an admin call, or the problem document that refuses it.
pub(super) type AdminResult = Result<Response, Problem>;

/// Reads a JSON body; an empty one counts as `{}`, and a member that is `null` as absent (RFC 7592 section 2.2).
pub(super) fn read<T: DeserializeOwned>(request: &Request) -> Result<T, Problem> {
    let text: &[u8] = if request.body.is_empty() { b"{}" } else { &request.body };
    let mut body: Value =
        strict_json::from_slice(text).map_err(|error| Problem::new(400, format!("the JSON body is wrong: {error}")))?;
    if let Value::Object(members) = &mut body {
        members.retain(|_, value| !value.is_null());
    }
    from_value(body)
}

/// Deserializes a JSON value; an error names the member that is wrong.
pub(super) fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| match error.path().to_string().as_str() {
        "." => Problem::new(400, format!("the JSON body is wrong: {}", error.inner())),
        member => Problem::new(400, format!("{member}: {}", error.inner())),
    })
}

pub(super) fn json(status: u16, value: &impl serde::Serialize) -> Response {
    // maps of strings and JSON values always serialise
    respond::json(status, serde_json::to_vec(value).unwrap_or_default())
}
