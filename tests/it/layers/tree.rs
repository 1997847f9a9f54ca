//! The sources as the compiler sees them: which modules there are, and in which file each one stands.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::{Attribute, Expr, ExprLit, Item, ItemMod, Lit, Meta, Visibility};

use super::conditions::only_in_tests;
use super::words::text;

/// Text of each source, by its path below `src`.
pub(super) type Sources = BTreeMap<String, String>;

/// Reads every source below a directory.
pub(super) fn sources(src: &Path) -> Sources {
    fn walk(dir: &Path, below: &str, found: &mut Sources) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{below}{}", path.file_name().unwrap().to_str().unwrap());
            if path.is_dir() {
                walk(&path, &format!("{name}/"), found);
            } else if name.ends_with(".rs") {
                found.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut found = Sources::new();
    walk(src, "", &mut found);
    found
}

pub(super) struct Module {
    pub(super) parent: Option<usize>,
    pub(super) root: usize,
    /// Path below `src`; an inline module has that of the module it stands in.
    pub(super) file: String,
    /// Without those of child modules, which have them for themselves.
    pub(super) items: Vec<Item>,
    pub(super) attributes: Vec<Attribute>,
    /// The name of each child module, with where it is in `Tree::modules` and its own declaration's visibility.
    pub(super) children: Vec<(String, usize, Visibility)>,
}

#[derive(Default)]
pub(super) struct Tree {
    pub(super) modules: Vec<Module>,
    /// What cannot be read, in words.
    pub(super) faults: Vec<String>,
}

/// A module that is to be looked at.
struct Declared {
    name: String,
    shown: Visibility,
    parent: Option<usize>,
    file: String,
    /// Where the files of its child modules are, empty or with a slash behind it.
    dir: String,
    attributes: Vec<Attribute>,
    /// None if they are still to be read from the file.
    items: Option<Vec<Item>>,
    /// What only tests declare is followed, so that its files are known, and otherwise left out.
    tests: bool,
}

impl Tree {
    /// Follows the declarations from `lib.rs` and `main.rs`; every source must be declared by one of them.
    pub(super) fn grow(sources: &Sources) -> Self {
        let mut tree = Self::default();
        let roots = ["lib.rs", "main.rs"].into_iter().filter(|root| sources.contains_key(*root));
        let mut waiting: Vec<_> = roots.map(Declared::root).collect();
        let mut seen = BTreeSet::new();
        while let Some(mut module) = waiting.pop() {
            if module.items.is_none() {
                seen.insert(module.file.clone());
                match syn::parse_file(&sources[&module.file]) {
                    Ok(read) => (module.attributes, module.items) = (read.attrs, Some(read.items)),
                    Err(error) => tree.faults.push(format!("{} cannot be parsed: {error}", module.file)),
                }
            }
            tree.add(sources, module, &mut waiting);
        }
        let lost = sources.keys().filter(|file| !seen.contains(*file));
        tree.faults.extend(lost.map(|file| format!("{file} is declared by no module")));
        tree
    }

    /// The root of the library, which others call `jeton`.
    pub(super) fn library(&self) -> Option<usize> {
        self.modules.iter().position(|module| module.file == "lib.rs" && module.parent.is_none())
    }

    pub(super) fn is_below(&self, module: usize, above: usize) -> bool {
        std::iter::successors(Some(module), |module| self.modules[*module].parent).any(|module| module == above)
    }

    fn add(&mut self, sources: &Sources, module: Declared, waiting: &mut Vec<Declared>) {
        let Declared { name, shown, parent, file, dir, attributes, items, tests } = module;
        let is_module = |item: &Item| matches!(item, Item::Mod(_));
        let (modules, items): (Vec<_>, Vec<_>) = items.into_iter().flatten().partition(is_module);
        let own = self.modules.len();
        for item in modules {
            let Item::Mod(item) = item else { continue };
            match declared(sources, (&file, &dir), item) {
                Ok(child) => waiting.push(Declared { parent: Some(own), tests: tests || child.tests, ..child }),
                Err(fault) => self.faults.push(fault),
            }
        }
        if !tests {
            let root = parent.map_or(own, |parent| self.modules[parent].root);
            self.modules.push(Module { parent, root, file, items, attributes, children: Vec::new() });
            if let Some(parent) = parent {
                self.modules[parent].children.push((name, own, shown));
            }
        }
    }
}

impl Declared {
    fn root(file: &str) -> Self {
        let (name, dir, attributes) = Default::default();
        Self {
            name,
            shown: Visibility::Inherited,
            parent: None,
            file: file.to_owned(),
            dir,
            attributes,
            items: None,
            tests: false,
        }
    }
}

/// The module that a file declares; its own place in the tree is not known yet.
fn declared(sources: &Sources, (file, dir): (&str, &str), item: ItemMod) -> Result<Declared, String> {
    let name = text(&item.ident);
    let tests = only_in_tests(&item.attrs);
    let below = format!("{dir}{name}/");
    let module = Declared { name, shown: item.vis, dir: below, tests, ..Declared::root(file) };
    if let Some((_, items)) = item.content {
        return Ok(Declared { attributes: item.attrs, items: Some(items), ..module });
    }
    let here = file.rfind('/').map_or("", |slash| &file[..=slash]);
    let places = match elsewhere(&item.attrs) {
        Some(place) => vec![format!("{here}{place}")],
        None => vec![format!("{dir}{}.rs", module.name), format!("{}mod.rs", module.dir)],
    };
    match places.iter().find(|place| sources.contains_key(*place)) {
        Some(place) => Ok(Declared { file: place.clone(), ..module }),
        None => Err(format!("{file} declares the module {}, which is in none of {places:?}", module.name)),
    }
}

/// `#[path = "..."]`.
fn elsewhere(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| match &attribute.meta {
        Meta::NameValue(meta) if meta.path.is_ident("path") => match &meta.value {
            Expr::Lit(ExprLit { lit: Lit::Str(place), .. }) => Some(place.value()),
            _ => None,
        },
        _ => None,
    })
}
