//! Tests of the transitions of a family, one rule each and over random histories.

use proptest::prelude::*;

use super::World;
use crate::clock::Time;
use crate::id::Id;
use crate::state::family::{Revocation, RevocationReason};
use crate::state::miss::MissRefusal;
use crate::state::*;
use std::time::Duration;

const NOW: Time = Time::from_millis(1_800_000_000_007);
const LIVES: Lifetimes = Lifetimes {
    access: Duration::from_millis(300_000),
    idle: Duration::from_millis(1_000_001),
    absolute: Duration::from_millis(5_000_003),
};
const GRACE: RotatePolicy = RotatePolicy::Rotate { grace: Duration::from_millis(10_000), replays: 2 };
const STRICT: RotatePolicy = RotatePolicy::Rotate { grace: Duration::ZERO, replays: 0 };

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

impl World {
    fn redeemed() -> Self {
        let mut world = Self::new(NOW);
        assert_eq!(world.redeem(1), Ok(()));
        world
    }

    fn redeem(&mut self, attempt: u8) -> Result<(), RedeemRefusal> {
        self.ask(RedeemCode {
            family: Id([1; 16]),
            issuer: "main".into(),
            client: "web".into(),
            subject: "alice".into(),
            grant: [1, 2, 3].into(),
            key: 4,
            attempt: Id([attempt; 16]),
            code_issued_at: NOW,
            code_expires_at: NOW + ms(60_000),
            lifetimes: LIVES,
            binding: None,
        })
    }

    fn rotate_as(
        &mut self,
        client: &str,
        generation: u32,
        attempt: u8,
        policy: RotatePolicy,
    ) -> Result<Box<Rotated>, RotateRefusal> {
        self.ask(Rotate {
            family: Id([1; 16]),
            generation,
            issuer: "main".into(),
            client: client.into(),
            key: 5,
            attempt: Id([attempt; 16]),
            policy,
            lifetimes: LIVES,
            shown: None,
        })
    }

    fn rotate(&mut self, generation: u32, attempt: u8) -> Result<Box<Rotated>, RotateRefusal> {
        self.rotate_with(generation, attempt, GRACE)
    }

    fn rotate_with(
        &mut self,
        generation: u32,
        attempt: u8,
        policy: RotatePolicy,
    ) -> Result<Box<Rotated>, RotateRefusal> {
        self.rotate_as("web", generation, attempt, policy)
    }

    fn miss(&mut self, limit: u8) -> Result<(), MissRefusal> {
        self.ask(CountMiss { family: Id([1; 16]), limit, code_expires_at: NOW + ms(60_000) })
    }

    fn revoke(&mut self, client: Option<&str>) -> Result<(), RevokeRefusal> {
        self.ask(RevokeFamily { family: Id([1; 16]), issuer: "main".into(), client: client.map(Into::into) })
    }

    fn family(&self) -> &Family {
        let Some(Row::Family(family)) = &self.row else { panic!("a family, not {:?}", self.row) };
        family
    }
}

#[test]
fn a_code_gives_one_family_and_its_replay_ends_it() {
    let mut world = World::redeemed();
    assert_eq!(world.redeem(1), Ok(()), "our own retry");
    assert_eq!(world.family().revoked, None);
    assert_eq!(world.redeem(2), Err(RedeemRefusal::Replayed));
    assert_eq!(world.family().revoked.unwrap().reason, RevocationReason::CodeReplayed);
    assert_eq!(world.redeem(1), Err(RedeemRefusal::Revoked), "no retry brings it back");
    assert_eq!(world.rotate(0, 3), Err(RotateRefusal::Revoked));
}

#[test]
fn a_retry_of_the_redemption_ends_with_the_first_rotation() {
    let mut world = World::redeemed();
    world.rotate(0, 2).unwrap();
    assert_eq!(world.redeem(1), Err(RedeemRefusal::Replayed));
}

#[test]
fn a_replay_long_after_the_code_expired_still_ends_the_family() {
    let mut world = World::redeemed();
    world.wait(ms(500_000));
    assert_eq!(world.redeem(2), Err(RedeemRefusal::Replayed));
    assert_eq!(world.rotate(0, 3), Err(RotateRefusal::Revoked));
}

#[test]
fn a_code_expires_to_the_millisecond() {
    let mut world = World::new(NOW);
    world.wait(ms(60_000));
    assert_eq!(world.redeem(1), Err(RedeemRefusal::Expired));
    world.now = world.now - ms(1);
    assert_eq!(world.redeem(1), Ok(()));
}

#[test]
fn idle_and_absolute_expiry_are_exact() {
    let mut world = World::redeemed();
    world.wait(LIVES.idle);
    assert_eq!(world.rotate(0, 2), Err(RotateRefusal::Expired));
    world.now = world.now - ms(1);
    world.rotate(0, 2).unwrap();
    for generation in 1.. {
        world.wait(LIVES.idle - ms(1));
        if world.now >= NOW + LIVES.absolute {
            break;
        }
        let rotated = world.rotate(generation, 2).unwrap();
        assert!(rotated.idle_until <= NOW + LIVES.absolute);
    }
    world.now = NOW + LIVES.absolute;
    let generation = world.family().generation;
    assert_eq!(world.rotate(generation, 9), Err(RotateRefusal::Expired));
    world.now = world.now - ms(1);
    world.rotate(generation, 9).unwrap();
}

#[test]
fn within_the_grace_a_spent_token_gives_the_same_successor() {
    let mut world = World::redeemed();
    let first = world.rotate(0, 2).unwrap();
    assert_eq!((first.generation, first.replayed, first.key), (1, false, 5));
    world.wait(ms(9_999));
    let again = world.rotate(0, 3).unwrap();
    assert_eq!((again.generation, again.replayed, again.key), (1, true, 5));
    assert!(world.family().keep_until >= world.now + LIVES.access, "the row outlives the access token it answered");
    world.rotate(0, 4).unwrap();
    assert_eq!(world.rotate(0, 5), Err(RotateRefusal::Reused), "the third is one too many");
    assert_eq!(world.rotate(1, 6), Err(RotateRefusal::Revoked), "and the successor is void as well");
}

#[test]
fn after_the_grace_a_spent_token_ends_the_family() {
    let mut world = World::redeemed();
    world.rotate(0, 2).unwrap();
    world.wait(ms(10_000));
    assert_eq!(world.rotate(0, 3), Err(RotateRefusal::Reused));
    let revocation = world.family().revoked.unwrap();
    assert_eq!(revocation, Revocation { at: world.now, reason: RevocationReason::TokenReused });
}

#[test]
fn after_an_outage_the_grace_starts_again() {
    let lost_with = |began: u64, ended: u64| {
        let mut world = World::redeemed();
        world.rotate(0, 2).unwrap();
        let at = |offset: u64| NOW + ms(offset);
        world.outage = Some(Outage { began: at(began), ended: at(ended) });
        world
    };
    // an answer that was lost when the primary died, and a client that comes back when there is another one
    let mut world = lost_with(5_000, 25_000);
    world.now = NOW + ms(54_999);
    assert_eq!(world.rotate(0, 3).map(|again| (again.generation, again.replayed)), Ok((1, true)));
    world.now = NOW + ms(55_000);
    assert_eq!(world.rotate(0, 4), Err(RotateRefusal::Reused));
    // too old for its answer to have been lost, or made since
    for (began, ended) in [(10_000, 25_000), (0, 0)] {
        let mut world = lost_with(began, ended);
        world.now = NOW + ms(26_000);
        assert_eq!(world.rotate(0, 3), Err(RotateRefusal::Reused), "{began}..{ended}");
    }
    let mut world = World::redeemed();
    world.rotate_with(0, 2, STRICT).unwrap();
    world.outage = Some(Outage { began: NOW, ended: NOW + ms(20_000) });
    assert_eq!(world.rotate_with(0, 3, STRICT), Err(RotateRefusal::Reused), "a strict policy stays strict");
}

#[test]
fn outages_close_to_each_other_are_one() {
    let outage = |began: u64, ended: u64| Outage { began: NOW + ms(began), ended: NOW + ms(ended) };
    let apart = ms(30_000);
    assert_eq!(outage(0, 20_000).joined(outage(25_000, 40_000), apart), outage(0, 40_000));
    assert_eq!(outage(25_000, 40_000).joined(outage(0, 20_000), apart), outage(0, 40_000));
    assert_eq!(outage(0, 20_000).joined(outage(1_000, 19_000), apart), outage(0, 20_000));
    assert_eq!(outage(0, 20_000).joined(outage(50_001, 60_000), apart), outage(50_001, 60_000));
}

#[test]
fn an_older_generation_has_no_grace() {
    let mut world = World::redeemed();
    world.rotate(0, 2).unwrap();
    world.rotate(1, 3).unwrap();
    assert_eq!(world.rotate(0, 2), Err(RotateRefusal::Reused));
}

#[test]
fn strict_knows_only_its_own_retry() {
    let mut world = World::redeemed();
    world.rotate_with(0, 2, STRICT).unwrap();
    world.wait(ms(20_000));
    let retry = world.rotate_with(0, 2, STRICT).unwrap();
    assert_eq!((retry.generation, retry.replayed), (1, false));
    assert_eq!(world.rotate_with(0, 3, STRICT), Err(RotateRefusal::Reused));
}

#[test]
fn a_generation_from_the_future_means_that_the_store_lost_data() {
    let mut world = World::redeemed();
    assert_eq!(world.rotate(1, 2), Err(RotateRefusal::Regressed));
    assert_eq!(world.family().revoked, None);
    world.rotate(0, 2).unwrap();
}

#[test]
fn another_client_neither_rotates_nor_revokes() {
    let mut world = World::redeemed();
    let before = world.row.clone();
    assert_eq!(world.rotate_as("other", 0, 2, GRACE), Err(RotateRefusal::WrongClient));
    assert_eq!(world.revoke(Some("other")), Err(RevokeRefusal::WrongClient));
    assert_eq!(world.row, before);
    assert_eq!(world.revoke(Some("web")), Ok(()));
    assert_eq!(world.revoke(None), Ok(()), "again");
    assert_eq!(world.family().revoked.unwrap().reason, RevocationReason::Requested);
}

#[test]
fn revoking_what_is_not_there_is_done() {
    assert_eq!(World::new(NOW).revoke(Some("web")), Ok(()));
    assert_eq!(World::new(NOW).rotate(0, 1), Err(RotateRefusal::Unknown));
}

#[test]
fn misses_void_a_code() {
    let mut world = World::new(NOW);
    for _ in 0..2 {
        assert_eq!(world.miss(3), Ok(()));
    }
    let mut lucky = World { row: world.row.clone(), ..World::new(NOW) };
    assert_eq!(lucky.redeem(1), Ok(()), "two of three");
    assert_eq!(lucky.miss(3), Err(MissRefusal::Redeemed));
    assert_eq!(world.miss(3), Ok(()));
    assert_eq!(world.redeem(1), Err(RedeemRefusal::Missed));
    world.now = NOW;
    assert_eq!(
        world.ask(CountMiss { family: Id([1; 16]), limit: 9, code_expires_at: NOW + ms(1) }),
        Ok(()),
        "counted under a higher limit"
    );
    assert_eq!(world.redeem(1), Err(RedeemRefusal::Missed), "a later limit does not revive it");
    world.wait(ms(60_000));
    assert_eq!(world.miss(3), Err(MissRefusal::Expired));
}

#[test]
fn a_not_before_moment_voids_codes_families_and_retries() {
    let mut world = World::redeemed();
    world.wait(ms(1));
    world.not_before = NOW;
    assert_eq!(world.rotate(0, 2), Err(RotateRefusal::Revoked));
    assert_eq!(world.redeem(1), Err(RedeemRefusal::Revoked), "our own retry");
    assert!(!world.family().is_alive(NOW) && world.family().is_alive(NOW - ms(1)));
    let mut unused = World { not_before: NOW, ..World::new(NOW) };
    assert_eq!(unused.redeem(1), Err(RedeemRefusal::Revoked));
    unused.not_before = NOW - ms(1);
    assert_eq!(unused.redeem(1), Ok(()));
}

#[test]
fn a_redemption_that_did_not_see_the_moment_does_not_outrun_it() {
    let mut world = World::new(NOW);
    world.wait(ms(10));
    assert_eq!(world.redeem(1), Ok(()));
    // raised elsewhere after the code was issued, at a moment before the redemption's
    world.not_before = NOW + ms(5);
    assert!(!world.family().is_alive(world.not_before));
    assert_eq!(world.rotate(0, 2), Err(RotateRefusal::Revoked));
}

#[test]
fn a_not_before_moment_never_moves_back() {
    let raise = RaiseNotBefore { issuer: "main".into(), of: NotBeforeOf::Issuer, keep_for: ms(10) };
    let later = Row::NotBefore { at: NOW + ms(5), keep_until: NOW + ms(50) };
    let transition = raise.step(Some(&later), Seen::alone(Time::ZERO, NOW));
    assert_eq!((transition.row, transition.answer), (Some(later), Ok(())));
}

#[test]
fn a_mark_is_a_replay_until_it_expires() {
    let key = Key::used_assertion("main", b"jti");
    let mark = |attempt| SpendAssertion { key, attempt: Id([attempt; 16]), keep_until: NOW + ms(10) };
    let mut world = World::new(NOW);
    assert_eq!(world.ask(mark(1)), Ok(()));
    assert_eq!(world.ask(mark(1)), Ok(()), "our own retry");
    world.wait(ms(9));
    assert_eq!(world.ask(mark(2)), Err(SpendRefusal::Replayed));
}

#[test]
fn a_kept_token_promises_only_what_is_stored() {
    let mut world = World::redeemed();
    for second in 1..4_000 {
        world.now = NOW + ms(second * 1_000);
        let rotated = world.rotate_with(0, 2, RotatePolicy::Keep).unwrap();
        assert_eq!((rotated.generation, rotated.replayed), (0, false));
        assert_eq!(rotated.idle_until, world.family().idle_until);
        assert!(world.family().keep_until >= world.now + LIVES.access, "the access token outlives its row");
        let promised = (NOW + LIVES.absolute).min(world.now + LIVES.idle);
        assert!(promised.since(rotated.idle_until) <= LIVES.idle / 16, "idle time does not move");
    }
}

#[test]
fn what_wears_out_is_refused() {
    let mut world = World::redeemed();
    let Some(Row::Family(family)) = &mut world.row else { panic!() };
    family.generation = u32::MAX;
    assert_eq!(world.rotate(u32::MAX, 2), Err(RotateRefusal::Expired));
}

/// RFC 8705 section 4: a token that is presented with another certificate is refused and not spent.
#[test]
fn rfc8705_4_a_token_is_exchanged_with_its_certificate_only() {
    let [own, other] = ["own", "other"].map(|seed| Some(super::certificate(seed)));
    let mut world = World::redeemed();
    let Some(Row::Family(family)) = &mut world.row else { panic!() };
    family.binding = own;
    let rotate = |shown| Rotate {
        family: Id([1; 16]),
        generation: 0,
        issuer: "main".into(),
        client: "web".into(),
        key: 5,
        attempt: Id([2; 16]),
        policy: STRICT,
        lifetimes: LIVES,
        shown,
    };
    let before = world.row.clone();
    for wrong in [None, other] {
        assert_eq!(world.ask(rotate(wrong)), Err(RotateRefusal::WrongSender));
    }
    assert_eq!(world.row, before);
    assert_eq!(world.ask(rotate(own)).unwrap().generation, 1);
}

/// A revocation is reported as an event, also if it was made before.
#[test]
fn checklist_37_41_53_a_transition_says_what_it_revoked() {
    let mut world = World::redeemed();
    let until = world.family().keep_until;
    let revoked = |cause| Event::FamilyRevoked {
        family: Id([1; 16]),
        issuer: "main".into(),
        client: "web".into(),
        subject: "alice".into(),
        cause,
        until,
    };
    let revoke = RevokeFamily { family: Id([1; 16]), issuer: "main".into(), client: None };
    for _ in 0..2 {
        let seen = Seen::alone(Time::ZERO, NOW);
        let transition = revoke.step(world.row.as_ref(), seen);
        assert_eq!(transition.event, Some(revoked(RevocationCause::Requested)));
        world.ask(revoke.clone()).unwrap();
    }
    let mut world = World::redeemed();
    world.rotate(0, 2).unwrap();
    world.rotate(1, 3).unwrap();
    let reuse = Rotate {
        family: Id([1; 16]),
        generation: 0,
        issuer: "main".into(),
        client: "web".into(),
        key: 5,
        attempt: Id([9; 16]),
        policy: GRACE,
        lifetimes: LIVES,
        shown: None,
    };
    let transition = reuse.step(world.row.as_ref(), Seen::alone(Time::ZERO, NOW));
    let cause = RevocationCause::RefreshTokenReused;
    assert!(matches!(transition.event, Some(Event::FamilyRevoked { cause: found, .. }) if found == cause));
}

proptest! {
    /// Whatever happens in whatever order: one redemption per code succeeds, generations grow by one, and an ended
    /// family stays ended.
    #[test]
    fn a_family_only_moves_on(
        steps in proptest::collection::vec((0..6u8, 0..4u8, 0..3u32, 0..15_000u64, any::<bool>()), 1..80)
    ) {
        let mut world = World::new(NOW);
        let mut winner = None;
        let mut over = false;
        for (what, attempt, back, wait, strict) in steps {
            let generation = if let Some(Row::Family(family)) = &world.row { family.generation } else { 0 };
            let policy = if strict { STRICT } else { GRACE };
            match what {
                0 => if world.redeem(attempt).is_ok() {
                    prop_assert_eq!(*winner.get_or_insert(attempt), attempt);
                    prop_assert!(!over);
                },
                1..=3 => if let Ok(rotated) = world.rotate_with(generation.saturating_sub(back), attempt, policy) {
                    prop_assert!(!over && winner.is_some());
                    prop_assert!(rotated.generation == generation || rotated.generation == generation + 1);
                    prop_assert_eq!(rotated.generation, world.family().generation);
                    prop_assert!(rotated.idle_until > world.now);
                },
                4 => world.wait(ms(wait)),
                _ => if attempt == 0 { prop_assert!(world.revoke(None).is_ok()) },
            }
            if let Some(Row::Family(family)) = &world.row {
                prop_assert!(family.generation >= generation);
                prop_assert!(family.keep_until >= family.idle_until && family.idle_until <= family.expires_at);
                prop_assert!(!over || family.revoked.is_some());
                over |= family.revoked.is_some();
            }
        }
    }
}
