//! An engine under test, and how it is asked.

use std::sync::Arc;

use crate::clock::{Clock, Time};
use crate::state::op::Ask;
use crate::state::{Op, Outcome};
use crate::store::memory::Memory;
use crate::store::{Engine, Health, StoreError};

/// An engine under test.
pub trait Subject: Sized {
    /// Empty, with this many lanes, its time from `clock`.
    fn open(lanes: u16, clock: Clock) -> Self;

    /// The same data in a new engine, if there is any that outlives an engine.
    #[must_use]
    fn reopen(self) -> Self;

    /// The engine.
    fn engine(&self) -> Engine;

    /// The same engine as another node sees it; an engine of one node is its own peer.
    fn peer(&self) -> Engine {
        self.engine()
    }
}

/// The engine in memory: nothing outlives it, so reopening is keeping.
pub struct Model(Arc<Memory>);

impl Subject for Model {
    fn open(lanes: u16, clock: Clock) -> Self {
        Self(Arc::new(Memory::new(lanes, clock)))
    }

    fn reopen(self) -> Self {
        self
    }

    fn engine(&self) -> Engine {
        Engine::of(Arc::clone(&self.0))
    }
}

/// The time at which every test begins, in the middle of a second.
pub const START: Time = Time::from_millis(1_800_000_000_123);

/// Carries one operation out.
///
/// # Panics
/// If the engine fails.
pub async fn ask<S: Subject, O: Ask>(subject: &S, op: O) -> Result<O::Done, O::Refusal> {
    let outcome = outcomes(subject, vec![op.into()]).await.remove(0);
    O::answer(outcome).expect("the outcome of the operation that was asked for")
}

/// Carries operations out in the lane of the first.
///
/// # Panics
/// If the engine fails.
pub async fn outcomes<S: Subject>(subject: &S, ops: Vec<Op>) -> Vec<Outcome> {
    let ledger = subject.engine().ledger;
    let lane = ops.first().map_or(0, |op| op.key().lane(ledger.lanes().count));
    let answers = ledger.apply(lane, ops).await.unwrap();
    answers.into_iter().map(|answer| answer.unwrap().outcome).collect()
}

pub(super) async fn closed(engine: &Engine) {
    engine.lifecycle.close().await.unwrap();
    engine.lifecycle.close().await.unwrap();
    assert!(matches!(engine.lifecycle.health(), Health::Unavailable(_)));
    assert!(matches!(engine.ledger.peek(&[]).await, Err(StoreError::Unavailable { .. })));
    assert!(matches!(engine.key_rings.keys().await, Err(StoreError::Unavailable { .. })));
}
