//! The store: operations on rows, each atomic and durable before it is answered, and documents and signing keys beside
//! them.
//!
//! An engine is split by concern, so that each user and each test sees only the part it needs: [`Ledger`] makes
//! transitions over rows, [`Documents`] and [`KeyRings`] change by compare-and-set, [`Lifecycle`] is the engine as a
//! whole. Nothing here assumes one process. An engine that several nodes share implements [`Rows`] instead of a ledger,
//! and [`cas::Cas`] makes the transitions over it. [`Shards`] queues and batches over any engine; `contract` is the suite
//! that every engine passes.

mod audit;
pub(crate) mod cas;
pub(crate) mod codec;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
pub(crate) mod documents;
mod engine;
pub(crate) mod error;
pub(crate) mod key_rings;
pub(crate) mod ledger;
pub(crate) mod lifecycle;
pub(crate) mod memory;
pub(crate) mod nodes;
mod pending;
pub(crate) mod postgres;
pub(crate) mod rows;
pub(crate) mod shards;
mod size;
pub(crate) mod sled;

pub use crate::state::{Event, Key, Op, Outage, Outcome, Row};
pub use documents::{Document, Documents, USERS};
pub use engine::Engine;
pub use error::StoreError;
pub use key_rings::{KeyRings, StoredKey};
pub use ledger::{Answer, LaneId, Lanes, Ledger, Swept, deadline};
pub use lifecycle::{Health, Lifecycle};
pub use memory::Memory;
pub use nodes::{Heartbeat, NodeInfo, Nodes};
pub use pending::Pending;
pub use rows::{Connection, ReadRows, RowChange, RowInsert, Rows, Session, Stamp, StampedRow, Written};
pub(crate) use shards::Shards;
pub(crate) use size::check_size;
pub use size::{check_document, check_key};
