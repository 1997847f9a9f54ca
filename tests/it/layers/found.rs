//! What a path turns out to mean.

use super::names::{Kind, Names};

/// Where a path is written.
pub(super) struct Place<'a> {
    pub(super) module: usize,
    /// Names of the blocks around it, innermost last.
    pub(super) blocks: &'a [Names],
}

#[derive(Clone, Debug)]
pub(super) enum Target {
    /// What a module defines.
    Item { module: usize, kind: Kind },
    /// What a module brings in from another crate.
    Outside { module: usize },
}

/// What a path may mean: a function and a type can share a name.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) target: Target,
    /// The modules that hand it on without being above the one that defines it.
    pub(super) through: Vec<usize>,
}

impl Found {
    pub(super) fn item(name: &str, module: usize, kind: Kind) -> Self {
        Self { name: name.to_owned(), target: Target::Item { module, kind }, through: Vec::new() }
    }

    /// What another crate has; a glob of one may bring every name.
    pub(super) fn outside(name: &str, module: usize) -> Self {
        Self { name: name.to_owned(), target: Target::Outside { module }, through: Vec::new() }
    }

    /// The module that it is or that defines it.
    pub(super) fn definer(&self) -> Option<usize> {
        match self.target {
            Target::Item { kind: Kind::Module(module), .. } | Target::Item { module, .. } => Some(module),
            Target::Outside { .. } => None,
        }
    }

    pub(super) fn is_module(&self) -> bool {
        matches!(self.target, Target::Item { kind: Kind::Module(_), .. })
    }

    /// Whether a path can go on behind it.
    pub(super) fn has_more(&self) -> bool {
        !matches!(self.target, Target::Item { kind: Kind::Value, .. })
    }
}
