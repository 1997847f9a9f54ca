//! Which names a module or a block has: what it defines and what it brings in.

use std::collections::{HashMap, HashSet};

use syn::buffer::TokenBuffer;
use syn::{Ident, Item, Visibility};

use super::conditions;
use super::tree::Tree;
use super::words::{leaves, text, words};

/// What a name stands for.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Module(usize),
    /// A type or a trait, with the names of an enum's variants: whatever stands behind it belongs to it.
    Type(Vec<String>),
    /// A function, a constant or a macro: nothing stands behind it.
    Value,
}

/// Who may use a name: everybody, or what is below a module.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shown {
    Everywhere,
    Below(usize),
}

#[derive(Debug)]
pub(super) struct Use {
    /// Empty for what another crate has.
    pub(super) path: Vec<String>,
    /// What it is called here; a glob has no name.
    pub(super) name: Option<String>,
    pub(super) shown: Shown,
}

#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) own: HashMap<String, Vec<(Kind, Shown)>>,
    pub(super) uses: Vec<Use>,
    /// Words in macros that make items, some of which become names.
    pub(super) made: HashSet<String>,
}

impl Names {
    pub(super) fn of_module(tree: &Tree, module: usize) -> Self {
        let mut names = Self::of_items(tree, module, tree.modules[module].items.iter());
        for (name, child, visibility) in &tree.modules[module].children {
            names.define(name.clone(), Kind::Module(*child), shown(tree, module, visibility));
        }
        names
    }

    /// Items that stand in a module or in a block of one.
    pub(super) fn of_items<'a>(tree: &Tree, module: usize, items: impl Iterator<Item = &'a Item>) -> Self {
        let mut names = Self::default();
        for item in items.filter(|item| !conditions::only_in_tests(conditions::attributes(item))) {
            names.add(item, &|visibility| shown(tree, module, visibility));
        }
        names
    }

    fn add(&mut self, item: &Item, shown: &dyn Fn(&Visibility) -> Shown) {
        let mut define = |name: &Ident, kind, visibility| self.define(text(name), kind, shown(visibility));
        let no_variants = || Kind::Type(Vec::new());
        match item {
            Item::Const(item) => define(&item.ident, Kind::Value, &item.vis),
            Item::Static(item) => define(&item.ident, Kind::Value, &item.vis),
            Item::Fn(item) => define(&item.sig.ident, Kind::Value, &item.vis),
            Item::Struct(item) => define(&item.ident, no_variants(), &item.vis),
            Item::Union(item) => define(&item.ident, no_variants(), &item.vis),
            Item::Type(item) => define(&item.ident, no_variants(), &item.vis),
            Item::Trait(item) => define(&item.ident, no_variants(), &item.vis),
            Item::TraitAlias(item) => define(&item.ident, no_variants(), &item.vis),
            Item::Enum(item) => {
                let variants = item.variants.iter().map(|variant| text(&variant.ident)).collect();
                define(&item.ident, Kind::Type(variants), &item.vis);
            }
            Item::Macro(item) => {
                if let Some(name) = &item.ident {
                    define(name, Kind::Value, &Visibility::Inherited);
                }
                words(TokenBuffer::new2(item.mac.tokens.clone()).begin(), &mut self.made);
            }
            Item::Use(item) => {
                let shown = shown(&item.vis);
                self.uses.extend(leaves(item).into_iter().map(|(path, name)| Use { path, name, shown }));
            }
            _ => {}
        }
    }

    pub(super) fn define(&mut self, name: String, kind: Kind, shown: Shown) {
        self.own.entry(name).or_default().push((kind, shown));
    }
}

fn shown(tree: &Tree, module: usize, visibility: &Visibility) -> Shown {
    match visibility {
        Visibility::Public(_) => Shown::Everywhere,
        Visibility::Restricted(to) if to.path.is_ident("super") => {
            tree.modules[module].parent.map_or(Shown::Everywhere, Shown::Below)
        }
        Visibility::Restricted(to) if !to.path.is_ident("self") => Shown::Everywhere,
        Visibility::Restricted(_) | Visibility::Inherited => Shown::Below(module),
    }
}
