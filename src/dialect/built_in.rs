//! The dialects of a service.

use std::collections::HashMap;

use super::rfc::Rfc;
use super::{ALL, Dialect};
use crate::issuer::Issuer;

/// The dialects of a service: the built-in ones and those of the embedding program.
#[derive(Clone)]
pub struct Dialects {
    ordered: Vec<&'static dyn Dialect>,
    by_name: HashMap<&'static str, &'static dyn Dialect>,
}

impl Default for Dialects {
    fn default() -> Self {
        Self::with(Vec::new())
    }
}

impl Dialects {
    /// The built-in dialects and, behind them, `added` ones, whose names `Extensions::check` has checked.
    pub fn with(added: Vec<&'static dyn Dialect>) -> Self {
        let ordered: Vec<_> = ALL.iter().copied().chain(added).collect();
        let by_name = ordered.iter().map(|dialect| (dialect.name(), *dialect)).collect();
        Self { ordered, by_name }
    }

    /// Every dialect, the built-in ones first.
    pub fn iter(&self) -> impl Iterator<Item = &'static dyn Dialect> {
        self.ordered.iter().copied()
    }

    /// The dialect with this name.
    pub fn by_name(&self, name: &str) -> Option<&'static dyn Dialect> {
        self.by_name.get(name).copied()
    }

    /// The dialect of an issuer whose settings were checked.
    pub fn of(&self, issuer: &Issuer) -> &'static dyn Dialect {
        self.by_name(&issuer.settings.dialect).unwrap_or(default())
    }
}

/// The dialect of an answer that belongs to no issuer.
pub fn default() -> &'static dyn Dialect {
    &Rfc
}
