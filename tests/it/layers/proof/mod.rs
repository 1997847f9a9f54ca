//! Seen to fail: a small tree with nothing wrong, and every kind of fault planted in it.

mod blind;
mod round;
mod upward;

use super::circles::circles;
use super::floors;
use super::reading::graph;
use super::tree::Sources;

/// Nothing is wrong here: `top` stands on `middle`, and that on `ground`, where `sand` takes from `clay`.
const HOUSE: [(&str, &str); 8] = [
    (
        "lib.rs",
        "//! | module | what it is |\n//! | --- | --- |\n//! | [`ground`], [`middle`] | below |\n//! | [`top`] | above |\n
         pub mod ground; pub mod middle; pub mod top;",
    ),
    ("main.rs", "fn main() { jeton::top::build(); }"),
    ("ground/mod.rs", "mod clay; mod sand; pub use clay::Clay; pub use sand::*;"),
    ("ground/clay.rs", "pub struct Clay;"),
    ("ground/sand.rs", "use super::Clay; pub struct Sand(Clay); pub fn sift() {}"),
    ("middle.rs", "use crate::ground::{Clay, Sand}; pub struct Wall(Clay, Sand);"),
    ("top/mod.rs", "pub mod roof; pub use roof::Roof; use crate::middle::Wall; pub fn build() -> Option<Wall> { None }"),
    (
        "top/roof.rs",
        "#[derive(Default)] pub struct Roof; pub enum Tile { Red } pub const WIDTH: u32 = 3; pub trait Slope {}
         pub fn lay() {} macro_rules! tile { () => {} }",
    ),
];

/// The house with other texts in some files.
fn house(changes: &[(&str, &str)]) -> Sources {
    HOUSE.iter().chain(changes).map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect()
}

/// What is wrong with it, in words.
fn faults(sources: &Sources) -> String {
    let read = graph(sources);
    [read.faults.clone(), floors::faults(sources, &read), circles(&read)].concat().join("\n")
}

/// Every planted text by which a certain line is not found.
fn unseen(plant: impl Fn(&str) -> Vec<(&'static str, String)>, line: &str, texts: &[&str]) -> Vec<String> {
    let unseen = texts.iter().filter_map(|text| {
        let changes = plant(text);
        let changes: Vec<_> = changes.iter().map(|(file, text)| (*file, text.as_str())).collect();
        let faults = faults(&house(&changes));
        (!faults.contains(line)).then(|| format!("{text}\n    does not show {line}, but:\n{faults}"))
    });
    unseen.collect()
}

#[test]
fn a_house_with_nothing_wrong_shows_nothing() {
    assert_eq!(faults(&house(&[])), "");
    let read = graph(&house(&[]));
    let lines: Vec<_> = read.takes.keys().map(|(from, to)| read.line(from, to)).collect();
    let expected = [
        "ground/sand.rs -> ground/clay.rs: Clay",
        "main.rs -> top/mod.rs: build",
        "middle.rs -> ground/clay.rs: Clay",
        "middle.rs -> ground/sand.rs: Sand",
        "top/mod.rs -> middle.rs: Wall",
    ];
    assert_eq!(lines, expected, "a front page that shows what is below it takes nothing");
}

#[test]
fn what_only_looks_like_an_import_is_none() {
    for text in [
        "#[cfg(test)] mod tests { use crate::top::Roof; }",
        "#[cfg(test)] mod tests;",
        "#[cfg(test)] mod tests { mod deeper { use crate::top::Roof; } }",
        "#[cfg(all(test, unix))] use crate::top::Roof;",
        "pub enum Told { #[cfg(test)] Roof(crate::top::Roof) }",
        "/// [`crate::top::Roof`]\npub fn documented() {}",
        "pub const TEXT: &str = \"crate::top::Roof\";",
        "mod top { pub struct Roof; } pub struct Own(top::Roof);",
        "pub fn outer() { mod crates {} enum Tile { Red } let _ = Tile::Red; }",
        "use std::collections::*; pub struct Kept(HashMap<u8, ::std::vec::Vec<u8>>);",
        "pub fn shown(roof: u32) -> String { tracing::info!(top = roof, %roof); format!(\"{roof}\") }",
        "macro_rules! shown { ($name:ident) => { pub(crate) struct $name; } } shown!(Made);",
    ] {
        let text = format!("pub struct Clay; {text}");
        let sources = house(&[("ground/clay.rs", &text), ("ground/clay/tests.rs", "use crate::top::Roof;")]);
        let known = faults(&sources).replace("ground/clay/tests.rs is declared by no module", "");
        assert_eq!(known, "", "{text}");
    }
}

#[test]
fn a_variable_is_not_what_the_front_page_shows_under_its_name() {
    let page = "mod clay; mod sand; pub use clay::Clay; pub use sand::{Sand, sift};
        pub struct Pit; pub fn dig(sift: u32) -> u32 { let sum = sift + 1; sum.max(sift) }";
    let sand = "use super::{Clay, Pit}; pub struct Sand(Clay, Pit); pub fn sift() {}";
    assert_eq!(faults(&house(&[("ground/mod.rs", page), ("ground/sand.rs", sand)])), "");
}

#[test]
fn a_glob_brings_what_is_shown() {
    let read = graph(&house(&[("main.rs", "use jeton::top::*; fn main() {}")]));
    let taken: Vec<_> = read.takes.keys().filter(|(from, _)| from == "main.rs").map(|(_, to)| to.as_str()).collect();
    assert_eq!(taken, ["top/mod.rs", "top/roof.rs"], "the room's own imports are its own affair");
}
