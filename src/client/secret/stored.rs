//! Client secrets as the store keeps them.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::clock::Time;
use crate::id::Id;
use crate::token::wire;
use crate::vault::{Purpose, Vault};

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
pub(super) fn owner(issuer: &str, client: &str) -> String {
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
