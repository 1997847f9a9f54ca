//! Paths in the body of a macro or in an attribute, which nobody has parsed.

use syn::buffer::Cursor;
use syn::{ItemUse, LitStr};

use super::words::{leaves, text};

pub(super) struct Spoken {
    pub(super) path: Vec<String>,
    pub(super) glob: bool,
    /// A word alone in lower case: it may be a variable.
    pub(super) variable: bool,
    /// `path!(...)`.
    pub(super) invoked: bool,
}

/// What a stream of tokens names; a string counts where an attribute may have a path in it.
pub(super) fn spoken(at: Cursor<'_>, strings: bool) -> Vec<Result<Spoken, String>> {
    let mut scan = Scan { strings, found: Vec::new() };
    scan.stream(at);
    scan.found
}

struct Scan {
    strings: bool,
    found: Vec<Result<Spoken, String>>,
}

impl Scan {
    fn stream(&mut self, mut at: Cursor<'_>) {
        // the punctuation right in front, and the last word
        let (mut before, mut key) = (String::new(), String::new());
        while !at.eof() {
            if let Some((inner, _, _, next)) = at.any_group() {
                self.stream(inner);
                at = next;
                before.clear();
            } else if let Some((_, next)) = at.lifetime() {
                at = next;
                before.clear();
            } else if let Some((punct, next)) = at.punct() {
                at = next;
                let crate_of_macro = punct.as_char() == '$' && next.ident().is_some_and(|(word, _)| word == "crate");
                if !crate_of_macro {
                    before.push(punct.as_char());
                }
            } else if let Some((literal, next)) = at.literal() {
                if self.strings {
                    self.string(&literal.to_string(), &key);
                }
                at = next;
                before.clear();
            } else if let Some((word, next)) = at.ident() {
                key = text(&word);
                let of_another = before.ends_with("::") || before.ends_with('$') || before.ends_with('.');
                at = if of_another && !before.ends_with("..") {
                    next
                } else if key == "use" {
                    self.import(at).unwrap_or(next)
                } else {
                    self.path(vec![key.clone()], next)
                };
                before.clear();
            }
        }
    }

    /// Goes on behind the path; behind one that is not over there, at its `::`.
    fn path<'a>(&mut self, mut path: Vec<String>, mut at: Cursor<'a>) -> Cursor<'a> {
        let (mut glob, mut open) = (false, false);
        while let Some(next) = colons(at) {
            if let Some((word, next)) = next.ident() {
                path.push(text(&word));
                at = next;
                continue;
            }
            let punct = next.punct().map(|(punct, _)| punct.as_char());
            glob = punct == Some('*');
            open = punct == Some('$') || next.any_group().is_some();
            break;
        }
        let alone = path.len() == 1 && !open && !glob;
        let rooted = path.iter().all(|part| ["crate", "self", "super"].contains(&part.as_str()));
        if rooted && open {
            self.found.push(Err(format!("{}::... in a macro, which nobody can follow", path.join("::"))));
        } else if !(alone && (rooted || is_key(at))) {
            let invoked = at.punct().is_some_and(|(punct, next)| punct.as_char() == '!' && next.any_group().is_some());
            let called = invoked || at.any_group().is_some();
            let variable = alone && !called && path[0].starts_with(|first: char| !first.is_ascii_uppercase());
            self.found.push(Ok(Spoken { path, glob, variable, invoked }));
        }
        at
    }

    /// A whole `use`, up to its semicolon.
    fn import<'a>(&mut self, from: Cursor<'a>) -> Option<Cursor<'a>> {
        let (mut at, mut over) = (from, false);
        let mut trees = Vec::new();
        while !over {
            let (tree, next) = at.token_tree()?;
            let word = tree.to_string();
            over = word == ";";
            // `$crate` is `crate`, and what else a macro is given is found under no name of its own
            if word != "$" {
                trees.push(tree);
            }
            at = next;
        }
        match syn::parse2::<ItemUse>(trees.into_iter().collect()) {
            Ok(import) => self.found.extend(
                leaves(&import)
                    .into_iter()
                    .map(|(path, name)| Ok(Spoken { path, glob: name.is_none(), variable: false, invoked: false })),
            ),
            Err(error) => self.found.push(Err(format!("a `use` in a macro, which nobody can follow: {error}"))),
        }
        Some(at)
    }

    /// `with = "crate::a::b"`.
    fn string(&mut self, literal: &str, key: &str) {
        let Ok(literal) = syn::parse_str::<LitStr>(literal) else { return };
        let Ok(path) = syn::parse_str::<syn::Path>(&literal.value()) else { return };
        if path.segments.len() > 1 || key == "with" || key == "default" || key.ends_with("_with") {
            let path = path.segments.iter().map(|part| text(&part.ident)).collect();
            self.found.push(Ok(Spoken { path, glob: false, variable: false, invoked: false }));
        }
    }
}

/// Behind `::`.
fn colons(at: Cursor<'_>) -> Option<Cursor<'_>> {
    let (first, at) = at.punct()?;
    let (second, at) = at.punct()?;
    (first.as_char() == ':' && second.as_char() == ':').then_some(at)
}

/// `name: ...` or `name = ...`, which names a field.
fn is_key(at: Cursor<'_>) -> bool {
    let Some((punct, next)) = at.punct() else { return false };
    let second = next.punct().map(|(punct, _)| punct.as_char());
    match punct.as_char() {
        ':' => second != Some(':'),
        '=' => second != Some('='),
        _ => false,
    }
}
