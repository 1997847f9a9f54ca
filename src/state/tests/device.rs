//! Tests of the transitions of a device authorization, one rule each.

use std::time::Duration;

use super::World;
use crate::clock::Time;
use crate::id::Id;
use crate::state::*;

const NOW: Time = Time::from_millis(1_800_000_000_007);
const EXPIRES: Time = Time::from_millis(1_800_000_600_007);
const LIVES: Lifetimes = Lifetimes {
    access: Duration::from_secs(300),
    idle: Duration::from_secs(1000),
    absolute: Duration::from_secs(5000),
};

impl World {
    fn started() -> Self {
        let mut world = Self::new(NOW);
        assert_eq!(world.start(1), Ok(()));
        world
    }

    fn approved() -> Self {
        let mut world = Self::started();
        assert_eq!(world.approve("alice", 2), Ok(()));
        world
    }

    fn start(&mut self, attempt: u8) -> Result<(), StartRefusal> {
        self.start_bound(attempt, None)
    }

    fn start_bound(&mut self, attempt: u8, binding: Option<SenderBinding>) -> Result<(), StartRefusal> {
        self.ask(StartDevice {
            family: Id([1; 16]),
            issuer: "main".into(),
            client: "tv".into(),
            grant: [1].into(),
            attempt: Id([attempt; 16]),
            expires_at: EXPIRES,
            binding,
        })
    }

    fn decide(&mut self, issuer: &str, decision: DeviceDecision) -> Result<(), DecideRefusal> {
        self.ask(DecideDevice { family: Id([1; 16]), issuer: issuer.into(), decision })
    }

    fn approve(&mut self, subject: &str, grant: u8) -> Result<(), DecideRefusal> {
        self.decide("main", DeviceDecision::Approve { subject: subject.into(), grant: [grant].into() })
    }

    fn consume_as(&mut self, client: &str, attempt: u8) -> Result<(), ConsumeRefusal> {
        self.consume_showing(client, attempt, None)
    }

    fn consume_showing(
        &mut self,
        client: &str,
        attempt: u8,
        shown: Option<SenderBinding>,
    ) -> Result<(), ConsumeRefusal> {
        self.ask(ConsumeDevice {
            family: Id([1; 16]),
            issuer: "main".into(),
            client: client.into(),
            key: 4,
            attempt: Id([attempt; 16]),
            lifetimes: LIVES,
            shown,
        })
    }

    fn consume(&mut self, attempt: u8) -> Result<(), ConsumeRefusal> {
        self.consume_as("tv", attempt)
    }
}

#[test]
fn an_approved_device_becomes_a_family_once_and_a_second_time_revokes_it() {
    let mut world = World::approved();
    assert_eq!(world.consume(1), Ok(()));
    let Some(Row::Family(family)) = &world.row else { panic!("a family") };
    assert_eq!((&*family.subject, &*family.grant, family.authorized_at), ("alice", &[2][..], NOW));
    assert!(family.keep_until >= EXPIRES, "the memory that the code was used");
    assert_eq!(world.consume(1), Ok(()), "our own retry");
    assert_eq!(world.consume_as("other", 2), Err(ConsumeRefusal::WrongClient), "another client burns nothing");
    assert_eq!(world.consume(2), Err(ConsumeRefusal::Replayed));
    let Some(Row::Family(family)) = &world.row else { panic!("a family") };
    assert!(family.revoked.is_some());
    assert_eq!(world.consume(1), Err(ConsumeRefusal::Revoked));
}

#[test]
fn nothing_is_consumed_before_the_decision_after_a_denial_or_by_another_client() {
    let mut world = World::started();
    assert_eq!(world.consume(1), Err(ConsumeRefusal::Pending));
    assert_eq!(world.decide("main", DeviceDecision::Deny), Ok(()));
    assert_eq!(world.consume(1), Err(ConsumeRefusal::Denied));
    let mut world = World::approved();
    assert_eq!(world.consume_as("other", 1), Err(ConsumeRefusal::WrongClient));
    assert_eq!(world.consume(1), Ok(()));
}

#[test]
fn a_device_is_decided_once_and_the_same_decision_again_is_a_retry() {
    let mut world = World::approved();
    assert_eq!(world.approve("alice", 2), Ok(()));
    for (subject, grant) in [("bob", 2), ("alice", 3)] {
        assert_eq!(world.approve(subject, grant), Err(DecideRefusal::Decided));
    }
    assert_eq!(world.decide("main", DeviceDecision::Deny), Err(DecideRefusal::Decided));
    let mut world = World::started();
    assert_eq!(world.decide("main", DeviceDecision::Deny), Ok(()));
    assert_eq!(world.decide("main", DeviceDecision::Deny), Ok(()));
    assert_eq!(world.approve("alice", 2), Err(DecideRefusal::Decided));
    assert_eq!(world.decide("other", DeviceDecision::Deny), Err(DecideRefusal::Unknown), "another issuer's");
}

#[test]
fn an_expired_device_is_neither_decided_nor_consumed() {
    let mut world = World::started();
    world.now = EXPIRES;
    assert_eq!(world.approve("alice", 2), Err(DecideRefusal::Expired));
    let mut world = World::approved();
    world.now = EXPIRES;
    assert_eq!(world.consume(1), Err(ConsumeRefusal::Expired));
}

#[test]
fn a_not_before_moment_voids_what_was_started_or_approved_before() {
    let mut world = World::started();
    world.not_before = NOW;
    assert_eq!(world.approve("alice", 2), Err(DecideRefusal::Revoked));
    let mut world = World::approved();
    world.not_before = NOW;
    assert_eq!(world.consume(1), Err(ConsumeRefusal::Revoked));
}

#[test]
fn a_user_code_names_one_device_until_it_expires() {
    let mut world = World::new(NOW);
    let mut ask = |family: u8, now: Time| {
        let (key, keep_until) = (Key::user_code("main", "BCDFGHJK"), now + Duration::from_secs(600));
        world.now = now;
        world.ask(NameUserCode { key, family: Id([family; 16]), cell: Cell(3), keep_until })
    };
    assert_eq!(ask(1, NOW), Ok(()));
    assert_eq!(ask(1, NOW), Ok(()), "a retry");
    assert_eq!(ask(2, NOW), Err(NameRefusal::Taken));
    assert_eq!(ask(2, EXPIRES), Ok(()));
}

#[test]
fn a_code_or_refresh_token_never_works_on_a_device() {
    let mut world = World::started();
    let before = world.row.clone();
    assert_eq!(world.start(2), Err(StartRefusal::Taken));
    assert_eq!(world.start(1), Ok(()), "a retry");
    let miss = CountMiss { family: Id([1; 16]), limit: 1, code_expires_at: EXPIRES };
    assert!(world.ask(miss).is_err());
    assert_eq!(world.row, before);
}

/// RFC 8705 section 4: without the certificate of the first request the code is neither accepted nor spent.
#[test]
fn rfc8705_4_a_device_code_is_consumed_with_its_certificate_only() {
    let [own, other] = ["own", "other"].map(|seed| Some(super::certificate(seed)));
    let mut world = World::new(NOW);
    assert_eq!(world.start_bound(1, own), Ok(()));
    assert_eq!(world.consume_showing("tv", 1, None), Err(ConsumeRefusal::Pending));
    assert_eq!(world.approve("alice", 2), Ok(()));
    for wrong in [None, other] {
        assert_eq!(world.consume_showing("tv", 1, wrong), Err(ConsumeRefusal::WrongSender));
    }
    assert_eq!(world.consume_showing("tv", 1, own), Ok(()));
    assert_eq!(world.consume_showing("tv", 2, other), Err(ConsumeRefusal::WrongSender), "it revokes nothing");
    let Some(Row::Family(family)) = &world.row else { panic!("a family") };
    assert_eq!((family.binding, family.revoked), (own, None));
}
