//! Decoding of the values in the trees of keys and documents.

use serde::de::DeserializeOwned;

use crate::store::{StoreError, codec};

/// Decodes the value under `name`; an error calls it a `what`.
pub(super) fn decoded<T: DeserializeOwned>(what: &str, name: &[u8], bytes: &[u8]) -> Result<T, StoreError> {
    codec::decode(name, bytes)
        .map_err(|error| error.about(&format!("the stored {what} {}", String::from_utf8_lossy(name).escape_debug())))
}
