//! Runs the suite on the built-in engines.

use std::sync::Arc;

use super::*;
use crate::clock::Clock;
use crate::store::Engine;
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

    #[tokio::test]
    async fn a_sweep_keeps_its_budget_and_its_lane() {
        crate::store::contract::rows::a_sweep_keeps_its_budget_and_its_lane::<super::Model>().await;
    }
}

mod sled {
    crate::engine_contract!(super::Embedded);

    #[tokio::test]
    async fn a_sweep_keeps_its_budget_and_its_lane() {
        crate::store::contract::rows::a_sweep_keeps_its_budget_and_its_lane::<super::Embedded>().await;
    }
}

mod compare_and_set {
    use crate::store::contract::shared::{Node, SharedModel};

    crate::engine_contract!(Node<SharedModel>);
    crate::rows_contract!(SharedModel);
}

/// A feed whose versions are assigned before their documents are visible, as those of a database sequence are.
mod a_feed_that_uses_a_sequence {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};

    use crate::store::contract::nodes::follow_eight_writers;
    use crate::store::{Document, Documents, Pending};

    #[derive(Default)]
    struct Sequence(Mutex<(u64, BTreeMap<u64, Document>)>);

    impl Documents for Sequence {
        fn list<'a>(&'a self, _: &'a str) -> Pending<'a, (Vec<Document>, u64)> {
            unreachable!()
        }

        fn get<'a>(&'a self, _: &'a str, _: &'a str) -> Pending<'a, Option<Document>> {
            unreachable!()
        }

        fn page<'a>(&'a self, _: &'a str, _: &'a str, _: &'a str, _: usize) -> Pending<'a, Vec<Document>> {
            unreachable!()
        }

        fn put(&self, mut document: Document, _: u64) -> Pending<'_, Option<u64>> {
            Box::pin(async move {
                document.version = {
                    let mut state = self.0.lock().unwrap();
                    state.0 += 1;
                    state.0
                };
                for _ in 0..document.version % 5 {
                    tokio::task::yield_now().await;
                }
                let version = document.version;
                self.0.lock().unwrap().1.insert(version, document);
                Ok(Some(version))
            })
        }

        fn changes<'a>(&'a self, _: &'a str, version: u64) -> Pending<'a, (Vec<Document>, u64)> {
            let state = self.0.lock().unwrap();
            let newer: Vec<_> = state.1.range(version + 1..).map(|(_, document)| document.clone()).collect();
            let next = newer.last().map_or(version, |last| last.version);
            Box::pin(std::future::ready(Ok((newer, next))))
        }
    }

    #[tokio::test]
    #[should_panic(expected = "the follower missed")]
    async fn is_found_out() {
        follow_eight_writers(Arc::new(Sequence::default())).await.unwrap();
    }
}
