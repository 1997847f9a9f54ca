//! Client ids.

use super::error::{MetadataError, refuse};
use crate::protocol::segment::is_dot_segment;

/// Longest client id, in bytes.
pub(crate) const MAX_CLIENT_ID: usize = 128;

/// Checks a client id: 1 to 128 printable ASCII characters without slash, which separates issuer and client in the store.
///
/// # Errors
/// The rule it breaks.
pub(crate) fn check_client_id(id: &str) -> Result<(), MetadataError> {
    if id.is_empty() || id.len() > MAX_CLIENT_ID || !id.bytes().all(|byte| matches!(byte, 0x21..=0x7e) && byte != b'/')
    {
        return refuse(
            "client_id",
            format_args!("{id:?}"),
            "1 to 128 printable ASCII characters without space and slash",
        );
    }
    Ok(())
}

/// Checks the id of a new client: no URL can carry a dot segment (RFC 3986 section 5.2.4), so nobody could change it.
///
/// # Errors
/// The rule it breaks.
pub(crate) fn check_new_client_id(id: &str) -> Result<(), MetadataError> {
    if is_dot_segment(id) {
        return refuse("client_id", format_args!("{id:?}"), "any other: clients of HTTP take it out of a URL");
    }
    check_client_id(id)
}
