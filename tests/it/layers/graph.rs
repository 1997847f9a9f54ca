//! Which file takes what from which other file.

use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub(super) struct Graph {
    pub(super) files: BTreeSet<String>,
    /// The names that the first file takes from the second.
    pub(super) takes: BTreeMap<(String, String), BTreeSet<String>>,
    /// What cannot be read or followed, in words.
    pub(super) faults: Vec<String>,
}

impl Graph {
    /// `a.rs -> b.rs: names`.
    pub(super) fn line(&self, from: &str, to: &str) -> String {
        let names = self.takes.get(&(from.to_owned(), to.to_owned())).into_iter().flatten();
        format!("{from} -> {to}: {}", names.map(String::as_str).collect::<Vec<_>>().join(", "))
    }
}
