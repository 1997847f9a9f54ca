//! Races, limits and shutdown, through the actors.

use tokio::task::JoinSet;

use super::*;
use crate::clock::{Clock, Time};
use crate::state::{NotBeforeOf, RaiseNotBefore, RedeemCode, RedeemRefusal, Rotate, RotatePolicy};
use crate::store::contract::{redeem, rotate};
use crate::store::memory::Memory;
use crate::store::sled::{Sled, SledConfig};
use crate::store::{Answer, LaneId, Lanes, Ledger, Lifecycle, Pending, Swept};

const START: Time = Time::from_secs(1_800_000_000);

async fn embedded(dir: &tempfile::TempDir, clock: &Clock, metrics: &Metrics) -> Shards {
    let store = Sled::open(dir.path(), SledConfig { shards: 4, ..SledConfig::default() }, clock.clone()).unwrap();
    Shards::start(Engine::of(Arc::new(store)), ShardsConfig::default(), metrics).await.unwrap()
}

const HERE: Cell = Cell(0);

async fn race<O>(shards: &Shards, op: impl Fn(u32) -> O) -> Vec<Result<O::Done, O::Refusal>>
where
    O: Ask + Send + 'static,
    O::Done: Send + 'static,
    O::Refusal: Send + 'static,
{
    let mut racers = JoinSet::new();
    for n in 0..1000 {
        let (shards, op) = (shards.clone(), op(n));
        racers.spawn(async move { shards.ask(HERE, op).await.unwrap() });
    }
    racers.join_all().await
}

/// Returns a distinct attempt for each of a thousand.
fn attempt(n: u32) -> crate::id::Id {
    crate::id::Id((u128::from(n) + 1000).to_be_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_racing_redemptions_have_one_winner() {
    let (dir, metrics) = (tempfile::tempdir().unwrap(), Metrics::new());
    let shards = embedded(&dir, &Clock::manual(START), &metrics).await;
    let outcomes = race(&shards, |n| RedeemCode { attempt: attempt(n), ..redeem(1, 1, START) }).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Err(RedeemRefusal::Replayed)).count(), 999);
    let count = |outcome| metrics.store_ops.with_label_values(&["redeem", outcome]).get();
    assert_eq!((count("done"), count("refused")), (1, 999));
    shards.stop(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_rotations_have_one_successor() {
    let (dir, metrics) = (tempfile::tempdir().unwrap(), Metrics::new());
    let shards = embedded(&dir, &Clock::manual(START), &metrics).await;
    assert_eq!(shards.ask(HERE, redeem(1, 1, START)).await.unwrap(), Ok(()));
    let policy = RotatePolicy::Rotate { grace: Duration::from_secs(9), replays: u16::MAX };
    let outcomes = race(&shards, |n| Rotate { attempt: attempt(n), policy, ..rotate(1, 0, 1) }).await;
    let rotated: Vec<_> = outcomes.into_iter().map(Result::unwrap).collect();
    assert!(rotated.iter().all(|rotated| rotated.generation == 1));
    assert_eq!(rotated.iter().filter(|rotated| !rotated.replayed).count(), 1);
}

#[tokio::test]
async fn a_not_before_moment_is_found_by_its_three_names() {
    let engine = Engine::of(Arc::new(Memory::new(2, Clock::manual(START))));
    let shards = Shards::start(engine, ShardsConfig::default(), &Metrics::new()).await.unwrap();
    let latest = async |subject| {
        let keys = Key::all_not_before("main", "web", subject).map(|key| HERE.place(key));
        let rows = shards.peek(&keys).await.unwrap();
        rows.iter().map(|row| Row::not_before(row.as_ref())).max().unwrap()
    };
    assert_eq!(latest("alice").await, Time::ZERO);
    let of = NotBeforeOf::Subject("alice".into());
    let raise = RaiseNotBefore { issuer: "main".into(), of, keep_for: Duration::from_secs(9) };
    assert_eq!(shards.ask(HERE, raise).await.unwrap(), Ok(()));
    assert_eq!(latest("alice").await, START);
    assert_eq!(latest("bob").await, Time::ZERO);
}

#[tokio::test]
async fn a_cell_that_the_node_does_not_know_is_unavailable() {
    let engine = Engine::of(Arc::new(Memory::new(2, Clock::manual(START))));
    let shards = Shards::start(engine, ShardsConfig::default(), &Metrics::new()).await.unwrap();
    let asked = shards.ask(Cell(1), redeem(1, 1, START)).await;
    assert!(matches!(&asked, Err(StoreError::Unavailable { reason }) if reason.contains("cell 1")), "{asked:?}");
    let read = shards.peek(&[Cell(1).place(Key::Family(crate::id::Id([1; 16])))]).await;
    assert!(matches!(read, Err(StoreError::Unavailable { .. })), "{read:?}");
}

/// A ledger with scripted answers.
struct Moody {
    inner: Arc<Memory>,
    /// Number of unknown outcomes before the known one; the operation is done each time.
    unknown: std::sync::atomic::AtomicU32,
    gate: tokio::sync::Semaphore,
    fatal: bool,
}

impl Moody {
    fn new(unknown: u32, fatal: bool) -> Arc<Self> {
        let inner = Arc::new(Memory::new(1, Clock::manual(START)));
        Arc::new(Self { inner, unknown: unknown.into(), gate: tokio::sync::Semaphore::new(1_000), fatal })
    }

    fn engine(self: &Arc<Self>) -> Engine {
        Engine { ledger: self.clone(), lifecycle: self.clone(), ..Engine::of(self.inner.clone()) }
    }
}

impl Ledger for Moody {
    fn lanes(&self) -> Lanes {
        self.inner.lanes()
    }

    fn apply(&self, lane: LaneId, ops: Vec<Op>) -> Pending<'_, Vec<Result<Answer, StoreError>>> {
        use std::sync::atomic::Ordering::SeqCst;
        Box::pin(async move {
            let _open = self.gate.acquire().await;
            if self.fatal {
                return Err(StoreError::Fatal("fsync failed".to_owned()));
            }
            let answers = self.inner.apply(lane, ops).await?;
            if self.unknown.fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1)).is_ok() {
                return Err(StoreError::Indeterminate { reason: "the connection broke".to_owned() });
            }
            Ok(answers)
        })
    }

    fn peek<'a>(&'a self, keys: &'a [Key]) -> Pending<'a, Vec<Option<Row>>> {
        self.inner.peek(keys)
    }

    fn sweep(&self, lane: LaneId, budget: usize) -> Pending<'_, Swept> {
        self.inner.sweep(lane, budget)
    }
}

impl Lifecycle for Moody {
    fn health(&self) -> Health {
        self.inner.health()
    }

    fn size(&self) -> Option<u64> {
        None
    }

    fn close(&self) -> Pending<'_, ()> {
        Box::pin(async {
            let _open = self.gate.acquire().await;
            self.inner.close().await
        })
    }
}

#[tokio::test]
async fn an_unknown_outcome_is_retried_as_the_same_attempt() {
    let shards = Shards::start(Moody::new(2, false).engine(), ShardsConfig::default(), &Metrics::new()).await.unwrap();
    assert_eq!(shards.ask(HERE, redeem(1, 1, START)).await.unwrap(), Ok(()));
    let rotated = shards.ask(HERE, rotate(1, 0, 2)).await.unwrap().unwrap();
    assert_eq!(rotated.generation, 1);
}

#[tokio::test]
async fn more_than_fits_is_refused_at_once() {
    let store = Moody::new(0, false);
    let shut = store.gate.acquire_many(1_000).await.unwrap();
    let metrics = Metrics::new();
    let config = ShardsConfig { queue: 4, batch: 1, ..ShardsConfig::default() };
    let shards = Shards::start(store.engine(), config, &metrics).await.unwrap();
    let mut waiting = JoinSet::new();
    for n in 0..4 {
        let shards = shards.clone();
        waiting.spawn(async move { shards.ask(HERE, redeem(n, 1, START)).await });
    }
    tokio::task::yield_now().await;
    let refused = shards.ask(HERE, redeem(9, 1, START)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
    assert_eq!(metrics.store_errors.with_label_values(&["unavailable"]).get(), 1);
    drop(shut);
    assert!(waiting.join_all().await.into_iter().all(|done| done.unwrap().is_ok()));
    assert!(shards.ask(HERE, redeem(9, 1, START)).await.unwrap().is_ok());
}

#[tokio::test]
async fn what_nobody_waits_for_is_not_done() {
    let store = Moody::new(0, false);
    let shut = store.gate.acquire_many(1_000).await.unwrap();
    let metrics = Metrics::new();
    let shards = Shards::start(store.engine(), ShardsConfig::default(), &metrics).await.unwrap();
    let first = tokio::spawn({
        let shards = shards.clone();
        async move { shards.ask(HERE, redeem(1, 1, START)).await }
    });
    tokio::task::yield_now().await;
    let late = shards.apply(HERE.place(redeem(2, 1, START).into()), Duration::from_millis(20)).await;
    assert!(matches!(late, Err(StoreError::Indeterminate { .. })), "{late:?}");
    drop(shut);
    assert!(first.await.unwrap().unwrap().is_ok());
    shards.stop(Duration::from_secs(5)).await.unwrap();
    assert_eq!(metrics.store_ops.with_label_values(&["redeem", "done"]).get(), 1);
}

#[tokio::test]
async fn a_fatal_engine_fails_the_shards() {
    let shards = Shards::start(Moody::new(0, true).engine(), ShardsConfig::default(), &Metrics::new()).await.unwrap();
    let failed = tokio::spawn({
        let shards = shards.clone();
        async move { shards.failed().await }
    });
    assert!(matches!(shards.ask(HERE, redeem(1, 1, START)).await, Err(StoreError::Fatal(_))));
    assert_eq!(failed.await.unwrap(), "fsync failed");
    assert_eq!(shards.failed().await, "fsync failed");
    assert_eq!(shards.health(), Health::Failed("fsync failed".to_owned()));
    assert!(matches!(shards.ask(HERE, redeem(2, 1, START)).await, Err(StoreError::Fatal(_))));
}

#[tokio::test]
async fn a_dead_actor_fails_the_shards() {
    let shards = Shards::start(Moody::new(0, false).engine(), ShardsConfig::default(), &Metrics::new()).await.unwrap();
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
        working.spawn(async move { shards.ask(HERE, redeem(n, 1, START)).await });
    }
    tokio::task::yield_now().await;
    shards.stop(Duration::from_secs(5)).await.unwrap();
    let acknowledged = working.join_all().await.into_iter().filter(Result::is_ok).count() as u64;
    assert!(matches!(shards.ask(HERE, redeem(60, 1, START)).await, Err(StoreError::Unavailable { .. })));
    let again = embedded(&dir, &clock, &Metrics::new()).await;
    let mut found = 0;
    for n in 0..50 {
        found += u64::from(again.ask(HERE, redeem(n, 2, START)).await.unwrap().is_err());
    }
    assert_eq!(found, acknowledged);
    assert_eq!(metrics.store_ops.with_label_values(&["redeem", "done"]).get(), acknowledged);
}

#[tokio::test]
async fn an_engine_that_does_not_answer_does_not_hold_up_the_end() {
    let store = Moody::new(0, false);
    let _shut = store.gate.acquire_many(1_000).await.unwrap();
    let config = ShardsConfig { timeout: Duration::from_millis(100), ..ShardsConfig::default() };
    let shards = Shards::start(store.engine(), config, &Metrics::new()).await.unwrap();
    let waiting = tokio::spawn({
        let shards = shards.clone();
        async move { shards.ask(HERE, redeem(1, 1, START)).await }
    });
    tokio::task::yield_now().await;
    let stopped = tokio::time::timeout(Duration::from_secs(30), shards.stop(Duration::from_millis(50))).await;
    assert!(matches!(stopped, Ok(Err(StoreError::Indeterminate { .. }))), "{stopped:?}");
    assert!(matches!(waiting.await.unwrap(), Err(StoreError::Indeterminate { .. })));
}
