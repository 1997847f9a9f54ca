//! A reader that is behind, and connections that break: nothing is answered from a read that was not confirmed.

#![expect(missing_docs, reason = "the name of each test says its rule")]

use std::time::Duration;

use super::unknown::{Case, cases};
use super::{Act, Calls, Patient, RowFault, SharedSubject};
use crate::id::Id;
use crate::state::{ConsumeDevice, ConsumeRefusal, Key, Outcome, RevokeFamily, RotateRefusal, Row, StartDevice};
use crate::store::StoreError;
use crate::store::contract::START;
use crate::store::contract::ops::{LIFETIMES, family, redeem, rotate};

fn revoke(n: u8) -> RevokeFamily {
    RevokeFamily { family: family(n), issuer: "main".into(), client: None }
}

fn is_revoked(row: &Option<Row>) -> bool {
    matches!(row, Some(Row::Family(family)) if family.revoked.is_some())
}

/// Tests first an operation that would write, then one that would only answer: a retry, or a refusal.
pub async fn a_reader_that_is_behind_answers_nothing<S: SharedSubject>() {
    for Case { name, before, op } in cases() {
        for again in [false, true] {
            let s = Patient::<S>::open();
            for op in &before {
                s.elsewhere(op.clone()).await;
            }
            if again {
                s.elsewhere(op.clone()).await;
            }
            let moments = s.row(op.key()).await.map_or(Vec::new(), |row| row.not_before_keys());
            s.rows.freeze(&[vec![op.key()], moments].concat()).await.unwrap();
            let answer = s.one(op.clone()).await;
            assert!(matches!(answer, Err(StoreError::Unavailable { .. })), "{name}, again: {again}: {answer:?}");
            s.rows.thaw();
            assert!(s.one(op.clone()).await.is_ok(), "{name}");
        }
    }
    let s = Patient::<S>::open();
    s.rows.freeze(&[]).await.unwrap();
    let answer = s.one(rotate(1, 0, 1)).await;
    assert!(matches!(answer, Err(StoreError::Unavailable { .. })), "no refusal either: {answer:?}");
}

pub async fn a_peek_is_fresh_or_fails<S: SharedSubject>() {
    let s = Patient::<S>::open();
    let key = Key::Family(family(1));
    s.elsewhere(redeem(1, 1, START)).await;
    assert!(!is_revoked(&s.row(key).await));
    assert_eq!(s.rows.calls(), Calls { reads: 1, confirms: 1, ..Calls::default() });
    s.rows.freeze(&[key]).await.unwrap();
    s.elsewhere(revoke(1)).await;
    s.clock.advance(Duration::from_millis(999));
    assert!(!is_revoked(&s.row(key).await), "behind by less than the staleness");
    s.clock.advance(Duration::from_millis(1));
    let late = s.node_peek(key).await;
    assert!(matches!(late, Err(StoreError::Unavailable { .. })), "{late:?}");
    s.rows.thaw();
    s.rows.calls();
    assert!(is_revoked(&s.row(key).await));
    assert_eq!(s.rows.calls().confirms, 1, "another session");
    s.row(key).await;
    assert_eq!(s.rows.calls(), Calls { reads: 1, ..Calls::default() }, "it rests on the confirmation before");
    // a confirmation counts from its beginning
    s.clock.advance(Duration::from_secs(2));
    s.rows.on_confirms([RowFault::Others(vec![Act::Wait(Duration::from_millis(600))])]);
    s.row(key).await;
    s.clock.advance(Duration::from_millis(400));
    s.rows.calls();
    s.row(key).await;
    assert_eq!(s.rows.calls().confirms, 1);
}

pub async fn what_was_read_in_another_session_is_read_again<S: SharedSubject>() {
    // before the confirmation of a refusal
    let s = Patient::<S>::open();
    s.rows.on_confirms([RowFault::Reconnected]);
    s.rows.on_reads([RowFault::None, others(redeem(1, 1, START))]);
    let rotated = s.outcome(rotate(1, 0, 2)).await;
    assert!(matches!(&rotated, Outcome::Rotate(Ok(rotated)) if rotated.generation == 1), "{rotated:?}");
    // before a write
    s.rows.on_writes([RowFault::Reconnected]);
    let rotated = s.outcome(rotate(1, 1, 3)).await;
    assert!(matches!(&rotated, Outcome::Rotate(Ok(rotated)) if rotated.generation == 2), "{rotated:?}");
    // between two reads: a refusal of the first one waits, and the write of another row confirms only its own session
    s.elsewhere(redeem(2, 1, START)).await;
    s.rows.on_writes([others(rotate(2, 0, 8))]);
    s.rows.on_reads([RowFault::None, RowFault::Reconnected]);
    s.rows.calls();
    let answers = s.apply(vec![rotate(9, 0, 2).into(), rotate(2, 0, 2).into()]).await;
    assert_eq!(answers[0].as_ref().unwrap().outcome, Outcome::Rotate(Err(RotateRefusal::Unknown)));
    assert!(!answers[1].as_ref().unwrap().outcome.is_refused());
    // the connection never stays
    s.rows.on_confirms((0..40).map(|_| RowFault::Reconnected));
    assert!(matches!(s.one(rotate(9, 0, 2)).await, Err(StoreError::Unavailable { .. })));
}

pub async fn a_write_that_wins_nothing_confirms_nothing<S: SharedSubject>() {
    let s = Patient::<S>::open();
    s.elsewhere(redeem(2, 1, START)).await;
    s.rows.on_writes([others(rotate(2, 0, 8)), RowFault::Refused]);
    let answers = s.apply(vec![rotate(9, 0, 2).into(), rotate(2, 0, 2).into()]).await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(StoreError::Unavailable { .. }))), "{answers:?}");
}

pub async fn what_is_pending_needs_no_confirmation<S: SharedSubject>() {
    let s = Patient::<S>::open();
    let start = StartDevice {
        family: family(5),
        issuer: "main".into(),
        client: "tv".into(),
        grant: [1; 40].into(),
        attempt: Id([1; 16]),
        expires_at: START + Duration::from_secs(60),
        binding: None,
    };
    s.elsewhere(start).await;
    let poll = ConsumeDevice {
        family: family(5),
        issuer: "main".into(),
        client: "tv".into(),
        key: 1,
        attempt: Id([2; 16]),
        lifetimes: LIFETIMES,
        shown: None,
    };
    s.rows.calls();
    assert_eq!(s.outcome(poll).await, Outcome::ConsumeDevice(Err(ConsumeRefusal::Pending)));
    let Calls { inserts: 0, changes: 0, confirms: 0, .. } = s.rows.calls() else { panic!("only reads") };
}

pub async fn a_confirmation_without_an_answer_confirms_nothing<S: SharedSubject>() {
    let s = Patient::<S>::open();
    s.rows.on_confirms([RowFault::Unanswered { done: false }]);
    s.rows.on_reads([RowFault::None, others(redeem(1, 1, START))]);
    let rotated = s.outcome(rotate(1, 0, 2)).await;
    assert!(!rotated.is_refused() || s.rows.calls().confirms == 2, "confirmed in the end: {rotated:?}");
    s.rows.on_confirms((0..40).map(|_| RowFault::Unanswered { done: false }));
    let never = s.one(rotate(9, 0, 2)).await;
    assert!(matches!(never, Err(StoreError::Unavailable { .. })), "nothing was done: {never:?}");
}

fn others(op: impl Into<crate::state::Op>) -> RowFault {
    RowFault::Others(vec![Act::Do(Box::new(op.into()))])
}

impl<S: SharedSubject> Patient<S> {
    async fn node_peek(&self, key: Key) -> Result<Vec<Option<Row>>, StoreError> {
        crate::store::Ledger::peek(&self.node, &[key]).await
    }
}
