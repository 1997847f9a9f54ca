//! The failures of the store.

/// A failure of the store. A refusal is no failure: it is an [`Outcome`](crate::state::Outcome).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Nothing was done; worth another try after a while.
    #[error("the store is unavailable: {reason}")]
    Unavailable {
        /// The reason, for the operator.
        reason: String,
    },
    /// The outcome is unknown: retry with the same attempt only.
    #[error("the outcome of a write is unknown: {reason}")]
    Indeterminate {
        /// The reason, for the operator.
        reason: String,
    },
    /// The value is larger than a row or document may be; nothing was done, and another try changes nothing.
    #[error("{size} bytes are more than the {limit} that one row or document may hold; make it smaller")]
    TooLarge {
        /// Size of the value, in bytes.
        size: usize,
        /// Largest permitted size, in bytes.
        limit: usize,
    },
    /// The stored data cannot be read; holds the reason and what to do.
    #[error("{0}")]
    Corrupt(String),
    /// The engine failed for good (a failed fsync, for one): the node must stop.
    #[error("the store failed: {0}")]
    Fatal(String),
}
