//! Signing keys: announced, signing, retired, dropped; rotated automatically, or by one command in an emergency.
//!
//! Requests read an immutable snapshot and never wait; the rotation actor replaces it. Whatever fails (store, vault,
//! actor), the last snapshot continues to sign. In a cluster the store's compare-and-set lets exactly one new key
//! appear.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio::time::timeout;

mod actor;
mod assemble;
mod error;
mod issuer_rings;
pub(crate) mod local;
pub(crate) mod published;
pub(crate) mod ring;
mod round;
mod shared;
pub(crate) mod signer;
mod waiting;
mod want;

pub(crate) use error::KeyError;
pub(crate) use issuer_rings::{IssuerRings, RotationKind};
pub use local::Typ;
pub(crate) use published::{IssuerKeys, KeyView};
pub(crate) use ring::Policy;

use self::round::{Effort, Keeper};
use self::shared::Shared;
use self::waiting::KeyWaiters;
use self::want::RotationRequest;
use crate::clock::Clock;
use crate::jose::Algorithm;
use crate::metrics::Metrics;
use crate::store::KeyRings;
use crate::vault::Vault;

/// Longest time that a request waits for the first key of a ring.
const FIRST_KEY_LIMIT: Duration = Duration::from_secs(5);
/// Longest time that a request for an issuer's JWK Set waits for the set to be complete; short, because anybody may
/// ask.
const WHOLE_LIMIT: Duration = Duration::from_millis(300);

/// The signing keys of every issuer.
#[derive(Clone)]
pub struct Keys {
    shared: Arc<Shared>,
    rotation: Arc<actor::Rotation>,
}

impl Keys {
    /// Loads or makes the keys of `rings`, and keeps them rotating. Every ring has a signing key when this returns,
    /// except new rings of RSA: their first keys take a tenth of a second each and are made beside the traffic,
    /// starting with those that [`Keys::ready`] waits for.
    ///
    /// # Errors
    /// If the store cannot be used, or holds a key that the vault cannot open.
    pub async fn start(
        rings: Vec<IssuerRings>,
        store: Arc<dyn KeyRings>,
        vault: Arc<Vault>,
        clock: Clock,
        metrics: Metrics,
    ) -> Result<Self, KeyError> {
        let keeper = Arc::new(Keeper::new(store, vault, clock, metrics));
        let settings = Arc::new(unrepeated(rings));
        let first = keeper.round(&settings, &Arc::default(), None, Effort::Quick).await?;
        let (published, rounds) = (ArcSwap::default(), watch::Sender::default());
        let (settings, waiting) = (ArcSwap::new(settings), KeyWaiters::default());
        let shared = Arc::new(Shared { keeper, settings, published, rounds, waiting });
        shared.publish(first.published);
        let rotation = Arc::new(actor::Rotation::spawn(Arc::clone(&shared)).await?);
        Ok(Self { shared, rotation })
    }

    /// Returns the current keys of an issuer; never waits.
    pub fn issuer(&self, issuer: &str) -> Option<Arc<IssuerKeys>> {
        self.shared.published.load().get(issuer).map(Arc::clone)
    }

    /// Returns the keys of an issuer, complete if its first RSA keys are made within 300 ms, otherwise those that
    /// exist.
    pub async fn whole(&self, issuer: &str) -> Option<Arc<IssuerKeys>> {
        let keys = self.issuer(issuer)?;
        if keys.is_complete() {
            return Some(keys);
        }
        match self.made(issuer, Algorithm::ALL, WHOLE_LIMIT).await {
            Ok(keys) => Some(keys),
            Err(_) => self.issuer(issuer),
        }
    }

    /// Returns the keys of an issuer once it can sign with each of `algorithms` that it has a ring for. Waits only for
    /// the first RSA keys of a new issuer, and only together with a bounded number of other requests.
    ///
    /// # Errors
    /// If there is no such issuer, a first key is not made within five seconds, or 64 requests wait for it already.
    pub async fn ready(
        &self,
        issuer: &str,
        algorithms: impl IntoIterator<Item = Algorithm> + Clone,
    ) -> Result<Arc<IssuerKeys>, KeyError> {
        let keys = self.issuer(issuer).ok_or_else(|| KeyError::UnknownIssuer { issuer: issuer.to_owned() })?;
        let Some(alg) = algorithms.clone().into_iter().find(|alg| keys.lacks(*alg)) else { return Ok(keys) };
        let place = self.shared.waiting.enter(issuer);
        let _place = place.ok_or_else(|| KeyError::Unfinished { issuer: issuer.to_owned(), alg })?;
        self.made(issuer, algorithms, FIRST_KEY_LIMIT).await
    }

    /// Returns the keys of an issuer once it has those of `algorithms`, if they are made in time.
    async fn made(
        &self,
        issuer: &str,
        algorithms: impl IntoIterator<Item = Algorithm> + Clone,
        limit: Duration,
    ) -> Result<Arc<IssuerKeys>, KeyError> {
        let unknown = || KeyError::UnknownIssuer { issuer: issuer.to_owned() };
        let lacking = |keys: &IssuerKeys| algorithms.clone().into_iter().find(|alg| keys.lacks(*alg));
        let keys = self.issuer(issuer).ok_or_else(unknown)?;
        let Some(mut missing) = lacking(&keys) else { return Ok(keys) };
        self.shared.keeper.hurry(issuer);
        let mut rounds = self.shared.rounds.subscribe();
        let made = async {
            loop {
                let keys = self.issuer(issuer).ok_or_else(unknown)?;
                match lacking(&keys) {
                    None => return Ok(keys),
                    Some(alg) => missing = alg,
                }
                // the sender lives as long as `self`
                let _ = rounds.changed().await;
            }
        };
        let made = timeout(limit, made).await;
        made.unwrap_or_else(|_| Err(KeyError::Unfinished { issuer: issuer.to_owned(), alg: missing }))
    }

    /// Makes new keys for one algorithm of an issuer, or for all of them, and returns the issuer's keys afterwards.
    ///
    /// Nodes that are asked at the same time make one new key together.
    ///
    /// # Errors
    /// If there is no such ring, or the store cannot be used.
    pub async fn rotate(
        &self,
        issuer: &str,
        alg: Option<Algorithm>,
        kind: RotationKind,
    ) -> Result<Vec<KeyView>, KeyError> {
        let unknown = || KeyError::UnknownIssuer { issuer: issuer.to_owned() };
        let keys = match kind {
            // a successor needs somebody to succeed
            RotationKind::Planned => self.ready(issuer, alg.map_or(Algorithm::ALL.to_vec(), |alg| vec![alg])).await?,
            RotationKind::Emergency | RotationKind::Withdrawal => self.issuer(issuer).ok_or_else(unknown)?,
        };
        let known: Vec<_> = match kind {
            // a key can be stolen long after it signed the last time
            RotationKind::Withdrawal => keys.published().collect(),
            RotationKind::Planned | RotationKind::Emergency => keys.algorithms().collect(),
        };
        let algorithms: Vec<_> = known.into_iter().filter(|&one| alg.is_none_or(|alg| alg == one)).collect();
        if let (true, Some(alg)) = (algorithms.is_empty(), alg) {
            return Err(KeyError::UnknownAlgorithm { issuer: issuer.to_owned(), alg });
        }
        let seen = algorithms.into_iter().map(|alg| (alg, keys.newest(alg))).collect();
        self.rotation.run(None, Some(RotationRequest { issuer: issuer.to_owned(), kind, seen })).await?;
        let keys = self.issuer(issuer).ok_or_else(unknown)?;
        let mut views = keys.views(self.shared.keeper.now());
        views.retain(|view| alg.is_none_or(|alg| alg == view.alg));
        Ok(views)
    }

    /// Replaces the issuers and their rings: new ones get keys (as at the start), removed ones are no longer served.
    ///
    /// # Errors
    /// If the new rings cannot all get a signing key; everything then stays as it was.
    pub async fn reload(&self, rings: Vec<IssuerRings>) -> Result<(), KeyError> {
        self.rotation.run(Some(Arc::new(unrepeated(rings))), None).await
    }

    /// Runs a round now rather than at the next poll: for tests, and for a `kid` that is unknown.
    ///
    /// # Errors
    /// If the store cannot be used.
    pub async fn refresh(&self) -> Result<(), KeyError> {
        self.rotation.run(None, None).await
    }

    /// Stops rotating. The last snapshot stays in use.
    pub async fn stop(&self) {
        self.rotation.stop().await;
    }
}

/// Removes repeated algorithms: one that is named twice is one ring.
fn unrepeated(mut rings: Vec<IssuerRings>) -> Vec<IssuerRings> {
    for ring in &mut rings {
        let mut seen = Vec::new();
        ring.algorithms.retain(|alg| {
            !seen.contains(alg) && {
                seen.push(*alg);
                true
            }
        });
    }
    rings
}

#[cfg(test)]
mod test_store;
#[cfg(test)]
mod tests;
