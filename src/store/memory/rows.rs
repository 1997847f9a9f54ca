//! Memory as a shared engine: rows with compare-and-set, for [`Cas`](crate::store::cas::Cas) and its tests.
//!
//! There is one session, and every read is current and durable at once; `contract::Faulty` injects the contrary.

use std::collections::BTreeMap;

use super::{Memory, State};
use crate::clock::Time;
use crate::state::Key;
use crate::store::rows::{Connection, ReadRows, RowChange, RowInsert, Rows, Session, Written};
use crate::store::{LaneId, Lanes, StoreError, Swept};

const ONLY: Session = Session(0);

impl Rows for Memory {
    fn lanes(&self) -> Lanes {
        Lanes { count: self.lanes, depth: 1 }
    }

    fn now(&self) -> Time {
        self.clock.now()
    }

    async fn read(&self, _on: Connection, keys: &[Key]) -> Result<ReadRows, StoreError> {
        let now = self.clock.now();
        self.now_or_closed(|state| {
            let mut rows = BTreeMap::new();
            for key in keys {
                let found = state.rows.get(key).cloned();
                for moment in found.iter().flat_map(|found| found.row.not_before_keys()) {
                    rows.insert(moment, Ok(state.rows.get(&moment).cloned()));
                }
                rows.insert(*key, Ok(found));
            }
            Ok(ReadRows { session: ONLY, now, rows })
        })
    }

    async fn insert(
        &self,
        _on: Connection,
        session: Option<Session>,
        rows: Vec<RowInsert>,
    ) -> Result<Written, StoreError> {
        self.now_or_closed(|state| {
            Ok(if session.is_none_or(|own| own == ONLY) { state.insert(rows) } else { Written::OtherSession })
        })
    }

    async fn change(&self, _on: Connection, session: Session, rows: Vec<RowChange>) -> Result<Written, StoreError> {
        self.now_or_closed(|state| Ok(if session == ONLY { state.change(rows) } else { Written::OtherSession }))
    }

    async fn confirm(&self, _on: Connection, session: Session) -> Result<bool, StoreError> {
        self.now_or_closed(|_| Ok(session == ONLY))
    }

    async fn sweep(&self, lane: LaneId, budget: usize) -> Result<Swept, StoreError> {
        let now = self.clock.now().as_secs();
        self.now_or_closed(|state| Ok(state.sweep((lane, self.lanes), budget, now)))
    }
}

impl State {
    fn insert(&mut self, rows: Vec<RowInsert>) -> Written {
        let mut won = Vec::new();
        for RowInsert { key, to, unless } in rows {
            if !self.rows.contains_key(&key) && !unless.iter().any(|other| self.rows.contains_key(other)) {
                self.rows.insert(key, to);
                won.push(key);
            }
        }
        Written::Won(won)
    }

    fn change(&mut self, rows: Vec<RowChange>) -> Written {
        let mut won = Vec::new();
        for RowChange { key, expected, to } in rows {
            if let Some(found) = self.rows.get_mut(&key).filter(|found| found.stamp == expected) {
                *found = to;
                won.push(key);
            }
        }
        Written::Won(won)
    }
}
