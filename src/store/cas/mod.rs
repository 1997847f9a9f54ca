//! A ledger over rows with compare-and-set: rows are read, the transitions are made on this node, and the results are
//! written if no other node changed the rows; on a lost race they are read again.
//!
//! The only way to the engine and to its time is [`Rows`]: nothing here waits, sleeps or reads a clock. Within a batch,
//! the operations on one row see each other and cost one write; a row that another node changed is stepped again, the
//! other rows are not.

use std::collections::BTreeSet;
use std::time::Duration;

use super::rows::{Connection, Rows, Session, Written};
use super::{Answer, LaneId, Lanes, Ledger, Pending, StoreError, Swept};
use crate::clock::Time;
use crate::state::{Key, Op, Row, Seen};

mod batch;
mod fresh;
mod step;

use batch::{OpBatch, RowWrite, Writes};
use fresh::LastConfirmed;
use step::{KnownRows, Stepped};

/// Number of times that a batch is read and written before operations that still lose fail.
pub(crate) const ROUNDS: usize = 16;

/// A ledger over rows with compare-and-set.
#[derive(Debug)]
pub(crate) struct Cas<R> {
    rows: R,
    peeks: LastConfirmed,
}

impl<R: Rows> Cas<R> {
    /// Creates a ledger over `rows`.
    pub(crate) fn new(rows: R) -> Self {
        Self { rows, peeks: LastConfirmed::default() }
    }

    async fn run(&self, on: Connection, ops: &[Op]) -> Vec<Result<Answer, StoreError>> {
        let mut batch = OpBatch::new(ops);
        let mut error = StoreError::Unavailable { reason: "other nodes change the same rows".to_owned() };
        for round in 0..ROUNDS {
            if batch.is_done() {
                break;
            }
            match self.round(on, &mut batch, round == 0).await {
                Ok(()) => {}
                // it is read again, and what was done is recognised
                Err(unknown @ StoreError::Indeterminate { .. }) => error = unknown,
                Err(other) => return batch.finish(&other),
            }
        }
        batch.finish(&error)
    }

    /// Reads, steps and writes the open operations; only confirms if nothing else is needed.
    async fn round(&self, on: Connection, batch: &mut OpBatch<'_>, guess: bool) -> Result<(), StoreError> {
        let Some((stepped, session)) = self.read_and_step(on, batch, guess).await? else { return Ok(()) };
        batch.fail_alone(stepped.failed);
        // moments first: a row whose operations saw one may only be written once the moment is
        let (moments, others) = stepped.rows.into_iter().partition(|(key, _)| matches!(key, Key::NotBefore(_)));
        let mut lost = BTreeSet::new();
        for rows in [moments, others] {
            let writes = batch.writes(rows, &lost);
            let Some(more) = self.write(on, session, batch, writes).await? else { return Ok(()) };
            lost.extend(more);
        }
        if let Some(session) = batch.to_confirm() {
            if self.rows.confirm(on, session).await? { batch.confirmed() } else { batch.reopen() }
        }
        Ok(())
    }

    /// Reads until every row is known that the open operations need; returns `None` if the connection broke in between.
    async fn read_and_step(
        &self,
        on: Connection,
        batch: &mut OpBatch<'_>,
        guess: bool,
    ) -> Result<Option<(Stepped, Option<Session>)>, StoreError> {
        let (mut known, mut session, mut now) = (KnownRows::new(), None, self.rows.now());
        loop {
            let seen = Seen {
                outage: self.rows.outage(),
                clock_error: self.rows.clock_error(),
                ..Seen::alone(Time::ZERO, now)
            };
            let mut stepped = batch.step(&known, seen, guess);
            if stepped.missing.is_empty() {
                return Ok(Some((stepped, session)));
            }
            let asked: Vec<Key> = std::mem::take(&mut stepped.missing).into_iter().collect();
            let found = self.rows.read(on, &asked).await?;
            batch.read_in(found.session);
            if session.is_some_and(|session| session != found.session) {
                return Ok(None);
            }
            (session, now) = (Some(found.session), found.now);
            // the first state that was read of a row is what its stamp stands for
            for (key, row) in found.rows {
                known.entry(key).or_insert(row);
            }
            if let Some(key) = asked.iter().find(|key| !known.contains_key(key)) {
                return Err(StoreError::Fatal(format!("the engine lost a row that was asked for: {key:?}")));
            }
            batch.recognise(&known);
        }
    }

    /// Writes rows: inserts, then changes. Returns the keys that were lost, or `None` if the connection broke before.
    async fn write(
        &self,
        on: Connection,
        session: Option<Session>,
        batch: &mut OpBatch<'_>,
        writes: Writes,
    ) -> Result<Option<Vec<Key>>, StoreError> {
        let Writes { inserts, inserted, changes, changed } = writes;
        let mut lost = Vec::new();
        if !inserts.is_empty() {
            let written = self.rows.insert(on, session, inserts).await;
            let Some(more) = note(batch, session, inserted, written)? else { return Ok(None) };
            lost.extend(more);
        }
        if let (false, Some(session)) = (changes.is_empty(), session) {
            let written = self.rows.change(on, session, changes).await;
            let Some(more) = note(batch, Some(session), changed, written)? else { return Ok(None) };
            lost.extend(more);
        }
        Ok(Some(lost))
    }

    async fn confirm_peek(&self, session: Session) -> Result<bool, StoreError> {
        let began: Time = self.rows.now();
        let confirmed = self.rows.confirm(Connection::Peeks, session).await?;
        if confirmed {
            self.peeks.note(session, began);
        }
        Ok(confirmed)
    }
}

/// Notes the outcome of a write; returns the keys that were lost, or `None` if the connection broke before it.
fn note(
    batch: &mut OpBatch<'_>,
    session: Option<Session>,
    writes: Vec<RowWrite>,
    written: Result<Written, StoreError>,
) -> Result<Option<Vec<Key>>, StoreError> {
    match written {
        Ok(Written::Won(keys)) => {
            let lost = batch.won(writes, &keys);
            if session.is_some() && !keys.is_empty() {
                batch.confirmed();
            }
            Ok(Some(lost))
        }
        Ok(Written::OtherSession) => {
            batch.reopen();
            Ok(None)
        }
        Err(error) => {
            if matches!(error, StoreError::Indeterminate { .. }) {
                batch.unanswered(writes);
            }
            Err(error)
        }
    }
}

impl<R: Rows> Ledger for Cas<R> {
    fn lanes(&self) -> Lanes {
        self.rows.lanes()
    }

    fn lane(&self, op: &Op) -> LaneId {
        self.rows.lane(op)
    }

    fn clock_error(&self) -> Duration {
        self.rows.clock_error()
    }

    fn apply(&self, lane: LaneId, ops: Vec<Op>) -> Pending<'_, Vec<Result<Answer, StoreError>>> {
        Box::pin(async move { Ok(self.run(Connection::Lane(lane), &ops).await) })
    }

    fn peek<'a>(&'a self, keys: &'a [Key]) -> Pending<'a, Vec<Option<Row>>> {
        Box::pin(async move {
            for _ in 0..ROUNDS {
                let found = self.rows.read(Connection::Peeks, keys).await?;
                let fresh = self.peeks.covers(found.session, self.rows.now(), self.rows.max_staleness());
                if fresh || self.confirm_peek(found.session).await? {
                    let row = |key: &Key| found.rows.get(key).cloned().unwrap_or(Ok(None));
                    return keys.iter().map(|key| Ok(row(key)?.map(|found| found.row))).collect();
                }
            }
            Err(StoreError::Unavailable { reason: "the connection for peeks breaks again and again".to_owned() })
        })
    }

    fn sweep(&self, lane: LaneId, budget: usize) -> Pending<'_, Swept> {
        Box::pin(self.rows.sweep(lane, budget))
    }
}
