//! Whether an engine works, how large it is, and its end.

use super::Pending;

/// Whether an engine can take writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It can.
    Ready,
    /// It cannot now, but may again; why.
    Unavailable(String),
    /// It cannot in this process any more; why. The node stops.
    Failed(String),
}

/// An engine as a whole.
pub trait Lifecycle: Send + Sync + 'static {
    /// Whether it can take writes now.
    fn health(&self) -> Health;

    /// Bytes on disk, if it keeps its own.
    fn size(&self) -> Option<u64>;

    /// Makes everything durable and stops the engine; later calls of any of its parts fail as
    /// [`StoreError::Unavailable`](super::StoreError::Unavailable).
    fn close(&self) -> Pending<'_, ()>;
}
