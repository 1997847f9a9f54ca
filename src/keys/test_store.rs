//! An in-memory fake of the store's key rings, for the tests of this module; shared by the nodes of a cluster.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::store::{KeyRings, Pending, StoreError, StoredKey};

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

impl KeyRings for TestStore {
    fn keys(&self) -> Pending<'_, Vec<StoredKey>> {
        self.answer(|keys| keys.clone())
    }

    fn publish(&self, expected: Option<u32>, key: StoredKey) -> Pending<'_, bool> {
        self.answer(move |keys| {
            let newest = keys.iter().filter(|other| other.ring == key.ring).map(|other| other.generation).max();
            let first = newest == expected && key.generation == expected.unwrap_or(0) + 1;
            keys.extend(first.then_some(key));
            first
        })
    }

    fn drop_up_to<'a>(&'a self, ring: &'a str, generation: u32) -> Pending<'a, ()> {
        self.answer(|keys| keys.retain(|key| key.ring != ring || key.generation > generation))
    }
}
