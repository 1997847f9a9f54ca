//! The key part of a store, in memory, for the tests of this module. Nodes of a cluster share one.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::id::Id;
use crate::state::key::Key;
use crate::state::op::Op;
use crate::state::step::{Outcome, Row};
use crate::store::{Document, Health, Pending, ShardId, Store, StoreError, StoredKey, Swept};

#[derive(Default)]
pub(super) struct TestStore {
    pub(super) keys: Mutex<Vec<StoredKey>>,
    pub(super) down: AtomicBool,
}

fn unavailable<T>() -> Pending<'static, T> {
    Box::pin(async { Err(StoreError::Unavailable { reason: "a test store".to_owned() }) })
}

impl TestStore {
    fn answer<T: Send + 'static>(&self, answer: impl FnOnce(&mut Vec<StoredKey>) -> T) -> Pending<'_, T> {
        if self.down.load(Ordering::SeqCst) {
            return unavailable();
        }
        let answer = answer(&mut self.keys.lock().unwrap());
        Box::pin(async move {
            // lets other nodes in between a read and what is made of it
            tokio::task::yield_now().await;
            Ok(answer)
        })
    }
}

impl Store for TestStore {
    fn keys(&self) -> Pending<'_, Vec<StoredKey>> {
        self.answer(|keys| keys.clone())
    }

    fn publish_key(&self, expected: Option<u32>, key: StoredKey) -> Pending<'_, bool> {
        self.answer(move |keys| {
            let newest = keys.iter().filter(|other| other.ring == key.ring).map(|other| other.generation).max();
            let first = newest == expected && key.generation == expected.unwrap_or(0) + 1;
            keys.extend(first.then_some(key));
            first
        })
    }

    fn drop_keys<'a>(&'a self, ring: &'a str, generation: u32) -> Pending<'a, ()> {
        self.answer(|keys| keys.retain(|key| key.ring != ring || key.generation > generation))
    }

    fn shards(&self) -> ShardId {
        1
    }

    fn apply(&self, _: ShardId, _: Vec<Op>) -> Pending<'_, Vec<Outcome>> {
        unavailable()
    }

    fn peek<'a>(&'a self, _: &'a [Key]) -> Pending<'a, Vec<Option<Row>>> {
        unavailable()
    }

    fn sweep(&self, _: ShardId, _: usize) -> Pending<'_, Swept> {
        unavailable()
    }

    fn documents<'a>(&'a self, _: &'a str) -> Pending<'a, (Vec<Document>, u64)> {
        unavailable()
    }

    fn document<'a>(&'a self, _: &'a str, _: &'a str) -> Pending<'a, Option<Document>> {
        unavailable()
    }

    fn page<'a>(&'a self, _: &'a str, _: &'a str, _: &'a str, _: usize) -> Pending<'a, Vec<Document>> {
        unavailable()
    }

    fn put_document(&self, _: Document, _: u64) -> Pending<'_, Option<u64>> {
        unavailable()
    }

    fn changes<'a>(&'a self, _: &'a str, _: u64) -> Pending<'a, (Vec<Document>, u64)> {
        unavailable()
    }

    fn lease<'a>(&'a self, _: &'a str, _: Id, _: Duration) -> Pending<'a, Option<u64>> {
        unavailable()
    }

    fn health(&self) -> Health {
        Health::Ready
    }

    fn size(&self) -> Option<u64> {
        None
    }

    fn close(&self) -> Pending<'_, ()> {
        unavailable()
    }
}
