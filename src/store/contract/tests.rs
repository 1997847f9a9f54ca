//! The engines that come with jeton pass the suite.

use std::sync::Arc;

use super::*;
use crate::store::sled::{Sled, SledConfig};

/// A directory on a real disk, with the engine that lives in it.
struct Embedded {
    dir: tempfile::TempDir,
    clock: Clock,
    store: Option<Arc<Sled>>,
}

impl Embedded {
    fn start(dir: tempfile::TempDir, shards: u16, clock: Clock) -> Self {
        let config = SledConfig { shards, cache_capacity: 4 << 20, ..Default::default() };
        let store = Sled::open(dir.path(), config, clock.clone()).unwrap();
        Self { dir, clock, store: Some(Arc::new(store)) }
    }
}

impl Subject for Embedded {
    fn open(lanes: u16, clock: Clock) -> Self {
        Self::start(tempfile::tempdir().unwrap(), lanes, clock)
    }

    fn reopen(mut self) -> Self {
        let shards = self.engine().ledger.lanes().count;
        let store = Arc::into_inner(self.store.take().unwrap()).expect("no test keeps a handle over a restart");
        drop(store);
        Self::start(self.dir, shards, self.clock)
    }

    fn engine(&self) -> Engine {
        Engine::of(Arc::clone(self.store.as_ref().unwrap()))
    }
}

mod memory {
    crate::engine_contract!(super::Model);
}

mod sled {
    crate::engine_contract!(super::Embedded);
}

mod compare_and_set {
    use crate::store::contract::shared::{Node, SharedModel};

    crate::engine_contract!(Node<SharedModel>);
    crate::rows_contract!(SharedModel);
}
