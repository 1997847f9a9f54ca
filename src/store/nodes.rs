//! The nodes that share an engine: each says that it lives, and learns of the others and of what they changed.

use std::collections::BTreeMap;

use super::Pending;
use crate::clock::Time;
use crate::id::Id;

/// A node as the others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeInfo {
    /// Random name, new with each start.
    pub id: Id,
    /// Name of the machine, for people.
    pub name: String,
    /// Version of the program.
    pub version: String,
    /// Digest of the settings that all nodes should share.
    pub settings: String,
    /// Digests of the master keys, in the order of the file.
    pub master_keys: Vec<String>,
}

/// The answer of an engine to a sign of life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// The nodes that were seen within ten seconds, without the one that asked.
    pub others: Vec<NodeInfo>,
    /// Versions of what is followed: the kinds of [`Document`](super::Document), and `keys`.
    pub versions: BTreeMap<String, u64>,
    /// The engine's time, if this node knows it now to a quarter of a second.
    pub now: Option<Time>,
}

/// Name of the version that every change of a [`KeyRings`](super::KeyRings) raises.
pub(crate) const KEYS: &str = "keys";

/// Time after its last sign of life at which a node no longer counts, in seconds.
pub(crate) const ALIVE: u64 = 10;

/// The register of the nodes.
pub trait Nodes: Send + Sync + 'static {
    /// Writes down that a node lives.
    fn beat<'a>(&'a self, own: &'a NodeInfo) -> Pending<'a, Heartbeat>;

    /// Removes a node that ends in order, so that the others no longer count it.
    fn leave(&self, id: Id) -> Pending<'_, ()>;
}
