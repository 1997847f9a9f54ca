//! Races, limits and ends, through the actors.

use tokio::task::JoinSet;

use super::*;
use crate::clock::Clock;
use crate::state::step::{Done, Refusal};
use crate::store::contract::{redeem, rotate};
use crate::store::memory::Memory;
use crate::store::sled::{Sled, SledConfig};

const START: Time = Time::from_secs(1_800_000_000);

async fn embedded(dir: &tempfile::TempDir, clock: &Clock, metrics: &Metrics) -> Shards {
    let store = Sled::open(dir.path(), SledConfig { shards: 4, ..SledConfig::default() }, clock.clone()).unwrap();
    Shards::start(Arc::new(store), ShardsConfig::default(), metrics).await.unwrap()
}

async fn race(shards: &Shards, op: impl Fn(u32) -> Op) -> Vec<Outcome> {
    let mut racers = JoinSet::new();
    for n in 0..1000 {
        let (shards, op) = (shards.clone(), op(n));
        racers.spawn(async move { shards.apply(op).await.unwrap() });
    }
    racers.join_all().await
}

/// An attempt of its own for each of a thousand.
fn attempt(n: u32) -> crate::id::Id {
    crate::id::Id((u128::from(n) + 1000).to_be_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_racing_redemptions_have_one_winner() {
    let (dir, metrics) = (tempfile::tempdir().unwrap(), Metrics::new());
    let shards = embedded(&dir, &Clock::manual(START), &metrics).await;
    let outcomes = race(&shards, |n| {
        let Op::Redeem(mut redeem) = redeem(1, 1, START) else { unreachable!() };
        redeem.attempt = attempt(n);
        Op::Redeem(redeem)
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Err(Refusal::Replayed)).count(), 999);
    let count = |outcome| metrics.store_ops.with_label_values(&["redeem", outcome]).get();
    assert_eq!((count("done"), count("refused")), (1, 999));
    shards.stop(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_rotations_have_one_successor() {
    let (dir, metrics) = (tempfile::tempdir().unwrap(), Metrics::new());
    let shards = embedded(&dir, &Clock::manual(START), &metrics).await;
    assert_eq!(shards.apply(redeem(1, 1, START)).await.unwrap(), Ok(Done::Redeemed));
    let outcomes = race(&shards, |n| {
        let Op::Rotate(mut rotate) = rotate(1, 0, 1) else { unreachable!() };
        rotate.attempt = attempt(n);
        rotate.policy = crate::state::family::RotatePolicy::Rotate { grace: Duration::from_secs(9), replays: u16::MAX };
        Op::Rotate(rotate)
    })
    .await;
    let generations: std::collections::HashSet<_> = outcomes
        .iter()
        .map(
            |outcome| if let Ok(Done::Rotated(rotated)) = outcome { rotated.generation } else { panic!("{outcome:?}") },
        )
        .collect();
    assert_eq!(generations, [1].into());
    let fresh = outcomes.iter().filter(|outcome| matches!(outcome, Ok(Done::Rotated(rotated)) if !rotated.replayed));
    assert_eq!(fresh.count(), 1);
}

#[tokio::test]
async fn a_fence_is_found_by_its_three_names() {
    let clock = Clock::manual(START);
    let memory = Arc::new(Memory::new(2, clock));
    let shards = Shards::start(memory, ShardsConfig::default(), &Metrics::new()).await.unwrap();
    assert_eq!(shards.fence("main", "web", "alice").await.unwrap(), Time::ZERO);
    let key = Key::fence("main", Fence::Subject("alice"));
    assert!(shards.apply(Op::RaiseFence { key, keep_for: Duration::from_secs(9) }).await.unwrap().is_ok());
    assert_eq!(shards.fence("main", "web", "alice").await.unwrap(), START);
    assert_eq!(shards.fence("main", "web", "bob").await.unwrap(), Time::ZERO);
}

/// An engine that answers what the test says.
struct Moody {
    inner: Memory,
    /// How often the outcome is unknown before it is known; what is asked is done each time.
    unknown: std::sync::atomic::AtomicU32,
    gate: tokio::sync::Semaphore,
    fatal: bool,
}

impl Moody {
    fn new(unknown: u32, fatal: bool) -> Arc<Self> {
        let inner = Memory::new(1, Clock::manual(START));
        Arc::new(Self { inner, unknown: unknown.into(), gate: tokio::sync::Semaphore::new(1_000), fatal })
    }
}

impl Store for Moody {
    fn shards(&self) -> u16 {
        1
    }
    fn apply(&self, shard: u16, ops: Vec<Op>) -> super::super::Pending<'_, Vec<Outcome>> {
        use std::sync::atomic::Ordering::SeqCst;
        Box::pin(async move {
            let _open = self.gate.acquire().await;
            if self.fatal {
                return Err(StoreError::Fatal("fsync failed".to_owned()));
            }
            let outcomes = self.inner.apply(shard, ops).await?;
            if self.unknown.fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1)).is_ok() {
                return Err(StoreError::Indeterminate { reason: "the connection broke".to_owned() });
            }
            Ok(outcomes)
        })
    }
    fn peek<'a>(&'a self, keys: &'a [Key]) -> super::super::Pending<'a, Vec<Option<Row>>> {
        self.inner.peek(keys)
    }
    fn sweep(&self, shard: u16, budget: usize) -> super::super::Pending<'_, super::super::Swept> {
        self.inner.sweep(shard, budget)
    }
    fn keys(&self) -> super::super::Pending<'_, Vec<super::super::StoredKey>> {
        self.inner.keys()
    }
    fn publish_key(&self, of: Option<u32>, key: super::super::StoredKey) -> super::super::Pending<'_, bool> {
        self.inner.publish_key(of, key)
    }
    fn drop_keys<'a>(&'a self, ring: &'a str, generation: u32) -> super::super::Pending<'a, ()> {
        self.inner.drop_keys(ring, generation)
    }
    fn documents<'a>(&'a self, kind: &'a str) -> super::super::Pending<'a, (Vec<super::super::Document>, u64)> {
        self.inner.documents(kind)
    }
    fn document<'a>(
        &'a self,
        kind: &'a str,
        name: &'a str,
    ) -> super::super::Pending<'a, Option<super::super::Document>> {
        self.inner.document(kind, name)
    }
    fn page<'a>(
        &'a self,
        kind: &'a str,
        prefix: &'a str,
        after: &'a str,
        limit: usize,
    ) -> super::super::Pending<'a, Vec<super::super::Document>> {
        self.inner.page(kind, prefix, after, limit)
    }
    fn put_document(&self, of: super::super::Document, expected: u64) -> super::super::Pending<'_, Option<u64>> {
        self.inner.put_document(of, expected)
    }
    fn changes<'a>(
        &'a self,
        kind: &'a str,
        version: u64,
    ) -> super::super::Pending<'a, (Vec<super::super::Document>, u64)> {
        self.inner.changes(kind, version)
    }
    fn lease<'a>(&'a self, n: &'a str, id: crate::id::Id, ttl: Duration) -> super::super::Pending<'a, Option<u64>> {
        self.inner.lease(n, id, ttl)
    }
    fn health(&self) -> Health {
        self.inner.health()
    }
    fn size(&self) -> Option<u64> {
        None
    }
    fn close(&self) -> super::super::Pending<'_, ()> {
        Box::pin(async {
            let _open = self.gate.acquire().await;
            self.inner.close().await
        })
    }
}

#[tokio::test]
async fn an_unknown_outcome_is_retried_as_the_same_attempt() {
    let shards = Shards::start(Moody::new(2, false), ShardsConfig::default(), &Metrics::new()).await.unwrap();
    assert_eq!(shards.apply(redeem(1, 1, START)).await.unwrap(), Ok(Done::Redeemed));
    let Ok(Done::Rotated(rotated)) = shards.apply(rotate(1, 0, 2)).await.unwrap() else { panic!() };
    assert_eq!(rotated.generation, 1);
}

#[tokio::test]
async fn more_than_fits_is_refused_at_once() {
    let store = Moody::new(0, false);
    let shut = store.gate.acquire_many(1_000).await.unwrap();
    let metrics = Metrics::new();
    let config = ShardsConfig { queue: 4, batch: 1, ..ShardsConfig::default() };
    let shards = Shards::start(Arc::clone(&store) as Arc<dyn Store>, config, &metrics).await.unwrap();
    let mut waiting = JoinSet::new();
    for n in 0..4 {
        let shards = shards.clone();
        waiting.spawn(async move { shards.apply(redeem(n, 1, START)).await });
    }
    tokio::task::yield_now().await;
    let refused = shards.apply(redeem(9, 1, START)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
    assert_eq!(metrics.store_errors.with_label_values(&["unavailable"]).get(), 1);
    drop(shut);
    assert!(waiting.join_all().await.into_iter().all(|done| done.unwrap().is_ok()));
    assert!(shards.apply(redeem(9, 1, START)).await.unwrap().is_ok());
}

#[tokio::test]
async fn what_nobody_waits_for_is_not_done() {
    let store = Moody::new(0, false);
    let shut = store.gate.acquire_many(1_000).await.unwrap();
    let metrics = Metrics::new();
    let shards = Shards::start(Arc::clone(&store) as Arc<dyn Store>, ShardsConfig::default(), &metrics).await.unwrap();
    let first = tokio::spawn({
        let shards = shards.clone();
        async move { shards.apply(redeem(1, 1, START)).await }
    });
    tokio::task::yield_now().await;
    let late = shards.apply_within(redeem(2, 1, START), Duration::from_millis(20)).await;
    assert!(matches!(late, Err(StoreError::Indeterminate { .. })), "{late:?}");
    drop(shut);
    assert!(first.await.unwrap().unwrap().is_ok());
    shards.stop(Duration::from_secs(5)).await.unwrap();
    assert_eq!(metrics.store_ops.with_label_values(&["redeem", "done"]).get(), 1);
}

#[tokio::test]
async fn a_fatal_engine_fails_the_shards() {
    let shards = Shards::start(Moody::new(0, true), ShardsConfig::default(), &Metrics::new()).await.unwrap();
    let failed = tokio::spawn({
        let shards = shards.clone();
        async move { shards.failed().await }
    });
    assert!(matches!(shards.apply(redeem(1, 1, START)).await, Err(StoreError::Fatal(_))));
    assert_eq!(failed.await.unwrap(), "fsync failed");
    assert_eq!(shards.failed().await, "fsync failed");
    assert_eq!(shards.health(), Health::Failed("fsync failed".to_owned()));
    assert!(matches!(shards.apply(redeem(2, 1, START)).await, Err(StoreError::Fatal(_))));
}

#[tokio::test]
async fn a_dead_actor_fails_the_shards() {
    let shards = Shards::start(Moody::new(0, false), ShardsConfig::default(), &Metrics::new()).await.unwrap();
    shards.inner.shards[0].kill();
    assert_eq!(shards.failed().await, "the actor of store shard 0 died");
}

#[tokio::test]
async fn stopping_finishes_what_is_in_and_refuses_the_rest() {
    let (dir, metrics, clock) = (tempfile::tempdir().unwrap(), Metrics::new(), Clock::manual(START));
    let shards = embedded(&dir, &clock, &metrics).await;
    let mut working = JoinSet::new();
    for n in 0..50 {
        let shards = shards.clone();
        working.spawn(async move { shards.apply(redeem(n, 1, START)).await });
    }
    tokio::task::yield_now().await;
    shards.stop(Duration::from_secs(5)).await.unwrap();
    let acknowledged = working.join_all().await.into_iter().filter(Result::is_ok).count() as u64;
    assert!(matches!(shards.apply(redeem(60, 1, START)).await, Err(StoreError::Unavailable { .. })));
    let again = embedded(&dir, &clock, &Metrics::new()).await;
    let mut found = 0;
    for n in 0..50 {
        found += u64::from(again.apply(redeem(n, 2, START)).await.unwrap().is_err());
    }
    assert_eq!(found, acknowledged);
    assert_eq!(metrics.store_ops.with_label_values(&["redeem", "done"]).get(), acknowledged);
}

#[tokio::test]
async fn an_engine_that_does_not_answer_does_not_hold_up_the_end() {
    let store = Moody::new(0, false);
    let _shut = store.gate.acquire_many(1_000).await.unwrap();
    let config = ShardsConfig { timeout: Duration::from_millis(100), ..ShardsConfig::default() };
    let shards = Shards::start(Arc::clone(&store) as Arc<dyn Store>, config, &Metrics::new()).await.unwrap();
    let waiting = tokio::spawn({
        let shards = shards.clone();
        async move { shards.apply(redeem(1, 1, START)).await }
    });
    tokio::task::yield_now().await;
    let stopped = tokio::time::timeout(Duration::from_secs(30), shards.stop(Duration::from_millis(50))).await;
    assert!(matches!(stopped, Ok(Err(StoreError::Indeterminate { .. }))), "{stopped:?}");
    assert!(matches!(waiting.await.unwrap(), Err(StoreError::Indeterminate { .. })));
}
