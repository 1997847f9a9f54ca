//! Signing keys at rest, by ring.

use serde::{Deserialize, Serialize};

use super::Pending;
use crate::clock::Time;
use crate::id::Id;

/// A signing key at rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredKey {
    /// Name of the ring: `<issuer>/<alg>`.
    pub ring: String,
    /// Generation: from 1, one more than its predecessor's.
    pub generation: u32,
    /// Random name under which the private part is sealed.
    pub id: Id,
    /// Thumbprint of the public key (RFC 7638).
    pub kid: String,
    /// The private key (PKCS#8 DER), sealed by the vault.
    pub sealed: Vec<u8>,
    /// Time of publication in the JWKS.
    pub announced_at: Time,
    /// Time from which the key signs.
    pub sign_from: Time,
    /// Time at which its successor should sign.
    pub rotate_at: Time,
}

/// Rings of signing keys.
pub trait KeyRings: Send + Sync + 'static {
    /// Returns all stored keys of all rings, in no particular order.
    fn keys(&self) -> Pending<'_, Vec<StoredKey>>;

    /// Adds a key to its ring if the ring's newest generation is still `expected` (`None`: the ring is empty) and
    /// `key.generation` follows it; false if another node was first. Durable when answered.
    fn publish(&self, expected: Option<u32>, key: StoredKey) -> Pending<'_, bool>;

    /// Removes the keys of a ring up to and including `generation`; to be called after every token they signed has
    /// expired.
    fn drop_up_to<'a>(&'a self, ring: &'a str, generation: u32) -> Pending<'a, ()>;
}
