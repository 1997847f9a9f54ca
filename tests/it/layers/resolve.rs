//! From a path to the module that defines what it names, through whatever hands it on.

use std::collections::HashMap;

use syn::{Item, ItemMacro};

use super::found::{Found, Place, Target};
use super::names::{Kind, Names, Use};
use super::tree::Tree;
use super::words::text;

pub(super) struct Resolver<'a> {
    pub(super) tree: &'a Tree,
    pub(super) names: Vec<Names>,
    macros: HashMap<String, Vec<usize>>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(tree: &'a Tree) -> Self {
        let names: Vec<_> = (0..tree.modules.len()).map(|module| Names::of_module(tree, module)).collect();
        let mut macros: HashMap<_, Vec<_>> = HashMap::new();
        for (module, read) in tree.modules.iter().enumerate() {
            for item in &read.items {
                if let Item::Macro(ItemMacro { ident: Some(name), .. }) = item {
                    macros.entry(text(name)).or_default().push(module);
                }
            }
        }
        Self { tree, names, macros }
    }

    /// Other modules that define a macro of this name.
    pub(super) fn macros(&self, name: &str) -> Vec<usize> {
        self.macros.get(name).cloned().unwrap_or_default()
    }

    /// Nothing for what comes from another crate or is no name of a module, such as a variable.
    pub(super) fn path(&self, place: &Place<'_>, path: &[String]) -> Result<Vec<Found>, String> {
        self.follow(place, path, &mut Vec::new())
    }

    pub(super) fn follow<'s>(
        &'s self,
        place: &Place<'s>,
        path: &[String],
        trail: &mut Vec<&'s Use>,
    ) -> Result<Vec<Found>, String> {
        let module = |name: &str, module| vec![Found::item(name, module, Kind::Module(module))];
        let Some((first, mut rest)) = path.split_first() else { return Ok(Vec::new()) };
        let mut found = match first.as_str() {
            "Self" => return Ok(Vec::new()),
            "crate" => module(first, self.tree.modules[place.module].root),
            "self" | "super" => {
                let mut at = place.module;
                let mut next = Some(first);
                while let Some(name @ ("self" | "super")) = next.map(String::as_str) {
                    if name == "super" {
                        at = self.tree.modules[at]
                            .parent
                            .ok_or_else(|| format!("{} leaves the crate", path.join("::")))?;
                    }
                    next = rest.first();
                    rest = if matches!(next.map(String::as_str), Some("self" | "super")) { &rest[1..] } else { rest };
                }
                module(first, at)
            }
            name => {
                let found = self.in_scope(place, name, rest.is_empty(), trail);
                match (found.is_empty(), self.tree.library()) {
                    (true, Some(library)) if name == "jeton" => module(name, library),
                    (true, _) => return Ok(Vec::new()),
                    (false, _) => found,
                }
            }
        };
        for (at, name) in rest.iter().enumerate() {
            let last = at + 1 == rest.len();
            let mut next = Vec::new();
            for step in found {
                match &step.target {
                    Target::Item { kind: Kind::Module(module), .. } => {
                        let names = (&self.names[*module], *module);
                        let below = self.lookup(place, names, name, place.module, trail);
                        next.extend(below.into_iter().filter(|below| last || below.has_more()).map(|mut below| {
                            below.through.extend(&step.through);
                            below
                        }));
                    }
                    Target::Item { kind: Kind::Value, .. } => {}
                    Target::Item { kind: Kind::Type(_), .. } | Target::Outside { .. } => next.push(step),
                }
            }
            if next.is_empty() && at == 0 && matches!(first.as_str(), "crate" | "jeton") {
                // an exported macro is a name of the crate's root, wherever it is defined
                next.extend(self.macros(name).into_iter().map(|definer| Found::item(name, definer, Kind::Value)));
            }
            if next.is_empty() {
                let path = path.join("::");
                return Err(format!("{path}: there is no {name} that this file could mean"));
            }
            found = next;
        }
        Ok(found)
    }

    /// What a name means where it is written, without a path in front of it.
    fn in_scope<'s>(&'s self, place: &Place<'s>, name: &str, last: bool, trail: &mut Vec<&'s Use>) -> Vec<Found> {
        let blocks = place.blocks.iter().rev();
        for names in blocks.chain([&self.names[place.module]]) {
            let mut found = self.lookup(place, (names, place.module), name, place.module, trail);
            found.retain(|found| last || found.has_more());
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }
}
