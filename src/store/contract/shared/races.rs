//! Random histories of two nodes over one engine: concurrent batches, with faults in between. The answers of the nodes
//! never break an invariant of CHECKLIST.md (I1, I2, I4, I6, I9); either of two racing operations may win.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::{Faulty, RowFault, SharedSubject};
use crate::clock::{Clock, Time};
use crate::state::{ConsumeRefusal, Op, Outcome, RedeemRefusal, RotatePolicy, RotateRefusal};
use crate::store::Ledger;
use crate::store::cas::Cas;
use crate::store::contract::START;
use crate::store::contract::ops::family;
use crate::store::contract::steps::{ALL, Step, step};

/// Concurrent batches of two nodes, the faults meanwhile, and the time that passes afterwards.
#[derive(Clone, Debug)]
struct Bout {
    batches: [Vec<Step>; 2],
    faults: [Vec<u8>; 2],
    pauses: [Vec<u8>; 2],
    millis: u64,
    sweep: bool,
}

fn bout() -> impl Strategy<Value = Bout> {
    let batch = || proptest::collection::vec(step(), 0..6);
    let bytes = |top| move || proptest::collection::vec(0..top, 0..12);
    let (faults, pauses) = (bytes(24u8), bytes(4u8));
    let pair = |one: &dyn Fn() -> proptest::collection::VecStrategy<std::ops::Range<u8>>| [one(), one()];
    let millis = prop_oneof![6 => 1..900u64, 2 => 900..30_000u64];
    ([batch(), batch()], pair(&faults), pair(&pauses), millis, prop::bool::weighted(0.1))
        .prop_map(|(batches, faults, pauses, millis, sweep)| Bout { batches, faults, pauses, millis, sweep })
}

fn fault(number: &u8) -> RowFault {
    match number {
        20 => RowFault::Unanswered { done: true },
        21 => RowFault::Unanswered { done: false },
        22 => RowFault::Late,
        23 => RowFault::Reconnected,
        _ => RowFault::None,
    }
}

/// The facts that are known at the end of a bout.
#[derive(Default)]
struct Observed {
    /// The one attempt whose redemption or consumption succeeded, by family.
    redeemed: HashMap<u8, u8>,
    /// Families that may exist, because an attempt got no answer.
    perhaps: HashSet<u8>,
    /// Families that ended before the bout.
    dead: HashSet<u8>,
    /// Families that expired before the bout.
    over: HashSet<u8>,
    approved: HashSet<u8>,
    /// The newest generation that was handed out, by family.
    held: HashMap<u8, u32>,
    /// The one attempt of each strict rotation, by family and generation.
    spent: HashMap<(u8, u32), u8>,
    /// The one successor of all rotations of a generation, by family and generation.
    successor: HashMap<(u8, u32), u32>,
}

impl Observed {
    /// Checks the outcomes of a bout; `unanswered` if a write of it may have been done without an answer.
    fn judge(
        &mut self,
        bout: &[(Step, Op, Option<Outcome>)],
        unanswered: bool,
        now: Time,
    ) -> Result<(), TestCaseError> {
        let ended = START + Duration::from_secs(60);
        let (before, mut dying) = (self.redeemed.clone(), Vec::new());
        // what happened at the same time counts for each other
        for (step, _, outcome) in bout {
            match (step, outcome) {
                (
                    Step::Redeem { family, attempt } | Step::Consume { device: family, attempt, .. },
                    Some(Outcome::RedeemCode(Ok(())) | Outcome::ConsumeDevice(Ok(()))),
                ) => {
                    let first = *self.redeemed.entry(*family).or_insert(*attempt);
                    prop_assert_eq!(first, *attempt, "I1: family {} is redeemed twice", family);
                    prop_assert!(!self.dead.contains(family), "I4: family {} is redeemed after its end", family);
                    prop_assert!(now < ended || before.contains_key(family) || self.perhaps.contains(family), "I9");
                }
                (Step::Redeem { family, .. } | Step::Consume { device: family, .. }, None) => {
                    self.perhaps.insert(*family);
                }
                // what was done without an answer may have been changed by the other node before it was asked about again:
                // only a history can, because nobody has been given a token or an approval yet
                (
                    Step::Redeem { family, .. } | Step::Consume { device: family, .. },
                    Some(
                        Outcome::RedeemCode(Err(RedeemRefusal::Replayed))
                        | Outcome::ConsumeDevice(Err(ConsumeRefusal::Replayed)),
                    ),
                ) if unanswered => {
                    self.perhaps.insert(*family);
                }
                (Step::Decide { device, approve: true }, outcome)
                    if unanswered || matches!(outcome, Some(Outcome::DecideDevice(Ok(()))) | None) =>
                {
                    self.approved.insert(*device);
                }
                _ => {}
            }
        }
        for (step, op, outcome) in bout {
            match (step, outcome) {
                (Step::Consume { device, client, .. }, Some(Outcome::ConsumeDevice(Ok(())))) => {
                    prop_assert_eq!(*client, "web", "I6: consumed for another client");
                    prop_assert!(self.approved.contains(device), "consumed what nobody approved");
                }
                (Step::Rotate { family, attempt, client, policy, .. }, Some(Outcome::Rotate(Ok(rotated)))) => {
                    let Op::Rotate(asked) = op else { unreachable!() };
                    let presented = asked.generation;
                    prop_assert_eq!(*client, "web", "I6: rotated for another client");
                    prop_assert!(
                        self.redeemed.contains_key(family) || self.perhaps.contains(family),
                        "I6: rotated what nobody redeemed"
                    );
                    prop_assert!(!self.dead.contains(family), "I4: family {} rotated after its end", family);
                    prop_assert!(!self.over.contains(family), "I9: rotated after its expiry");
                    prop_assert!(rotated.idle_until > now, "I9: over when it is handed out");
                    let held = self.held.get(family).copied().unwrap_or(0);
                    prop_assert!(rotated.generation >= held, "generations only grow");
                    if *policy == RotatePolicy::Keep {
                        prop_assert!(rotated.generation <= presented + 1, "I2");
                    } else {
                        let successor = *self.successor.entry((*family, presented)).or_insert(rotated.generation);
                        prop_assert_eq!((successor, rotated.generation), (presented + 1, presented + 1), "I2");
                    }
                    let strict = matches!(policy, RotatePolicy::Rotate { replays: 0, .. });
                    if strict && !rotated.replayed {
                        let first = *self.spent.entry((*family, presented)).or_insert(*attempt);
                        prop_assert_eq!(first, *attempt, "I2: a second strict rotation of {} {}", family, presented);
                    }
                }
                _ => {}
            }
            dying.extend(self.ends(step, outcome.as_ref(), &before));
        }
        for (step, _, outcome) in bout {
            if let (Step::Rotate { family, .. }, Some(Outcome::Rotate(Ok(rotated)))) = (step, outcome) {
                let held = self.held.entry(*family).or_insert(0);
                *held = rotated.generation.max(*held);
            }
        }
        self.dead.extend(dying);
        Ok(())
    }

    /// Returns the families that have ended with this outcome at the latest.
    fn ends(&mut self, step: &Step, outcome: Option<&Outcome>, before: &HashMap<u8, u8>) -> Vec<u8> {
        match (step, outcome) {
            (Step::Redeem { family, .. }, Some(Outcome::RedeemCode(Err(RedeemRefusal::Replayed))))
            | (Step::Consume { device: family, .. }, Some(Outcome::ConsumeDevice(Err(ConsumeRefusal::Replayed))))
            | (
                Step::Rotate { family, .. },
                Some(Outcome::Rotate(Err(RotateRefusal::Reused | RotateRefusal::Revoked))),
            ) => vec![*family],
            (Step::Rotate { family, .. }, Some(Outcome::Rotate(Err(RotateRefusal::Expired)))) => {
                self.over.insert(*family);
                Vec::new()
            }
            (Step::Revoke { family, .. }, Some(Outcome::RevokeFamily(Ok(())))) if before.contains_key(family) => {
                vec![*family]
            }
            (Step::NotBefore { client }, Some(Outcome::RaiseNotBefore(Ok(())))) => {
                before.keys().filter(|family| *client || **family == 1).copied().collect()
            }
            _ => Vec::new(),
        }
    }
}

async fn run<S: SharedSubject>(bouts: Vec<Bout>) -> Result<(), TestCaseError> {
    let clock = Clock::manual(START + Duration::from_millis(1));
    let engine = S::open(1, clock.clone());
    let faulty = || Arc::new(Faulty::new(engine.clone(), S::forget, clock.clone()));
    let rows = [faulty(), faulty()];
    let nodes = [Cas::new(rows[0].clone()), Cas::new(rows[1].clone())];
    let (mut known, mut unanswered) = (Observed::default(), false);
    for bout in bouts {
        let mut all = Vec::new();
        for (index, batch) in bout.batches.iter().enumerate() {
            rows[index].pause(bout.pauses[index].iter().copied());
            rows[index].on_writes(bout.faults[index].iter().map(fault));
            // an attempt is one node's alone
            let steps = batch.iter().filter_map(|step| step.of_node(index as u8));
            let held = |family| known.held.get(&family).copied().unwrap_or(0);
            all.push(steps.filter_map(|step| Some((step.op(held, clock.now())?, step))).collect::<Vec<_>>());
        }
        let ops = |index: usize| all[index].iter().map(|(op, _)| op.clone()).collect::<Vec<Op>>();
        let (one, two) = tokio::join!(nodes[0].apply(0, ops(0)), nodes[1].apply(0, ops(1)));
        let answers = one.unwrap().into_iter().chain(two.unwrap());
        let told: Vec<_> = all
            .into_iter()
            .flatten()
            .zip(answers)
            .map(|((op, step), answer)| (step, op, answer.ok().map(|own| own.outcome)))
            .collect();
        // a fault waits for its write, which may be one of a later bout
        let faults = bout.faults.iter().flatten().map(fault);
        unanswered |= faults.into_iter().any(|own| matches!(own, RowFault::Unanswered { done: true } | RowFault::Late));
        known.judge(&told, unanswered, clock.now())?;
        if bout.sweep {
            while nodes[0].sweep(0, 16).await.unwrap().more {}
        }
        clock.advance(Duration::from_millis(bout.millis));
    }
    let keys: Vec<_> = (0..ALL).map(|n| crate::state::Key::Family(family(n))).collect();
    let (left, right) = (nodes[0].peek(&keys).await, nodes[1].peek(&keys).await);
    prop_assert_eq!(left.unwrap(), right.unwrap());
    Ok(())
}

/// Runs random histories of two nodes.
///
/// # Panics
/// If one breaks an invariant, with the smallest such history.
pub fn two_nodes_never_break_an_invariant<S: SharedSubject>() {
    let config = ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() };
    proptest::test_runner::TestRunner::new(config)
        .run(&proptest::collection::vec(bout(), 1..20), |bouts| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(run::<S>(bouts))
        })
        .unwrap();
}
