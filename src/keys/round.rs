//! One round of key rotation: reads the store, makes missing keys, assembles snapshots, drops keys that are no longer
//! needed.
//!
//! A round can run anywhere and any number of times: new keys appear by compare-and-set only, and the loser of a race
//! reads the winner's key.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashSet;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::local::Bench;
use super::published::Published;
use super::ring::Timing;
use super::signer::{Signer, SignerError};
use super::want::{Cause, RotationRequest, Stored, Want, drops, wants, withdrawn};
use super::{IssuerRings, KeyError};
use crate::clock::{Clock, Time};
use crate::id::Id;
use crate::jose::alg::Algorithm;
use crate::metrics::{Metrics, Stopwatch};
use crate::store::{KeyRings, Pending, StoredKey};
use crate::vault::{Purpose, Vault};

/// Time limit of one call to the store.
const STORE_LIMIT: Duration = Duration::from_secs(10);
/// Number of times that a round starts again because another node was first.
const ATTEMPTS: usize = 8;

/// Time during which a round starts to make keys that can wait, before it publishes those it made.
const BATCH: Duration = Duration::from_millis(250);

/// The keys that a round makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effort {
    /// Keys that take no time or that an operator asked for.
    Quick,
    /// In addition, as many of the others as can be begun within `BATCH`.
    Full,
}

/// The resources that a round needs.
pub(super) struct Keeper {
    pub(super) store: Arc<dyn KeyRings>,
    pub(super) vault: Arc<Vault>,
    pub(super) clock: Clock,
    pub(super) metrics: Metrics,
    pub(super) bench: Arc<Bench>,
    /// Limits the keys that are generated at a time to the number of cores.
    generators: Arc<Semaphore>,
    /// Limits the keys that can wait to half as many: the traffic needs the other cores.
    patient: Arc<Semaphore>,
    /// Issuers whose first keys requests wait for.
    hurried: DashSet<String>,
}

/// The result of a round.
pub(super) struct Round {
    pub(super) published: Published,
    /// Time until the next round.
    pub(super) wait: Duration,
    /// First failure that did not prevent the snapshots from being made.
    pub(super) trouble: Option<KeyError>,
}

impl Keeper {
    pub(super) fn new(store: Arc<dyn KeyRings>, vault: Arc<Vault>, clock: Clock, metrics: Metrics) -> Self {
        for (alg, cause) in Algorithm::ALL.iter().flat_map(|alg| Cause::ALL.map(|cause| (alg, cause))) {
            let _ = metrics.key_rotations.with_label_values(&[alg.name(), cause.name()]);
            let _ = metrics.sign_duration.with_label_values(&[alg.name()]);
        }
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            store,
            vault,
            clock,
            metrics,
            bench: Bench::new(cores),
            generators: Arc::new(Semaphore::new(cores)),
            patient: Arc::new(Semaphore::new(cores.div_ceil(2))),
            hurried: DashSet::new(),
        }
    }

    /// Gives the missing keys of `issuer`, one of the published issuers, precedence over those of others.
    pub(super) fn hurry(&self, issuer: &str) {
        self.hurried.insert(issuer.to_owned());
    }

    pub(super) fn now(&self) -> Time {
        self.clock.now()
    }

    /// Runs one round; `last` are the snapshots in use.
    pub(super) async fn round(
        self: &Arc<Self>,
        settings: &Arc<Vec<IssuerRings>>,
        last: &Arc<Published>,
        request: Option<&RotationRequest>,
        mut effort: Effort,
    ) -> Result<Round, KeyError> {
        let mut trouble = None;
        for _ in 0..ATTEMPTS {
            let stored = self.read().await?;
            let mut wants = wants(settings, &stored, request, self.now());
            self.hurried.retain(|issuer| wants.iter().any(|want| want.issuer == *issuer));
            wants.retain(|want| effort == Effort::Full || !want.can_wait());
            wants.sort_by_key(|want| (want.can_wait(), !self.hurried.contains(&want.issuer)));
            if !wants.is_empty() && trouble.is_none() {
                trouble = self.make(wants).await.err();
                effort = Effort::Quick;
                continue;
            }
            let withdrawn = withdrawn(&stored, request);
            if !withdrawn.is_empty() && trouble.is_none() {
                for (ring, generation) in withdrawn {
                    limited(self.store.drop_up_to(&ring, generation)).await?;
                    tracing::warn!(ring, generation, "withdrew signing keys: what they signed is no longer valid");
                }
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
                match limited(self.store.drop_up_to(&ring, generation)).await {
                    Ok(()) => tracing::info!(ring, generation, "dropped signing keys that nothing alive needs"),
                    Err(error) => round.trouble = round.trouble.or(Some(error)),
                }
            }
            return Ok(round);
        }
        Err(KeyError::Contended)
    }

    async fn read(&self) -> Result<Stored, KeyError> {
        let mut stored = Stored::new();
        for key in limited(self.store.keys()).await? {
            stored.entry(key.ring.clone()).or_default().push(key);
        }
        Ok(stored)
    }

    /// Makes the wanted keys in parallel, those that can wait only while their batch lasts. Returns the first failure,
    /// after all have been tried.
    async fn make(self: &Arc<Self>, wants: Vec<Want>) -> Result<(), KeyError> {
        let watch = Stopwatch::start();
        let mut making = JoinSet::new();
        for want in wants {
            let turn = if want.can_wait() { Some(Arc::clone(&self.patient).acquire_owned().await) } else { None };
            if turn.is_some() && watch.elapsed() > BATCH {
                break;
            }
            let this = Arc::clone(self);
            making.spawn(async move {
                let made = this.make_one(want).await;
                drop(turn);
                made
            });
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
        if limited(self.store.publish(want.ring.newest(), key)).await? {
            self.metrics.key_rotations.with_label_values(&[alg.name(), cause]).inc();
            tracing::info!(ring = want.name, kid, generation, cause, "published a new signing key");
        }
        Ok(())
    }
}

async fn limited<T>(question: Pending<'_, T>) -> Result<T, KeyError> {
    timeout(STORE_LIMIT, question).await.map_err(|_| KeyError::StoreLate)?.map_err(KeyError::Store)
}
