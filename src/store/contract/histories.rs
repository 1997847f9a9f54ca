//! Random histories: what an engine answers is what the model answers, over restarts, and neither ever
//! breaks an invariant of CHECKLIST.md (I1, I2, I4, I6, I9).

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use proptest::prelude::*;

use super::ops::{GRACE, LIFETIMES, family};
use super::{Model, START, Subject, outcomes};
use crate::clock::{Clock, Time};
use crate::id::Id;
use crate::state::{
    ConsumeDevice, ConsumeRefusal, CountMiss, DecideDevice, DeviceDecision, Key, NotBeforeOf, Op, Outcome,
    RaiseNotBefore, RedeemCode, RedeemRefusal, RevokeFamily, Rotate, RotatePolicy, RotateRefusal, SpendAssertion,
    StartDevice,
};

/// Families from codes, and behind them those from devices.
const FAMILIES: u8 = 4;
const ALL: u8 = 6;
const LANES: u16 = 2;

/// A step of a history. Generations are relative to what the family's owner holds.
#[derive(Clone, Debug)]
enum Step {
    Redeem { family: u8, attempt: u8 },
    Miss { family: u8 },
    Rotate { family: u8, relative: i8, attempt: u8, client: &'static str, policy: RotatePolicy },
    Revoke { family: u8, client: Option<&'static str> },
    Mark { name: u8, attempt: u8 },
    Start { device: u8 },
    Decide { device: u8, approve: bool },
    Consume { device: u8, attempt: u8, client: &'static str },
    NotBefore { client: bool },
    Wait { millis: u64 },
    Sweep,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let attempt = 0..6u8;
    let (code, family, device) = (0..FAMILIES, 0..ALL, FAMILIES..ALL);
    let policy = prop_oneof![
        6 => Just(GRACE),
        3 => Just(RotatePolicy::Rotate { grace: Duration::ZERO, replays: 0 }),
        1 => Just(RotatePolicy::Keep),
    ];
    let client = prop_oneof![9 => Just("web"), 1 => Just("other")];
    let relative = prop_oneof![6 => Just(0i8), 3 => Just(-1), 1 => Just(-2), 1 => Just(1)];
    prop_oneof![
        6 => (code.clone(), attempt.clone()).prop_map(|(family, attempt)| Step::Redeem { family, attempt }),
        2 => code.prop_map(|family| Step::Miss { family }),
        12 => (family.clone(), relative, attempt.clone(), client.clone(), policy).prop_map(
            |(family, relative, attempt, client, policy)| Step::Rotate { family, relative, attempt, client, policy }
        ),
        1 => (family, prop_oneof![Just(None), Just(Some("web")), Just(Some("other"))])
            .prop_map(|(family, client)| Step::Revoke { family, client }),
        2 => (0..2u8, attempt.clone()).prop_map(|(name, attempt)| Step::Mark { name, attempt }),
        4 => device.clone().prop_map(|device| Step::Start { device }),
        4 => (device.clone(), prop::bool::weighted(0.8)).prop_map(|(device, approve)| Step::Decide { device, approve }),
        6 => (device, attempt, client).prop_map(|(device, attempt, client)| Step::Consume { device, attempt, client }),
        1 => any::<bool>().prop_map(|client| Step::NotBefore { client }),
        6 => prop_oneof![4 => 1..3_000u64, 2 => 3_000..40_000u64, 1 => 40_000..130_000u64]
            .prop_map(|millis| Step::Wait { millis }),
        2 => Just(Step::Sweep),
        1 => Just(Step::Restart),
    ]
}

/// What the owners of the families hold, and what must never happen again.
#[derive(Default)]
struct Owners {
    held: HashMap<u8, u32>,
    redeemed: HashMap<u8, u8>,
    dead: HashSet<u8>,
    /// Expired, so never rotated again; a retry of the redemption itself still learns that it was done.
    over: HashSet<u8>,
    /// Of the strict successes, by family and generation, the attempt.
    spent: HashMap<(u8, u32), u8>,
    approved: HashSet<u8>,
    denied: HashSet<u8>,
}

impl Owners {
    fn op(&self, step: &Step, now: Time) -> Option<Op> {
        let lives = (START, START + Duration::from_secs(60));
        Some(match step {
            Step::Redeem { family: n, attempt } => Op::from(RedeemCode {
                family: family(*n),
                issuer: "main".into(),
                client: "web".into(),
                subject: format!("user {n}").into(),
                grant: vec![*n; 60].into(),
                key: 1,
                attempt: Id([*attempt; 16]),
                code_issued_at: lives.0,
                code_expires_at: lives.1,
                lifetimes: LIFETIMES,
                binding: None,
            }),
            Step::Miss { family: n } => Op::from(CountMiss { family: family(*n), limit: 3, code_expires_at: lives.1 }),
            Step::Rotate { family: n, relative, attempt, client, policy } => Op::from(Rotate {
                family: family(*n),
                generation: self.held.get(n).copied().unwrap_or(0).saturating_add_signed((*relative).into()),
                issuer: "main".into(),
                client: (*client).into(),
                key: 1,
                attempt: Id([*attempt; 16]),
                policy: *policy,
                lifetimes: LIFETIMES,
                shown: None,
            }),
            Step::Revoke { family: n, client } => {
                Op::from(RevokeFamily { family: family(*n), issuer: "main".into(), client: client.map(Into::into) })
            }
            Step::Mark { name, attempt } => Op::from(SpendAssertion {
                key: Key::used_assertion("main", &[*name]),
                attempt: Id([*attempt; 16]),
                keep_until: now + Duration::from_millis(7_500),
            }),
            Step::Start { device: n } => Op::from(StartDevice {
                family: family(*n),
                issuer: "main".into(),
                client: "web".into(),
                grant: vec![*n; 60].into(),
                attempt: Id([*n; 16]),
                expires_at: lives.1,
                binding: None,
            }),
            Step::Decide { device: n, approve } => {
                let yes = DeviceDecision::Approve { subject: format!("user {n}").into(), grant: vec![*n; 50].into() };
                let decision = if *approve { yes } else { DeviceDecision::Deny };
                Op::from(DecideDevice { family: family(*n), issuer: "main".into(), decision })
            }
            Step::Consume { device: n, attempt, client } => Op::from(ConsumeDevice {
                family: family(*n),
                issuer: "main".into(),
                client: (*client).into(),
                key: 1,
                attempt: Id([*attempt; 16]),
                lifetimes: LIFETIMES,
                shown: None,
            }),
            Step::NotBefore { client } => {
                let of =
                    if *client { NotBeforeOf::Client("web".into()) } else { NotBeforeOf::Subject("user 1".into()) };
                Op::from(RaiseNotBefore { issuer: "main".into(), of, keep_for: LIFETIMES.absolute })
            }
            Step::Wait { .. } | Step::Sweep | Step::Restart => return None,
        })
    }

    fn judge(&mut self, step: &Step, op: &Op, outcome: &Outcome, now: Time) -> Result<(), TestCaseError> {
        match (step, outcome) {
            (Step::Redeem { family, attempt }, Outcome::RedeemCode(Ok(()))) => {
                prop_assert!(!self.dead.contains(family), "I4: redeemed after its end");
                prop_assert!(now < START + Duration::from_secs(60) || self.redeemed.contains_key(family), "I9");
                let first = *self.redeemed.entry(*family).or_insert(*attempt);
                prop_assert_eq!(first, *attempt, "I1: a second redemption");
                self.held.insert(*family, self.held.get(family).copied().unwrap_or(0));
            }
            (Step::Decide { device, approve: true }, Outcome::DecideDevice(Ok(()))) => {
                prop_assert!(!self.denied.contains(device), "approved after a denial");
                self.approved.insert(*device);
            }
            (Step::Decide { device, approve: false }, Outcome::DecideDevice(Ok(()))) => {
                prop_assert!(!self.approved.contains(device), "denied after an approval");
                self.denied.insert(*device);
            }
            (Step::Consume { device, attempt, client }, Outcome::ConsumeDevice(Ok(()))) => {
                prop_assert!(self.approved.contains(device), "consumed what nobody approved");
                prop_assert!(!self.dead.contains(device), "I4: consumed after its end");
                prop_assert!(now < START + Duration::from_secs(60) || self.redeemed.contains_key(device), "I9");
                prop_assert_eq!(*client, "web", "I6: consumed for another client");
                let first = *self.redeemed.entry(*device).or_insert(*attempt);
                prop_assert_eq!(first, *attempt, "I1: a second consumption");
                self.held.insert(*device, self.held.get(device).copied().unwrap_or(0));
            }
            (Step::Consume { device, .. }, Outcome::ConsumeDevice(Err(ConsumeRefusal::Replayed))) => {
                self.dead.insert(*device);
            }
            (Step::Redeem { family, .. }, Outcome::RedeemCode(Err(RedeemRefusal::Replayed))) => {
                self.dead.insert(*family);
            }
            (Step::Rotate { family, attempt, client, policy, .. }, Outcome::Rotate(Ok(rotated))) => {
                let Op::Rotate(rotate) = op else { unreachable!() };
                prop_assert!(!self.dead.contains(family), "I4: rotated after its end");
                prop_assert!(!self.over.contains(family), "I9: rotated after its expiry");
                prop_assert!(self.redeemed.contains_key(family), "I6: rotated what nobody redeemed");
                prop_assert_eq!(*client, "web", "I6: rotated for another client");
                prop_assert!(rotated.idle_until > now, "I9: a token that is over when it is handed out");
                let own_retry = *policy == RotatePolicy::Keep && rotated.generation == rotate.generation + 1;
                let next = rotate.generation + u32::from(*policy != RotatePolicy::Keep || own_retry);
                prop_assert_eq!(rotated.generation, next, "I2: one successor");
                let strict = matches!(policy, RotatePolicy::Rotate { replays: 0, .. });
                if strict && !rotated.replayed {
                    let first = *self.spent.entry((*family, rotate.generation)).or_insert(*attempt);
                    prop_assert_eq!(first, *attempt, "I2: a second rotation in strict mode");
                }
                let held = self.held.entry(*family).or_insert(0);
                prop_assert!(rotated.generation >= *held, "generations only grow");
                *held = rotated.generation;
            }
            (Step::Rotate { family, .. }, Outcome::Rotate(Err(RotateRefusal::Reused | RotateRefusal::Revoked))) => {
                self.dead.insert(*family);
            }
            (Step::Rotate { family, .. }, Outcome::Rotate(Err(RotateRefusal::Expired))) => {
                self.over.insert(*family);
            }
            (Step::Revoke { family, .. }, Outcome::RevokeFamily(Ok(()))) if self.redeemed.contains_key(family) => {
                self.dead.insert(*family);
            }
            (Step::NotBefore { client }, Outcome::RaiseNotBefore(Ok(()))) => {
                let hit = self.redeemed.keys().chain(&self.approved).filter(|family| *client || **family == 1);
                self.dead.extend(hit.copied().collect::<Vec<_>>());
            }
            _ => {}
        }
        Ok(())
    }
}

async fn sweep<S: Subject>(subject: &S) {
    for lane in 0..LANES {
        while subject.engine().ledger.sweep(lane, 16).await.unwrap().more {}
    }
}

async fn run<S: Subject>(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let clock = Clock::manual(START + Duration::from_millis(1));
    let model = Model::open(LANES, clock.clone());
    let mut subject = S::open(LANES, clock.clone());
    let mut owners = Owners::default();
    for step in steps {
        match &step {
            Step::Wait { millis } => clock.advance(Duration::from_millis(*millis)),
            Step::Restart => subject = subject.reopen(),
            Step::Sweep => {
                sweep(&model).await;
                sweep(&subject).await;
            }
            other => {
                let Some(op) = owners.op(other, clock.now()) else { continue };
                let expected = outcomes(&model, vec![op.clone()]).await.remove(0);
                let found = outcomes(&subject, vec![op.clone()]).await.remove(0);
                prop_assert_eq!(&found, &expected, "{:?}", other);
                owners.judge(other, &op, &found, clock.now())?;
            }
        }
    }
    let keys: Vec<Key> = (0..ALL).map(|n| Key::Family(family(n))).collect();
    let (left, right) = (model.engine().ledger.peek(&keys).await, subject.engine().ledger.peek(&keys).await);
    prop_assert_eq!(left.unwrap(), right.unwrap());
    Ok(())
}

/// Runs random histories on the engine and on the model.
///
/// # Panics
/// If one comes to something else, with the smallest such history.
pub fn every_history_comes_to_what_the_model_says<S: Subject>() {
    let config = ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() };
    let history = proptest::collection::vec(step(), 1..60);
    proptest::test_runner::TestRunner::new(config)
        .run(&history, |steps| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(run::<S>(steps))
        })
        .unwrap();
}
