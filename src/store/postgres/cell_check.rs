//! Lines of `jeton doctor` about a cell.

/// One line about a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CellCheck {
    /// Name of the check.
    pub check: &'static str,
    /// The result.
    pub status: CellCheckStatus,
    /// The state, with what to do if it is bad.
    pub message: String,
}

/// The result of a check of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CellCheckStatus {
    /// The value is as it must be.
    Good,
    /// The value is wrong, and the settings say that it need not be right.
    Waived,
    /// An operator should look at it.
    Warning,
    /// The value is wrong.
    Bad,
}
