//! What a module calls by a name: its own, and what a `use` brings to it from elsewhere.

use std::collections::HashSet;
use std::ptr;

use super::found::{Found, Place, Target};
use super::names::{Kind, Names, Shown, Use};
use super::resolve::Resolver;

impl Resolver<'_> {
    /// What a glob of a module brings to another one, without the modules in it.
    pub(super) fn everything(&self, of: usize, to: usize) -> Vec<Found> {
        let mut known = HashSet::new();
        self.all_names(of, &mut HashSet::new(), &mut known);
        let place = Place { module: to, blocks: &[] };
        let found = known.iter().flat_map(|name| self.lookup(&place, (&self.names[of], of), name, to, &mut Vec::new()));
        found.filter(|found| !found.is_module()).collect()
    }

    /// Also those that globs bring to it.
    fn all_names(&self, of: usize, seen: &mut HashSet<usize>, known: &mut HashSet<String>) {
        if !seen.insert(of) {
            return;
        }
        known.extend(self.names[of].own.keys().cloned());
        for bring in &self.names[of].uses {
            match &bring.name {
                Some(name) => drop(known.insert(name.clone())),
                None => {
                    let place = Place { module: of, blocks: &[] };
                    for found in self.path(&place, &bring.path).unwrap_or_default() {
                        match found.target {
                            Target::Item { kind: Kind::Module(below), .. } => self.all_names(below, seen, known),
                            Target::Item { kind: Kind::Type(variants), .. } => known.extend(variants),
                            _ => {}
                        }
                    }
                }
            }
        }
    }

    /// What a module or a block calls by a name, as far as it is shown to another module.
    pub(super) fn lookup<'s>(
        &'s self,
        place: &Place<'s>,
        (names, module): (&'s Names, usize),
        name: &str,
        to: usize,
        trail: &mut Vec<&'s Use>,
    ) -> Vec<Found> {
        let mine = |kind: &Kind| Found::item(name, module, kind.clone());
        let own = names.own.get(name).into_iter().flatten();
        let mut found: Vec<_> = own.filter(|(_, shown)| self.reaches(*shown, to)).map(|(kind, _)| mine(kind)).collect();
        for wanted in [Some(name), None] {
            let uses =
                names.uses.iter().filter(|bring| bring.name.as_deref() == wanted && self.reaches(bring.shown, to));
            for bring in uses {
                found.extend(self.brought(place, (names, module), bring, name, trail));
            }
            // a module leaves its name free for a function
            if found.iter().any(|found| !found.is_module()) {
                return found;
            }
        }
        if found.is_empty() && names.made.contains(name) {
            found.push(mine(&Kind::Type(Vec::new())));
        }
        found
    }

    /// What one `use` makes of a name; one that is being followed already says nothing about itself.
    fn brought<'s>(
        &'s self,
        place: &Place<'s>,
        (names, module): (&'s Names, usize),
        bring: &'s Use,
        name: &str,
        trail: &mut Vec<&'s Use>,
    ) -> Vec<Found> {
        if trail.iter().any(|before| ptr::eq(*before, bring)) {
            return Vec::new();
        }
        trail.push(bring);
        // a block knows the names of the blocks around it, a module only its own
        let blocks = if ptr::eq(names, &self.names[module]) { &[] } else { place.blocks };
        let holder = Place { module, blocks };
        // a path that leads nowhere is told where the `use` itself is read
        let mut found = match self.follow(&holder, &bring.path, trail) {
            Ok(found) if found.is_empty() => vec![Found::outside(name, module)],
            Ok(found) if bring.name.is_some() => found,
            Ok(found) => found.into_iter().flat_map(|found| self.in_glob(&holder, found, name, trail)).collect(),
            Err(_) => Vec::new(),
        };
        trail.pop();
        for found in &mut found {
            if !found.definer().is_some_and(|definer| self.tree.is_below(definer, module)) {
                found.through.push(module);
            }
        }
        found
    }

    fn in_glob<'s>(&'s self, holder: &Place<'s>, of: Found, name: &str, trail: &mut Vec<&'s Use>) -> Vec<Found> {
        match &of.target {
            Target::Item { kind: Kind::Module(module), .. } => {
                self.lookup(holder, (&self.names[*module], *module), name, holder.module, trail)
            }
            Target::Item { kind: Kind::Type(variants), .. } if variants.iter().any(|variant| variant == name) => {
                vec![of]
            }
            _ => Vec::new(),
        }
    }

    fn reaches(&self, shown: Shown, to: usize) -> bool {
        match shown {
            Shown::Everywhere => true,
            Shown::Below(module) => self.tree.is_below(to, module),
        }
    }
}
