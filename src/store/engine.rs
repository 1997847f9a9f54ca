//! An engine as a node uses it: its parts, each behind its own trait.

use std::sync::Arc;

use super::cas::Cas;
use super::documents::Documents;
use super::key_rings::KeyRings;
use super::ledger::Ledger;
use super::lifecycle::Lifecycle;
use super::nodes::Nodes;
use super::rows::Rows;

/// An engine, part by part.
#[derive(Clone)]
pub struct Engine {
    /// Rows and the transitions over them.
    pub ledger: Arc<dyn Ledger>,
    /// Clients and users.
    pub documents: Arc<dyn Documents>,
    /// Signing keys.
    pub key_rings: Arc<dyn KeyRings>,
    /// The engine as a whole.
    pub lifecycle: Arc<dyn Lifecycle>,
    /// The nodes, if several share the engine.
    pub nodes: Option<Arc<dyn Nodes>>,
}

impl Engine {
    /// Creates the engine from a type that implements every part itself.
    pub fn of<E: Ledger + Documents + KeyRings + Lifecycle>(engine: Arc<E>) -> Self {
        Self {
            ledger: engine.clone(),
            documents: engine.clone(),
            key_rings: engine.clone(),
            lifecycle: engine,
            nodes: None,
        }
    }

    /// Creates the engine from one that several nodes share: it stores rows, and this node makes the transitions over
    /// them.
    pub fn shared<E: Rows + Documents + KeyRings + Lifecycle>(engine: Arc<E>) -> Self {
        let ledger = Arc::new(Cas::new(engine.clone()));
        Self { ledger, documents: engine.clone(), key_rings: engine.clone(), lifecycle: engine, nodes: None }
    }

    /// Adds a register of the nodes, by which each learns of the others: without one each node looks for changes of others
    /// by itself, and takes itself for the only one where limits are divided.
    #[must_use]
    pub fn with_nodes(self, nodes: Arc<dyn Nodes>) -> Self {
        Self { nodes: Some(nodes), ..self }
    }
}
