//! Rows by compare-and-set: the statements of [`Rows`] on the lanes' connections.

use std::time::Duration;

use super::Postgres;
use super::job::Ran;
use super::metrics::SqlStep;
use super::query::{Param, Query, param};
use super::reads::{odd, unsigned};
use super::statements::{CHANGES, INSERTS, SWEEPS, TABLES, set_of};
use super::stored::{self, StoredRow};
use crate::clock::Time;
use crate::state::{Key, Op, Outage, Row};
use crate::store::codec::{key_bytes, key_from_bytes};
use crate::store::rows::{Connection, ReadRows, RowChange, RowInsert, Rows, Session, StampedRow, Written};
use crate::store::{LaneId, Lanes, StoreError, Swept, deadline};

/// Greatest difference between the clocks of two nodes. Each follows the server's, by answers that took at most half a
/// second, of which half is the error.
pub(in crate::store) const CLOCK_ERROR: Duration = Duration::from_millis(250);

/// The columns of rows to write, as arrays.
#[derive(Default)]
struct Columns {
    key: Vec<Vec<u8>>,
    stamp: Vec<i64>,
    keep: Vec<i64>,
    fence: Vec<Option<Vec<u8>>>,
    fixed: Vec<Vec<u8>>,
    moving: Vec<Vec<u8>>,
}

impl Columns {
    fn push(&mut self, key: &Key, to: &StampedRow) -> Result<(), StoreError> {
        let key = key_bytes(key);
        let StoredRow { fixed, moving } = stored::encode(&key, &to.row)?;
        self.key.push(key.to_vec());
        self.stamp.push(to.stamp.0.cast_signed());
        self.keep.push(signed(deadline(&to.row)));
        self.fence.push(fence(&to.row));
        self.fixed.push(fixed);
        self.moving.push(moving);
        Ok(())
    }
}

/// Returns the key of the moment that a read of the row brings along: the last that it names is its subject's, which an
/// operation does not know before it has read the row.
fn fence(row: &Row) -> Option<Vec<u8>> {
    row.not_before_keys().last().map(|key| key_bytes(key).to_vec())
}

fn insert(rows: &[RowInsert]) -> Result<Query, StoreError> {
    let (mut columns, mut fences) = (Columns::default(), Vec::new());
    let (mut guessing, mut guessed) = (Vec::new(), Vec::new());
    for RowInsert { key, to, unless } in rows {
        columns.push(key, to)?;
        for fence in unless {
            if !matches!(fence, Key::NotBefore(_)) {
                return Err(StoreError::Fatal(format!("only moments can be guessed to be absent, not {fence:?}")));
            }
            guessing.push(key_bytes(key).to_vec());
            guessed.push(key_bytes(fence).to_vec());
        }
    }
    fences.clone_from(&guessed);
    fences.sort_unstable();
    fences.dedup();
    let Columns { key, stamp, keep, fence, fixed, moving } = columns;
    let mut params: Vec<Param> = vec![param(key), param(stamp), param(keep), param(fence), param(fixed), param(moving)];
    params.extend([param(fences), param(guessing), param(guessed)]);
    Ok(Query::write(&INSERTS[set_of(rows.iter().map(|row| &row.key))], params).timed(SqlStep::Insert))
}

fn change(rows: &[RowChange]) -> Result<Query, StoreError> {
    let (mut columns, mut expected) = (Columns::default(), Vec::new());
    for row in rows {
        columns.push(&row.key, &row.to)?;
        expected.push(row.expected.0.cast_signed());
    }
    let Columns { key, stamp, keep, fence, fixed, moving } = columns;
    let params =
        vec![param(key), param(expected), param(stamp), param(keep), param(fence), param(fixed), param(moving)];
    Ok(Query::write(&CHANGES[set_of(rows.iter().map(|row| &row.key))], params).timed(SqlStep::Change))
}

fn written(ran: Ran) -> Result<Written, StoreError> {
    match ran {
        Ran::OtherSession => Ok(Written::OtherSession),
        Ran::Conflict => Ok(Written::Won(Vec::new())),
        Ran::Done(_, rows) => {
            // the writes are done, so an answer that cannot be read leaves their outcome unknown
            let unknown = |reason: String| StoreError::Indeterminate { reason };
            let key = |row: &tokio_postgres::Row| -> Result<Key, StoreError> {
                let key: &[u8] = row.try_get(0).map_err(|error| unknown(odd(error).to_string()))?;
                key_from_bytes(key).ok_or_else(|| unknown("the database returned another key".to_owned()))
            };
            rows.iter().map(key).collect::<Result<_, _>>().map(Written::Won)
        }
    }
}

impl Postgres {
    fn counted(&self, asked: usize, written: Result<Written, StoreError>) -> Result<Written, StoreError> {
        if let Ok(Written::Won(keys)) = &written {
            self.metrics.written(asked, keys.len());
        }
        written
    }
}

impl Rows for Postgres {
    fn lanes(&self) -> Lanes {
        Lanes { count: self.changes_lanes.saturating_add(self.begins_lanes), depth: 1 }
    }

    /// Keeps what begins apart: its batches are one statement each, and so wait for one commit. With changes in them they
    /// would wait for two.
    fn lane(&self, op: &Op) -> LaneId {
        if op.begins() {
            self.changes_lanes.saturating_add(op.key().lane(self.begins_lanes))
        } else {
            op.key().lane(self.changes_lanes)
        }
    }

    fn now(&self) -> Time {
        self.time.now()
    }

    fn outage(&self) -> Option<Outage> {
        self.outage.get()
    }

    fn clock_error(&self) -> Duration {
        if self.time.fixed().is_some() { Duration::ZERO } else { CLOCK_ERROR }
    }

    fn max_staleness(&self) -> Duration {
        self.max_staleness
    }

    async fn read(&self, on: Connection, keys: &[Key]) -> Result<ReadRows, StoreError> {
        self.links()?.lane(on)?.read(keys.to_vec()).await
    }

    async fn insert(
        &self,
        on: Connection,
        session: Option<Session>,
        rows: Vec<RowInsert>,
    ) -> Result<Written, StoreError> {
        let (links, query) = (self.links()?, insert(&rows)?);
        self.counted(rows.len(), written(links.lane(on)?.run(query, session).await?))
    }

    async fn change(&self, on: Connection, session: Session, rows: Vec<RowChange>) -> Result<Written, StoreError> {
        let (links, query) = (self.links()?, change(&rows)?);
        self.counted(rows.len(), written(links.lane(on)?.run(query, Some(session)).await?))
    }

    async fn confirm(&self, on: Connection, session: Session) -> Result<bool, StoreError> {
        self.links()?.lane(on)?.confirm(session).await
    }

    /// Sweeps the tables whose number, counted around the lanes for changes, is the lane's; the others sweep nothing.
    async fn sweep(&self, lane: LaneId, budget: usize) -> Result<Swept, StoreError> {
        let links = self.links()?;
        let (mut swept, mut left) = (Swept::default(), budget);
        let count = usize::from(self.changes_lanes.max(1));
        for sweep in (0..TABLES.len()).filter(|table| table % count == usize::from(lane)).map(|table| &SWEEPS[table]) {
            if left == 0 {
                break;
            }
            let second = self.time.fixed().map(|now| signed(now.as_secs()));
            let limit = i64::try_from(left).unwrap_or(i64::MAX);
            let query = Query::write(sweep, vec![param(second), param(limit)]).timed(SqlStep::Sweep);
            let ran = links.control.run(query, None).await?;
            let Ran::Done(_, rows) = ran else { continue };
            let row =
                rows.first().ok_or_else(|| StoreError::Unavailable { reason: "a sweep told nothing".to_owned() })?;
            let number = |index: usize| row.try_get(index).map_err(odd).map(unsigned);
            let (examined, forgotten) = (number(0)?, number(1)?);
            swept.forgotten += usize::try_from(forgotten).unwrap_or(0);
            left = left.saturating_sub(usize::try_from(examined).unwrap_or(left));
        }
        swept.more = left == 0;
        Ok(swept)
    }
}

/// Converts a number to a `bigint`, which holds every time that a row can have.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
