//! The published keys of one issuer as an immutable snapshot, read by every request.
//!
//! The signer is chosen by time, so an announced key starts to sign at its moment without any action. The JWKS (RFC
//! 7517 section 5) is serialised once; its max-age ends before a key can sign that it does not contain.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::Serialize;

use super::local::LocalSigner;
use super::ring::{KeyState, Policy, Ring, RingKey};
use crate::clock::Time;
use crate::jose::{Algorithm, PublicJwk, VerifyingKey};

/// The snapshots of all issuers, by issuer id.
pub(super) type Published = HashMap<String, Arc<IssuerKeys>>;

/// A key that this process has opened.
#[derive(Debug)]
pub(super) struct OpenKey {
    pub(super) public: PublicJwk,
    pub(super) verifying: VerifyingKey,
    pub(super) local: Arc<LocalSigner>,
}

/// One ring of an issuer.
#[derive(Debug)]
pub(super) struct PublishedRing {
    pub(super) alg: Algorithm,
    pub(super) ring: Ring,
    /// False for an algorithm that was removed from the settings: its keys only verify.
    pub(super) signs: bool,
    /// The opened keys, one for each key of the ring, in the same order.
    pub(super) keys: Vec<Arc<OpenKey>>,
}

impl PublishedRing {
    fn is_unfinished(&self) -> bool {
        self.signs && self.ring.newest().is_none()
    }
}

/// The published keys of one issuer.
#[derive(Debug)]
pub struct IssuerKeys {
    policy: Policy,
    rings: Vec<PublishedRing>,
    verifiers: HashMap<String, (Arc<OpenKey>, Algorithm)>,
    jwks: Jwks,
}

/// A serialised JWK Set.
#[derive(Clone, Debug)]
pub struct Jwks {
    /// The JSON.
    pub body: Bytes,
    /// A strong entity tag, quoted.
    pub etag: String,
    /// Time for which a verifier may cache the set.
    pub max_age: Duration,
}

/// A key as operators see it.
#[derive(Clone, Debug, Serialize)]
pub struct KeyView {
    /// Thumbprint (RFC 7638).
    pub kid: String,
    /// Algorithm.
    pub alg: Algorithm,
    /// `announced`, `signing` or `retired`.
    pub state: &'static str,
    /// Generation: from 1, one more than its predecessor's.
    pub generation: u32,
    /// Time of publication.
    pub announced_at: String,
    /// Time from which the key signs.
    pub sign_from: String,
    /// Time at which its successor should sign.
    pub rotate_at: String,
    /// Time at which it will be dropped, if it is retired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drop_at: Option<String>,
    /// The public key.
    pub jwk: PublicJwk,
}

/// A member of the JWKS.
#[derive(Serialize)]
struct Member<'a> {
    #[serde(flatten)]
    key: &'a PublicJwk,
    kid: &'a str,
    #[serde(rename = "use")]
    usage: &'static str,
    alg: Algorithm,
}

impl IssuerKeys {
    pub(super) fn new(policy: Policy, rings: Vec<PublishedRing>) -> Result<Self, serde_json::Error> {
        let all = || rings.iter().flat_map(|ring| ring.keys.iter().map(|key| (key, ring.alg)));
        let mut members: Vec<_> =
            all().map(|(key, alg)| Member { key: &key.public, kid: key.local.kid(), usage: "sig", alg }).collect();
        members.sort_by_key(|member| precedence(member.alg));
        let body = serde_json::to_vec(&HashMap::from([("keys", members)]))?;
        let hash = digest(&SHA256, &body);
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]));
        // whoever reads the set before it is whole must not keep it
        let whole = !rings.iter().any(PublishedRing::is_unfinished);
        let max_age = if whole { policy.max_age() } else { Duration::ZERO };
        let jwks = Jwks { body: body.into(), etag, max_age };
        let verifiers = all().map(|(key, alg)| (key.local.kid().to_owned(), (Arc::clone(key), alg))).collect();
        Ok(Self { policy, rings, verifiers, jwks })
    }

    /// Returns the key of `alg` that signs at `now`.
    pub fn signer(&self, alg: Algorithm, now: Time) -> Option<&Arc<LocalSigner>> {
        let ring = self.rings.iter().find(|ring| ring.alg == alg && ring.signs)?;
        let signing = ring.ring.signing(now)?.timing.generation;
        let index = ring.ring.keys().iter().position(|key| key.timing.generation == signing)?;
        ring.keys.get(index).map(|key| &key.local)
    }

    /// Returns whether the issuer should sign with `alg` and has no key yet: the first RSA key of an issuer is made
    /// after the start.
    pub fn lacks(&self, alg: Algorithm) -> bool {
        self.rings.iter().any(|ring| ring.alg == alg && ring.is_unfinished())
    }

    /// Returns whether the issuer has a key of each algorithm that it signs with.
    pub fn is_complete(&self) -> bool {
        !self.rings.iter().any(PublishedRing::is_unfinished)
    }

    /// Returns the published key `kid`, and the only algorithm it may be used with.
    pub fn verifier(&self, kid: &str) -> Option<(&VerifyingKey, Algorithm)> {
        self.verifiers.get(kid).map(|(key, alg)| (&key.verifying, *alg))
    }

    /// Returns the serialised JWK Set.
    pub const fn jwks(&self) -> &Jwks {
        &self.jwks
    }

    /// Returns the algorithms that the issuer signs with, in the order of the settings.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        self.rings.iter().filter(|ring| ring.signs).map(|ring| ring.alg)
    }

    /// Returns the algorithms of all published keys, including those that the issuer no longer signs with.
    pub fn published(&self) -> impl Iterator<Item = Algorithm> {
        self.rings.iter().filter(|ring| ring.ring.newest().is_some()).map(|ring| ring.alg)
    }

    /// Returns all published keys as operators see them.
    pub fn views(&self, now: Time) -> Vec<KeyView> {
        self.states(now)
            .map(|(key, open, state)| {
                let (state, drop_at) = match state {
                    KeyState::Announced => ("announced", None),
                    KeyState::Signing => ("signing", None),
                    KeyState::Retired { drop_at } => ("retired", Some(drop_at)),
                    KeyState::Dropped => ("retired", Some(now)),
                };
                KeyView {
                    kid: key.kid.clone(),
                    alg: key.alg,
                    state,
                    generation: key.timing.generation,
                    announced_at: rfc3339(key.timing.announced_at),
                    sign_from: rfc3339(key.timing.sign_from),
                    rotate_at: rfc3339(key.timing.rotate_at),
                    drop_at: drop_at.map(rfc3339),
                    jwk: open.public.clone(),
                }
            })
            .collect()
    }

    /// Returns the newest generation in the ring of `alg`.
    pub(super) fn newest(&self, alg: Algorithm) -> Option<u32> {
        self.rings.iter().find(|ring| ring.alg == alg)?.ring.newest()
    }

    /// Returns the opened key `kid`, if its algorithm is `alg`.
    pub(super) fn open(&self, kid: &str, alg: Algorithm) -> Option<Arc<OpenKey>> {
        self.verifiers.get(kid).filter(|(_, own)| *own == alg).map(|(key, _)| Arc::clone(key))
    }

    /// Returns all published keys with their states at `now`.
    pub(super) fn states(&self, now: Time) -> impl Iterator<Item = (&RingKey, &OpenKey, KeyState)> {
        self.rings.iter().flat_map(move |ring| {
            ring.ring.keys().iter().zip(&ring.keys).map(move |(key, open)| {
                let state = match ring.ring.state(key, now, &self.policy) {
                    KeyState::Announced | KeyState::Signing if !ring.signs => {
                        KeyState::Retired { drop_at: self.policy.outlived(key) }
                    }
                    state => state,
                };
                (key, &**open, state)
            })
        })
    }
}

/// Returns the rank of keys of `alg` in the JWKS: keys that every library can read come first, for some libraries stop
/// at the first key that they cannot read.
const fn precedence(alg: Algorithm) -> u8 {
    match alg {
        Algorithm::Rs256 | Algorithm::Ps256 => 0,
        Algorithm::Es256 => 1,
        Algorithm::EdDsa => 2,
    }
}

fn rfc3339(time: Time) -> String {
    // never, for who reads dates
    time.to_rfc3339().unwrap_or_else(|| "9999-12-30T22:00:00.999999999Z".to_owned())
}
