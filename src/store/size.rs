//! The size limit of rows and documents.

use super::documents::Document;
use super::error::StoreError;
use super::key_rings::StoredKey;
use crate::state::Op;

/// Greatest size of a row or document, in bytes: every engine stores that much in one piece.
pub(crate) const MAX_VALUE: usize = 16 * 1024;

/// Part of [`MAX_VALUE`] that is reserved for times, counters and lengths, in bytes.
const OVERHEAD: usize = 256;

/// Refuses an operation whose row could grow over [`MAX_VALUE`].
///
/// # Errors
/// [`StoreError::TooLarge`].
pub(crate) fn check_size(op: &Op) -> Result<(), StoreError> {
    check_len(op.size())
}

/// Refuses a document that is longer than [`MAX_VALUE`].
///
/// # Errors
/// [`StoreError::TooLarge`].
pub fn check_document(document: &Document) -> Result<(), StoreError> {
    check_len(document.kind.len() + document.name.len() + document.body.as_ref().map_or(0, String::len))
}

/// Refuses a key that is longer than [`MAX_VALUE`].
///
/// # Errors
/// [`StoreError::TooLarge`].
pub fn check_key(key: &StoredKey) -> Result<(), StoreError> {
    check_len(key.ring.len() + key.kid.len() + key.sealed.len())
}

fn check_len(size: usize) -> Result<(), StoreError> {
    let limit = MAX_VALUE - OVERHEAD;
    if size > limit { Err(StoreError::TooLarge { size, limit }) } else { Ok(()) }
}
