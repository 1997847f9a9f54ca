//! The primary of a cell, as its connector publishes it and the lanes follow.

/// The primary of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Primary {
    /// The first search is under way.
    Sought,
    /// A primary that confirmed a commit.
    Found(FoundPrimary),
    /// There is none that may be used.
    Away {
        /// The reason, for the operator.
        reason: String,
        /// True if only an operator can change it: another schema, another deployment, settings that promise nothing.
        lasting: bool,
    },
}

/// A primary that passed the gate and confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FoundPrimary {
    /// Index among the hosts of the cell.
    pub(super) host: usize,
    /// The timeline that it writes.
    pub(super) timeline: u32,
}
