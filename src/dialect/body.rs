//! JSON that dialects write.

use serde::Serialize;
use serde_json::{Map, Value};

/// The members of a successful answer as its RFC has them, for a dialect to change.
pub(super) fn members(response: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(response) {
        Ok(Value::Object(members)) => members,
        // a struct of strings and numbers always serialises to an object
        Ok(_) | Err(_) => Map::new(),
    }
}

/// A JSON value as bytes.
pub(super) fn bytes(value: impl Into<Value>) -> Vec<u8> {
    value.into().to_string().into_bytes()
}
