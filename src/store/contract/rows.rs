//! Rows: order, atomicity, durability, sweeping.

use std::time::Duration;

use super::ops::{LIFETIMES, family, redeem, rotate};
use super::{START, Subject};
use crate::clock::Clock;
use crate::id::Id;
use crate::state::device::{Consume, Decide, StartDevice, Verdict};
use crate::state::key::MarkKind;
use crate::state::key::{Fence, Key};
use crate::state::op::Op;
use crate::state::step::{Done, Outcome, Refusal, Row};
use crate::store::{MAX_VALUE, Store, StoreError};

async fn one(store: &dyn Store, op: Op) -> Outcome {
    store.apply(store.route(&op.key()), vec![op]).await.unwrap().remove(0)
}

fn generation(outcome: &Outcome) -> u32 {
    let Ok(Done::Rotated(rotated)) = outcome else { panic!("rotated, not {outcome:?}") };
    rotated.generation
}

pub(super) async fn a_code_is_redeemed_once<S: Subject>() {
    let clock = Clock::manual(START);
    let mut s = S::open(3, clock.clone());
    assert_eq!(one(&*s.store(), redeem(1, 1, START)).await, Ok(Done::Redeemed));
    s = s.reopen();
    assert_eq!(one(&*s.store(), redeem(1, 1, START)).await, Ok(Done::Redeemed), "our own retry");
    assert_eq!(one(&*s.store(), redeem(1, 2, START)).await, Err(Refusal::Replayed));
    s = s.reopen();
    assert_eq!(one(&*s.store(), rotate(1, 0, 3)).await, Err(Refusal::Revoked));
    let rows = s.store().peek(&[Key::Family(family(1)), Key::Family(family(2))]).await.unwrap();
    assert!(matches!(&rows[..], [Some(Row::Family(family)), None] if family.revoked.is_some()));
}

pub(super) async fn outcomes_come_in_order_and_rows_see_each_other<S: Subject>() {
    let s = S::open(1, Clock::manual(START));
    let ops = vec![rotate(1, 0, 1), redeem(1, 1, START), redeem(2, 1, START), rotate(1, 0, 2), rotate(1, 1, 3)];
    let outcomes = s.store().apply(0, ops).await.unwrap();
    assert_eq!(outcomes[0], Err(Refusal::Unknown));
    assert_eq!(outcomes[1..3], [Ok(Done::Redeemed), Ok(Done::Redeemed)]);
    assert_eq!((generation(&outcomes[3]), generation(&outcomes[4])), (1, 2));
    assert_eq!(s.store().apply(0, Vec::new()).await.unwrap(), []);
    let s = s.reopen();
    assert_eq!(generation(&one(&*s.store(), rotate(1, 2, 4)).await), 3);
}

pub(super) async fn rotation_survives_a_restart<S: Subject>() {
    let clock = Clock::manual(START);
    let mut s = S::open(2, clock.clone());
    assert_eq!(one(&*s.store(), redeem(7, 1, START)).await, Ok(Done::Redeemed));
    for g in 0..4 {
        assert_eq!(generation(&one(&*s.store(), rotate(7, g, 2)).await), g + 1);
        s = s.reopen();
    }
    assert_eq!(generation(&one(&*s.store(), rotate(7, 3, 9)).await), 4, "within the grace: the same successor");
    clock.advance(Duration::from_secs(4));
    assert_eq!(one(&*s.store(), rotate(7, 3, 9)).await, Err(Refusal::Reused));
    s = s.reopen();
    assert_eq!(one(&*s.store(), rotate(7, 4, 9)).await, Err(Refusal::Revoked));
}

pub(super) async fn a_mark_is_set_once<S: Subject>() {
    let clock = Clock::manual(START);
    let mut s = S::open(2, clock.clone());
    let key = Key::mark(MarkKind::UsedAssertion, "main", b"jti");
    let mark = |attempt| Op::Mark { key, attempt: Id([attempt; 16]), keep_until: START + Duration::from_millis(1_500) };
    assert_eq!(one(&*s.store(), mark(1)).await, Ok(Done::Marked));
    s = s.reopen();
    assert_eq!(one(&*s.store(), mark(1)).await, Ok(Done::Marked));
    assert_eq!(one(&*s.store(), mark(2)).await, Err(Refusal::Replayed));
    clock.advance(Duration::from_millis(1_499));
    assert_eq!(one(&*s.store(), mark(2)).await, Err(Refusal::Replayed));
}

pub(super) async fn a_device_becomes_a_family_once<S: Subject>() {
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
    };
    let key = Key::user_code(issuer, "BCDFGHJK");
    let name = |family| Op::NameUserCode { key, family, keep_until: until };
    let consume = |attempt| {
        let (issuer, client) = (issuer.into(), client.into());
        Op::Consume(Box::new(Consume {
            family,
            issuer,
            client,
            key: 1,
            attempt: Id([attempt; 16]),
            lifetimes: LIFETIMES,
        }))
    };
    let verdict = Verdict::Approve { subject: "alice".into(), grant: [2; 30].into() };
    let approve = Op::Decide(Box::new(Decide { family, issuer: issuer.into(), verdict }));
    assert_eq!(one(&*s.store(), Op::StartDevice(Box::new(start))).await, Ok(Done::Started));
    assert_eq!(one(&*s.store(), name(family)).await, Ok(Done::Named));
    s = s.reopen();
    assert_eq!(one(&*s.store(), name(Id([9; 16]))).await, Err(Refusal::Taken));
    assert_eq!(one(&*s.store(), consume(2)).await, Err(Refusal::Pending));
    assert_eq!(one(&*s.store(), approve.clone()).await, Ok(Done::Decided));
    s = s.reopen();
    assert_eq!(one(&*s.store(), consume(2)).await, Ok(Done::Redeemed));
    s = s.reopen();
    assert_eq!(one(&*s.store(), consume(2)).await, Ok(Done::Redeemed), "our own retry");
    assert_eq!(one(&*s.store(), approve).await, Err(Refusal::Decided));
    assert_eq!(one(&*s.store(), consume(3)).await, Err(Refusal::Replayed));
    let rows = s.store().peek(&[Key::Family(family), key]).await.unwrap();
    assert!(matches!(&rows[..], [Some(Row::Family(family)), Some(Row::UserCode { .. })] if family.revoked.is_some()));
}

pub(super) async fn a_fence_voids_what_came_before<S: Subject>() {
    let clock = Clock::manual(START);
    let mut s = S::open(2, clock.clone());
    assert_eq!(one(&*s.store(), redeem(1, 1, START)).await, Ok(Done::Redeemed));
    let key = Key::fence("main", Fence::Subject("alice"));
    let raise = Op::RaiseFence { key, keep_for: Duration::from_secs(2) };
    assert_eq!(one(&*s.store(), raise.clone()).await, Ok(Done::Fenced));
    s = s.reopen();
    assert_eq!(one(&*s.store(), rotate(1, 0, 2)).await, Err(Refusal::Revoked));
    assert_eq!(one(&*s.store(), redeem(2, 1, START)).await, Err(Refusal::Revoked));
    let row = s.store().peek(&[key]).await.unwrap().remove(0);
    assert_eq!(row, Some(Row::Fence { at: START, keep_until: START + Duration::from_secs(2) }));
    clock.advance(Duration::from_millis(1));
    assert_eq!(one(&*s.store(), redeem(3, 1, clock.now())).await, Ok(Done::Redeemed));
    clock.advance(Duration::from_secs(3));
    for shard in 0..2 {
        s.store().sweep(shard, 100).await.unwrap();
    }
    assert_eq!(s.store().peek(&[key]).await.unwrap(), [None]);
    s = s.reopen();
    assert_eq!(s.store().peek(&[key]).await.unwrap(), [None]);
}

pub(super) async fn a_fence_counts_within_its_batch<S: Subject>() {
    let s = S::open(1, Clock::manual(START));
    let raise = Op::RaiseFence { key: Key::fence("main", Fence::Client("web")), keep_for: Duration::from_secs(9) };
    let outcomes = s.store().apply(0, vec![redeem(1, 1, START), raise, rotate(1, 0, 1)]).await.unwrap();
    assert_eq!(outcomes, [Ok(Done::Redeemed), Ok(Done::Fenced), Err(Refusal::Revoked)]);
}

pub(super) async fn nothing_is_swept_early<S: Subject>() {
    let clock = Clock::manual(START);
    let mut s = S::open(1, clock.clone());
    let key = Key::mark(MarkKind::RevokedToken, "main", b"jti");
    let until = START + Duration::from_millis(10_777);
    let mark = Op::Mark { key, attempt: Id([1; 16]), keep_until: until };
    assert_eq!(one(&*s.store(), mark).await, Ok(Done::Marked));
    while clock.now() < until {
        s.store().sweep(0, 10).await.unwrap();
        assert!(s.store().peek(&[key]).await.unwrap()[0].is_some(), "swept {:?} early", until.since(clock.now()));
        clock.advance(Duration::from_millis(411));
        s = s.reopen();
    }
    clock.advance(Duration::from_secs(1));
    assert_eq!(s.store().sweep(0, 10).await.unwrap().forgotten, 1);
    s = s.reopen();
    assert_eq!(s.store().peek(&[key]).await.unwrap(), [None]);
    assert_eq!(s.store().sweep(0, 10).await.unwrap(), Default::default());
}

pub(super) async fn a_rotated_family_outlives_its_first_deadline<S: Subject>() {
    let clock = Clock::manual(START);
    let mut s = S::open(1, clock.clone());
    assert_eq!(one(&*s.store(), redeem(1, 1, START)).await, Ok(Done::Redeemed));
    for g in 0..4 {
        clock.advance(Duration::from_secs(25));
        assert_eq!(s.store().sweep(0, 10).await.unwrap().forgotten, 0);
        assert_eq!(generation(&one(&*s.store(), rotate(1, g, 2)).await), g + 1);
        s = s.reopen();
    }
    clock.advance(LIFETIMES.absolute);
    let mut forgotten = 0;
    for _ in 0..3 {
        forgotten += s.store().sweep(0, 10).await.unwrap().forgotten;
    }
    assert_eq!(forgotten, 1);
    assert_eq!(one(&*s.store(), rotate(1, 4, 2)).await, Err(Refusal::Unknown));
}

pub(super) async fn a_sweep_keeps_its_budget_and_its_shard<S: Subject>() {
    let clock = Clock::manual(START);
    let s = S::open(2, clock.clone());
    let store = s.store();
    for n in 0..20 {
        let mark = Op::Mark { key: Key::Mark(family(n)), attempt: family(n), keep_until: START };
        assert_eq!(one(&*store, mark).await, Ok(Done::Marked));
    }
    clock.advance(Duration::from_secs(1));
    let step = store.sweep(0, 6).await.unwrap();
    assert_eq!((step.forgotten, step.more), (6, true));
    assert_eq!(store.sweep(0, 6).await.unwrap().forgotten, 4);
    assert_eq!(store.sweep(0, 6).await.unwrap().forgotten, 0);
    let keys: Vec<Key> = (0..20).map(|n| Key::Mark(family(n))).collect();
    let rows = store.peek(&keys).await.unwrap();
    assert!(keys.iter().zip(rows).all(|(key, row)| row.is_some() == (store.route(key) == 1)));
}

pub(super) async fn what_is_too_large_changes_nothing<S: Subject>() {
    let s = S::open(1, Clock::manual(START));
    let mut large = redeem(1, 1, START);
    let Op::Redeem(inner) = &mut large else { unreachable!() };
    inner.grant = vec![0; MAX_VALUE].into();
    let refused = s.store().apply(0, vec![redeem(2, 1, START), large]).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
    assert_eq!(s.store().peek(&[Key::Family(family(2))]).await.unwrap(), [None]);
    let mut fits = redeem(3, 1, START);
    let Op::Redeem(inner) = &mut fits else { unreachable!() };
    inner.grant = vec![0; MAX_VALUE - 1024].into();
    assert_eq!(one(&*s.store(), fits).await, Ok(Done::Redeemed));
    let s = s.reopen();
    assert_eq!(generation(&one(&*s.store(), rotate(3, 0, 1)).await), 1);
}
