//! The order of the rooms, which the table in `src/lib.rs` states: each imports only rooms that stand before it.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::Graph;
use super::tree::Sources;

/// The rooms in the rows `| [`a`], [`b`] | what they are |` of the table, ground first.
pub(super) fn order(sources: &Sources) -> Vec<String> {
    let rows = sources["lib.rs"].lines().filter_map(|line| line.strip_prefix("//! | [`"));
    let cells = rows.map(|row| row.split(" |").next().unwrap_or(row));
    let rooms = cells.flat_map(|cell| cell.split(", "));
    rooms.map(|room| room.trim_matches(|letter| "[`]".contains(letter)).to_owned()).collect()
}

/// The room that a file is, or is in; none for the roots.
fn room(file: &str) -> Option<&str> {
    let first = file.split('/').next()?.trim_end_matches(".rs");
    (!["lib", "main"].contains(&first)).then_some(first)
}

/// What the table has too much or too little, and every import of what stands later, in words.
pub(super) fn faults(sources: &Sources, graph: &Graph) -> Vec<String> {
    let order = order(sources);
    let rank: BTreeMap<&str, usize> = order.iter().enumerate().map(|(at, room)| (room.as_str(), at)).collect();
    let mut faults = Vec::new();
    if rank.len() < order.len() {
        faults.push("the table of src/lib.rs names a module twice".to_owned());
    }
    let there: BTreeSet<_> = graph.files.iter().filter_map(|file| room(file)).collect();
    for room in there.iter().filter(|room| !rank.contains_key(*room)) {
        faults.push(format!("the table of src/lib.rs lacks the module {room}: put it behind all that it imports"));
    }
    for room in rank.keys().filter(|room| !there.contains(*room)) {
        faults.push(format!("the table of src/lib.rs has the module {room}, which is not there"));
    }
    // the roots stand on everything: lib.rs declares the rooms, main.rs starts them
    let floor = |file: &str| match room(file) {
        Some(room) => rank.get(room).copied(),
        None => Some(order.len() + usize::from(file == "main.rs")),
    };
    for (from, to) in graph.takes.keys() {
        if floor(from).zip(floor(to)).is_some_and(|(from, to)| from < to) {
            faults.push(format!("{} (upward)", graph.line(from, to)));
        }
    }
    faults
}
