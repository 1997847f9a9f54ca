//! The purposes of hooks.

/// The purpose of a hook, which labels its metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookKind {
    /// Checks the passwords of an issuer's users.
    Password,
    /// Decides a custom grant.
    Grant,
}

impl HookKind {
    /// The label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Grant => "grant",
        }
    }
}
