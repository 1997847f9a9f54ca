//! The store: operations on rows, each atomic and durable before it is answered, and what nodes keep beside them.
//!
//! An engine is split by concern, so that each user and each test sees only what it asks: [`Ledger`] decides over rows,
//! [`Documents`] and [`KeyRings`] change by compare-and-set, [`Lifecycle`] is the engine as a whole. Nothing here
//! assumes one process. An engine that several nodes share implements [`Rows`] instead of a ledger, and [`Cas`] decides
//! over it. [`Shards`] queues and batches over any engine; `contract` is the suite that every engine passes.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

mod audit;
pub mod cas;
pub mod codec;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
pub mod documents;
pub mod error;
pub mod key_rings;
pub mod ledger;
pub mod lifecycle;
pub mod memory;
pub mod rows;
pub mod shards;
pub mod sled;

pub use cas::Cas;
pub use documents::{Document, Documents};
pub use error::{MAX_VALUE, StoreError, check_document, check_key, check_size};
pub use key_rings::{KeyRings, StoredKey};
pub use ledger::{Answer, LaneId, Lanes, Ledger, Swept, deadline};
pub use lifecycle::{Health, Lifecycle};
pub use rows::Rows;
pub use shards::Shards;

/// A future of the store, boxed so that engines can be chosen at run time.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

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
}

impl Engine {
    /// An engine that does everything itself.
    pub fn of<E: Ledger + Documents + KeyRings + Lifecycle>(engine: Arc<E>) -> Self {
        Self { ledger: engine.clone(), documents: engine.clone(), key_rings: engine.clone(), lifecycle: engine }
    }

    /// An engine that several nodes share: it keeps rows, and this node decides over them.
    pub fn shared<E: Rows + Documents + KeyRings + Lifecycle>(engine: Arc<E>) -> Self {
        let ledger = Arc::new(Cas::new(engine.clone()));
        Self { ledger, documents: engine.clone(), key_rings: engine.clone(), lifecycle: engine }
    }
}
