//! The suite that every engine passes, including those written outside the crate: the rules of [`Engine`]'s parts one
//! by one, each with the data reopened between steps, and random histories of operations, time, sweeps and restarts
//! that must give the same answers as the model.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics has failed")]

use std::sync::Arc;

use super::memory::Memory;
use super::{Engine, Health, StoreError};
use crate::clock::{Clock, Time};
use crate::state::op::Ask;
use crate::state::{Op, Outcome};

mod histories;
pub mod nodes;
mod ops;
pub mod registry;
pub mod rows;
pub mod shared;
mod steps;
#[cfg(test)]
mod tests;

pub use histories::every_history_comes_to_what_the_model_says;
pub use ops::{GRACE, LIFETIMES, family, redeem, rotate};

/// An engine under test.
pub trait Subject: Sized {
    /// Opens an empty engine with this many lanes; its time comes from `clock`.
    fn open(lanes: u16, clock: Clock) -> Self;

    /// Opens the same data in a new engine, if the data outlives an engine.
    #[must_use]
    fn reopen(self) -> Self;

    /// Returns the engine.
    fn engine(&self) -> Engine;

    /// Returns the same engine as another node sees it; an engine of one node is its own peer.
    fn peer(&self) -> Engine {
        self.engine()
    }
}

/// The engine in memory: no data outlives it, so reopening returns the same one.
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

/// Defines one test for each rule of an engine: `jeton::engine_contract!(MySubject);` in a module of its own. The tests
/// need tokio with its macros.
#[macro_export]
macro_rules! engine_contract {
    ($subject:ty) => {
        $crate::engine_contract!($subject:
            rows: a_code_is_redeemed_once, outcomes_come_in_order_and_rows_see_each_other,
                rotation_survives_a_restart, a_mark_is_set_once, a_device_becomes_a_family_once,
                a_not_before_moment_voids_what_came_before, a_not_before_moment_counts_within_its_batch,
                nothing_is_swept_early, a_rotated_family_outlives_its_first_deadline,
                a_sweep_keeps_its_budget, what_is_too_large_fails_alone;
            nodes: of_two_that_redeem_a_code_one_wins, two_that_rotate_get_one_successor,
                a_follower_misses_no_change_of_eight_writers;
            registry: keys_are_published_once, keys_are_dropped_up_to_a_generation, documents_are_given_page_by_page,
                documents_change_by_compare_and_set, changes_come_in_order, a_document_is_read_by_its_name,
                documents_of_another_kind_are_passed_over, a_closed_store_says_so;
        );

        #[test]
        fn every_history_comes_to_what_the_model_says() {
            $crate::store::contract::every_history_comes_to_what_the_model_says::<$subject>();
        }
    };
    ($subject:ty: $($file:ident: $($name:ident),+;)+) => {
        $($(
            #[tokio::test]
            async fn $name() {
                $crate::store::contract::$file::$name::<$subject>().await;
            }
        )+)+
    };
}

/// Carries out one operation.
///
/// # Panics
/// If the engine fails.
pub async fn ask<S: Subject, O: Ask>(subject: &S, op: O) -> Result<O::Done, O::Refusal> {
    let outcome = outcomes(subject, vec![op.into()]).await.remove(0);
    O::answer(outcome).expect("the outcome of the operation that was asked for")
}

/// Carries out operations in the lane of the first.
///
/// # Panics
/// If the engine fails.
pub async fn outcomes<S: Subject>(subject: &S, ops: Vec<Op>) -> Vec<Outcome> {
    let ledger = subject.engine().ledger;
    let lane = ops.first().map_or(0, |op| op.key().lane(ledger.lanes().count));
    let answers = ledger.apply(lane, ops).await.unwrap();
    answers.into_iter().map(|answer| answer.unwrap().outcome).collect()
}

async fn closed(engine: &Engine) {
    engine.lifecycle.close().await.unwrap();
    engine.lifecycle.close().await.unwrap();
    assert!(matches!(engine.lifecycle.health(), Health::Unavailable(_)));
    assert!(matches!(engine.ledger.peek(&[]).await, Err(StoreError::Unavailable { .. })));
    assert!(matches!(engine.key_rings.keys().await, Err(StoreError::Unavailable { .. })));
}
