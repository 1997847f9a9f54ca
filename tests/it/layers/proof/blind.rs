//! What cannot be followed is told, never passed over.

use super::{faults, house, unseen};

#[test]
fn a_path_that_leads_nowhere_is_told() {
    let planted = |text: &str| vec![("ground/clay.rs", format!("pub struct Clay; {text}"))];
    let forms = [
        "use crate::cellar::Bottle;",
        "use crate::top::Bottle;",
        "use super::{Clay as Own, Bottle};",
        "use super::super::super::Bottle;",
        "use super::sand; pub fn hut() { sand::Bottle; }",
        "pub fn hut() { crate::top::roof::Bottle::new(); }",
        "pub fn hut() { vec![crate::Bottle]; }",
        "mod own {} pub struct Hut(own::Bottle);",
        "macro_rules! hut { ($name:ident) => { $crate::$name } }",
        "macro_rules! hut { ($name:ident) => { use $crate::$name; } }",
        "macro_rules! hut { ($name:ident) => { use $crate::{top::Roof as $name}; } }",
    ];
    let unseen = unseen(planted, "ground/clay.rs: ", &forms);
    assert!(unseen.is_empty(), "{}", unseen.join("\n"));
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    for (file, text, line) in [
        ("ground/clay.rs", "pub struct Clay", "ground/clay.rs cannot be parsed: "),
        ("ground/silt.rs", "", "ground/silt.rs is declared by no module"),
        (
            "ground/clay.rs",
            "mod deeper; pub struct Clay;",
            "ground/clay.rs declares the module deeper, which is in none of",
        ),
    ] {
        let faults = faults(&house(&[(file, text)]));
        assert!(faults.contains(line), "{line} is not in\n{faults}");
    }
}

#[test]
fn a_table_that_is_not_that_of_the_modules_is_told() {
    let library = super::HOUSE[0].1;
    for (text, line) in [
        (library.replace(", [`middle`]", ""), "lacks the module middle"),
        (library.replace("[`middle`]", "[`middle`], [`cellar`]"), "has the module cellar, which is not there"),
        (library.replace("[`middle`]", "[`middle`], [`ground`]"), "names a module twice"),
    ] {
        let faults = faults(&house(&[("lib.rs", &text)]));
        assert!(faults.contains(line), "{line} is not in\n{faults}");
    }
}
