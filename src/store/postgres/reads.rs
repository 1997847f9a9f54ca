//! Reads of rows: the statement, and what its rows say.

use std::collections::BTreeMap;

use tokio_postgres::Row as SqlRow;

use super::metrics::SqlStep;
use super::query::{Query, param};
use super::statements::{READS, TABLES, set_of};
use super::stored;
use super::time::EngineTime;
use crate::clock::Time;
use crate::metrics::Stopwatch;
use crate::state::Key;
use crate::store::StoreError;
use crate::store::codec::{key_bytes, key_from_bytes};
use crate::store::rows::{ReadRows, Session, Stamp, StampedRow};

/// A row as it was found, or the reason why it cannot be read.
type Found = Result<Option<StampedRow>, StoreError>;

/// Makes the statement that reads these rows.
pub(super) fn query(keys: &[Key]) -> Query {
    let of_kind = |kind: u8| -> Vec<Vec<u8>> {
        let mut keys: Vec<_> = keys.iter().map(key_bytes).filter(|key| key[0] == kind).map(Vec::from).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    };
    let of_kinds = TABLES.iter().map(|(_, kind)| of_kind(*kind)).filter(|keys| !keys.is_empty());
    Query::read(&READS[set_of(keys)], of_kinds.map(param).collect()).timed(SqlStep::Read)
}

/// Returns what the statement found of these rows, and of those that came along.
pub(super) fn found(
    session: Session,
    rows: &[SqlRow],
    keys: &[Key],
    asked: Stopwatch,
    time: &EngineTime,
) -> Result<ReadRows, StoreError> {
    let mut read: BTreeMap<Key, Found> = keys.iter().map(|key| (*key, Ok(None))).collect();
    let mut server = None;
    for row in rows {
        match row.try_get::<_, Option<&[u8]>>(0).map_err(odd)? {
            Some(key) => {
                take(&mut read, key, [row.try_get(1), row.try_get(5)], row)?;
            }
            None => server = Some(Time::from_millis(unsigned(row.try_get(7).map_err(odd)?))),
        }
    }
    let server =
        server.ok_or_else(|| StoreError::Unavailable { reason: "the database did not say its time".to_owned() })?;
    Ok(ReadRows { session, now: time.answered(server, asked), rows: read })
}

/// Takes in a row, and the fence that it brings along.
fn take(
    read: &mut BTreeMap<Key, Found>,
    key: &[u8],
    stamps: [Result<Option<i64>, tokio_postgres::Error>; 2],
    row: &SqlRow,
) -> Result<(), StoreError> {
    let [stamp, fence_stamp] = stamps;
    let (fixed, moving): (&[u8], &[u8]) = (row.try_get(2).map_err(odd)?, row.try_get(3).map_err(odd)?);
    if let (Some(own), Some(stamp)) = (key_from_bytes(key), stamp.map_err(odd)?) {
        read.insert(own, stamped(key, stamp, fixed, moving));
    }
    let fence: Option<&[u8]> = row.try_get(4).map_err(odd)?;
    let Some((fence, name)) = fence.and_then(|fence| Some((fence, key_from_bytes(fence)?))) else { return Ok(()) };
    let moving: Option<&[u8]> = row.try_get(6).map_err(odd)?;
    let found = match (fence_stamp.map_err(odd)?, moving) {
        (Some(stamp), Some(moving)) => stamped(fence, stamp, &[], moving),
        _ => Ok(None),
    };
    read.insert(name, found);
    Ok(())
}

fn stamped(key: &[u8], stamp: i64, fixed: &[u8], moving: &[u8]) -> Found {
    Ok(Some(StampedRow { stamp: Stamp(stamp.cast_unsigned()), row: stored::decode(key, fixed, moving)? }))
}

/// Returns the part of a read that one of those who asked together asked for, with the moments that its rows name.
pub(super) fn part(read: &ReadRows, keys: &[Key]) -> ReadRows {
    let mut rows = BTreeMap::new();
    for key in keys {
        let Some(found) = read.rows.get(key) else { continue };
        if let Ok(Some(found)) = found {
            let moments = found.row.not_before_keys();
            let brought = moments.into_iter().filter_map(|moment| Some((moment, read.rows.get(&moment)?.clone())));
            rows.extend(brought);
        }
        rows.insert(*key, found.clone());
    }
    ReadRows { session: read.session, now: read.now, rows }
}

/// Makes the error of an answer that is not of the form that this program asks for.
pub(super) fn odd(error: tokio_postgres::Error) -> StoreError {
    StoreError::Unavailable { reason: format!("the database answered in another form than asked for: {error}") }
}

/// Converts a number that is stored as a `bigint` and is never negative.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
