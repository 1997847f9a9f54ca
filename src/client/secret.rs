//! Client secrets: what is stored of them and how one is checked.
//!
//! A secret that jeton generated has 256 bits, so one keyed hash is enough (and costs half a microsecond). An imported
//! one may be a person's password: argon2id, but only until it was right once; then its keyed hash is remembered in
//! memory and nobody pays for argon2 again, neither the client nor a guesser (CHECKLIST 16, 23, 25).

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use argon2::password_hash::phc::PasswordHash;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::clock::Time;
use crate::id::{Id, random_bytes};
use crate::issuer::cold::{Cold, ColdSecrets};
use crate::slow_hash::Cost;
use crate::token::wire;
use crate::vault::{MacUse, Purpose, Vault};

/// Longest secret that is looked at, in bytes.
pub const MAX_SECRET: usize = 512;

/// A secret at rest: nothing here is usable without the vault, or without guessing through argon2id.
#[derive(Clone, Serialize, Deserialize)]
pub struct StoredSecret {
    /// Names the secret for the admin API.
    pub secret_id: String,
    /// The hash that a presented secret is checked with.
    pub hash: SecretHash,
    /// The secret itself, sealed by the vault: only for a client of `client_secret_jwt`, whose HMAC needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
    /// The time of creation.
    pub created_at: Time,
    /// The time from which the secret no longer works; `None` is never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
}

impl StoredSecret {
    /// The secret, if it is sealed here.
    pub fn unseal(&self, vault: &Vault, issuer: &str, client: &str) -> Option<Zeroizing<Vec<u8>>> {
        let bytes = wire::decode("", self.sealed.as_deref()?, 2 * MAX_SECRET)?;
        let (id, sealed) = bytes.split_first_chunk::<16>()?;
        vault.open(Purpose::ClientSecret, &Id(*id), owner(issuer, client).as_bytes(), sealed)
    }
}

/// Returns the name of the owner of a secret; neither id has a slash.
fn owner(issuer: &str, client: &str) -> String {
    format!("{issuer}/{client}")
}

/// The stored form of a secret.
#[derive(Clone, Serialize, Deserialize)]
pub enum SecretHash {
    /// MAC under a derived key of the vault: for secrets of 128 bits and more.
    Keyed {
        /// The entry of the master key ring.
        key: u8,
        /// HMAC-SHA256 over issuer, client and secret.
        mac: [u8; 32],
    },
    /// argon2id in PHC format: for secrets that people chose.
    Argon2(String),
}

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

/// The keyed hashes of a presented secret, by entry of the master key ring, newest first. All are made for every
/// claim, so that neither the number of a client's secrets nor their age nor whether it exists shows in the time.
pub struct Hashes(Vec<(u8, [u8; 32])>);

impl Hashes {
    fn of(&self, key: u8) -> Option<&[u8; 32]> {
        self.0.iter().find(|(id, _)| *id == key).map(|(_, hash)| hash)
    }
}

/// A secret that somebody presented. No `Debug`.
pub struct Presented<'a> {
    /// Makes keyed hashes.
    pub vault: &'a Vault,
    /// The issuer's id.
    pub issuer: &'a str,
    /// The client it is presented for.
    pub client: &'a str,
    /// The secret.
    pub secret: &'a str,
}

impl Presented<'_> {
    fn mac(&self, key: u8) -> Option<[u8; 32]> {
        let parts = [self.issuer.as_bytes(), self.client.as_bytes(), self.secret.as_bytes()];
        self.vault.mac(key, MacUse::ClientSecret, &parts)
    }

    /// The keyed hash to store for this secret.
    pub fn keyed(&self) -> Option<SecretHash> {
        let key = self.vault.current();
        Some(SecretHash::Keyed { key, mac: self.mac(key)? })
    }

    /// The secret in the form that [`StoredSecret::unseal`] opens.
    pub fn seal(&self) -> String {
        let id = Id::random();
        let owner = owner(self.issuer, self.client);
        let sealed = self.vault.seal(Purpose::ClientSecret, &id, owner.as_bytes(), self.secret.as_bytes());
        wire::encode("", &[&id.0[..], &sealed].concat())
    }

    /// Returns the keyed hashes of the secret.
    pub fn hashes(&self) -> Hashes {
        Hashes(self.vault.ids().filter_map(|key| Some((key, self.mac(key)?))).collect())
    }
}

/// A new secret: the prefix `jcs_` and 256 random bits in base64url.
pub fn generate() -> Zeroizing<String> {
    Zeroizing::new(wire::encode(wire::CLIENT_SECRET, &random_bytes::<32>()))
}

/// A new secret of 384 random bits: its text is long enough for an HMAC with SHA-512 (RFC 7518 section 3.2).
pub fn generate_long() -> Zeroizing<String> {
    Zeroizing::new(wire::encode(wire::CLIENT_SECRET, &random_bytes::<48>()))
}

/// Returns whether `text` looks like a secret of [`generate`] or [`generate_long`].
pub fn is_generated(text: &str) -> bool {
    wire::decode(wire::CLIENT_SECRET, text, MAX_SECRET).is_some_and(|bytes| matches!(bytes.len(), 32 | 48))
}

/// Returns advice for an operator who registers an imported secret.
pub fn advice(text: &str) -> Option<&'static str> {
    const TWO_SPELLINGS: &str = "client_secret has + or %: in a Basic header it is form-encoded (RFC 6749 section 2.3.1), \
        and although it is accepted here as it is too, other servers do not; a generated secret has neither";
    text.contains(['+', '%']).then_some(TWO_SPELLINGS)
}

/// A name for a new secret.
pub fn new_secret_id() -> String {
    wire::encode("", &Id::random().0)
}

/// The argon2id hash of an imported secret (19 MiB, 2 passes), about 20 ms.
///
/// # Errors
/// If the secret is empty or longer than 512 bytes, or hashing fails.
pub fn import(secret: &str) -> Result<SecretHash, &'static str> {
    if secret.is_empty() || secret.len() > MAX_SECRET {
        return Err("a client secret has 1 to 512 bytes");
    }
    Cost::default().hash(secret).map(SecretHash::Argon2)
}

/// Checks that `phc` is an argon2id hash whose cost is bounded: at most 256 MiB, 16 passes, 8 lanes.
///
/// # Errors
/// The rule it breaks.
pub fn check_phc(phc: &str) -> Result<(), &'static str> {
    let hash = PasswordHash::new(phc).map_err(|_| "not a hash in PHC format")?;
    let cost = |name, limit| hash.params.get_decimal(name).is_some_and(|value| value <= limit);
    if hash.algorithm.as_str() == "argon2id" && cost("m", 256 * 1024) && cost("t", 16) && cost("p", 8) {
        Ok(())
    } else {
        Err("must be argon2id with at most 256 MiB, 16 passes and 8 lanes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(hash: SecretHash) -> Secret {
        counted(hash, &ColdSecrets::default())
    }

    fn counted(hash: SecretHash, cold: &ColdSecrets) -> Secret {
        let stored =
            StoredSecret { secret_id: "1".into(), hash, sealed: None, created_at: Time::ZERO, expires_at: None };
        Secret::new(stored, Some(cold))
    }

    #[test]
    fn a_generated_secret_is_checked_by_one_keyed_hash() {
        let vault = Vault::ephemeral();
        let text = generate();
        let at = |client, secret| Presented { vault: &vault, issuer: "main", client, secret };
        let secret = stored(at("web", &text).keyed().unwrap());
        assert_eq!(secret.quick(&at("web", &text).hashes()), Quick::Right);
        assert_eq!(secret.quick(&at("web", "jcs_wrong").hashes()), Quick::Wrong);
        assert_eq!(secret.quick(&at("other", &text).hashes()), Quick::Wrong);
    }

    #[test]
    fn an_imported_secret_costs_argon2_once_and_then_neither_right_nor_wrong_ones_do() {
        let vault = Vault::ephemeral();
        let at = |secret| Presented { vault: &vault, issuer: "main", client: "web", secret };
        let cold = ColdSecrets::default();
        let secret = counted(import("horse").unwrap(), &cold);
        assert_eq!(secret.quick(&at("horse").hashes()), Quick::Slow);
        assert!(cold.any(Time::ZERO) && secret.cold_hash().is_some());
        secret.found_right(&at("horse"));
        assert!(!cold.any(Time::ZERO) && secret.cold_hash().is_none());
        assert_eq!(secret.quick(&at("horse").hashes()), Quick::Right);
        assert_eq!(secret.quick(&at("donkey").hashes()), Quick::Wrong);
        // the same secret after a reload is warm, another one is cold until it is gone
        let again = counted(secret.stored.hash.clone(), &cold);
        again.inherit(&secret);
        assert_eq!((again.quick(&at("horse").hashes()), cold.any(Time::ZERO)), (Quick::Right, false));
        let other = counted(import("horse").unwrap(), &cold);
        other.inherit(&secret);
        assert!(other.cold_hash().is_some() && cold.any(Time::ZERO));
        drop(other);
        assert!(!cold.any(Time::ZERO));
    }

    #[test]
    fn a_request_under_way_proves_a_secret_that_is_read_again_meanwhile() {
        let vault = Vault::ephemeral();
        let horse = Presented { vault: &vault, issuer: "main", client: "web", secret: "horse" };
        let (before, after) = (ColdSecrets::default(), ColdSecrets::default());
        let secret = counted(import("horse").unwrap(), &before);
        let again = counted(secret.stored.hash.clone(), &after);
        again.inherit(&secret);
        assert!(before.any(Time::ZERO) && after.any(Time::ZERO));
        secret.found_right(&horse);
        assert_eq!(
            (again.quick(&horse.hashes()), before.any(Time::ZERO), after.any(Time::ZERO)),
            (Quick::Right, false, false)
        );
        drop((secret, again));
        assert!(!before.any(Time::ZERO) && !after.any(Time::ZERO));
    }

    #[test]
    fn an_imported_hash_with_unbounded_cost_is_refused() {
        assert!(check_phc("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$YWJjZGVmZ2hpamtsbW5vcA").is_ok());
        assert!(check_phc("$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHQ$YWJjZGVmZ2hpamtsbW5vcA").is_err());
        assert!(check_phc("horse").is_err());
    }
}
