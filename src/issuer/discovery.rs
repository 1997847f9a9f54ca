//! Members of discovery that an operator adds to those that jeton states, such as endpoints of the login portal (RFC 8414
//! section 2, OpenID Connect Discovery section 3).

use serde_json::{Map, Value};
use url::Url;

use super::urls::is_protected;
use crate::protocol::metadata::STATED;

/// Most members.
const MAX_MEMBERS: usize = 64;
/// Longest name, in bytes.
const MAX_NAME: usize = 128;
/// All of them together, in bytes of JSON.
const MAX_SIZE: usize = 16 * 1024;
/// Ends of names whose value is a URL.
const URLS: [&str; 4] = ["_endpoint", "_uri", "_iframe", "_documentation"];

/// Checks the members.
///
/// # Errors
/// The member and the rule that it breaks.
pub(super) fn check(members: &Map<String, Value>) -> Result<(), (String, &'static str)> {
    if let Some(own) = members.keys().find(|name| STATED.contains(&name.as_str())) {
        return Err((own.clone(), "jeton states this member itself"));
    }
    if members.len() > MAX_MEMBERS || serde_json::to_string(members).map_or(usize::MAX, |text| text.len()) > MAX_SIZE {
        return Err((members.len().to_string(), "at most 64 members, of 16 KiB together"));
    }
    members.iter().try_for_each(|(name, value)| check_member(name, value))
}

fn check_member(name: &str, value: &Value) -> Result<(), (String, &'static str)> {
    let plain = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    if !(1..=MAX_NAME).contains(&name.len()) || !name.bytes().all(plain) {
        return Err((format!("{name:?}"), "names of 1 to 128 printable ASCII characters without space"));
    }
    match value {
        Value::Null => Err((name.to_owned(), "a value; leave out what is not there")),
        // mtls_endpoint_aliases has endpoints inside
        Value::Object(inner) => inner.iter().try_for_each(|(name, value)| check_member(name, value)),
        _ if URLS.iter().any(|end| name.ends_with(end)) && !value.as_str().is_some_and(is_endpoint) => {
            Err((format!("{name} = {value}"), "an https URL, or http on a loopback address, without fragment"))
        }
        _ => Ok(()),
    }
}

/// Returns whether a URL, in the form in which it is published, is protected.
fn is_endpoint(text: &str) -> bool {
    let whole = |url: &Url| url.as_str() == text || url.as_str().strip_suffix('/') == Some(text);
    Url::parse(text).is_ok_and(|url| is_protected(&url) && url.fragment().is_none() && whole(&url))
}
