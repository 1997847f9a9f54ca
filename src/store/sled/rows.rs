//! Rows and the index of their deadlines.
//!
//! Invariant: a row has an index entry at or before its deadline. The entry is written before a new row and removed
//! after it; a row that lives longer leaves it where it is, and the sweep moves the entry when it reaches it.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use super::broken::broken;
use crate::clock::Time;
use crate::id::Id;
use crate::state::{Key, Op, Row};
use crate::store::{LaneId, StoreError, Swept, codec, deadline};

/// Length of an index entry, in bytes: `shard u16 | deadline in seconds u64 | key`, big-endian.
const ENTRY_LEN: usize = 2 + 8 + codec::KEY_LEN;

/// Rows and the index of their deadlines.
pub(super) struct RowTrees {
    pub(super) shards: LaneId,
    rows: sled::Tree,
    deadlines: sled::Tree,
    moments: Moments,
}

impl RowTrees {
    pub(super) fn open(db: &sled::Db, shards: LaneId) -> Result<Self, StoreError> {
        let tree = |name| db.open_tree(name).map_err(broken);
        let rows =
            Self { shards, rows: tree("rows")?, deadlines: tree("deadlines")?, moments: Moments(RwLock::default()) };
        for entry in rows.rows.scan_prefix(codec::NOT_BEFORE) {
            let (key, bytes) = entry.map_err(broken)?;
            let row = decode(&key, &bytes)?;
            if let Some(key) = codec::key_from_bytes(&key) {
                rows.moments.put(&key, &row);
            }
        }
        Ok(rows)
    }

    /// Returns the row as stored.
    pub(super) fn get(&self, key: &Key) -> Result<Option<Row>, StoreError> {
        let key = codec::key_bytes(key);
        self.rows.get(key).map_err(broken)?.map(|bytes| decode(&key, &bytes)).transpose()
    }

    /// Returns the row; a not-before moment costs no read.
    pub(super) fn peek(&self, key: &Key) -> Result<Option<Row>, StoreError> {
        if let Key::NotBefore(id) = key { Ok(self.moments.get(id)) } else { self.get(key) }
    }

    /// Writes a row; `stored` is true if there was one before, so that it has an index entry.
    pub(super) fn put(&self, key: &Key, row: &Row, stored: bool) -> Result<(), StoreError> {
        let bytes = codec::key_bytes(key);
        let value = codec::encode(&bytes, row)?;
        if !stored {
            self.index(key, deadline(row))?;
        }
        self.rows.insert(bytes, value).map_err(broken)?;
        Ok(())
    }

    /// Returns the latest not-before moment that applies to the operation. A moment applies from [`RowTrees::raise`]
    /// on, before it is durable.
    pub(super) fn not_before(&self, op: &Op, row: Option<&Row>) -> Time {
        if self.moments.are_none() {
            return Time::ZERO;
        }
        let keys = op.not_before(row);
        keys.iter().flatten().map(|key| self.moments.at(key.id())).max().unwrap_or_default()
    }

    /// Makes a not-before moment apply.
    pub(super) fn raise(&self, key: &Key, row: &Row) {
        self.moments.put(key, row);
    }

    pub(super) fn sweep(&self, shard: LaneId, budget: usize, now: Time) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        let from = shard.to_be_bytes();
        let until = [&from[..], &now.as_secs().saturating_add(1).to_be_bytes()].concat();
        let mut looked = 0;
        for entry in self.deadlines.range(&from[..]..&until[..]).take(budget) {
            let (entry, _) = entry.map_err(broken)?;
            looked += 1;
            swept.forgotten += usize::from(self.sweep_entry(&entry, now)?);
        }
        swept.more = looked == budget;
        Ok(swept)
    }

    /// Returns whether the row behind the entry was deleted.
    fn sweep_entry(&self, entry: &[u8], now: Time) -> Result<bool, StoreError> {
        let key = entry.get(ENTRY_LEN - codec::KEY_LEN..).and_then(codec::key_from_bytes);
        let row = match key.map(|key| (key, self.get(&key))) {
            Some((key, Ok(row))) => row.map(|row| (key, row)),
            Some((key, Err(error @ StoreError::Corrupt(_)))) => {
                // forgetting a damaged row could bring a spent code back to life: it stays, for somebody to look at
                tracing::warn!(%error, "failed to look at an expired row; looking again in a day");
                self.index(&key, now.as_secs().saturating_add(24 * 60 * 60))?;
                None
            }
            Some((_, Err(error))) => return Err(error),
            None => None,
        };
        let forgotten = match row {
            Some((key, row)) if deadline(&row) <= now.as_secs() => {
                self.rows.remove(codec::key_bytes(&key)).map_err(broken)?;
                self.moments.forget(&key);
                true
            }
            Some((key, row)) => {
                self.index(&key, deadline(&row))?;
                false
            }
            None => false,
        };
        self.deadlines.remove(entry).map_err(broken)?;
        Ok(forgotten)
    }

    fn index(&self, key: &Key, deadline: u64) -> Result<(), StoreError> {
        let shard = key.lane(self.shards);
        let mut entry = [0; ENTRY_LEN];
        entry[..2].copy_from_slice(&shard.to_be_bytes());
        entry[2..10].copy_from_slice(&deadline.to_be_bytes());
        entry[10..].copy_from_slice(&codec::key_bytes(key));
        self.deadlines.insert(entry, &[]).map_err(broken)?;
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn tree(&self) -> &sled::Tree {
        &self.rows
    }
}

fn decode(key: &[u8], bytes: &[u8]) -> Result<Row, StoreError> {
    codec::decode_row(key, bytes).map_err(|error| {
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        error.about(&format!("the stored row {hex}"))
    })
}

/// All not-before moments, in memory (64 bytes each), so that an operation costs no read for its three.
struct Moments(RwLock<HashMap<Id, Row>>);

impl Moments {
    fn are_none(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn get(&self, id: &Id) -> Option<Row> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    fn at(&self, id: &Id) -> Time {
        Row::not_before(self.0.read().unwrap_or_else(PoisonError::into_inner).get(id))
    }

    fn put(&self, key: &Key, row: &Row) {
        if let (Key::NotBefore(id), Row::NotBefore { .. }) = (key, row) {
            self.0.write().unwrap_or_else(PoisonError::into_inner).insert(*id, row.clone());
        }
    }

    fn forget(&self, key: &Key) {
        if let Key::NotBefore(id) = key {
            self.0.write().unwrap_or_else(PoisonError::into_inner).remove(id);
        }
    }
}
