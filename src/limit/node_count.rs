//! The number of nodes that a limit is divided by: each admits its part, so that together they admit about what one would.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// The number of nodes that serve together; at least one. Clones share the number.
#[derive(Clone, Debug)]
pub struct NodeCount(Arc<AtomicU32>);

impl Default for NodeCount {
    fn default() -> Self {
        Self(Arc::new(AtomicU32::new(1)))
    }
}

impl NodeCount {
    /// Returns the number of nodes.
    pub fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed).max(1)
    }

    /// Changes the number of nodes.
    pub(crate) fn set(&self, nodes: u32) {
        self.0.store(nodes, Ordering::Relaxed);
    }
}
