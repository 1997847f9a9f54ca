//! A shared engine with injected faults: other nodes act between a read and a write, connections break, answers are
//! lost, a reader is behind. The faults are scripted, so each run is the same, and nothing waits.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Forget;
use crate::clock::{Clock, Time};
use crate::state::{Key, Op};
use crate::store::cas::Cas;
use crate::store::rows::{Connection, ReadRows, RowChange, RowInsert, Rows, Session, StampedRow, Written};
use crate::store::{Answer, LaneId, Lanes, Ledger, StoreError, Swept};

/// The fault of one call.
#[derive(Clone, Debug)]
pub enum RowFault {
    /// No fault.
    None,
    /// Other nodes perform these actions before the call.
    Others(Vec<Act>),
    /// No answer arrives.
    Unanswered {
        /// True if the write is done.
        done: bool,
    },
    /// No answer arrives, and the next read is refused.
    Cut {
        /// True if the write is done.
        done: bool,
    },
    /// The write is done, no answer arrives, and other nodes then perform these actions.
    Overwritten(Vec<Act>),
    /// No answer arrives, and the write is done only just before the next one.
    Late,
    /// The engine refuses, and nothing is done.
    Refused,
    /// The connection breaks and comes back before the call, so its session is over.
    Reconnected,
}

/// An action of another node.
#[derive(Clone, Debug)]
pub enum Act {
    /// An operation.
    Do(Box<Op>),
    /// The deletion of a row.
    Forget(Key),
    /// The passing of time.
    Wait(Duration),
}

/// The number of calls that an engine received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Number of reads.
    pub reads: usize,
    /// Number of inserts.
    pub inserts: usize,
    /// Number of changes.
    pub changes: usize,
    /// Number of confirmations.
    pub confirms: usize,
}

/// Rows with injected faults.
pub struct Faulty<R> {
    rows: Arc<R>,
    others: Cas<Arc<R>>,
    forget: Forget<R>,
    clock: Clock,
    script: Mutex<Script>,
}

#[derive(Default)]
struct Script {
    reads: VecDeque<RowFault>,
    writes: VecDeque<RowFault>,
    confirms: VecDeque<RowFault>,
    pauses: VecDeque<u8>,
    damaged: BTreeSet<Key>,
    frozen: Option<BTreeMap<Key, Option<StampedRow>>>,
    late: Vec<(Connection, LateWrite)>,
    session: u64,
    inner: HashMap<Connection, Session>,
    calls: Calls,
}

enum LateWrite {
    Insert(Vec<RowInsert>),
    Change(Vec<RowChange>),
}

impl<R: Rows> Faulty<R> {
    /// Wraps `rows`, without faults yet.
    pub fn new(rows: Arc<R>, forget: Forget<R>, clock: Clock) -> Self {
        Self { others: Cas::new(rows.clone()), rows, forget, clock, script: Mutex::default() }
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the faults of the next reads, one each.
    pub fn on_reads(&self, faults: impl IntoIterator<Item = RowFault>) {
        self.script().reads.extend(faults);
    }

    /// Sets the faults of the next inserts and changes, one each.
    pub fn on_writes(&self, faults: impl IntoIterator<Item = RowFault>) {
        self.script().writes.extend(faults);
    }

    /// Sets the faults of the next confirmations, one each.
    pub fn on_confirms(&self, faults: impl IntoIterator<Item = RowFault>) {
        self.script().confirms.extend(faults);
    }

    /// Sets the number of times that each of the next calls lets other tasks run first.
    pub fn pause(&self, pauses: impl IntoIterator<Item = u8>) {
        self.script().pauses.extend(pauses);
    }

    /// Damages the value stored under `key`.
    pub fn damage(&self, key: Key) {
        self.script().damaged.insert(key);
    }

    /// Makes this engine an old primary from now on: reads are answered from the present rows of `keys`, and no commit
    /// succeeds.
    ///
    /// # Errors
    /// If the rows cannot be read.
    pub async fn freeze(&self, keys: &[Key]) -> Result<(), StoreError> {
        let found = self.rows.read(Connection::Peeks, keys).await?.rows;
        let frozen: Result<_, _> = found.into_iter().map(|(key, row)| row.map(|row| (key, row))).collect();
        self.script().frozen = Some(frozen?);
        Ok(())
    }

    /// Ends [`Faulty::freeze`]: connects to the real primary again.
    pub fn thaw(&self) {
        let mut script = self.script();
        script.frozen = None;
        script.session += 1;
    }

    /// Returns the number of calls since the last time it was read.
    pub fn calls(&self) -> Calls {
        std::mem::take(&mut self.script().calls)
    }

    /// Carries out an operation on another node.
    ///
    /// # Errors
    /// As the engine.
    pub async fn elsewhere(&self, op: Op) -> Result<Answer, StoreError> {
        let mut answers = self.others.apply(0, vec![op]).await?;
        answers.pop().unwrap_or_else(|| Err(StoreError::Fatal("no answer".to_owned())))
    }

    async fn pass(&self) {
        let pauses = self.script().pauses.pop_front().unwrap_or(0);
        for _ in 0..pauses {
            tokio::task::yield_now().await;
        }
    }

    /// Performs the actions that come before a call; returns the fault, if it is about the call itself.
    async fn before(&self, fault: Option<RowFault>) -> Result<Option<RowFault>, StoreError> {
        match fault {
            Some(RowFault::Others(acts)) => {
                self.act(acts).await?;
                Ok(None)
            }
            Some(RowFault::Reconnected) => {
                self.script().session += 1;
                Ok(None)
            }
            Some(RowFault::Refused) => Err(unavailable()),
            other => Ok(other),
        }
    }

    async fn act(&self, acts: Vec<Act>) -> Result<(), StoreError> {
        for act in acts {
            match act {
                Act::Do(op) => drop(self.elsewhere(*op).await?),
                Act::Forget(key) => (self.forget)(self.rows.clone(), key).await?,
                Act::Wait(span) => self.clock.advance(span),
            }
        }
        Ok(())
    }

    async fn land(&self) -> Result<(), StoreError> {
        let late = std::mem::take(&mut self.script().late);
        for (on, write) in late {
            self.inner_write(on, write).await?;
        }
        Ok(())
    }

    async fn inner_write(&self, on: Connection, write: LateWrite) -> Result<Written, StoreError> {
        let inner = self.script().inner.get(&on).copied();
        match write {
            LateWrite::Insert(rows) => self.rows.insert(on, inner, rows).await,
            LateWrite::Change(rows) => self.rows.change(on, inner.unwrap_or(Session(0)), rows).await,
        }
    }

    async fn write(&self, on: Connection, session: Option<Session>, write: LateWrite) -> Result<Written, StoreError> {
        self.pass().await;
        let fault = self.script().writes.pop_front();
        let fault = self.before(fault).await?;
        self.land().await?;
        if self.script().frozen.is_some() {
            return Err(unavailable());
        }
        if session.is_some_and(|session| session != Session(self.script().session)) {
            return Ok(Written::OtherSession);
        }
        match fault {
            Some(RowFault::Unanswered { done } | RowFault::Cut { done }) => {
                if done {
                    self.inner_write(on, write).await?;
                }
                if matches!(fault, Some(RowFault::Cut { .. })) {
                    self.script().reads.push_front(RowFault::Refused);
                }
                Err(unanswered())
            }
            Some(RowFault::Overwritten(acts)) => {
                self.inner_write(on, write).await?;
                self.act(acts).await?;
                Err(unanswered())
            }
            Some(RowFault::Late) => {
                self.script().late.push((on, write));
                Err(unanswered())
            }
            _ => self.inner_write(on, write).await,
        }
    }
}

fn unavailable() -> StoreError {
    StoreError::Unavailable { reason: "the script says so".to_owned() }
}

fn unanswered() -> StoreError {
    StoreError::Indeterminate { reason: "the script says so".to_owned() }
}

fn assert_ascending(mut keys: impl Iterator<Item = Key>) {
    let Some(mut last) = keys.next() else { panic!("a call for nothing") };
    for key in keys {
        assert!(last < key, "keys ascend, each once: {last:?}, {key:?}");
        last = key;
    }
}

impl<R: Rows> Rows for Faulty<R> {
    fn lanes(&self) -> Lanes {
        self.rows.lanes()
    }

    fn now(&self) -> Time {
        self.rows.now()
    }

    async fn read(&self, on: Connection, keys: &[Key]) -> Result<ReadRows, StoreError> {
        self.pass().await;
        self.script().calls.reads += 1;
        let fault = self.script().reads.pop_front();
        self.before(fault).await?;
        let mut found = self.rows.read(on, keys).await?;
        let mut script = self.script();
        script.inner.insert(on, found.session);
        found.session = Session(script.session);
        if let Some(frozen) = &script.frozen {
            found.rows = keys.iter().map(|key| (*key, Ok(frozen.get(key).cloned().flatten()))).collect();
        }
        for (key, row) in &mut found.rows {
            if script.damaged.contains(key) {
                *row = Err(StoreError::Corrupt(format!("{key:?} is damaged")));
            }
        }
        Ok(found)
    }

    async fn insert(
        &self,
        on: Connection,
        session: Option<Session>,
        rows: Vec<RowInsert>,
    ) -> Result<Written, StoreError> {
        assert_ascending(rows.iter().map(|row| row.key));
        self.script().calls.inserts += 1;
        self.write(on, session, LateWrite::Insert(rows)).await
    }

    async fn change(&self, on: Connection, session: Session, rows: Vec<RowChange>) -> Result<Written, StoreError> {
        assert_ascending(rows.iter().map(|row| row.key));
        self.script().calls.changes += 1;
        self.write(on, Some(session), LateWrite::Change(rows)).await
    }

    async fn confirm(&self, on: Connection, session: Session) -> Result<bool, StoreError> {
        self.pass().await;
        self.script().calls.confirms += 1;
        let fault = self.script().confirms.pop_front();
        match self.before(fault).await? {
            Some(RowFault::Unanswered { .. } | RowFault::Late) => return Err(unanswered()),
            _ => self.land().await?,
        }
        let (frozen, now, inner) = {
            let script = self.script();
            (script.frozen.is_some(), Session(script.session), script.inner.get(&on).copied())
        };
        if frozen {
            return Err(unavailable());
        }
        Ok(session == now && self.rows.confirm(on, inner.unwrap_or(Session(0))).await?)
    }

    async fn sweep(&self, lane: LaneId, budget: usize) -> Result<Swept, StoreError> {
        self.rows.sweep(lane, budget).await
    }
}
