//! Conflicts: another node changes, deletes, inserts or raises something between a read and a write.

#![expect(missing_docs, reason = "the name of each test says its rule")]

use std::time::Duration;

use super::{Act, Calls, Patient, RowFault, SharedSubject};
use crate::id::Id;
use crate::state::{
    CountMiss, Event, Key, NotBeforeOf, Op, Outcome, RaiseNotBefore, RedeemCode, RedeemRefusal, RevocationCause,
    Rotate, RotatePolicy, RotateRefusal, Row, SpendAssertion, SpendRefusal,
};
use crate::store::StoreError;
use crate::store::cas::ROUNDS;
use crate::store::contract::START;
use crate::store::contract::ops::{LIFETIMES, family, redeem, rotate};

fn others(acts: impl IntoIterator<Item = Act>) -> RowFault {
    RowFault::Others(acts.into_iter().collect())
}

fn act(op: impl Into<Op>) -> Act {
    Act::Do(Box::new(op.into()))
}

fn raise() -> RaiseNotBefore {
    let of = NotBeforeOf::Client("web".into());
    RaiseNotBefore { issuer: "main".into(), of, keep_for: Duration::from_secs(60) }
}

fn spend(name: u8, attempt: u8) -> SpendAssertion {
    let keep_until = START + Duration::from_secs(60);
    SpendAssertion { key: Key::used_assertion("main", &[name]), attempt: Id([attempt; 16]), keep_until }
}

/// Returns the generation and whether it was handed out before.
fn rotated(outcome: &Outcome) -> (u32, bool) {
    match outcome {
        Outcome::Rotate(Ok(rotated)) => (rotated.generation, rotated.replayed),
        other => panic!("{other:?}"),
    }
}

pub async fn a_row_that_another_node_changed_is_stepped_again<S: SharedSubject>() {
    let s = Patient::<S>::open();
    for n in 1..=3 {
        s.elsewhere(redeem(n, 1, START)).await;
    }
    s.rows.on_writes([others([act(rotate(2, 0, 8))])]);
    let ops = vec![rotate(1, 0, 2).into(), rotate(2, 0, 2).into(), rotate(3, 0, 2).into()];
    let found: Vec<_> = s.apply(ops).await.into_iter().map(|answer| rotated(&answer.unwrap().outcome)).collect();
    assert_eq!(found, [(1, false), (1, true), (1, false)], "the successor that the other one made, and no other row");
    let Calls { reads, inserts, changes, confirms } = s.rows.calls();
    assert_eq!((inserts, changes, confirms), (0, 2, 0));
    // an engine that does not bring the moments that its rows name is read twice in each round
    assert!([2, 4].contains(&reads), "{reads} reads");
    assert_eq!(rotated(&s.outcome(rotate(2, 1, 3)).await), (2, false));
}

pub async fn strict_rotation_has_one_winner<S: SharedSubject>() {
    let s = Patient::<S>::open();
    let policy = RotatePolicy::Rotate { grace: Duration::ZERO, replays: 0 };
    let strict = |attempt| Rotate { policy, ..rotate(1, 0, attempt) };
    s.elsewhere(redeem(1, 1, START)).await;
    s.rows.on_writes([others([act(strict(8))])]);
    let answers = s.apply(vec![strict(2).into(), spend(1, 2).into()]).await;
    let [reused, spent] = &answers[..] else { panic!("{answers:?}") };
    let reused = reused.as_ref().unwrap();
    assert_eq!(reused.outcome, Outcome::Rotate(Err(RotateRefusal::Reused)));
    assert!(matches!(&reused.event, Some(Event::FamilyRevoked { cause: RevocationCause::RefreshTokenReused, .. })));
    assert_eq!(spent.as_ref().unwrap().outcome, Outcome::SpendAssertion(Ok(())));
    assert_eq!(s.elsewhere(strict(8)).await, Outcome::Rotate(Err(RotateRefusal::Revoked)));
}

pub async fn a_code_that_another_node_redeemed_is_replayed<S: SharedSubject>() {
    let s = Patient::<S>::open();
    s.rows.on_writes([others([act(redeem(2, 8, START))])]);
    let answers = s.apply((1..=3).map(|n| redeem(n, 2, START).into()).collect()).await;
    let outcomes: Vec<_> = answers.iter().map(|answer| answer.as_ref().unwrap().outcome.clone()).collect();
    let won = Outcome::RedeemCode(Ok(()));
    assert_eq!(outcomes, [won.clone(), Outcome::RedeemCode(Err(RedeemRefusal::Replayed)), won]);
    let events: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().event.is_some()).collect();
    assert_eq!(events, [false, true, false], "only what came to be is told");
}

pub async fn a_row_that_is_gone_is_stepped_again<S: SharedSubject>() {
    let s = Patient::<S>::open();
    s.elsewhere(redeem(1, 1, START)).await;
    s.rows.on_writes([others([Act::Forget(Key::Family(family(1)))])]);
    assert_eq!(s.outcome(rotate(1, 0, 2)).await, Outcome::Rotate(Err(RotateRefusal::Unknown)));
    assert_eq!(s.row(Key::Family(family(1))).await, None);
}

/// Tests the ABA case: a counter in the place of a random stamp would let an assertion be used twice.
pub async fn a_new_row_is_never_taken_for_the_old_one<S: SharedSubject>() {
    let s = Patient::<S>::open();
    let first = SpendAssertion { keep_until: START + Duration::from_secs(1), ..spend(1, 1) };
    let key = first.key;
    assert_eq!(s.elsewhere(first).await, Outcome::SpendAssertion(Ok(())));
    s.clock.advance(Duration::from_secs(2));
    // the insert on a guess loses to the old mark; before it is changed, it is swept and set anew
    s.rows.on_writes([RowFault::None, others([Act::Forget(key), act(spend(1, 8))])]);
    assert_eq!(s.outcome(spend(1, 2)).await, Outcome::SpendAssertion(Err(SpendRefusal::Replayed)));
    assert_eq!(s.elsewhere(spend(1, 8)).await, Outcome::SpendAssertion(Ok(())), "its own retry");
}

pub async fn a_guess_leads_to_nothing_but_a_write<S: SharedSubject>() {
    let s = Patient::<S>::open();
    let long = RedeemCode {
        lifetimes: crate::state::Lifetimes {
            idle: Duration::from_secs(600),
            absolute: Duration::from_secs(600),
            ..LIFETIMES
        },
        ..redeem(1, 1, START)
    };
    s.elsewhere(long.clone()).await;
    s.clock.advance(Duration::from_secs(90));
    assert_eq!(s.outcome(long.clone()).await, Outcome::RedeemCode(Ok(())), "its retry, though the code is over");
    let expired = Outcome::RedeemCode(Err(RedeemRefusal::Expired));
    s.rows.calls();
    assert_eq!(s.outcome(redeem(2, 1, START)).await, expired);
    assert_eq!(s.rows.calls(), Calls { reads: 1, confirms: 1, ..Calls::default() }, "no refusal from a guess");
}

pub async fn a_guess_loses_to_a_moment<S: SharedSubject>() {
    let s = Patient::<S>::open();
    let revoked = Outcome::RedeemCode(Err(RedeemRefusal::Revoked));
    s.rows.on_writes([others([act(raise())])]);
    assert_eq!(s.outcome(redeem(1, 1, START)).await, revoked, "raised just before the insert");
    assert_eq!(s.outcome(redeem(2, 1, START)).await, revoked, "stands");
    for n in [1, 2] {
        assert_eq!(s.row(Key::Family(family(n))).await, None, "no row is made");
    }
    s.clock.advance(Duration::from_millis(1));
    assert_eq!(s.outcome(redeem(3, 1, s.clock.now())).await, Outcome::RedeemCode(Ok(())), "issued later");
}

pub async fn what_saw_a_moment_is_not_written_before_it<S: SharedSubject>() {
    let s = Patient::<S>::open();
    let later = START + Duration::from_millis(1);
    // another node's moment is later than ours, and voids what ours would not
    s.rows.on_writes([others([Act::Wait(Duration::from_millis(5)), act(raise())])]);
    let outcomes: Vec<_> =
        s.apply(vec![raise().into(), redeem(1, 1, later).into()]).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes[0].outcome, Outcome::RaiseNotBefore(Ok(())));
    assert_eq!(outcomes[1].outcome, Outcome::RedeemCode(Err(RedeemRefusal::Revoked)));
    assert_eq!(s.row(Key::Family(family(1))).await, None);
}

pub async fn a_moment_that_loses_is_raised_again<S: SharedSubject>() {
    let s = Patient::<S>::open();
    s.elsewhere(redeem(1, 1, START)).await;
    let key = Key::not_before("main", &NotBeforeOf::Client("web"));
    s.elsewhere(raise()).await;
    s.clock.advance(Duration::from_millis(3));
    s.rows.on_writes([others([act(raise()), Act::Wait(Duration::from_millis(4))])]);
    let answers = s.apply(vec![raise().into(), rotate(1, 0, 2).into(), spend(1, 1).into()]).await;
    let outcomes: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().outcome).collect();
    let revoked = Outcome::Rotate(Err(RotateRefusal::Revoked));
    assert_eq!(outcomes, [Outcome::RaiseNotBefore(Ok(())), revoked, Outcome::SpendAssertion(Ok(()))]);
    assert_eq!(Row::not_before(s.row(key).await.as_ref()), START + Duration::from_millis(7), "never back");
}

pub async fn after_too_many_conflicts_nothing_is_done<S: SharedSubject>() {
    let s = Patient::<S>::open();
    let code_expires_at = START + Duration::from_secs(60);
    let miss = |n| CountMiss { family: family(n), limit: 200, code_expires_at };
    s.rows.on_writes((0..ROUNDS).map(|_| others([act(miss(1))])));
    let answers = s.apply(vec![miss(1).into(), miss(2).into(), miss(1).into()]).await;
    for lost in [0, 2] {
        assert!(matches!(&answers[lost], Err(StoreError::Unavailable { .. })), "{answers:?}");
    }
    assert_eq!(answers[1].as_ref().unwrap().outcome, Outcome::CountMiss(Ok(())), "unharmed");
    let misses = s.row(Key::Family(family(1))).await;
    let counted = ROUNDS as u8;
    assert_eq!(misses, Some(Row::MissedCode { misses: counted, keep_until: code_expires_at }), "the others' alone");
    assert_eq!(s.outcome(miss(1)).await, Outcome::CountMiss(Ok(())), "and it goes on");
}

pub async fn one_damaged_row_fails_alone<S: SharedSubject>() {
    let s = Patient::<S>::open();
    let redeemed = s.apply((0..64).map(|n| redeem(n, 1, START).into()).collect()).await;
    assert!(redeemed.iter().all(Result::is_ok));
    s.rows.damage(Key::Family(family(40)));
    let answers = s.apply((0..64).map(|n| rotate(n, 0, 2).into()).collect()).await;
    for (n, answer) in answers.into_iter().enumerate() {
        match answer {
            Err(StoreError::Corrupt(why)) if n == 40 => assert!(why.contains("damaged")),
            answer => assert_eq!((n != 40, rotated(&answer.unwrap().outcome)), (true, (1, false)), "{n}"),
        }
    }
    assert!(matches!(s.one(redeem(40, 1, START)).await, Err(StoreError::Corrupt(_))), "a guess finds it too");
}

pub async fn a_batch_takes_as_few_trips_as_it_can<S: SharedSubject>() {
    let s = Patient::<S>::open();
    let begins = |from: u8| (from..from + 16).map(|n| redeem(n, 1, START).into()).chain([spend(from, 1).into()]);
    s.apply(begins(0).collect()).await;
    assert_eq!(s.rows.calls(), Calls { inserts: 1, ..Calls::default() }, "what begins is not read");
    s.apply((0..16).map(|n| rotate(n, 0, 2).into()).collect()).await;
    let Calls { reads, inserts: 0, changes: 1, confirms: 0 } = s.rows.calls() else { panic!("one change") };
    assert!(reads <= 2, "one, if the engine brings the moments along");
    s.apply((0..16).map(|n| rotate(n + 100, 0, 2).into()).collect()).await;
    assert_eq!(s.rows.calls(), Calls { reads: 1, confirms: 1, ..Calls::default() }, "one confirmation for all");
    let mixed = (0..16).map(|n| rotate(n, 0, 2).into()).chain([rotate(100, 0, 2).into(), rotate(1, 1, 3).into()]);
    s.apply(mixed.collect()).await;
    let Calls { reads: _, inserts: 0, changes: 1, confirms: 0 } = s.rows.calls() else { panic!("a change confirms") };
}
