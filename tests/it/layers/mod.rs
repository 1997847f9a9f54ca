//! The architecture, checked: no file needs itself through others, a room imports only rooms below it, and each foreign
//! crate has its one place.
//!
//! The sources are parsed, and each path in them is followed to the file that defines what it names, whatever form it
//! takes. `a -> b: names` in a message says what the file `a` takes from the file `b`. A way out of a circle is to move
//! those names to where both sides may reach down for them.

mod circles;
mod conditions;
mod floors;
mod found;
mod graph;
mod language;
mod lookup;
mod names;
mod paths;
mod places;
mod proof;
mod reading;
mod resolve;
mod taking;
mod tokens;
mod tree;
mod variables;
mod words;

use std::path::Path;
use std::sync::LazyLock;

use graph::Graph;
use tree::Sources;

/// Read once for all tests.
static OWN: LazyLock<(Sources, Graph)> = LazyLock::new(|| {
    let sources = tree::sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let graph = reading::graph(&sources);
    assert!(graph.files.len() > 50, "the sources are found");
    (sources, graph)
});

fn told(faults: &[String]) -> String {
    format!("{} found:\n\n{}\n", faults.len(), faults.join("\n"))
}

#[test]
fn every_path_is_followed_to_a_file() {
    let (_, graph) = &*OWN;
    assert!(graph.faults.is_empty(), "{}", told(&graph.faults));
}

#[test]
fn a_room_imports_only_rooms_before_it_in_the_table_of_the_library() {
    let (sources, graph) = &*OWN;
    let faults = floors::faults(sources, graph);
    assert!(faults.is_empty(), "{}", told(&faults));
}

#[test]
fn no_files_need_each_other() {
    let (_, graph) = &*OWN;
    let circles = circles::circles(graph);
    assert!(circles.is_empty(), "{}", told(&circles));
}

#[test]
fn a_type_name_stands_for_one_thing() {
    let (sources, _) = &*OWN;
    let faults = language::shared_names(sources);
    assert!(faults.is_empty(), "{}", told(&faults));
}

#[test]
fn no_doc_comment_begins_with_a_pronoun_or_a_question_word() {
    let (sources, _) = &*OWN;
    let faults = language::vague_comments(sources);
    assert!(faults.is_empty(), "{}", told(&faults));
}
