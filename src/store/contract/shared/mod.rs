//! The suite of engines that several nodes share, through [`Rows`]: conflicts, lost answers, readers that are behind,
//! and random histories of two nodes.

use std::sync::Arc;

use super::Subject;
use crate::clock::{Clock, Time};
use crate::state::{Device, Family, Key, Op, Outcome, Row};
use crate::store::memory::Memory;
use crate::store::rows::{Connection, RowChange, Rows, Stamp, StampedRow};
use crate::store::{Answer, Cas, Documents, Engine, KeyRings, Ledger, Lifecycle, Pending, StoreError};

pub mod conflicts;
mod faulty;
mod races;
pub mod stale;
pub mod unknown;

pub use faulty::{Act, Calls, Faulty, RowFault};
pub use races::two_nodes_never_break_an_invariant;

/// A function that deletes a row of a shared engine, as if it were swept.
pub type Forget<R> = fn(Arc<R>, Key) -> Pending<'static, ()>;

/// A shared engine under test.
pub trait SharedSubject: Sized + 'static {
    /// The engine.
    type Engine: Rows + Documents + KeyRings + Lifecycle;

    /// Opens an empty engine with this many lanes; its time comes from `clock`.
    fn open(lanes: u16, clock: Clock) -> Arc<Self::Engine>;

    /// Opens the same data in a new engine, if the data outlives an engine.
    fn reopen(engine: Arc<Self::Engine>) -> Arc<Self::Engine> {
        engine
    }

    /// Deletes a row, as if it were swept. To be overridden by an engine whose sweep does not notice that a row may be
    /// deleted earlier than was said when it was inserted.
    fn forget(engine: Arc<Self::Engine>, key: Key) -> Pending<'static, ()> {
        Box::pin(async move { expire_and_sweep(&*engine, key).await })
    }
}

/// A node of a shared engine, as the subject of [`engine_contract!`](crate::engine_contract).
pub struct Node<S: SharedSubject>(Arc<S::Engine>);

impl<S: SharedSubject> Subject for Node<S> {
    fn open(lanes: u16, clock: Clock) -> Self {
        Self(S::open(lanes, clock))
    }

    fn reopen(self) -> Self {
        Self(S::reopen(self.0))
    }

    fn engine(&self) -> Engine {
        Engine::shared(self.0.clone())
    }
}

/// The engine in memory as one that nodes share.
pub struct SharedModel;

impl SharedSubject for SharedModel {
    type Engine = Memory;

    fn open(lanes: u16, clock: Clock) -> Arc<Memory> {
        Arc::new(Memory::new(lanes, clock))
    }
}

/// Defines one test for each rule of a shared engine: `jeton::rows_contract!(MySubject);` in a module of its own,
/// beside `jeton::engine_contract!(Node<MySubject>);`. The tests need tokio with its macros.
#[macro_export]
macro_rules! rows_contract {
    ($subject:ty) => {
        $crate::rows_contract!($subject:
            conflicts: a_row_that_another_node_changed_is_stepped_again, strict_rotation_has_one_winner,
                a_code_that_another_node_redeemed_is_replayed, a_row_that_is_gone_is_stepped_again,
                a_new_row_is_never_taken_for_the_old_one, a_guess_leads_to_nothing_but_a_write,
                a_guess_loses_to_a_moment, what_saw_a_moment_is_not_written_before_it,
                a_moment_that_loses_is_raised_again, after_too_many_conflicts_nothing_is_done,
                one_damaged_row_fails_alone, a_batch_takes_as_few_trips_as_it_can;
            stale: a_reader_that_is_behind_answers_nothing, a_peek_is_fresh_or_fails,
                what_was_read_in_another_session_is_read_again, a_write_that_wins_nothing_confirms_nothing, what_is_pending_needs_no_confirmation,
                a_confirmation_without_an_answer_confirms_nothing;
            unknown: a_write_without_an_answer_is_done_once, a_refused_write_is_not_done,
                an_operation_that_is_asked_again_comes_to_the_same,
                a_write_that_was_overwritten_is_known_by_its_attempt;
        );

        #[test]
        fn two_nodes_never_break_an_invariant() {
            $crate::store::contract::shared::two_nodes_never_break_an_invariant::<$subject>();
        }
    };
    ($subject:ty: $($file:ident: $($name:ident),+;)+) => {
        $($(
            #[tokio::test]
            async fn $name() {
                $crate::store::contract::shared::$file::$name::<$subject>().await;
            }
        )+)+
    };
}

/// A node with injected faults in its engine, and the clock of both.
struct Patient<S: SharedSubject> {
    clock: Clock,
    rows: Arc<Faulty<S::Engine>>,
    node: Cas<Arc<Faulty<S::Engine>>>,
}

impl<S: SharedSubject> Patient<S> {
    fn open() -> Self {
        let clock = Clock::manual(super::START);
        let rows = Arc::new(Faulty::new(S::open(1, clock.clone()), S::forget, clock.clone()));
        Self { clock, node: Cas::new(rows.clone()), rows }
    }

    /// Carries out operations, each on this node.
    async fn apply(&self, ops: Vec<Op>) -> Vec<Result<Answer, StoreError>> {
        self.node.apply(0, ops).await.unwrap()
    }

    async fn one(&self, op: impl Into<Op>) -> Result<Answer, StoreError> {
        self.apply(vec![op.into()]).await.remove(0)
    }

    async fn outcome(&self, op: impl Into<Op>) -> Outcome {
        self.one(op).await.unwrap().outcome
    }

    async fn elsewhere(&self, op: impl Into<Op>) -> Outcome {
        self.rows.elsewhere(op.into()).await.unwrap().outcome
    }

    async fn row(&self, key: Key) -> Option<Row> {
        self.node.peek(&[key]).await.unwrap().remove(0)
    }
}

async fn expire_and_sweep<R: Rows>(rows: &R, key: Key) -> Result<(), StoreError> {
    let on = Connection::Peeks;
    let mut read = rows.read(on, &[key]).await?;
    let found = read.rows.remove(&key).unwrap().unwrap().expect("a row to forget");
    let to = StampedRow { stamp: Stamp::random(), row: expired(found.row) };
    rows.change(on, read.session, vec![RowChange { key, expected: found.stamp, to }]).await?;
    for lane in 0..rows.lanes().count {
        while rows.sweep(lane, 64).await?.more {}
    }
    let gone = rows.read(on, &[key]).await?.rows.remove(&key);
    assert_eq!(gone, Some(Ok(None)), "it is swept");
    Ok(())
}

fn expired(row: Row) -> Row {
    let keep_until = Time::ZERO;
    match row {
        Row::Family(family) => Row::Family(Box::new(Family { keep_until, ..*family })),
        Row::Device(device) => Row::Device(Box::new(Device { expires_at: keep_until, ..*device })),
        Row::MissedCode { misses, .. } => Row::MissedCode { misses, keep_until },
        Row::Mark { attempt, .. } => Row::Mark { attempt, keep_until },
        Row::NotBefore { at, .. } => Row::NotBefore { at, keep_until },
        Row::UserCode { family, cell, .. } => Row::UserCode { family, keep_until, cell },
    }
}
