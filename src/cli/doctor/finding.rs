//! Results of the checks.

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum CheckStatus {
    Good,
    /// Works now, and will not for ever.
    Warning,
    /// Does not work.
    Bad,
}

impl CheckStatus {
    /// Returns the name in JSON.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
        }
    }
}

/// The result of one check.
pub(super) struct Finding {
    /// Name of the check, which scripts rely on.
    pub(super) check: &'static str,
    pub(super) status: CheckStatus,
    /// Description of the state, with advice if it is wrong.
    pub(super) message: String,
}

impl Finding {
    pub(super) fn new(check: &'static str, status: CheckStatus, message: impl Into<String>) -> Self {
        Self { check, status, message: message.into() }
    }

    pub(super) fn good(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, CheckStatus::Good, message)
    }

    pub(super) fn warning(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, CheckStatus::Warning, message)
    }

    pub(super) fn bad(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, CheckStatus::Bad, message)
    }
}
