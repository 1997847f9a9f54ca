//! A client secret in use: compared by keyed hashes, and by argon2id until it was right once.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use subtle::ConstantTimeEq;

use super::presented::{Hashes, Presented};
use super::stored::{SecretHash, StoredSecret};
use crate::clock::Time;
use crate::issuer::cold::{Cold, ColdSecrets};
use crate::slow_hash::Cost;

/// A secret in use.
pub struct Secret {
    /// The stored form.
    pub stored: StoredSecret,
    proof: Arc<ImportedState>,
}

/// The state of an imported secret.
struct ImportedState {
    /// The keyed hash, known from the first success on.
    mac: OnceLock<[u8; 32]>,
    /// While it is counted as cold; a generated one never is.
    cold: Mutex<Option<Cold>>,
    /// The state of the same secret as it was read again: a request that still has this one proves it there too.
    heir: OnceLock<Arc<ImportedState>>,
}

impl ImportedState {
    fn found(&self, mac: [u8; 32]) {
        if self.mac.set(mac).is_ok() {
            self.cold.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
        if let Some(heir) = self.heir.get() {
            heir.found(mac);
        }
    }
}

/// Never shows a hash.
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret").field("secret_id", &self.stored.secret_id).finish_non_exhaustive()
    }
}

/// The result of a comparison with keyed hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quick {
    /// The secret is right.
    Right,
    /// The secret is wrong.
    Wrong,
    /// Only argon2id can tell.
    Slow,
}

impl Secret {
    /// A secret as it was stored; counted in `cold`, if that is given, while it is.
    pub fn new(stored: StoredSecret, cold: Option<&ColdSecrets>) -> Self {
        let count = |phc| Some(cold?.count(Cost::of(phc)?, stored.expires_at));
        let cold = match &stored.hash {
            SecretHash::Argon2(phc) => count(phc),
            SecretHash::Keyed { .. } => None,
        };
        Self {
            stored,
            proof: Arc::new(ImportedState { mac: OnceLock::new(), cold: Mutex::new(cold), heir: OnceLock::new() }),
        }
    }

    /// Takes over what `old`, a secret of the same client, has proven or proves yet: a reload makes nothing cold again.
    pub fn inherit(&self, old: &Self) {
        let same = matches!((&self.stored.hash, &old.stored.hash), (SecretHash::Argon2(own), SecretHash::Argon2(its)) if own == its);
        if !same {
            return;
        }
        // in this order, so that what is proven meanwhile is not missed
        let _ = old.proof.heir.set(self.proof.clone());
        if let Some(mac) = old.proof.mac.get() {
            self.proof.found(*mac);
        }
    }

    /// Returns whether the secret still works at `now`.
    pub fn is_live(&self, now: Time) -> bool {
        self.stored.expires_at.is_none_or(|expiry| now < expiry)
    }

    /// Returns whether the secret was made by somebody else, so that it may be guessed.
    pub fn is_imported(&self) -> bool {
        matches!(self.stored.hash, SecretHash::Argon2(_))
    }

    /// Returns the argon2id hash, while only that can check the secret.
    pub fn cold_hash(&self) -> Option<&str> {
        match &self.stored.hash {
            SecretHash::Argon2(phc) if self.proof.mac.get().is_none() => Some(phc),
            SecretHash::Argon2(_) | SecretHash::Keyed { .. } => None,
        }
    }

    /// Compares with the keyed hashes of the secret at hand, in constant time.
    pub fn quick(&self, hashes: &Hashes) -> Quick {
        let own = match &self.stored.hash {
            SecretHash::Keyed { key, mac } => hashes.of(*key).map(|hash| hash.ct_eq(mac)),
            SecretHash::Argon2(_) => {
                let Some(proven) = self.proof.mac.get() else { return Quick::Slow };
                hashes.0.first().map(|(_, hash)| hash.ct_eq(proven))
            }
        };
        if own.is_some_and(bool::from) { Quick::Right } else { Quick::Wrong }
    }

    /// Remembers that argon2id found `presented` right: its keyed hash is enough from now on.
    pub fn found_right(&self, presented: &Presented<'_>) {
        if let Some(mac) = presented.mac(presented.vault.current()) {
            self.proof.found(mac);
        }
    }
}
