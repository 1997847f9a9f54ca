//! The rules of a device authorization, one by one.

use std::time::Duration;

use super::*;
use crate::state::op::Op;
use crate::state::step::step;

const NOW: Time = Time::from_millis(1_800_000_000_007);
const EXPIRES: Time = Time::from_millis(1_800_000_600_007);
const LIVES: Lifetimes = Lifetimes {
    access: Duration::from_secs(300),
    idle: Duration::from_secs(1000),
    absolute: Duration::from_secs(5000),
};

struct World {
    row: Option<Row>,
    fence: Time,
    now: Time,
}

impl World {
    fn started() -> Self {
        let mut world = Self { row: None, fence: Time::ZERO, now: NOW };
        assert_eq!(world.start(1), Ok(Done::Started));
        world
    }

    fn approved() -> Self {
        let mut world = Self::started();
        assert_eq!(world.approve("alice", 2), Ok(Done::Decided));
        world
    }

    fn ask(&mut self, op: &Op) -> Outcome {
        let (change, outcome) = step(self.row.as_ref(), op, self.fence, self.now);
        if let Change::Put(row) = change {
            assert_ne!(self.row.as_ref(), Some(&row), "a write that changes nothing");
            self.row = Some(row);
        }
        outcome
    }

    fn start(&mut self, attempt: u8) -> Outcome {
        self.ask(&Op::StartDevice(Box::new(StartDevice {
            family: Id([1; 16]),
            issuer: "main".into(),
            client: "tv".into(),
            grant: [1].into(),
            attempt: Id([attempt; 16]),
            expires_at: EXPIRES,
        })))
    }

    fn decide(&mut self, issuer: &str, verdict: Verdict) -> Outcome {
        self.ask(&Op::Decide(Box::new(Decide { family: Id([1; 16]), issuer: issuer.into(), verdict })))
    }

    fn approve(&mut self, subject: &str, grant: u8) -> Outcome {
        self.decide("main", Verdict::Approve { subject: subject.into(), grant: [grant].into() })
    }

    fn consume_as(&mut self, client: &str, attempt: u8) -> Outcome {
        self.ask(&Op::Consume(Box::new(Consume {
            family: Id([1; 16]),
            issuer: "main".into(),
            client: client.into(),
            key: 4,
            attempt: Id([attempt; 16]),
            lifetimes: LIVES,
        })))
    }

    fn consume(&mut self, attempt: u8) -> Outcome {
        self.consume_as("tv", attempt)
    }
}

#[test]
fn an_approved_device_becomes_a_family_once_and_a_second_time_revokes_it() {
    let mut world = World::approved();
    assert_eq!(world.consume(1), Ok(Done::Redeemed));
    let Some(Row::Family(family)) = &world.row else { panic!("a family") };
    assert_eq!((&*family.subject, &*family.grant, family.authorized_at), ("alice", &[2][..], NOW));
    assert!(family.keep_until >= EXPIRES, "the memory that the code was used");
    assert_eq!(world.consume(1), Ok(Done::Redeemed), "our own retry");
    assert_eq!(world.consume_as("other", 2), Err(Refusal::WrongClient), "another client burns nothing");
    assert_eq!(world.consume(2), Err(Refusal::Replayed));
    let Some(Row::Family(family)) = &world.row else { panic!("a family") };
    assert!(family.revoked.is_some());
    assert_eq!(world.consume(1), Err(Refusal::Revoked));
}

#[test]
fn nothing_is_consumed_before_the_decision_after_a_denial_or_by_another_client() {
    let mut world = World::started();
    assert_eq!(world.consume(1), Err(Refusal::Pending));
    assert_eq!(world.decide("main", Verdict::Deny), Ok(Done::Decided));
    assert_eq!(world.consume(1), Err(Refusal::Denied));
    let mut world = World::approved();
    assert_eq!(world.consume_as("other", 1), Err(Refusal::WrongClient));
    assert_eq!(world.consume(1), Ok(Done::Redeemed));
}

#[test]
fn a_device_is_decided_once_and_the_same_decision_again_is_a_retry() {
    let mut world = World::approved();
    assert_eq!(world.approve("alice", 2), Ok(Done::Decided));
    for (subject, grant) in [("bob", 2), ("alice", 3)] {
        assert_eq!(world.approve(subject, grant), Err(Refusal::Decided));
    }
    assert_eq!(world.decide("main", Verdict::Deny), Err(Refusal::Decided));
    let mut world = World::started();
    assert_eq!(world.decide("main", Verdict::Deny), Ok(Done::Decided));
    assert_eq!(world.decide("main", Verdict::Deny), Ok(Done::Decided));
    assert_eq!(world.approve("alice", 2), Err(Refusal::Decided));
    assert_eq!(world.decide("other", Verdict::Deny), Err(Refusal::Unknown), "another issuer's");
}

#[test]
fn an_expired_device_is_neither_decided_nor_consumed() {
    let mut world = World::started();
    world.now = EXPIRES;
    assert_eq!(world.approve("alice", 2), Err(Refusal::Expired));
    let mut world = World::approved();
    world.now = EXPIRES;
    assert_eq!(world.consume(1), Err(Refusal::Expired));
}

#[test]
fn a_fence_voids_what_was_started_or_approved_before() {
    let mut world = World::started();
    world.fence = NOW;
    assert_eq!(world.approve("alice", 2), Err(Refusal::Revoked));
    let mut world = World::approved();
    world.fence = NOW;
    assert_eq!(world.consume(1), Err(Refusal::Revoked));
}

#[test]
fn a_user_code_names_one_device_until_it_expires() {
    let mut row = None;
    let mut ask = |family: u8, now: Time| {
        let key = crate::state::key::Key::user_code("main", "BCDFGHJK");
        let op = Op::NameUserCode { key, family: Id([family; 16]), keep_until: now + Duration::from_secs(600) };
        let (change, outcome) = step(row.as_ref(), &op, Time::ZERO, now);
        if let Change::Put(put) = change {
            row = Some(put);
        }
        outcome
    };
    assert_eq!(ask(1, NOW), Ok(Done::Named));
    assert_eq!(ask(1, NOW), Ok(Done::Named), "a retry");
    assert_eq!(ask(2, NOW), Err(Refusal::Taken));
    assert_eq!(ask(2, EXPIRES), Ok(Done::Named));
}

#[test]
fn a_code_or_refresh_token_never_works_on_a_device() {
    let mut world = World::started();
    let before = world.row.clone();
    assert_eq!(world.start(2), Err(Refusal::Taken));
    assert_eq!(world.start(1), Ok(Done::Started), "a retry");
    let miss = Op::Miss { family: Id([1; 16]), limit: 1, code_expires_at: EXPIRES };
    assert!(world.ask(&miss).is_err());
    assert_eq!(world.row, before);
}
