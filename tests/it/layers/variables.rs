//! The variables of a function: a word alone means one of them sooner than what a module calls by that name.

use std::collections::HashSet;

use syn::PatIdent;
use syn::visit::{self, Visit};

use super::words::text;

/// Whatever any pattern makes in what is walked.
pub(super) fn variables(walk: impl FnOnce(&mut Patterns)) -> HashSet<String> {
    let mut patterns = Patterns(HashSet::new());
    walk(&mut patterns);
    patterns.0
}

pub(super) struct Patterns(HashSet<String>);

impl<'ast> Visit<'ast> for Patterns {
    fn visit_pat_ident(&mut self, pattern: &'ast PatIdent) {
        self.0.insert(text(&pattern.ident));
        visit::visit_pat_ident(self, pattern);
    }
}
