//! Names as text.

use std::collections::HashSet;

use syn::buffer::Cursor;
use syn::{Ident, ItemUse, UseTree};

/// Without the `r#` of a raw one.
pub(super) fn text(name: &Ident) -> String {
    name.to_string().trim_start_matches("r#").to_owned()
}

/// Each path of a `use`, with its name here, or none for a glob. The path is empty if it is another crate's (`::a::b`).
pub(super) fn leaves(item: &ItemUse) -> Vec<(Vec<String>, Option<String>)> {
    fn walk(tree: &UseTree, path: &[String], found: &mut Vec<(Vec<String>, Option<String>)>) {
        let with = |name: &Ident| match text(name) {
            // `a::{self}` is `a`
            name if name == "self" && !path.is_empty() => path.to_vec(),
            name => [path, &[name]].concat(),
        };
        match tree {
            UseTree::Path(part) => walk(&part.tree, &with(&part.ident), found),
            UseTree::Group(group) => group.items.iter().for_each(|part| walk(part, path, found)),
            UseTree::Glob(_) => found.push((path.to_vec(), None)),
            UseTree::Name(name) => found.push((with(&name.ident), with(&name.ident).pop())),
            UseTree::Rename(name) => found.push((with(&name.ident), Some(text(&name.rename)))),
        }
    }
    let mut found = Vec::new();
    walk(&item.tree, &[], &mut found);
    if item.leading_colon.is_some() {
        found.iter_mut().for_each(|(path, _)| path.clear());
    }
    found
}

/// Every word of a stream of tokens.
pub(super) fn words(mut at: Cursor<'_>, found: &mut HashSet<String>) {
    while !at.eof() {
        if let Some((inner, _, _, next)) = at.any_group() {
            words(inner, found);
            at = next;
        } else if let Some((word, next)) = at.ident() {
            found.insert(text(&word));
            at = next;
        } else if let Some((_, next)) = at.token_tree() {
            at = next;
        }
    }
}
