//! Writes that get no answer: done, not done, or done later, for each kind of operation.

#![expect(missing_docs, reason = "the name of each test says its rule")]

use std::time::Duration;

use super::{Act, Patient, RowFault, SharedSubject};
use crate::id::Id;
use crate::state::{
    Cell, ConsumeDevice, CountMiss, DecideDevice, DeviceDecision, Key, NameUserCode, NotBeforeOf, Op, Outcome,
    RaiseNotBefore, RevokeFamily, RevokeToken, Rotate, RotatePolicy, Row, SpendAssertion, StartDevice,
};
use crate::store::contract::START;
use crate::store::contract::ops::{LIFETIMES, family, redeem, rotate};
use crate::store::{Answer, StoreError};

/// An operation that writes, and the operations that must precede it.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) before: Vec<Op>,
    pub(super) op: Op,
}

/// Returns one case of each kind of operation, and one for each way to write of those that rotate.
pub(super) fn cases() -> Vec<Case> {
    let (issuer, until) = (|| "main".into(), START + Duration::from_secs(60));
    let start = StartDevice {
        family: family(5),
        issuer: issuer(),
        client: "tv".into(),
        grant: [1; 40].into(),
        attempt: Id([1; 16]),
        expires_at: until,
        binding: None,
    };
    let decision = DeviceDecision::Approve { subject: "alice".into(), grant: [2; 30].into() };
    let decide = DecideDevice { family: family(5), issuer: issuer(), decision };
    let consume = ConsumeDevice {
        family: family(5),
        issuer: issuer(),
        client: "tv".into(),
        key: 1,
        attempt: Id([2; 16]),
        lifetimes: LIFETIMES,
        shown: None,
    };
    let miss = CountMiss { family: family(1), limit: 9, code_expires_at: until };
    let token = || (issuer(), "web".into(), "jti".into());
    let (issuer_of_token, client, jti) = token();
    let revoke_token = RevokeToken { issuer: issuer_of_token, client, jti, attempt: Id([2; 16]), keep_until: until };
    let used = Key::used_assertion("main", b"jti");
    let spend = |attempt, keep_until| SpendAssertion { key: used, attempt: Id([attempt; 16]), keep_until };
    let name =
        NameUserCode { key: Key::user_code("main", "BCDF"), family: family(5), cell: Cell(0), keep_until: until };
    let raise =
        RaiseNotBefore { issuer: issuer(), of: NotBeforeOf::Subject("bob".into()), keep_for: Duration::from_secs(9) };
    let strict = RotatePolicy::Rotate { grace: Duration::ZERO, replays: 0 };
    let redeemed = || vec![redeem(1, 1, START).into()];
    let case = |name, before, op| Case { name, before, op };
    vec![
        case("redeem", vec![], redeem(1, 1, START).into()),
        case("redeem, missed before", vec![miss.clone().into()], redeem(1, 1, START).into()),
        case("redeem, replayed", redeemed(), redeem(1, 2, START).into()),
        case("miss", vec![], miss.clone().into()),
        case("miss again", vec![miss.clone().into()], miss.into()),
        case("rotate", redeemed(), rotate(1, 0, 2).into()),
        case("rotate, retried", vec![redeem(1, 1, START).into(), rotate(1, 0, 8).into()], rotate(1, 0, 2).into()),
        case(
            "rotate, reused",
            vec![redeem(1, 1, START).into(), rotate(1, 0, 8).into()],
            Rotate { policy: strict, ..rotate(1, 0, 2) }.into(),
        ),
        case("revoke family", redeemed(), RevokeFamily { family: family(1), issuer: issuer(), client: None }.into()),
        case("revoke token", vec![], revoke_token.into()),
        case("spend", vec![], spend(2, until).into()),
        case("spend, once more after its end", vec![spend(1, START).into()], spend(2, until).into()),
        case("raise", vec![], raise.clone().into()),
        case("raise again", vec![raise.clone().into()], raise.into()),
        case("start", vec![], start.clone().into()),
        case("name", vec![], name.into()),
        case("decide", vec![start.clone().into()], decide.clone().into()),
        case("consume", vec![start.into(), decide.into()], consume.into()),
    ]
}

/// Prepares a node for the case; returns it with the row before the operation.
async fn prepared<S: SharedSubject>(case: &Case) -> (Patient<S>, Option<Row>) {
    let s = Patient::<S>::open();
    for op in &case.before {
        s.elsewhere(op.clone()).await;
    }
    let row = s.row(case.op.key()).await;
    (s, row)
}

/// Returns the answer of the operation without faults, and the row after it.
async fn expected<S: SharedSubject>(case: &Case) -> (Answer, Option<Row>) {
    let (s, before) = prepared::<S>(case).await;
    let answer = s.one(case.op.clone()).await.unwrap();
    let after = s.row(case.op.key()).await;
    if case.name != "raise again" {
        assert_ne!(before, after, "{}: it writes", case.name);
    }
    (answer, after)
}

/// Returns the number of writes of the operation that lose before the one that counts: an insert on a guess, if there
/// is a row.
fn lost_before(case: &Case, before: &Option<Row>) -> usize {
    usize::from(case.op.begins() && before.is_some())
}

pub async fn a_write_without_an_answer_is_done_once<S: SharedSubject>() {
    for case in cases() {
        let expected = expected::<S>(&case).await;
        for fault in [RowFault::Unanswered { done: true }, RowFault::Unanswered { done: false }, RowFault::Late] {
            let (s, before) = prepared::<S>(&case).await;
            let pass = (0..lost_before(&case, &before)).map(|_| RowFault::None);
            s.rows.on_writes(pass.chain([fault.clone()]));
            let answer = s.one(case.op.clone()).await.unwrap();
            let found = (answer, s.row(case.op.key()).await);
            assert_eq!(found, expected, "{}, {fault:?}", case.name);
        }
        // beside others, of which one is not answered either
        let (s, before) = prepared::<S>(&case).await;
        let pass = (0..lost_before(&case, &before)).map(|_| RowFault::None);
        s.rows.on_writes(pass.chain([RowFault::Unanswered { done: true }, RowFault::Unanswered { done: false }]));
        let answers = s.apply(vec![redeem(77, 1, START).into(), case.op.clone(), rotate(78, 0, 1).into()]).await;
        assert_eq!(answers[0].as_ref().unwrap().outcome, Outcome::RedeemCode(Ok(())));
        assert_eq!((answers[1].clone().unwrap(), s.row(case.op.key()).await), expected, "{}", case.name);
        assert!(answers[2].as_ref().unwrap().outcome.is_refused());
    }
}

pub async fn a_refused_write_is_not_done<S: SharedSubject>() {
    for case in cases() {
        let (s, before) = prepared::<S>(&case).await;
        let pass = (0..lost_before(&case, &before)).map(|_| RowFault::None);
        s.rows.on_writes(pass.chain([RowFault::Refused]));
        let answer = s.one(case.op.clone()).await;
        assert!(matches!(answer, Err(StoreError::Unavailable { .. })), "{}: {answer:?}", case.name);
        assert_eq!(s.row(case.op.key()).await, before, "{}", case.name);
    }
}

/// Tests that a repeated request gets the same answer after a longer loss of the connection: its attempt identifies it.
/// An operation without an attempt is done again: a miss counts twice, which voids a code sooner; a replay within the
/// grace is one more.
pub async fn an_operation_that_is_asked_again_comes_to_the_same<S: SharedSubject>() {
    for case in cases().into_iter().filter(|case| !case.name.starts_with("miss") && case.name != "rotate, retried") {
        let (Answer { outcome: first, .. }, row) = expected::<S>(&case).await;
        for done in [true, false] {
            let (s, before) = prepared::<S>(&case).await;
            let pass = (0..lost_before(&case, &before)).map(|_| RowFault::None);
            s.rows.on_writes(pass.chain([RowFault::Cut { done }]));
            let unknown = s.one(case.op.clone()).await;
            assert!(matches!(unknown, Err(StoreError::Indeterminate { .. })), "{}: {unknown:?}", case.name);
            let again = s.outcome(case.op.clone()).await;
            if first.is_refused() {
                assert!(again.is_refused(), "{}, {done}: {again:?}", case.name);
            } else {
                assert_eq!(again, first, "{}, {done}", case.name);
            }
            assert_eq!(s.row(case.op.key()).await, row, "{}, {done}", case.name);
        }
    }
}

pub async fn a_write_that_was_overwritten_is_known_by_its_attempt<S: SharedSubject>() {
    let s = Patient::<S>::open();
    s.elsewhere(redeem(1, 1, START)).await;
    s.rows.on_writes([RowFault::Overwritten(vec![Act::Do(Box::new(rotate(1, 0, 8).into()))])]);
    let Outcome::Rotate(Ok(rotated)) = s.outcome(rotate(1, 0, 2)).await else { panic!("its own retry") };
    assert_eq!((rotated.generation, rotated.replayed), (1, false));
    let Some(Row::Family(family)) = s.row(Key::Family(family(1))).await else { panic!("the family") };
    assert_eq!((family.generation, family.replays), (1, 1), "the other one's replay is counted");
}
