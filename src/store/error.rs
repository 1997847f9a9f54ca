//! Why an engine could not do it.

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
