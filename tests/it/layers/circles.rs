//! Files that need each other, directly or through others.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::graph::Graph;

/// One circle in words: how many files it ties, the shortest way round, and every pair within it.
pub(super) fn circles(graph: &Graph) -> Vec<String> {
    let mut next: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (from, to) in graph.takes.keys() {
        next.entry(from).or_default().push(to);
    }
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        graph.files.iter().map(|file| (file.as_str(), ways(&next, file).into_keys().collect())).collect();
    let mut told = BTreeSet::new();
    let mut circles = Vec::new();
    for file in graph.files.iter().map(String::as_str) {
        let within: BTreeSet<&str> =
            reached[file].iter().copied().filter(|other| reached[other].contains(file)).collect();
        if within.len() > 1 && told.insert(within.clone()) {
            circles.push(words(graph, &next, &within));
        }
    }
    circles
}

fn words(graph: &Graph, next: &BTreeMap<&str, Vec<&str>>, within: &BTreeSet<&str>) -> String {
    let shortest = within.iter().map(|file| round(next, file)).min_by_key(Vec::len).unwrap_or_default();
    let ties = graph.takes.keys().filter(|(from, to)| within.contains(from.as_str()) && within.contains(to.as_str()));
    let ties: Vec<_> = ties.map(|(from, to)| format!("    {}", graph.line(from, to))).collect();
    let round = shortest.join(" -> ");
    format!("{} files need each other, for example {round}\n{}", within.len(), ties.join("\n"))
}

/// What can be reached from a file, with the file before it on a shortest way. The file itself is there if it is in a
/// circle.
fn ways<'a>(next: &BTreeMap<&'a str, Vec<&'a str>>, from: &'a str) -> BTreeMap<&'a str, &'a str> {
    let mut before = BTreeMap::new();
    let mut waiting = VecDeque::from([from]);
    while let Some(file) = waiting.pop_front() {
        for to in next.get(file).into_iter().flatten() {
            if !before.contains_key(to) {
                before.insert(*to, file);
                waiting.push_back(to);
            }
        }
    }
    before
}

/// The shortest way from a file back to it.
fn round<'a>(next: &BTreeMap<&'a str, Vec<&'a str>>, file: &'a str) -> Vec<&'a str> {
    let before = ways(next, file);
    let mut way = vec![file];
    let mut at = file;
    while let Some(previous) = before.get(at) {
        way.push(previous);
        at = previous;
        if at == file {
            break;
        }
    }
    way.reverse();
    way
}
