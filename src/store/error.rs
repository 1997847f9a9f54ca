//! Why an engine could not do it, and what a row or document may hold.

use super::{Document, StoredKey};
use crate::state::Op;

/// The longest row or document, in bytes: every engine stores that much in one piece.
pub const MAX_VALUE: usize = 16 * 1024;

/// What of [`MAX_VALUE`] is left for times, counters and lengths.
const OVERHEAD: usize = 256;

/// Why the store could not do it. A refusal is no error: it is an [`Outcome`](crate::state::Outcome).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Nothing was done; worth another try after a while.
    #[error("the store is unavailable: {reason}")]
    Unavailable {
        /// For the operator.
        reason: String,
    },
    /// The outcome is unknown: retry with the same attempt only.
    #[error("the outcome of a write is unknown: {reason}")]
    Indeterminate {
        /// For the operator.
        reason: String,
    },
    /// More than a row or document may hold; nothing was done, and trying again changes nothing.
    #[error("{size} bytes are more than the {limit} that one row or document may hold; make it smaller")]
    TooLarge {
        /// What it would take, in bytes.
        size: usize,
        /// What it may, in bytes.
        limit: usize,
    },
    /// What is stored cannot be understood; why and what to do.
    #[error("{0}")]
    Corrupt(String),
    /// The engine broke for good (a failed fsync, for one): the node must stop.
    #[error("the store failed: {0}")]
    Fatal(String),
}

/// Refuses an operation whose row could grow over [`MAX_VALUE`].
///
/// # Errors
/// [`StoreError::TooLarge`].
pub fn check_size(op: &Op) -> Result<(), StoreError> {
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
