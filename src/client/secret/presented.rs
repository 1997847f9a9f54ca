//! A client secret that somebody presented, and its keyed hashes.

use super::stored::{SecretHash, owner};
use crate::id::Id;
use crate::token::wire;
use crate::vault::{MacUse, Purpose, Vault};

/// The keyed hashes of a presented secret, by entry of the master key ring, newest first. All are made for every
/// claim, so that neither the number of a client's secrets nor their age nor whether it exists shows in the time.
pub struct Hashes(pub(super) Vec<(u8, [u8; 32])>);

impl Hashes {
    pub(super) fn of(&self, key: u8) -> Option<&[u8; 32]> {
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
    pub(super) fn mac(&self, key: u8) -> Option<[u8; 32]> {
        let parts = [self.issuer.as_bytes(), self.client.as_bytes(), self.secret.as_bytes()];
        self.vault.mac(key, MacUse::ClientSecret, &parts)
    }

    /// The keyed hash to store for this secret.
    pub fn keyed(&self) -> Option<SecretHash> {
        let key = self.vault.current();
        Some(SecretHash::Keyed { key, mac: self.mac(key)? })
    }

    /// The secret in the form that [`StoredSecret::unseal`](super::StoredSecret::unseal) opens.
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
