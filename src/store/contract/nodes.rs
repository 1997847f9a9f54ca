//! Concurrent callers, on two nodes if the engine can be shared: one of them wins, and no follower misses a change.

#![expect(missing_docs, reason = "the name of each test says its rule")]

use std::collections::BTreeSet;
use std::sync::Arc;

use super::ops::{redeem, rotate};
use super::{START, Subject};
use crate::clock::Clock;
use crate::id::Id;
use crate::state::{Key, Op, Outcome, RedeemRefusal, SpendAssertion};
use crate::store::{Document, Documents, Engine, StoreError};

async fn outcomes(engine: &Engine, ops: Vec<Op>) -> Vec<Outcome> {
    let answers = engine.ledger.apply(0, ops).await.unwrap();
    answers.into_iter().map(|answer| answer.unwrap().outcome).collect()
}

pub async fn of_two_that_redeem_a_code_one_wins<S: Subject>() {
    let s = S::open(1, Clock::manual(START));
    let nodes = [s.engine(), s.peer()];
    for round in 0..8 {
        let batch = |attempt: u8| -> Vec<Op> {
            let own = SpendAssertion {
                key: Key::used_assertion("main", &[round, attempt]),
                attempt: Id([attempt; 16]),
                keep_until: START,
            };
            (0..16).map(|n| redeem(round * 16 + n, attempt, START).into()).chain([own.into()]).collect()
        };
        let (mut one, mut two) = tokio::join!(outcomes(&nodes[0], batch(1)), outcomes(&nodes[1], batch(2)));
        for own in [one.pop(), two.pop()] {
            assert_eq!(own, Some(Outcome::SpendAssertion(Ok(()))), "nobody else's");
        }
        for (n, pair) in one.into_iter().zip(two).enumerate() {
            let (won, lost) = (Outcome::RedeemCode(Ok(())), Outcome::RedeemCode(Err(RedeemRefusal::Replayed)));
            assert!(pair == (won.clone(), lost.clone()) || pair == (lost, won), "code {n}: {pair:?}");
        }
    }
}

pub async fn two_that_rotate_get_one_successor<S: Subject>() {
    let s = S::open(1, Clock::manual(START));
    let nodes = [s.engine(), s.peer()];
    outcomes(&nodes[0], (0..16).map(|n| redeem(n, 1, START).into()).collect()).await;
    for generation in 0..8 {
        let batch = |attempt| (0..16).map(|n| rotate(n, generation, attempt).into()).collect();
        let (one, two) = tokio::join!(outcomes(&nodes[0], batch(2)), outcomes(&nodes[1], batch(3)));
        for pair in one.into_iter().zip(two) {
            let (Outcome::Rotate(Ok(one)), Outcome::Rotate(Ok(two))) = &pair else { panic!("{pair:?}") };
            assert_eq!((one.generation, two.generation), (generation + 1, generation + 1));
            assert!(one.replayed ^ two.replayed, "one of them made it: {pair:?}");
        }
    }
}

pub async fn a_follower_misses_no_change_of_eight_writers<S: Subject>() {
    let s = S::open(2, Clock::manual(START));
    follow_eight_writers(s.engine().documents).await.unwrap();
}

/// Follows the feed while eight tasks write: in the end the follower has seen every document that was written, and
/// versions in order.
///
/// # Errors
/// If the engine fails.
///
/// # Panics
/// If something was missed.
pub async fn follow_eight_writers(documents: Arc<dyn Documents>) -> Result<(), StoreError> {
    let name = |writer: usize, n: usize| format!("{writer}/{n}");
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let documents = documents.clone();
        writers.spawn(async move {
            for n in 0..24 {
                let body = Some("{}".to_owned());
                let document = Document { kind: "client".to_owned(), name: name(writer, n), version: 0, body };
                assert!(documents.put(document, 0).await.unwrap().is_some(), "nobody else writes it");
                tokio::task::yield_now().await;
            }
        });
    }
    let (mut seen, mut version) = (BTreeSet::new(), 0);
    loop {
        let last = writers.is_empty();
        let (changes, next) = documents.changes("client", version).await?;
        let versions: Vec<u64> = changes.iter().map(|change| change.version).collect();
        assert!(versions.is_sorted() && versions.iter().all(|own| *own > version && *own <= next), "{versions:?}");
        seen.extend(changes.into_iter().map(|change| change.name));
        version = next;
        if last {
            break;
        }
        while let Some(done) = writers.try_join_next() {
            done.unwrap();
        }
        tokio::task::yield_now().await;
    }
    let written: BTreeSet<_> = (0..8).flat_map(|writer| (0..24).map(move |n| name(writer, n))).collect();
    let missed: Vec<_> = written.difference(&seen).collect();
    assert!(missed.is_empty(), "the follower missed {missed:?}");
    Ok(())
}
