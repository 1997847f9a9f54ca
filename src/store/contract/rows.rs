//! Rules of rows: order, atomicity, durability, sweeping.

#![expect(missing_docs, reason = "the name of each test says its rule")]

use std::time::Duration;

use super::ops::{LIFETIMES, family, redeem, rotate};
use super::{START, Subject, ask, outcomes};
use crate::clock::Clock;
use crate::id::Id;
use crate::state::{
    Cell, ConsumeDevice, ConsumeRefusal, DecideDevice, DecideRefusal, DeviceDecision, Key, NameRefusal, NameUserCode,
    NotBeforeOf, Op, Outcome, RaiseNotBefore, RedeemRefusal, RevokeToken, RotateRefusal, Rotated, Row, SpendAssertion,
    SpendRefusal, StartDevice,
};
use crate::store::StoreError;
use crate::store::size::MAX_VALUE;

fn generation(answer: Result<Box<Rotated>, RotateRefusal>) -> u32 {
    answer.unwrap().generation
}

pub async fn a_code_is_redeemed_once<S: Subject>() {
    let clock = Clock::manual(START);
    let mut s = S::open(3, clock.clone());
    assert_eq!(ask(&s, redeem(1, 1, START)).await, Ok(()));
    s = s.reopen();
    assert_eq!(ask(&s, redeem(1, 1, START)).await, Ok(()), "our own retry");
    assert_eq!(ask(&s, redeem(1, 2, START)).await, Err(RedeemRefusal::Replayed));
    s = s.reopen();
    assert_eq!(ask(&s, rotate(1, 0, 3)).await, Err(RotateRefusal::Revoked));
    let rows = s.engine().ledger.peek(&[Key::Family(family(1)), Key::Family(family(2))]).await.unwrap();
    assert!(matches!(&rows[..], [Some(Row::Family(family)), None] if family.revoked.is_some()));
}

pub async fn outcomes_come_in_order_and_rows_see_each_other<S: Subject>() {
    let s = S::open(1, Clock::manual(START));
    let redeemed = [redeem(1, 1, START), redeem(2, 1, START)].map(Op::from);
    let rotated = [rotate(1, 0, 2), rotate(1, 1, 3)].map(Op::from);
    let ops = [Op::from(rotate(1, 0, 1))].into_iter().chain(redeemed).chain(rotated).collect();
    let all = outcomes(&s, ops).await;
    assert_eq!(all[0], Outcome::Rotate(Err(RotateRefusal::Unknown)));
    assert_eq!(all[1..3], [Outcome::RedeemCode(Ok(())), Outcome::RedeemCode(Ok(()))]);
    let generations = all[3..].iter().map(|outcome| match outcome {
        Outcome::Rotate(answer) => generation(answer.clone()),
        other => panic!("{other:?}"),
    });
    assert_eq!(generations.collect::<Vec<_>>(), [1, 2]);
    assert_eq!(outcomes(&s, Vec::new()).await, []);
    let s = s.reopen();
    assert_eq!(generation(ask(&s, rotate(1, 2, 4)).await), 3);
}

pub async fn rotation_survives_a_restart<S: Subject>() {
    let clock = Clock::manual(START);
    let mut s = S::open(2, clock.clone());
    assert_eq!(ask(&s, redeem(7, 1, START)).await, Ok(()));
    for g in 0..4 {
        assert_eq!(generation(ask(&s, rotate(7, g, 2)).await), g + 1);
        s = s.reopen();
    }
    assert_eq!(generation(ask(&s, rotate(7, 3, 9)).await), 4, "within the grace: the same successor");
    clock.advance(Duration::from_secs(4));
    assert_eq!(ask(&s, rotate(7, 3, 9)).await, Err(RotateRefusal::Reused));
    s = s.reopen();
    assert_eq!(ask(&s, rotate(7, 4, 9)).await, Err(RotateRefusal::Revoked));
}

pub async fn a_mark_is_set_once<S: Subject>() {
    let clock = Clock::manual(START);
    let mut s = S::open(2, clock.clone());
    let key = Key::used_assertion("main", b"jti");
    let mark =
        |attempt| SpendAssertion { key, attempt: Id([attempt; 16]), keep_until: START + Duration::from_millis(1_500) };
    assert_eq!(ask(&s, mark(1)).await, Ok(()));
    s = s.reopen();
    assert_eq!(ask(&s, mark(1)).await, Ok(()));
    assert_eq!(ask(&s, mark(2)).await, Err(SpendRefusal::Replayed));
    clock.advance(Duration::from_millis(1_499));
    assert_eq!(ask(&s, mark(2)).await, Err(SpendRefusal::Replayed));
}

pub async fn a_device_becomes_a_family_once<S: Subject>() {
    let mut s = S::open(3, Clock::manual(START));
    let (family, issuer, until) = (family(5), "main", START + Duration::from_secs(60));
    let (attempt, client, grant) = (Id([1; 16]), "tv", [1u8; 40]);
    let start = StartDevice {
        family,
        issuer: issuer.into(),
        client: client.into(),
        grant: grant.into(),
        attempt,
        expires_at: until,
        binding: None,
    };
    let key = Key::user_code(issuer, "BCDFGHJK");
    let name = |family| NameUserCode { key, family, cell: Cell(0), keep_until: until };
    let consume = |attempt| {
        let (issuer, client) = (issuer.into(), client.into());
        ConsumeDevice { family, issuer, client, key: 1, attempt: Id([attempt; 16]), lifetimes: LIFETIMES, shown: None }
    };
    let decision = DeviceDecision::Approve { subject: "alice".into(), grant: [2; 30].into() };
    let approve = DecideDevice { family, issuer: issuer.into(), decision };
    assert_eq!(ask(&s, start).await, Ok(()));
    assert_eq!(ask(&s, name(family)).await, Ok(()));
    s = s.reopen();
    assert_eq!(ask(&s, name(Id([9; 16]))).await, Err(NameRefusal::Taken));
    assert_eq!(ask(&s, consume(2)).await, Err(ConsumeRefusal::Pending));
    assert_eq!(ask(&s, approve.clone()).await, Ok(()));
    s = s.reopen();
    assert_eq!(ask(&s, consume(2)).await, Ok(()));
    s = s.reopen();
    assert_eq!(ask(&s, consume(2)).await, Ok(()), "our own retry");
    assert_eq!(ask(&s, approve).await, Err(DecideRefusal::Decided));
    assert_eq!(ask(&s, consume(3)).await, Err(ConsumeRefusal::Replayed));
    let rows = s.engine().ledger.peek(&[Key::Family(family), key]).await.unwrap();
    assert!(matches!(&rows[..], [Some(Row::Family(family)), Some(Row::UserCode { .. })] if family.revoked.is_some()));
}

pub async fn a_not_before_moment_voids_what_came_before<S: Subject>() {
    let clock = Clock::manual(START);
    let mut s = S::open(2, clock.clone());
    assert_eq!(ask(&s, redeem(1, 1, START)).await, Ok(()));
    let of = NotBeforeOf::Subject("alice".into());
    let key = Key::not_before("main", &of);
    let raise = RaiseNotBefore { issuer: "main".into(), of, keep_for: Duration::from_secs(2) };
    assert_eq!(ask(&s, raise.clone()).await, Ok(()));
    s = s.reopen();
    assert_eq!(ask(&s, rotate(1, 0, 2)).await, Err(RotateRefusal::Revoked));
    assert_eq!(ask(&s, redeem(2, 1, START)).await, Err(RedeemRefusal::Revoked));
    let row = s.engine().ledger.peek(&[key]).await.unwrap().remove(0);
    assert_eq!(row, Some(Row::NotBefore { at: START, keep_until: START + Duration::from_secs(2) }));
    clock.advance(Duration::from_millis(1));
    assert_eq!(ask(&s, redeem(3, 1, clock.now())).await, Ok(()));
    clock.advance(Duration::from_secs(3));
    for shard in 0..2 {
        s.engine().ledger.sweep(shard, 100).await.unwrap();
    }
    assert_eq!(s.engine().ledger.peek(&[key]).await.unwrap(), [None]);
    s = s.reopen();
    assert_eq!(s.engine().ledger.peek(&[key]).await.unwrap(), [None]);
}

pub async fn a_not_before_moment_counts_within_its_batch<S: Subject>() {
    let s = S::open(1, Clock::manual(START));
    let of = NotBeforeOf::Client("web".into());
    let raise = RaiseNotBefore { issuer: "main".into(), of, keep_for: Duration::from_secs(9) };
    let outcomes = outcomes(&s, vec![redeem(1, 1, START).into(), raise.into(), rotate(1, 0, 1).into()]).await;
    let revoked = Outcome::Rotate(Err(RotateRefusal::Revoked));
    assert_eq!(outcomes, [Outcome::RedeemCode(Ok(())), Outcome::RaiseNotBefore(Ok(())), revoked]);
}

pub async fn nothing_is_swept_early<S: Subject>() {
    let clock = Clock::manual(START);
    let mut s = S::open(1, clock.clone());
    let key = Key::revoked_token("main", "jti");
    let until = START + Duration::from_millis(10_777);
    let (issuer, client, jti) = ("main".into(), "web".into(), "jti".into());
    let mark = RevokeToken { issuer, client, jti, attempt: Id([1; 16]), keep_until: until };
    assert_eq!(ask(&s, mark).await, Ok(()));
    while clock.now() < until {
        s.engine().ledger.sweep(0, 10).await.unwrap();
        assert!(
            s.engine().ledger.peek(&[key]).await.unwrap()[0].is_some(),
            "swept {:?} early",
            until.since(clock.now())
        );
        clock.advance(Duration::from_millis(411));
        s = s.reopen();
    }
    clock.advance(Duration::from_secs(1));
    assert_eq!(s.engine().ledger.sweep(0, 10).await.unwrap().forgotten, 1);
    s = s.reopen();
    assert_eq!(s.engine().ledger.peek(&[key]).await.unwrap(), [None]);
    assert_eq!(s.engine().ledger.sweep(0, 10).await.unwrap(), Default::default());
}

pub async fn a_rotated_family_outlives_its_first_deadline<S: Subject>() {
    let clock = Clock::manual(START);
    let mut s = S::open(1, clock.clone());
    assert_eq!(ask(&s, redeem(1, 1, START)).await, Ok(()));
    for g in 0..4 {
        clock.advance(Duration::from_secs(25));
        assert_eq!(s.engine().ledger.sweep(0, 10).await.unwrap().forgotten, 0);
        assert_eq!(generation(ask(&s, rotate(1, g, 2)).await), g + 1);
        s = s.reopen();
    }
    clock.advance(LIFETIMES.absolute);
    let mut forgotten = 0;
    for _ in 0..3 {
        forgotten += s.engine().ledger.sweep(0, 10).await.unwrap().forgotten;
    }
    assert_eq!(forgotten, 1);
    assert_eq!(ask(&s, rotate(1, 4, 2)).await, Err(RotateRefusal::Unknown));
}

/// Opens two lanes with twenty marks that have expired.
async fn twenty_expired<S: Subject>() -> (S, Vec<Key>) {
    let clock = Clock::manual(START);
    let s = S::open(2, clock.clone());
    for n in 0..20 {
        let mark = SpendAssertion { key: Key::Mark(family(n)), attempt: family(n), keep_until: START };
        assert_eq!(ask(&s, mark).await, Ok(()));
    }
    clock.advance(Duration::from_secs(1));
    (s, (0..20).map(|n| Key::Mark(family(n))).collect())
}

pub async fn a_sweep_keeps_its_budget<S: Subject>() {
    let (s, keys) = twenty_expired::<S>().await;
    let mut forgotten = 0;
    for lane in 0..2 {
        loop {
            let step = s.engine().ledger.sweep(lane, 6).await.unwrap();
            assert!(step.forgotten <= 6, "{step:?}");
            forgotten += step.forgotten;
            if !step.more {
                break;
            }
        }
    }
    assert_eq!(forgotten, 20, "each once, whichever lane's it is");
    assert_eq!(s.engine().ledger.peek(&keys).await.unwrap(), vec![None; 20]);
}

/// Tests engines whose lanes are a property of the data.
pub async fn a_sweep_keeps_its_budget_and_its_lane<S: Subject>() {
    let (s, keys) = twenty_expired::<S>().await;
    let step = s.engine().ledger.sweep(0, 6).await.unwrap();
    assert_eq!((step.forgotten, step.more), (6, true));
    assert_eq!(s.engine().ledger.sweep(0, 6).await.unwrap().forgotten, 4);
    assert_eq!(s.engine().ledger.sweep(0, 6).await.unwrap().forgotten, 0);
    let kept = |rows: Vec<Option<Row>>| rows.iter().flatten().count();
    assert_eq!(kept(s.engine().ledger.peek(&keys).await.unwrap()), 10, "the other lane's");
    assert_eq!(s.engine().ledger.sweep(1, 100).await.unwrap().forgotten, 10);
    assert_eq!(kept(s.engine().ledger.peek(&keys).await.unwrap()), 0);
}

pub async fn what_is_too_large_fails_alone<S: Subject>() {
    let s = S::open(1, Clock::manual(START));
    let mut large = redeem(1, 1, START);
    large.grant = vec![0; MAX_VALUE].into();
    let ops = vec![redeem(2, 1, START).into(), large.into(), rotate(2, 0, 1).into()];
    let answers = s.engine().ledger.apply(0, ops).await.unwrap();
    assert!(matches!(&answers[1], Err(StoreError::TooLarge { .. })), "{answers:?}");
    assert!(answers[0].is_ok() && answers[2].is_ok(), "it fails alone");
    assert_eq!(s.engine().ledger.peek(&[Key::Family(family(1))]).await.unwrap(), [None]);
    let mut fits = redeem(3, 1, START);
    fits.grant = vec![0; MAX_VALUE - 1024].into();
    assert_eq!(ask(&s, fits).await, Ok(()));
    let s = s.reopen();
    assert_eq!(generation(ask(&s, rotate(3, 0, 1)).await), 1);
}
