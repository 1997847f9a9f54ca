use proptest::prelude::*;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);
const POLICY: Policy = Policy { period: Duration::from_secs(30 * 86400), announce: HOUR, longest_token: HOUR };

fn start() -> Time {
    Time::from_secs(1_700_000_000)
}

fn add(ring: &mut Ring, timing: Timing) {
    let kid = timing.generation.to_string();
    ring.keys.push(RingKey { kid, alg: Algorithm::EdDsa, timing });
}

fn first() -> Ring {
    let mut ring = Ring::default();
    let Plan::Announce(timing) = ring.plan(start(), &POLICY) else { panic!("an empty ring needs a key") };
    add(&mut ring, timing);
    ring
}

#[test]
fn the_first_key_signs_at_once() {
    let ring = first();
    assert_eq!(ring.signing(start()).unwrap().timing.generation, 1);
    assert_eq!(ring.plan(start(), &POLICY), Plan::Nothing(start() + POLICY.period - POLICY.announce));
}

#[test]
fn a_successor_is_announced_signs_on_its_date_and_its_predecessor_outlives_its_tokens() {
    let mut ring = first();
    let announce_at = start() + POLICY.period - POLICY.announce;
    let sign_from = start() + POLICY.period;
    let Plan::Announce(timing) = ring.plan(announce_at, &POLICY) else { panic!("a successor is due") };
    assert_eq!((timing.generation, timing.announced_at, timing.sign_from), (2, announce_at, sign_from));
    add(&mut ring, timing);
    assert_eq!(ring.plan(announce_at, &POLICY), Plan::Nothing(sign_from));
    assert_eq!(ring.state(&ring.keys[1], announce_at, &POLICY), KeyState::Announced);
    let drop_at = sign_from + POLICY.longest_token + SKEW;
    assert_eq!(ring.state(&ring.keys[0], sign_from, &POLICY), KeyState::Retired { drop_at });
    assert_eq!(ring.plan(sign_from, &POLICY), Plan::Nothing(drop_at));
    assert_eq!(ring.plan(drop_at, &POLICY), Plan::Drop(1));
}

#[test]
fn a_successor_that_is_late_is_announced_in_full_all_the_same() {
    let ring = first();
    let late = start() + POLICY.period + HOUR * 5;
    let Plan::Announce(timing) = ring.plan(late, &POLICY) else { panic!("a successor is overdue") };
    assert_eq!(timing.sign_from, late + POLICY.announce);
    assert_eq!(ring.signing(late).unwrap().timing.generation, 1);
}

#[test]
fn an_emergency_key_overtakes_an_announced_one_for_good() {
    let mut ring = first();
    let planned = ring.requested(start() + HOUR, &POLICY).unwrap();
    add(&mut ring, planned);
    let now = start() + HOUR + HOUR / 2;
    assert!(ring.requested(now, &POLICY).is_none(), "a successor is announced already");
    let emergency = ring.at_once(now, &POLICY);
    add(&mut ring, emergency);
    assert_eq!(ring.signing(now).unwrap().timing.generation, 3);
    assert_eq!(ring.signing(now + HOUR * 2).unwrap().timing.generation, 3);
    let drop_at = now + POLICY.longest_token + SKEW;
    for key in &ring.keys[..2] {
        assert_eq!(ring.state(key, now, &POLICY), KeyState::Retired { drop_at });
    }
    assert_eq!(ring.plan(drop_at, &POLICY), Plan::Drop(2));
}

#[test]
fn a_clock_behind_the_one_that_made_the_first_key_still_signs() {
    assert_eq!(first().signing(start() - HOUR).unwrap().timing.generation, 1);
}

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Planned,
    Emergency,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let wait = prop_oneof![1_u64..120, 120_u64..7200, 7200_u64..200_000].prop_map(Step::Wait);
    prop::collection::vec(prop_oneof![6 => wait, 1 => Just(Step::Planned), 1 => Just(Step::Emergency)], 1..60)
}

/// The keys that a verifier may use after it fetched the JWKS at `at`, and for how long.
struct Fetched {
    at: Time,
    generations: Vec<u32>,
}

proptest! {
    #[test]
    fn one_key_signs_and_every_verifier_knows_it(
        steps in steps(), announce in 60_u64..10_000, period in 100_u64..100_000, longest in 1_u64..20_000,
    ) {
        let seconds = Duration::from_secs;
        let policy = Policy { period: seconds(period), announce: seconds(announce), longest_token: seconds(longest) };
        let (mut ring, mut now) = (Ring::default(), start());
        let (mut at_once, mut served, mut signed) = (vec![1], Vec::<Fetched>::new(), Vec::<(Time, u32)>::new());
        for step in steps {
            match step {
                Step::Wait(secs) => now = now + seconds(secs),
                Step::Planned => if let Some(timing) = ring.requested(now, &policy) { add(&mut ring, timing) },
                Step::Emergency => {
                    let timing = ring.at_once(now, &policy);
                    add(&mut ring, timing);
                    at_once.extend(ring.newest());
                }
            }
            loop {
                match ring.plan(now, &policy) {
                    Plan::Announce(timing) => add(&mut ring, timing),
                    Plan::Drop(generation) => {
                        prop_assert!(Some(generation) < ring.newest(), "the newest key is never dropped");
                        ring.keys.retain(|key| key.timing.generation > generation);
                    }
                    Plan::Nothing(until) => { prop_assert!(until > now); break }
                }
            }
            let signing: Vec<_> =
                ring.keys.iter().filter(|key| ring.state(key, now, &policy) == KeyState::Signing).collect();
            prop_assert_eq!(signing.len(), 1);
            let timing = signing[0].timing;
            prop_assert!(timing.sign_from <= now);
            let generation = timing.generation;
            prop_assert!(at_once.contains(&generation) || timing.sign_from.since(timing.announced_at) >= policy.announce);
            // a cache filled before the key appeared must have expired before the key signs
            if !at_once.contains(&generation) {
                let stale = served.iter().any(|f| now < f.at + policy.max_age() && !f.generations.contains(&generation));
                prop_assert!(!stale, "a verifier's cache does not know the signing key");
            }
            let generations: Vec<u32> = ring.keys.iter().map(|key| key.timing.generation).collect();
            signed.push((now, generation));
            for (at, by) in &signed {
                if now.since(*at) <= policy.longest_token {
                    prop_assert!(generations.contains(by), "a living token's key is gone");
                }
            }
            served.push(Fetched { at: now, generations });
        }
    }
}
