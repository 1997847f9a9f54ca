//! The lanes of a cell, and which of them a call takes.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_postgres::Row as SqlRow;

use super::failure::unavailable;
use super::job::Ran;
use super::lane::SqlLane;
use super::lane_task::LaneParts;
use super::primary::Primary;
use super::query::Query;
use crate::metrics::Stopwatch;
use crate::store::StoreError;
use crate::store::rows::{Connection, Session};

/// Number of times that a read is made whose session ends before it is confirmed.
const TRIES: usize = 4;

/// The lanes of a cell.
pub(super) struct Links {
    lanes: Vec<SqlLane>,
    peeks: SqlLane,
    /// For documents, keys and sweeps.
    pub(super) control: SqlLane,
    pub(super) primary: watch::Receiver<Primary>,
    /// The last confirmation on `control`: its session and its beginning.
    confirmed: Mutex<Option<(Session, Stopwatch)>>,
    max_staleness: Duration,
}

impl Links {
    pub(super) fn start(parts: &LaneParts, lanes: u16, max_staleness: Duration) -> Self {
        Self {
            lanes: (0..lanes).map(|_| SqlLane::start(parts.clone())).collect(),
            peeks: SqlLane::start(parts.clone()),
            control: SqlLane::start(parts.clone()),
            primary: parts.primary.clone(),
            confirmed: Mutex::default(),
            max_staleness,
        }
    }

    /// Returns the lane that a call takes.
    pub(super) fn lane(&self, on: Connection) -> Result<&SqlLane, StoreError> {
        match on {
            Connection::Peeks => Ok(&self.peeks),
            Connection::Lane(lane) => self.lanes.get(usize::from(lane)).ok_or_else(|| no_lane(on)),
        }
    }

    /// Runs a write of documents or keys, again if it was in the way of another transaction; returns its rows.
    pub(super) async fn write(&self, query: impl Fn() -> Query) -> Result<Vec<SqlRow>, StoreError> {
        for _ in 0..TRIES {
            if let Ran::Done(_, rows) = self.control.run(query(), None).await? {
                return Ok(rows);
            }
        }
        Err(unavailable("other nodes change the same documents"))
    }

    /// Runs a read of documents or keys; what it returns is no older than `max_staleness`, whatever the server was when
    /// it answered.
    pub(super) async fn read(&self, query: impl Fn() -> Query) -> Result<Vec<SqlRow>, StoreError> {
        for _ in 0..TRIES {
            let Ran::Done(session, rows) = self.control.run(query(), None).await? else { continue };
            if self.is_fresh(session) {
                return Ok(rows);
            }
            let began = Stopwatch::start();
            if self.control.confirm(session).await.map_err(unconfirmed)? {
                *self.confirmed.lock().unwrap_or_else(PoisonError::into_inner) = Some((session, began));
                return Ok(rows);
            }
        }
        Err(unavailable("the connection for documents breaks again and again"))
    }

    fn is_fresh(&self, session: Session) -> bool {
        let last = *self.confirmed.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|(confirmed, began)| confirmed == session && began.elapsed() < self.max_staleness)
    }
}

/// A read whose confirmation got no answer changed nothing.
fn unconfirmed(error: StoreError) -> StoreError {
    match error {
        StoreError::Indeterminate { reason } => StoreError::Unavailable { reason },
        other => other,
    }
}

fn no_lane(on: Connection) -> StoreError {
    StoreError::Fatal(format!("the engine has no {on:?}"))
}
