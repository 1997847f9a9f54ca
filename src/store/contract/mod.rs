//! The suite that every engine passes: the rules of [`Store`] one by one, each with the data reopened between steps,
//! and random histories of operations, time, sweeps and restarts that must come to what the model comes to.

use std::sync::Arc;
use std::time::Duration;

use super::{Health, Store, StoreError};
use crate::clock::{Clock, Time};

mod histories;
mod ops;
mod registry;
mod rows;

pub(super) use ops::{family, redeem, rotate};

/// An engine under test.
pub(super) trait Subject: Sized {
    /// Empty, with this many shards.
    fn open(shards: u16, clock: Clock) -> Self;

    /// The same data in a new engine, if there is any that outlives an engine.
    fn reopen(self) -> Self;

    fn store(&self) -> Arc<dyn Store>;
}

/// The model itself: nothing outlives it, so reopening is keeping.
struct Model(Arc<super::memory::Memory>);

impl Subject for Model {
    fn open(shards: u16, clock: Clock) -> Self {
        Self(Arc::new(super::memory::Memory::new(shards, clock)))
    }

    fn reopen(self) -> Self {
        self
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.0) as Arc<dyn Store>
    }
}

/// A directory on a real disk, with the engine that lives in it.
struct Embedded {
    dir: tempfile::TempDir,
    clock: Clock,
    store: Option<Arc<super::sled::Sled>>,
}

impl Embedded {
    fn start(dir: tempfile::TempDir, shards: u16, clock: Clock) -> Self {
        let config = super::sled::SledConfig { shards, cache_capacity: 4 << 20, ..Default::default() };
        let store = super::sled::Sled::open(dir.path(), config, clock.clone()).unwrap();
        Self { dir, clock, store: Some(Arc::new(store)) }
    }
}

impl Subject for Embedded {
    fn open(shards: u16, clock: Clock) -> Self {
        Self::start(tempfile::tempdir().unwrap(), shards, clock)
    }

    fn reopen(mut self) -> Self {
        let store = self.store.take().unwrap();
        let shards = store.shards();
        let store = Arc::into_inner(store).expect("no test keeps a handle over a restart");
        drop(store);
        Self::start(self.dir, shards, self.clock)
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(self.store.as_ref().unwrap()) as Arc<dyn Store>
    }
}

/// When every test begins: away from a whole second.
const START: Time = Time::from_millis(1_800_000_000_123);

macro_rules! every_engine {
    ($($(#[$attr:meta])* $name:ident($file:ident);)+) => {
        mod memory {
            $(#[tokio::test] $(#[$attr])* async fn $name() { super::$file::$name::<super::Model>().await; })+
        }
        mod sled {
            $(#[tokio::test] $(#[$attr])* async fn $name() { super::$file::$name::<super::Embedded>().await; })+
        }
    };
}

every_engine! {
    a_code_is_redeemed_once(rows);
    outcomes_come_in_order_and_rows_see_each_other(rows);
    rotation_survives_a_restart(rows);
    a_mark_is_set_once(rows);
    a_device_becomes_a_family_once(rows);
    a_fence_voids_what_came_before(rows);
    a_fence_counts_within_its_batch(rows);
    nothing_is_swept_early(rows);
    a_rotated_family_outlives_its_first_deadline(rows);
    a_sweep_keeps_its_budget_and_its_shard(rows);
    what_is_too_large_changes_nothing(rows);
    keys_are_published_once(registry);
    keys_are_dropped_up_to_a_generation(registry);
    documents_are_given_page_by_page(registry);
    documents_change_by_compare_and_set(registry);
    changes_come_in_order(registry);
    a_document_is_read_by_its_name(registry);
    documents_of_another_kind_are_passed_over(registry);
    a_lease_is_ours(registry);
    a_closed_store_says_so(registry);
}

async fn closed(store: &dyn Store) {
    store.close().await.unwrap();
    store.close().await.unwrap();
    assert!(matches!(store.health(), Health::Unavailable(_)));
    assert!(matches!(store.peek(&[]).await, Err(StoreError::Unavailable { .. })));
    assert!(matches!(store.keys().await, Err(StoreError::Unavailable { .. })));
    assert!(store.lease("rotation", crate::id::Id([1; 16]), Duration::from_secs(1)).await.is_err());
}
