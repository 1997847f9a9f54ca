//! Circles of files, tied in every form.

use super::{faults, house, unseen};

#[test]
fn a_circle_of_two_files_is_found_in_every_form() {
    // the other half of it is there already: sand takes from clay
    let planted = |text: &str| vec![("ground/clay.rs", format!("pub struct Clay; {text}"))];
    let forms = [
        "use super::Sand;",
        "use super::sand::Sand;",
        "use super::{sand::{Sand as Grain}};",
        "use super::*;",
        "use crate::ground::*;",
        "use crate::ground::Sand;",
        "use crate::{ground::{self}}; pub struct Pit(ground::Sand);",
        "pub struct Pit(super::Sand);",
        "pub struct Pit(crate::ground::sand::Sand);",
        "pub fn pit() { super::super::ground::Sand::default(); }",
        "pub fn pit() { use super::sand; sand::Sand::default(); }",
        "pub fn pit() { vec![super::Sand]; }",
        "macro_rules! pit { () => { $crate::ground::Sand } }",
        "mod deeper { pub struct Pit(super::super::Sand); }",
        "mod deeper { pub use super::super::*; } pub struct Pit(deeper::Sand);",
    ];
    let mut unseen = unseen(planted, "ground/clay.rs -> ground/sand.rs: Sand", &forms);
    unseen.extend(super::unseen(
        planted,
        "2 files need each other, for example ground/clay.rs -> ground/sand.rs",
        &forms,
    ));
    assert!(unseen.is_empty(), "{}", unseen.join("\n"));
}

#[test]
fn a_front_page_that_uses_what_it_shows_is_tied_to_it() {
    let child = "use super::Pit; pub struct Clay(Pit);";
    for page in [
        "mod clay; mod sand; pub use clay::Clay; pub use sand::*; pub struct Pit; pub fn fill(_: Clay) {}",
        "mod clay; mod sand; pub use clay::*; pub use sand::*; pub struct Pit; impl From<Clay> for Pit {}",
        "mod clay; mod sand; pub use clay::Clay; pub use sand::*; pub struct Pit; pub fn fill() { vec![Clay]; }",
        "mod clay; mod sand; pub use clay::Clay; pub use sand::*; pub struct Pit; pub fn fill(_: u8) { match 0 { Clay => {} } }",
        "mod clay; mod sand; pub use self::clay::Clay; pub use sand::*; pub struct Pit; pub fn fill() { clay::Clay; }",
        "mod clay; mod sand; use clay::Clay; pub use sand::*; pub struct Pit;",
        "mod clay; mod sand; use clay::*; pub use sand::*; pub struct Pit;",
    ] {
        let faults = faults(&house(&[("ground/mod.rs", page), ("ground/clay.rs", child)]));
        assert!(faults.contains("ground/clay.rs -> ground/mod.rs: Pit"), "{page}\n{faults}");
        assert!(faults.contains("ground/mod.rs -> ground/clay.rs: Clay"), "{page}\n{faults}");
    }
}

#[test]
fn a_circle_of_many_files_is_told_whole_and_by_its_shortest_way() {
    let changes = [
        ("ground/mod.rs", "mod clay; mod sand; mod silt; pub use clay::Clay; pub use sand::*; pub use silt::Silt;"),
        ("ground/clay.rs", "pub struct Clay(super::Silt);"),
        ("ground/silt.rs", "pub struct Silt(super::Sand);"),
    ];
    let faults = faults(&house(&changes));
    let way = "ground/clay.rs -> ground/silt.rs -> ground/sand.rs -> ground/clay.rs";
    assert!(faults.starts_with(&format!("3 files need each other, for example {way}\n")), "{faults}");
}

#[test]
fn two_circles_are_two() {
    let changes = [
        ("ground/clay.rs", "pub struct Clay(super::Sand);"),
        ("top/mod.rs", "pub mod roof; pub use roof::Roof; pub fn build() { roof::lay(); }"),
        ("top/roof.rs", "pub struct Roof; pub fn lay() { super::build(); }"),
    ];
    assert_eq!(faults(&house(&changes)).matches("2 files need each other").count(), 2);
}
