//! Why a hook gave no answer.

/// Why a hook gave no answer that decides. All of them mean "try again later".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    /// As many calls are in flight as there may be.
    #[error("too many calls of the hook are in flight")]
    Busy,
    /// It failed too often and is left alone for a while.
    #[error("the hook failed too often and is left alone for a while")]
    Open,
    /// It did not answer in time.
    #[error("the hook did not answer in time")]
    Late,
    /// It answered 429: this request is one too many, which says nothing about the next.
    #[error("the hook answered 429: too many requests")]
    Limited,
    /// It cannot be reached, broke off, said too much or answered 5xx.
    #[error("the hook failed: {0}")]
    Failed(String),
}
