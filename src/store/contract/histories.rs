//! Random histories: an engine gives the same answers as the model, over restarts, and neither ever breaks an invariant
//! of CHECKLIST.md (I1, I2, I4, I6, I9).

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use proptest::prelude::*;

use super::ops::family;
use super::steps::{ALL, Step, step};
use super::{Model, START, Subject, outcomes};
use crate::clock::{Clock, Time};
use crate::state::{ConsumeRefusal, Key, Op, Outcome, RedeemRefusal, RotatePolicy, RotateRefusal};

const LANES: u16 = 2;

/// The tokens that the owners of the families hold, and the events that must never happen again.
#[derive(Default)]
struct Owners {
    held: HashMap<u8, u32>,
    redeemed: HashMap<u8, u8>,
    dead: HashSet<u8>,
    /// Expired families, so never rotated again; a retry of the redemption itself still learns that it was done.
    over: HashSet<u8>,
    /// The attempt of each strict success, by family and generation.
    spent: HashMap<(u8, u32), u8>,
    approved: HashSet<u8>,
    denied: HashSet<u8>,
}

impl Owners {
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
                let held = |family| owners.held.get(&family).copied().unwrap_or(0);
                let Some(op) = other.op(held, clock.now()) else { continue };
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
/// If the answers differ, with the smallest such history.
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
