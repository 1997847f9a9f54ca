//! The health, size and end of an engine.

use super::Pending;

/// The ability of an engine to take writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// The engine can take writes.
    Ready,
    /// The engine cannot take writes now, but may again; holds the reason.
    Unavailable(String),
    /// The engine can take no more writes in this process; holds the reason. The node stops.
    Failed(String),
}

/// An engine as a whole.
pub trait Lifecycle: Send + Sync + 'static {
    /// Returns whether the engine can take writes now.
    fn health(&self) -> Health;

    /// Returns the size on disk, in bytes, if the engine keeps its own files.
    fn size(&self) -> Option<u64>;

    /// Makes everything durable and stops the engine; later calls of any of its parts fail as
    /// [`StoreError::Unavailable`](super::StoreError::Unavailable).
    fn close(&self) -> Pending<'_, ()>;
}
