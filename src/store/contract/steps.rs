//! Random steps of a history, and their operations.

use std::time::Duration;

use proptest::prelude::*;

use super::START;
use super::ops::{GRACE, LIFETIMES, family};
use crate::clock::Time;
use crate::id::Id;
use crate::state::{
    ConsumeDevice, CountMiss, DecideDevice, DeviceDecision, Key, NotBeforeOf, Op, RaiseNotBefore, RedeemCode,
    RevokeFamily, Rotate, RotatePolicy, SpendAssertion, StartDevice,
};

/// Number of families from codes; as many from devices follow them.
pub(super) const FAMILIES: u8 = 4;
pub(super) const ALL: u8 = 6;
/// Number of attempts that the steps draw from.
pub(super) const ATTEMPTS: u8 = 6;

/// A step of a history. Generations are relative to the one that the family's owner holds.
#[derive(Clone, Debug)]
pub(super) enum Step {
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

pub(super) fn step() -> impl Strategy<Value = Step> {
    let attempt = 0..ATTEMPTS;
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

impl Step {
    /// Returns the operation, for owners that hold the generations of `held`; `None` if the step is no operation.
    pub(super) fn op(&self, held: impl Fn(u8) -> u32, now: Time) -> Option<Op> {
        let lives = (START, START + Duration::from_secs(60));
        Some(match self {
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
                generation: held(*n).saturating_add_signed((*relative).into()),
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

    /// Returns the same step with attempts of a node of its own; `None` if the step is no operation.
    pub(super) fn of_node(&self, node: u8) -> Option<Self> {
        let mut own = self.clone();
        match &mut own {
            Self::Redeem { attempt, .. }
            | Self::Rotate { attempt, .. }
            | Self::Mark { attempt, .. }
            | Self::Consume { attempt, .. } => *attempt += node * ATTEMPTS,
            Self::Wait { .. } | Self::Sweep | Self::Restart => return None,
            Self::Miss { .. }
            | Self::Revoke { .. }
            | Self::Start { .. }
            | Self::Decide { .. }
            | Self::NotBefore { .. } => {}
        }
        Some(own)
    }
}
