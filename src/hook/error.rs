//! The failures of hooks.

/// The failure of a hook to give an answer that decides. All of them mean "try again later".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    /// As many calls are in flight as there may be.
    #[error("too many calls of the hook are in flight")]
    Busy,
    /// The breaker is open: the hook failed too often.
    #[error("the hook failed too often and is left alone for a while")]
    Open,
    /// No answer came in time.
    #[error("the hook did not answer in time")]
    Late,
    /// The answer is 429: this request is one too many, which says nothing about the next.
    #[error("the hook answered 429: too many requests")]
    Limited,
    /// The hook cannot be reached, broke off, sent too much or answered 5xx.
    #[error("the hook failed: {0}")]
    Failed(String),
}
