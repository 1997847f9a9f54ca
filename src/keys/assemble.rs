//! From stored keys to snapshots: opens each key once, assembles the rings of each issuer and counts them.
//!
//! An issuer with a key that the vault cannot open keeps its own last snapshot and does not affect the others.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::local::LocalSigner;
use super::published::Published;
use super::published::{IssuerKeys, OpenKey, PublishedRing};
use super::ring::{KeyState, Ring, RingKey};
use super::round::{Keeper, Round};
use super::signer::Signer;
use super::want::{Stored, ring_name, ring_of};
use super::{IssuerRings, KeyError};
use crate::clock::Time;
use crate::jose::{Algorithm, Owner, PublicJwk, VerifyingKey};
use crate::store::StoredKey;
use crate::vault::Purpose;

/// Shortest time between two reads of the store.
const SHORTEST_WAIT: Duration = Duration::from_millis(20);
/// Longest time between two reads of the store.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

impl Keeper {
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

    /// Assembles the snapshots of every issuer in the settings.
    pub(super) fn assemble(
        &self,
        settings: &[IssuerRings],
        stored: &Stored,
        last: &Published,
        mut trouble: Option<KeyError>,
    ) -> Result<Round, KeyError> {
        let now = self.now();
        let mut published = Published::with_capacity(settings.len());
        let (mut next, mut wait) = (Time::from_millis(u64::MAX), LONGEST_WAIT);
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
            if signs && ring.newest().is_none() && !Signer::is_made_slowly(alg) {
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
        let verifying = VerifyingKey::new(&public, Owner::Ourselves).map_err(|_| corrupt())?;
        let duration = self.metrics.sign_duration.with_label_values(&[alg.name()]);
        let local = Arc::new(LocalSigner::new(row.kid.clone(), signer, Arc::clone(&self.bench), duration));
        Ok(Arc::new(OpenKey { public, verifying, local }))
    }
}
