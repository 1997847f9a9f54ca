//! One round of key keeping: read the store, decide with the rings, make what is missing, open, assemble snapshots.
//!
//! A round can run anywhere and any number of times: new keys appear by compare-and-set only, and the loser of a race
//! reads what the winner wrote. One issuer's trouble leaves the others alone and its own last snapshot in use.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::local::{Bench, LocalSigner};
use super::published::{IssuerKeys, OpenKey, PublishedRing};
use super::ring::{KeyState, Plan, Policy, Ring, RingKey, Timing};
use super::signer::{Signer, SignerError};
use super::{IssuerRings, KeyError, Published, RotationKind};
use crate::clock::{Clock, Time};
use crate::id::Id;
use crate::jose::{Algorithm, PublicJwk, VerifyingKey};
use crate::metrics::Metrics;
use crate::store::{Pending, Store, StoredKey};
use crate::vault::{Purpose, Vault};

/// How long the store may take for one question.
const STORE_LIMIT: Duration = Duration::from_secs(10);
/// How often a round starts again because another node was first.
const ATTEMPTS: usize = 8;
const SHORTEST_WAIT: Duration = Duration::from_millis(20);

/// Everything a round needs.
pub(super) struct Keeper {
    store: Arc<dyn Store>,
    vault: Arc<Vault>,
    clock: Clock,
    metrics: Metrics,
    bench: Arc<Bench>,
    /// As many keys are generated at a time as there are cores.
    generators: Arc<Semaphore>,
}

/// New keys that an operator asks for.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) issuer: String,
    pub(super) kind: RotationKind,
    /// The newest generation that this node knew of each ring when it was asked: newer ones fulfil the request.
    pub(super) seen: HashMap<Algorithm, Option<u32>>,
}

/// What a round brought.
pub(super) struct Round {
    pub(super) published: Published,
    /// When to look again.
    pub(super) wait: Duration,
    /// What failed without keeping the snapshots from being made.
    pub(super) trouble: Option<KeyError>,
}

/// Why a new key is made; a metric label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    First,
    Planned,
    Requested,
    Emergency,
}

/// A ring that needs a new key.
struct Want {
    name: String,
    alg: Algorithm,
    policy: Policy,
    ring: Ring,
    cause: Cause,
}

/// The stored keys by the name of their ring.
type Stored = HashMap<String, Vec<StoredKey>>;

impl Keeper {
    pub(super) fn new(store: Arc<dyn Store>, vault: Arc<Vault>, clock: Clock, metrics: Metrics) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { store, vault, clock, metrics, bench: Bench::new(cores), generators: Arc::new(Semaphore::new(cores)) }
    }

    pub(super) fn now(&self) -> Time {
        self.clock.now()
    }

    pub(super) const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Makes one round; `last` are the snapshots in use.
    pub(super) async fn round(
        self: &Arc<Self>,
        settings: &Arc<Vec<IssuerRings>>,
        last: &Arc<Published>,
        request: Option<&Request>,
    ) -> Result<Round, KeyError> {
        let mut trouble = None;
        for _ in 0..ATTEMPTS {
            let stored = self.read().await?;
            let wants = wants(settings, &stored, request, self.now());
            if !wants.is_empty() && trouble.is_none() {
                trouble = self.make(wants).await.err();
                continue;
            }
            let (this, settings, last) = (Arc::clone(self), Arc::clone(settings), Arc::clone(last));
            // opening an RSA key takes a quarter of a millisecond
            let assembled = spawn_blocking(move || {
                let round = this.assemble(&settings, &stored, &last, trouble);
                (round, drops(&settings, &stored, this.now()))
            });
            let (round, drops) = assembled.await.map_err(KeyError::Worker)?;
            let mut round = round?;
            for (ring, generation) in drops {
                match limited(self.store.drop_keys(&ring, generation)).await {
                    Ok(()) => tracing::info!(ring, generation, "dropped signing keys that nothing alive needs"),
                    Err(error) => round.trouble = round.trouble.or(Some(error)),
                }
            }
            return Ok(round);
        }
        Err(KeyError::Contended)
    }

    /// Sets the gauges.
    pub(super) fn report(&self, published: &Published) {
        let now = self.now();
        let mut counts: HashMap<(Algorithm, &str), i64> = HashMap::new();
        let mut since: HashMap<Algorithm, Time> = HashMap::new();
        for (key, _, state) in published.values().flat_map(|issuer| issuer.states(now)) {
            let name = match state {
                KeyState::Announced => "announced",
                KeyState::Signing => "signing",
                KeyState::Retired { .. } | KeyState::Dropped => "retired",
            };
            *counts.entry((key.alg, name)).or_default() += 1;
            if state == KeyState::Signing {
                let oldest = since.entry(key.alg).or_insert(key.timing.sign_from);
                *oldest = key.timing.sign_from.min(*oldest);
            }
        }
        for alg in Algorithm::ALL {
            for state in ["announced", "signing", "retired"] {
                let count = counts.get(&(alg, state)).copied().unwrap_or(0);
                self.metrics.keys.with_label_values(&[alg.name(), state]).set(count);
            }
            if let Some(since) = since.get(&alg) {
                let secs = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
                self.metrics.key_signing_since.with_label_values(&[alg.name()]).set(secs);
            }
        }
    }

    async fn read(&self) -> Result<Stored, KeyError> {
        let mut stored = Stored::new();
        for key in limited(self.store.keys()).await? {
            stored.entry(key.ring.clone()).or_default().push(key);
        }
        Ok(stored)
    }

    /// Makes every wanted key, in parallel; the first failure, after all have been tried.
    async fn make(self: &Arc<Self>, wants: Vec<Want>) -> Result<(), KeyError> {
        let mut making = JoinSet::new();
        for want in wants {
            let this = Arc::clone(self);
            making.spawn(async move { this.make_one(want).await });
        }
        let mut result = Ok(());
        while let Some(made) = making.join_next().await {
            result = result.and(made.map_err(KeyError::Worker).flatten());
        }
        result
    }

    async fn make_one(&self, want: Want) -> Result<(), KeyError> {
        let alg = want.alg;
        let failed = |source| KeyError::Signer { alg, source };
        let turn = Arc::clone(&self.generators).acquire_owned().await;
        let generate = move || -> Result<(String, Zeroizing<Vec<u8>>), SignerError> {
            let signer = Signer::generate(alg)?;
            let made = (signer.public()?.thumbprint(), signer.to_pkcs8()?);
            drop(turn);
            Ok(made)
        };
        let (kid, private) = spawn_blocking(generate).await.map_err(KeyError::Worker)?.map_err(failed)?;
        // dated after the generation, which can take a second: the announcement is not shortened by it
        let Some(timing) = want.timing(self.now()) else { return Ok(()) };
        let id = Id::random();
        let sealed = self.vault.seal(Purpose::SigningKey, &id, want.name.as_bytes(), &private);
        let Timing { generation, announced_at, sign_from, rotate_at } = timing;
        let ring = want.name.clone();
        let key = StoredKey { ring, generation, id, kid, sealed, announced_at, sign_from, rotate_at };
        let (kid, cause) = (key.kid.clone(), want.cause.name());
        if limited(self.store.publish_key(want.ring.newest(), key)).await? {
            self.metrics.key_rotations.with_label_values(&[alg.name(), cause]).inc();
            tracing::info!(ring = want.name, kid, generation, cause, "published a new signing key");
        }
        Ok(())
    }

    fn assemble(
        &self,
        settings: &[IssuerRings],
        stored: &Stored,
        last: &Published,
        mut trouble: Option<KeyError>,
    ) -> Result<Round, KeyError> {
        let now = self.now();
        let mut published = Published::with_capacity(settings.len());
        let (mut next, mut wait) = (Time::from_millis(u64::MAX), Duration::from_secs(60));
        for issuer in settings {
            wait = wait.min(issuer.policy.poll());
            for alg in &issuer.algorithms {
                let ring = ring_of(stored, &ring_name(&issuer.issuer, *alg), *alg);
                next = next.min(ring.next_event(now, &issuer.policy));
            }
            let previous = last.get(&issuer.issuer);
            match self.issuer(issuer, stored, previous.map(|keys| &**keys), now) {
                Ok(keys) => published.insert(issuer.issuer.clone(), Arc::new(keys)),
                Err(error) => {
                    let Some(previous) = previous else { return Err(trouble.unwrap_or(error)) };
                    tracing::error!(issuer = issuer.issuer, %error, "failed to renew an issuer's keys, using the last");
                    trouble = trouble.or(Some(error));
                    published.insert(issuer.issuer.clone(), Arc::clone(previous))
                }
            };
        }
        Ok(Round { published, wait: next.since(now).clamp(SHORTEST_WAIT.min(wait), wait), trouble })
    }

    fn issuer(
        &self,
        settings: &IssuerRings,
        stored: &Stored,
        last: Option<&IssuerKeys>,
        now: Time,
    ) -> Result<IssuerKeys, KeyError> {
        let policy = settings.policy;
        let others = Algorithm::ALL.into_iter().filter(|alg| !settings.algorithms.contains(alg));
        let mut rings = Vec::new();
        for alg in settings.algorithms.iter().copied().chain(others) {
            let name = ring_name(&settings.issuer, alg);
            let signs = settings.algorithms.contains(&alg);
            let ring = ring_of(stored, &name, alg);
            if signs && ring.newest().is_none() {
                return Err(KeyError::Empty { ring: name });
            }
            let needed = |key: &&RingKey| match ring.state(key, now, &policy) {
                KeyState::Dropped => false,
                KeyState::Announced | KeyState::Signing | KeyState::Retired { .. } => {
                    signs || now < policy.outlived(key)
                }
            };
            let ring = Ring::new(ring.keys().iter().filter(needed).cloned().collect());
            let rows = stored.get(&name).map_or(&[][..], Vec::as_slice);
            let open = |key: &RingKey| {
                let row = rows.iter().find(|row| row.generation == key.timing.generation);
                self.open(row.ok_or_else(|| KeyError::Empty { ring: name.clone() })?, alg, last)
            };
            let keys = ring.keys().iter().map(open).collect::<Result<_, _>>()?;
            rings.push(PublishedRing { alg, ring, signs, keys });
        }
        IssuerKeys::new(policy, rings).map_err(KeyError::Jwks)
    }

    fn open(&self, row: &StoredKey, alg: Algorithm, last: Option<&IssuerKeys>) -> Result<Arc<OpenKey>, KeyError> {
        if let Some(known) = last.and_then(|last| last.open(&row.kid, alg)) {
            return Ok(known);
        }
        let private = self.vault.open(Purpose::SigningKey, &row.id, row.ring.as_bytes(), &row.sealed);
        let private = private.ok_or_else(|| KeyError::Sealed { kid: row.kid.clone() })?;
        let corrupt = || KeyError::Corrupt { ring: row.ring.clone(), kid: row.kid.clone() };
        let signer = Signer::from_pkcs8(alg, &private).map_err(|_| corrupt())?;
        let public: PublicJwk = signer.public().map_err(|_| corrupt())?;
        if public.thumbprint() != row.kid {
            return Err(corrupt());
        }
        let verifying = VerifyingKey::new(&public).map_err(|_| corrupt())?;
        let duration = self.metrics.sign_duration.with_label_values(&[alg.name()]);
        let local = Arc::new(LocalSigner::new(row.kid.clone(), signer, Arc::clone(&self.bench), duration));
        Ok(Arc::new(OpenKey { public, verifying, local }))
    }
}

impl Cause {
    const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Planned => "planned",
            Self::Requested => "requested",
            Self::Emergency => "emergency",
        }
    }
}

impl Want {
    /// The dates of the new key; `None` if none is needed after all.
    fn timing(&self, now: Time) -> Option<Timing> {
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

impl Request {
    /// Whether `ring`, of `alg` and `issuer`, still lacks what was asked for; and the cause to make it for.
    fn cause(&self, issuer: &str, alg: Algorithm, ring: &Ring, now: Time, policy: &Policy) -> Option<Cause> {
        let seen = self.seen.get(&alg).filter(|_| self.issuer == issuer)?.unwrap_or(0);
        let mut newer = ring.keys().iter().map(|key| key.timing).filter(|timing| timing.generation > seen);
        match self.kind {
            RotationKind::Planned if newer.next().is_some() => None,
            RotationKind::Planned => ring.requested(now, policy).map(|_| Cause::Requested),
            // only a key that was made to sign at once will do, not one that another node has just announced
            RotationKind::Emergency if newer.any(|timing| timing.sign_from <= timing.announced_at) => None,
            RotationKind::Emergency => Some(Cause::Emergency),
        }
    }
}

fn wants(settings: &[IssuerRings], stored: &Stored, request: Option<&Request>, now: Time) -> Vec<Want> {
    let mut wants = Vec::new();
    for (issuer, policy, alg) in each(settings) {
        let name = ring_name(issuer, alg);
        let ring = ring_of(stored, &name, alg);
        let requested = request.and_then(|request| request.cause(issuer, alg, &ring, now, &policy));
        let cause = match ring.plan(now, &policy) {
            _ if ring.newest().is_none() => Some(Cause::First),
            _ if requested.is_some() => requested,
            Plan::Announce(_) => Some(Cause::Planned),
            Plan::Nothing(_) | Plan::Drop(_) => None,
        };
        wants.extend(cause.map(|cause| Want { name, alg, policy, ring, cause }));
    }
    wants
}

fn drops(settings: &[IssuerRings], stored: &Stored, now: Time) -> Vec<(String, u32)> {
    let due = |(issuer, policy, alg): (&str, Policy, Algorithm)| {
        let name = ring_name(issuer, alg);
        match ring_of(stored, &name, alg).plan(now, &policy) {
            Plan::Drop(generation) => Some((name, generation)),
            Plan::Nothing(_) | Plan::Announce(_) => None,
        }
    };
    each(settings).filter_map(due).collect()
}

/// Every ring of the settings.
fn each(settings: &[IssuerRings]) -> impl Iterator<Item = (&str, Policy, Algorithm)> {
    settings.iter().flat_map(|one| one.algorithms.iter().map(|&alg| (&*one.issuer, one.policy, alg)))
}

fn ring_name(issuer: &str, alg: Algorithm) -> String {
    format!("{issuer}/{alg}")
}

fn ring_of(stored: &Stored, name: &str, alg: Algorithm) -> Ring {
    let rows = stored.get(name).map_or(&[][..], Vec::as_slice);
    let key = |row: &StoredKey| {
        let &StoredKey { generation, announced_at, sign_from, rotate_at, .. } = row;
        RingKey { kid: row.kid.clone(), alg, timing: Timing { generation, announced_at, sign_from, rotate_at } }
    };
    Ring::new(rows.iter().map(key).collect())
}

async fn limited<T>(question: Pending<'_, T>) -> Result<T, KeyError> {
    timeout(STORE_LIMIT, question).await.map_err(|_| KeyError::StoreLate)?.map_err(KeyError::Store)
}
