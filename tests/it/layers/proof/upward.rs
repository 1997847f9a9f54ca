//! Imports of what stands further up, in every form.

use super::{faults, house, unseen};

/// In a file two modules below the root.
fn planted(text: &str) -> Vec<(&'static str, String)> {
    vec![("ground/clay.rs", format!("pub struct Clay; {text}"))]
}

#[test]
fn an_import_upward_is_found_in_every_form_of_use() {
    let forms = [
        "use crate::top::Roof;",
        "use crate::top::roof::Roof as Shelter;",
        "use crate::top::Roof as _;",
        "use crate::{ground::Clay as Other, top::Roof};",
        "use crate::{top::{self, roof::{Roof}}};",
        "use super::super::top::Roof;",
        "use self::super::super::top::Roof;",
        "use super::super::{top::{Roof}};",
        "use crate::top::*;",
        "pub(crate) use crate::top::Roof;",
        "use crate::top; pub struct Hut(top::Roof);",
        "use crate::top::{self}; pub struct Hut(top::Roof);",
        "use crate::top as above; use above::roof as shelter; pub struct Hut(shelter::Roof);",
        "use crate::*; pub struct Hut(top::Roof);",
        "pub fn hut() { use crate::top::Roof; }",
        "pub fn hut() { use crate::top; { let _: top::Roof; } }",
        "mod inner { use super::super::super::top::Roof; }",
        "mod inner { pub use crate::top as above; } pub struct Hut(inner::above::Roof);",
        "#[cfg(not(test))] use crate::top::Roof;",
        "#[cfg(any(test, unix))] use crate::top::Roof;",
    ];
    let unseen = unseen(planted, "ground/clay.rs -> top/roof.rs: Roof (upward)", &forms);
    assert!(unseen.is_empty(), "{}", unseen.join("\n"));
}

#[test]
fn an_import_upward_is_found_wherever_a_path_stands() {
    let forms = [
        "pub fn hut() { let _ = crate::top::Roof; }",
        "pub fn hut() { let _ = super::super::top::roof::Roof::default(); }",
        "pub fn hut() { let _ = crate::top::Roof {}; }",
        "pub fn hut() -> crate::top::Roof { loop {} }",
        "pub fn hut(_: &[Option<crate::top::Roof>]) {}",
        "pub fn hut<T: Into<crate::top::Roof>>(_: T) {}",
        "pub fn hut(at: u8) { match at { _ if crate::top::Roof::fits(at) => {} _ => {} } }",
        "pub fn hut(at: u8) { let crate::top::Roof { .. } = at; }",
        "pub fn hut() { Vec::<crate::top::Roof>::new(); }",
        "pub fn hut() { <crate::top::Roof>::default(); }",
        "pub fn hut() { <u8 as crate::top::Roof>::default(); }",
        "pub type Hut = crate::top::Roof;",
        "impl From<crate::top::Roof> for Clay {}",
        "impl crate::top::Roof {}",
        "pub static HUT: fn() -> crate::top::Roof = hut;",
        "pub struct Hut { #[serde(with = \"crate::top::Roof\")] roof: u8 }",
        "#[derive(crate::top::Roof)] pub struct Hut;",
    ];
    let unseen = unseen(planted, "ground/clay.rs -> top/roof.rs: Roof (upward)", &forms);
    assert!(unseen.is_empty(), "{}", unseen.join("\n"));
}

#[test]
fn an_import_upward_is_found_in_macros() {
    let forms = [
        "pub fn hut() { vec![crate::top::Roof]; }",
        "pub fn hut() { format!(\"{}\", [(0..crate::top::Roof::default())]); }",
        "pub fn hut() { use crate::top; tokio::select! { _ = top::Roof::new() => {} } }",
        "use crate::top; pub fn hut() { vec![top::roof::Roof]; }",
        "macro_rules! hut { () => { $crate::top::Roof } }",
        "macro_rules! hut { ($name:ident) => { use $crate::{top::Roof as Shelter}; } }",
        "thread_local! { static HUT: super::super::top::Roof = loop {}; }",
        "pub fn hut() { outer!(inner!({ use crate::top::{roof::Roof}; })); }",
    ];
    let unseen = unseen(planted, "ground/clay.rs -> top/roof.rs: Roof (upward)", &forms);
    assert!(unseen.is_empty(), "{}", unseen.join("\n"));
}

#[test]
fn an_import_upward_of_other_than_types_is_found() {
    for (text, name) in [
        ("pub use crate::top::roof::*;", "Roof, Slope, Tile, WIDTH, lay"),
        ("use crate::top::roof::Tile::*; pub fn hut() { Red; }", "Tile"),
        ("pub fn hut() { crate::top::roof::Tile::Red; }", "Tile"),
        ("pub fn hut(at: u32) -> bool { matches!(at, crate::top::roof::WIDTH) }", "WIDTH"),
        ("pub fn hut(at: u32) { match at { crate::top::roof::WIDTH => {} _ => {} } }", "WIDTH"),
        ("impl crate::top::roof::Slope for Clay {}", "Slope"),
        ("use crate::top::roof; pub fn hut() { roof::lay(); }", "lay"),
        ("pub fn hut() { crate::top::roof::lay.call(); }", "lay"),
        ("pub fn hut() { tile!(); }", "tile"),
        ("pub fn hut() { vec![tile!()]; }", "tile"),
        ("pub fn hut() { asks!(crate::top::roof); }", "roof"),
    ] {
        let line = format!("ground/clay.rs -> top/roof.rs: {name}");
        let unseen = unseen(planted, &line, &[text]);
        assert!(unseen.is_empty(), "{}", unseen.join("\n"));
    }
}

#[test]
fn a_chain_of_re_exports_is_upward_for_each_link_and_for_who_takes_it() {
    let middle = "mod door; pub use door::*;";
    let door = "pub use crate::top::Roof; pub use hyper::Method;";
    let clay = "pub struct Clay; pub struct Hut(crate::middle::Roof, crate::middle::Method);";
    let changes = [
        ("middle.rs", middle),
        ("middle/door.rs", door),
        ("ground/clay.rs", clay),
        ("top/mod.rs", "pub mod roof; pub use roof::*; pub fn build() {}"),
    ];
    let faults = faults(&house(&changes));
    for line in [
        "ground/clay.rs -> middle/door.rs: Method, Roof (upward)",
        "ground/clay.rs -> top/roof.rs: Roof (upward)",
        "middle/door.rs -> top/roof.rs: Roof (upward)",
    ] {
        assert!(faults.contains(line), "{line} is not in\n{faults}");
    }
}

#[test]
fn nothing_imports_the_roots_and_left_is_below_right_on_one_floor() {
    for (file, text, line) in [
        ("top/roof.rs", "pub struct Roof(crate::Site);", "top/roof.rs -> lib.rs: Site (upward)"),
        ("ground/clay.rs", "pub struct Clay(crate::middle::Wall);", "ground/clay.rs -> middle.rs: Wall (upward)"),
    ] {
        let library = format!("{} pub struct Site;", super::HOUSE[0].1);
        let faults = faults(&house(&[("lib.rs", &library), (file, text)]));
        assert!(faults.contains(line), "{line} is not in\n{faults}");
    }
}
