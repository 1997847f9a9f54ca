//! The keys that a round has to make or remove, decided from the stored keys and an operator's request. Pure.

use std::collections::HashMap;

use super::ring::{Plan, Policy, Ring, RingKey, Timing};
use super::signer::Signer;
use super::{IssuerRings, RotationKind};
use crate::clock::Time;
use crate::jose::Algorithm;
use crate::store::StoredKey;

/// An operator's request for new keys.
#[derive(Clone, Debug)]
pub(super) struct RotationRequest {
    pub(super) issuer: String,
    pub(super) kind: RotationKind,
    /// The newest generation of each ring that this node knew when it was asked: newer ones fulfil the request.
    pub(super) seen: HashMap<Algorithm, Option<u32>>,
}

/// The cause for which a new key is made; a metric label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    First,
    Planned,
    Requested,
    Emergency,
}

/// A ring that needs a new key.
pub(super) struct Want {
    pub(super) issuer: String,
    pub(super) name: String,
    pub(super) alg: Algorithm,
    pub(super) policy: Policy,
    pub(super) ring: Ring,
    pub(super) cause: Cause,
}

/// The stored keys by the name of their ring.
pub(super) type Stored = HashMap<String, Vec<StoredKey>>;

impl Cause {
    /// All causes, for metrics.
    pub(super) const ALL: [Self; 4] = [Self::First, Self::Planned, Self::Requested, Self::Emergency];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Planned => "planned",
            Self::Requested => "requested",
            Self::Emergency => "emergency",
        }
    }
}

impl Want {
    /// Returns whether the key takes long to make and no operator asked for it, so that it is made beside the traffic.
    pub(super) fn can_wait(&self) -> bool {
        let ordered = matches!(self.cause, Cause::Requested | Cause::Emergency);
        Signer::is_made_slowly(self.alg) && !ordered
    }

    /// Returns the moments of the new key; `None` if none is needed after all.
    pub(super) fn timing(&self, now: Time) -> Option<Timing> {
        match self.cause {
            Cause::First | Cause::Emergency => Some(self.ring.at_once(now, &self.policy)),
            Cause::Requested => self.ring.requested(now, &self.policy),
            Cause::Planned => match self.ring.plan(now, &self.policy) {
                Plan::Announce(timing) => Some(timing),
                Plan::Nothing(_) | Plan::Drop(_) => None,
            },
        }
    }
}

impl RotationRequest {
    /// Returns the cause for which the request needs a new key in `ring`, of `alg` and `issuer`; `None` if the request
    /// is fulfilled or about another issuer.
    fn cause(&self, issuer: &str, alg: Algorithm, ring: &Ring, now: Time, policy: &Policy) -> Option<Cause> {
        let seen = self.seen.get(&alg).filter(|_| self.issuer == issuer)?.unwrap_or(0);
        let mut newer = ring.keys().iter().map(|key| key.timing).filter(|timing| timing.generation > seen);
        match self.kind {
            RotationKind::Planned if newer.next().is_some() => None,
            RotationKind::Planned => ring.requested(now, policy).map(|_| Cause::Requested),
            // only a key that was made to sign at once will do, not one that another node has just announced
            RotationKind::Emergency | RotationKind::Withdrawal
                if newer.any(|timing| timing.sign_from <= timing.announced_at) =>
            {
                None
            }
            RotationKind::Emergency | RotationKind::Withdrawal => Some(Cause::Emergency),
        }
    }
}

pub(super) fn wants(
    settings: &[IssuerRings],
    stored: &Stored,
    request: Option<&RotationRequest>,
    now: Time,
) -> Vec<Want> {
    let mut wants = Vec::new();
    for (issuer, policy, alg) in each(settings) {
        let name = ring_name(issuer, alg);
        let ring = ring_of(stored, &name, alg);
        let requested = request.and_then(|request| request.cause(issuer, alg, &ring, now, &policy));
        let cause = match ring.plan(now, &policy) {
            _ if requested.is_some() => requested,
            _ if ring.newest().is_none() => Some(Cause::First),
            Plan::Announce(_) => Some(Cause::Planned),
            Plan::Nothing(_) | Plan::Drop(_) => None,
        };
        let issuer = issuer.to_owned();
        wants.extend(cause.map(|cause| Want { issuer, name, alg, policy, ring, cause }));
    }
    wants
}

/// Returns, for each ring of which an operator withdraws keys, the newest generation to remove, if it is still stored.
pub(super) fn withdrawn(stored: &Stored, request: Option<&RotationRequest>) -> Vec<(String, u32)> {
    let Some(request) = request.filter(|request| request.kind == RotationKind::Withdrawal) else { return Vec::new() };
    let there = |(alg, seen): (&Algorithm, &Option<u32>)| {
        let (name, seen) = (ring_name(&request.issuer, *alg), (*seen)?);
        stored.get(&name)?.iter().any(|key| key.generation <= seen).then_some((name, seen))
    };
    request.seen.iter().filter_map(there).collect()
}

pub(super) fn drops(settings: &[IssuerRings], stored: &Stored, now: Time) -> Vec<(String, u32)> {
    let due = |(issuer, policy, alg): (&str, Policy, Algorithm)| {
        let name = ring_name(issuer, alg);
        match ring_of(stored, &name, alg).plan(now, &policy) {
            Plan::Drop(generation) => Some((name, generation)),
            Plan::Nothing(_) | Plan::Announce(_) => None,
        }
    };
    // and those of algorithms that are not in the settings any more
    let outlived = settings.iter().flat_map(|one| {
        Algorithm::ALL.into_iter().filter(|alg| !one.algorithms.contains(alg)).filter_map(move |alg| {
            let name = ring_name(&one.issuer, alg);
            let ring = ring_of(stored, &name, alg);
            let last = ring.keys().iter().take_while(|key| now >= one.policy.outlived(key)).last()?;
            Some((name, last.timing.generation))
        })
    });
    each(settings).filter_map(due).chain(outlived).collect()
}

/// Returns every ring of the settings.
fn each(settings: &[IssuerRings]) -> impl Iterator<Item = (&str, Policy, Algorithm)> {
    settings.iter().flat_map(|one| one.algorithms.iter().map(|&alg| (&*one.issuer, one.policy, alg)))
}

pub(super) fn ring_name(issuer: &str, alg: Algorithm) -> String {
    format!("{issuer}/{alg}")
}

pub(super) fn ring_of(stored: &Stored, name: &str, alg: Algorithm) -> Ring {
    let rows = stored.get(name).map_or(&[][..], Vec::as_slice);
    let key = |row: &StoredKey| {
        let &StoredKey { generation, announced_at, sign_from, rotate_at, .. } = row;
        RingKey { kid: row.kid.clone(), alg, timing: Timing { generation, announced_at, sign_from, rotate_at } }
    };
    Ring::new(rows.iter().map(key).collect())
}
