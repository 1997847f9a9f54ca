//! The master key ring and everything derived from it: refresh token MACs, sealed codes, sealed access tokens, sealed
//! grants, sealed signing keys, keyed hashes of client secrets, sealed client secrets.
//!
//! The store never holds a master key, so what it holds cannot be used without this file (CHECKLIST 76). The first
//! key of the ring that all nodes have makes new values; older keys stay valid for what they made.

mod key_file;
mod master_key;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use arc_swap::ArcSwap;
use aws_lc_rs::aead::{Aad, Nonce};
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use crate::id::{Id, random_bytes};
pub(crate) use key_file::VaultError;
use master_key::{KEY_LEN, MasterKey};
pub use master_key::{MacUse, Purpose};

/// The master key ring. One key at least, at most 16. The running ring takes in new keys, see [`Vault::take_in`].
pub struct Vault {
    /// In the order of the file.
    keys: ArcSwap<Vec<Arc<MasterKey>>>,
    /// Id of the key that makes new values.
    current: AtomicU8,
}

impl Vault {
    /// Reads the ring from the master key file at `path`.
    ///
    /// # Errors
    /// If the file cannot be used as a secret file (see [`crate::secret_file`]), or has a malformed line.
    pub fn read(path: &Path) -> Result<Self, VaultError> {
        key_file::read(path).map(Self::of)
    }

    /// Returns the text of a new master key file with one random key.
    pub fn generate() -> Zeroizing<String> {
        key_file::generate()
    }

    /// Parses the text of a master key file; the error is the number of the line, from 1, and its rule.
    ///
    /// # Errors
    /// The first malformed line.
    pub fn parse(text: &str) -> Result<Self, (usize, &'static str)> {
        key_file::parse(text).map(Self::of)
    }

    /// Makes a ring with one random key that is written nowhere.
    pub fn ephemeral() -> Self {
        Self::of(vec![Arc::new(MasterKey::derive(1, &*Zeroizing::new(random_bytes::<KEY_LEN>())))])
    }

    fn of(keys: Vec<Arc<MasterKey>>) -> Self {
        let current = AtomicU8::new(keys.first().map_or(0, |key| key.id));
        Self { keys: ArcSwap::from_pointee(keys), current }
    }

    /// Returns the keys of `new`, in their order, followed by those that only the running ring has, because what they made
    /// stays valid while this process runs. Changes nothing yet.
    ///
    /// # Errors
    /// If both have an id with different keys.
    pub fn merged(&self, new: Self) -> Result<MergedKeys, VaultError> {
        let (running, mut keys) = (self.keys.load(), new.keys.into_inner().to_vec());
        let mut kept = Vec::new();
        for old in running.iter() {
            match keys.iter().find(|key| key.id == old.id) {
                Some(same) if same.fingerprint == old.fingerprint => {}
                Some(_) => return Err(VaultError::Changed { id: old.id }),
                None => kept.push(Arc::clone(old)),
            }
        }
        let drops = !kept.is_empty();
        keys.extend(kept);
        Ok(MergedKeys { keys, drops })
    }

    /// Replaces the keys of the ring: each opens what it made. Which one makes new values stays as it is until
    /// [`Vault::choose`] is called: what a key makes that another node lacks would be taken for a forgery there.
    pub fn take_in(&self, merged: MergedKeys) {
        self.keys.store(Arc::new(merged.keys));
    }

    /// Has the first key whose digest is `known` to all nodes make new values; if there is none, the current one stays.
    /// Returns whether that is the first of the file.
    pub fn choose(&self, known: impl Fn(&str) -> bool) -> bool {
        let keys = self.keys.load();
        if let Some(key) = keys.iter().find(|key| known(&key.digest())) {
            self.current.store(key.id, Ordering::Relaxed);
        }
        keys.first().is_some_and(|first| first.id == self.current.load(Ordering::Relaxed))
    }

    /// Returns a digest of each key, in the order of the file: what nodes tell each other of their keys.
    pub fn digests(&self) -> Vec<String> {
        self.keys.load().iter().map(|key| key.digest()).collect()
    }

    /// Returns the id of the key that makes new values.
    pub fn current(&self) -> u8 {
        self.making().id
    }

    fn making(&self) -> Arc<MasterKey> {
        let (keys, current) = (self.keys.load(), self.current.load(Ordering::Relaxed));
        Arc::clone(keys.iter().find(|key| key.id == current).unwrap_or(&keys[0]))
    }

    /// Returns the ids of all keys, newest first.
    pub fn ids(&self) -> impl Iterator<Item = u8> + use<> {
        self.keys.load().iter().map(|key| key.id).collect::<Vec<_>>().into_iter()
    }

    /// Computes the 32-byte MAC over `parts`, each preceded by its length; `None` if the ring has no key of this id.
    pub fn mac(&self, key: u8, usage: MacUse, parts: &[&[u8]]) -> Option<[u8; 32]> {
        let context = self.mac_context(key, usage, parts)?;
        let mut mac = [0; 32];
        mac.copy_from_slice(context.sign().as_ref());
        Some(mac)
    }

    /// Returns whether `mac` is the MAC over `parts`, compared in constant time; false if the ring has no key of this id.
    pub fn verify_mac(&self, key: u8, usage: MacUse, parts: &[&[u8]], mac: &[u8; 32]) -> bool {
        self.mac(key, usage, parts)
            .is_some_and(|expected| subtle::ConstantTimeEq::ct_eq(&expected[..], &mac[..]).into())
    }

    fn mac_context(&self, key: u8, usage: MacUse, parts: &[&[u8]]) -> Option<hmac::Context> {
        let mut context = hmac::Context::with_key(self.key(key)?.mac_key(usage));
        for part in parts {
            context.update(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            context.update(part);
        }
        Some(context)
    }

    /// Seals `plain` (AES-256-GCM-SIV) as `key id | ciphertext | tag`: 17 bytes longer than `plain`.
    ///
    /// `id` is the random name of what is sealed; its first 96 bits are the nonce. GCM-SIV keeps its promises if a
    /// nonce ever repeats, so no counter and no stored nonce are needed (RFC 8452 section 1).
    pub fn seal(&self, purpose: Purpose, id: &Id, aad: &[u8], plain: &[u8]) -> Vec<u8> {
        let key = self.making();
        let mut sealed = Vec::with_capacity(plain.len() + 17);
        sealed.push(key.id);
        sealed.extend_from_slice(plain);
        #[expect(clippy::expect_used, reason = "fails only for inputs of gigabytes; every input here is bounded")]
        let tag = key
            .aead(purpose)
            .seal_in_place_separate_tag(nonce(id), Aad::from(aad), &mut sealed[1..])
            .expect("sealing a bounded value succeeds");
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// Opens what [`Vault::seal`] made with the same purpose, id and `aad`; `None` for anything else.
    pub fn open(&self, purpose: Purpose, id: &Id, aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (&key, body) = sealed.split_first()?;
        let mut buffer = Zeroizing::new(body.to_vec());
        let len = self.key(key)?.aead(purpose).open_in_place(nonce(id), Aad::from(aad), &mut buffer).ok()?.len();
        buffer.truncate(len);
        Some(buffer)
    }

    fn key(&self, id: u8) -> Option<Arc<MasterKey>> {
        self.keys.load().iter().find(|key| key.id == id).cloned()
    }
}

/// The keys of a merged ring, see [`Vault::merged`].
pub struct MergedKeys {
    keys: Vec<Arc<MasterKey>>,
    drops: bool,
}

impl MergedKeys {
    /// Returns whether the new ring lacks a key that stays in use until a restart.
    pub fn drops(&self) -> bool {
        self.drops
    }
}

/// Shows the ids of the keys only.
impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

fn nonce(id: &Id) -> Nonce {
    let mut bytes = [0; 12];
    bytes.copy_from_slice(&id.0[..12]);
    Nonce::assume_unique_for_key(bytes)
}
