//! Signing keys. Only the committer writes here, one call at a time, so compare-and-set is compare, then set.

use super::broken::broken;
use super::decoded::decoded;
use crate::store::{StoreError, StoredKey, codec};

/// Signing keys: `ring 0 generation u32` to [`StoredKey`].
pub(super) struct KeyTree(sled::Tree);

impl KeyTree {
    pub(super) fn open(db: &sled::Db) -> Result<Self, StoreError> {
        Ok(Self(db.open_tree("keys").map_err(broken)?))
    }

    pub(super) fn all(&self) -> Result<Vec<StoredKey>, StoreError> {
        self.0
            .iter()
            .map(|entry| {
                let (name, bytes) = entry.map_err(broken)?;
                decoded("signing key", &name, &bytes)
            })
            .collect()
    }

    pub(super) fn publish(&self, expected: Option<u32>, key: &StoredKey) -> Result<bool, StoreError> {
        let newest = match self.0.scan_prefix(ring_prefix(&key.ring)).next_back() {
            Some(entry) => {
                let (name, bytes) = entry.map_err(broken)?;
                Some(decoded::<StoredKey>("signing key", &name, &bytes)?.generation)
            }
            None => None,
        };
        if newest != expected || key.generation != expected.unwrap_or(0).saturating_add(1) {
            return Ok(false);
        }
        let name = key_name(&key.ring, key.generation);
        self.0.insert(&name, codec::encode(&name, key)?).map_err(broken)?;
        Ok(true)
    }

    pub(super) fn drop_up_to(&self, ring: &str, generation: u32) -> Result<(), StoreError> {
        for name in self.0.range(key_name(ring, 0)..=key_name(ring, generation)).keys() {
            self.0.remove(name.map_err(broken)?).map_err(broken)?;
        }
        Ok(())
    }
}

fn ring_prefix(ring: &str) -> Vec<u8> {
    [ring.as_bytes(), &[0]].concat()
}

fn key_name(ring: &str, generation: u32) -> Vec<u8> {
    [ring.as_bytes(), &[0], &generation.to_be_bytes()].concat()
}
