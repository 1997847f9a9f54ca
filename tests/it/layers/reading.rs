//! From the sources to the graph.

use syn::visit::Visit;

use super::graph::Graph;
use super::paths::Paths;
use super::resolve::Resolver;
use super::taking::Taking;
use super::tree::{Sources, Tree};

pub(super) fn graph(sources: &Sources) -> Graph {
    let tree = Tree::grow(sources);
    let resolver = Resolver::new(&tree);
    let mut graph = Graph { faults: tree.faults.clone(), ..Graph::default() };
    for (module, read) in tree.modules.iter().enumerate() {
        graph.files.insert(read.file.clone());
        let mut taking = Taking { resolver: &resolver, module, graph: &mut graph };
        let mut paths = Paths::new(&mut taking);
        read.attributes.iter().for_each(|attribute| paths.visit_attribute(attribute));
        read.items.iter().for_each(|item| paths.visit_item(item));
    }
    graph
}
