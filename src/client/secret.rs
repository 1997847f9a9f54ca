//! Client secrets: what is stored of them and how one is checked.
//!
//! A secret that jeton generated has 256 bits, so one keyed hash is enough (and costs half a microsecond). An imported
//! one may be a person's password: argon2id, but only until it was right once; then its keyed hash is remembered in
//! memory and nobody pays for argon2 again, neither the client nor a guesser (CHECKLIST 16, 23, 25).

use std::sync::OnceLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::clock::Time;
use crate::id::{Id, random_bytes};
use crate::token::wire;
use crate::vault::{MacUse, Vault};

/// Longest secret that is looked at, in bytes.
pub const MAX_SECRET: usize = 512;

/// A secret at rest: nothing here is usable without the vault, or without guessing through argon2id.
#[derive(Clone, Serialize, Deserialize)]
pub struct StoredSecret {
    /// Names the secret for the admin API.
    pub secret_id: String,
    /// How it is checked.
    pub hash: SecretHash,
    /// When it was made.
    pub created_at: Time,
    /// When it stops working; `None` is never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
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
    /// What is stored of it.
    pub stored: StoredSecret,
    /// The keyed hash of an imported secret, known from its first success on.
    proven: OnceLock<[u8; 32]>,
}

/// Never shows a hash.
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret").field("secret_id", &self.stored.secret_id).finish_non_exhaustive()
    }
}

/// What a quick look at a secret says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quick {
    /// It is right.
    Right,
    /// It is wrong.
    Wrong,
    /// Only argon2id can tell.
    Slow,
}

impl Secret {
    /// A secret as it was stored.
    pub fn new(stored: StoredSecret) -> Self {
        Self { stored, proven: OnceLock::new() }
    }

    /// Whether the secret still works at `now`.
    pub fn is_live(&self, now: Time) -> bool {
        self.stored.expires_at.is_none_or(|expiry| now < expiry)
    }

    /// Whether only argon2id can check it: imported, and not used since the start.
    pub fn is_cold(&self) -> bool {
        matches!(self.stored.hash, SecretHash::Argon2(_)) && self.proven.get().is_none()
    }

    /// Compares `presented`, the keyed hashes of the secret at hand by ring entry, in constant time.
    pub fn quick(&self, presented: &Presented<'_>) -> Quick {
        let known = match &self.stored.hash {
            SecretHash::Keyed { key, mac } => presented.mac(*key).map(|own| own.ct_eq(mac).into()),
            SecretHash::Argon2(_) => {
                let Some(proven) = self.proven.get() else { return Quick::Slow };
                presented.mac(presented.vault.current()).map(|own| own.ct_eq(proven).into())
            }
        };
        if known == Some(true) { Quick::Right } else { Quick::Wrong }
    }

    /// Checks with argon2id, about 20 ms: call it off the request's thread, in a bounded pool.
    pub fn slow(&self, presented: &Presented<'_>) -> bool {
        let SecretHash::Argon2(phc) = &self.stored.hash else { return false };
        let right = PasswordHash::new(phc)
            .is_ok_and(|hash| Argon2::default().verify_password(presented.secret.as_bytes(), &hash).is_ok());
        if right && let Some(mac) = presented.mac(presented.vault.current()) {
            let _ = self.proven.set(mac);
        }
        right
    }
}

/// A secret that somebody presented. No `Debug`.
pub struct Presented<'a> {
    /// For keyed hashes.
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

    /// Does the work of one check and throws the result away: an unknown client takes as long as a wrong secret.
    pub fn burn(&self) -> bool {
        self.mac(self.vault.current()).is_some_and(|mac| mac.ct_eq(&[0; 32]).into())
    }
}

/// A new secret: the prefix `jcs_` and 256 random bits in base64url.
pub fn generate() -> Zeroizing<String> {
    Zeroizing::new(wire::encode(wire::CLIENT_SECRET, &random_bytes::<32>()))
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
    match Argon2::default().hash_password(secret.as_bytes()) {
        Ok(hash) => Ok(SecretHash::Argon2(hash.to_string())),
        Err(_) => Err("the secret could not be hashed"),
    }
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
        Secret::new(StoredSecret { secret_id: "1".into(), hash, created_at: Time::ZERO, expires_at: None })
    }

    #[test]
    fn a_generated_secret_is_checked_by_one_keyed_hash() {
        let vault = Vault::ephemeral();
        let text = generate();
        let at = |client, secret| Presented { vault: &vault, issuer: "main", client, secret };
        let secret = stored(at("web", &text).keyed().unwrap());
        assert_eq!(secret.quick(&at("web", &text)), Quick::Right);
        assert_eq!(secret.quick(&at("web", "jcs_wrong")), Quick::Wrong);
        assert_eq!(secret.quick(&at("other", &text)), Quick::Wrong);
    }

    #[test]
    fn an_imported_secret_costs_argon2_once_and_then_neither_right_nor_wrong_ones_do() {
        let vault = Vault::ephemeral();
        let at = |secret| Presented { vault: &vault, issuer: "main", client: "web", secret };
        let secret = stored(import("horse").unwrap());
        assert_eq!(secret.quick(&at("horse")), Quick::Slow);
        assert!(!secret.slow(&at("donkey")));
        assert!(secret.is_cold() && secret.slow(&at("horse")) && !secret.is_cold());
        assert_eq!(secret.quick(&at("horse")), Quick::Right);
        assert_eq!(secret.quick(&at("donkey")), Quick::Wrong);
    }

    #[test]
    fn an_imported_hash_with_unbounded_cost_is_refused() {
        assert!(check_phc("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$YWJjZGVmZ2hpamtsbW5vcA").is_ok());
        assert!(check_phc("$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHQ$YWJjZGVmZ2hpamtsbW5vcA").is_err());
        assert!(check_phc("horse").is_err());
    }
}
