//! What one module takes from others, file by file.

use syn::Item;

use super::found::{Found, Place, Target};
use super::graph::Graph;
use super::names::{Kind, Names};
use super::resolve::Resolver;

/// How a path is written.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Form {
    Named,
    /// The macro of `a!()`.
    Invoked,
    /// In a macro or an attribute: a module stands for what is in it.
    Whole,
    /// `pub use`: a module shows what is below it, which ties it to nothing.
    Again,
    Glob,
    GlobAgain,
}

/// What one module takes.
pub(super) struct Taking<'a> {
    pub(super) resolver: &'a Resolver<'a>,
    pub(super) module: usize,
    pub(super) graph: &'a mut Graph,
}

impl Taking<'_> {
    pub(super) fn names_of<'i>(&self, items: impl Iterator<Item = &'i Item>) -> Names {
        // whatever a macro makes in a block hides nothing that is around it
        Names { made: Default::default(), ..Names::of_items(self.resolver.tree, self.module, items) }
    }

    pub(super) fn fault(&mut self, fault: &str) {
        self.graph.faults.push(format!("{}: {fault}", self.file(self.module)));
    }

    pub(super) fn take(&mut self, blocks: &[Names], path: &[String], form: Form) {
        let place = Place { module: self.module, blocks };
        match self.resolver.path(&place, path) {
            Ok(found) if found.is_empty() && form == Form::Invoked && path.len() == 1 => self.written_above(&path[0]),
            Ok(found) => found.into_iter().for_each(|found| self.taken(&place, found, form)),
            Err(fault) => self.fault(&fault),
        }
    }

    /// A macro needs no path where its definition is further up in the order of modules.
    fn written_above(&mut self, name: &str) {
        for definer in self.resolver.macros(name) {
            self.tie(definer, name, Form::Named);
        }
    }

    fn taken(&mut self, place: &Place<'_>, found: Found, form: Form) {
        for module in found.through {
            self.tie(module, &found.name, form);
        }
        match (found.target, form) {
            (Target::Item { kind: Kind::Module(module), .. }, Form::Glob | Form::GlobAgain) => {
                for found in self.resolver.everything(module, place.module) {
                    let again = if form == Form::GlobAgain { Form::Again } else { Form::Named };
                    self.taken(place, found, again);
                }
            }
            (Target::Item { kind: Kind::Module(module), .. }, Form::Whole) => self.tie(module, &found.name, form),
            // a module is only a way to what is in it
            (Target::Item { kind: Kind::Module(_), .. }, Form::Named | Form::Invoked | Form::Again) => {}
            (Target::Item { module, .. } | Target::Outside { module }, _) => self.tie(module, &found.name, form),
        }
    }

    fn tie(&mut self, to: usize, name: &str, form: Form) {
        let shows = matches!(form, Form::Again | Form::GlobAgain) && self.resolver.tree.is_below(to, self.module);
        let (from, to) = (self.file(self.module), self.file(to));
        if from != to && !shows {
            self.graph.takes.entry((from, to)).or_default().insert(name.to_owned());
        }
    }

    fn file(&self, module: usize) -> String {
        self.resolver.tree.modules[module].file.clone()
    }
}
