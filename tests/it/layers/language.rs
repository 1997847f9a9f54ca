//! The language of the sources: one thing for each type name, and doc comments that say what an item is or does.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::Sources;

/// Words that a doc comment may not begin with: they leave open what is meant.
const OPENERS: [&str; 20] = [
    "It", "Its", "They", "Their", "This", "That", "These", "Those", "We", "Our", "You", "Who", "Whose", "What",
    "Which", "When", "Where", "Why", "How", "Whether",
];

/// Returns the type names that two files give to different things, private ones aside.
pub(super) fn shared_names(sources: &Sources) -> Vec<String> {
    let mut files: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (file, text) in sources {
        for line in text.lines().map(str::trim_start).filter(|line| line.starts_with("pub")) {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
            let is_type = |word: &str| ["struct", "enum", "trait", "type", "union"].contains(&word);
            if words.by_ref().take(3).any(is_type)
                && let Some(name) = words.next()
            {
                files.entry(name).or_default().insert(file);
            }
        }
    }
    let shared = files.into_iter().filter(|(_, files)| files.len() > 1);
    shared.map(|(name, files)| format!("{name}: {}", Vec::from_iter(files).join(", "))).collect()
}

/// Returns the doc comments that begin with a pronoun or a question word.
pub(super) fn vague_comments(sources: &Sources) -> Vec<String> {
    let mut faults = Vec::new();
    for (file, text) in sources {
        let mut inside = false;
        for (number, line) in (1..).zip(text.lines().map(str::trim_start)) {
            let comment = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
            let opener = comment.and_then(|comment| comment.split_whitespace().next());
            if !inside && opener.is_some_and(|word| OPENERS.contains(&word.trim_end_matches([',', '\'']))) {
                faults.push(format!("{file}:{number}: {line}"));
            }
            inside = comment.is_some();
        }
    }
    faults
}

#[test]
fn a_shared_name_and_a_vague_comment_are_told() {
    let sources = |texts: &[(&str, &str)]| -> Sources {
        texts.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect()
    };
    let twice = sources(&[("a.rs", "pub(crate) struct Door;"), ("b.rs", "pub enum Door {}"), ("c.rs", "struct Door;")]);
    assert_eq!(shared_names(&twice), ["Door: a.rs, b.rs"]);
    let vague = sources(&[("a.rs", "/// What it is.\nstruct A;\n/// A door.\n/// It is open.\nstruct B;")]);
    assert_eq!(vague_comments(&vague), ["a.rs:1: /// What it is."]);
}
