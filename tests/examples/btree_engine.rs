//! An engine from outside of jeton: rows in a `BTreeMap` that one task owns, behind a channel.
//!
//! It keeps rows by their stamps and knows no rule of OAuth; jeton decides over it (`Engine::shared`). A program that
//! embeds jeton brings it in its `Extensions`. `tests/it/engine.rs` runs the contract of jeton's store on it and a daemon.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jeton::store::{
    Connection, Document, Documents, Health, Key, KeyRings, LaneId, Lanes, Lifecycle, Pending, ReadRows, RowChange,
    RowInsert, Rows, Session, StampedRow, StoreError, StoredKey, Swept, Written, check_document, check_key, deadline,
};
use jeton::{Clock, Time};
use tokio::sync::{mpsc, oneshot};

type Job = Box<dyn FnOnce(&mut Tables) + Send>;

/// A handle on the task that owns everything.
pub(crate) struct BTreeEngine {
    jobs: mpsc::UnboundedSender<Job>,
    closed: AtomicBool,
    lanes: LaneId,
    clock: Clock,
}

#[derive(Default)]
struct Tables {
    rows: BTreeMap<Key, StampedRow>,
    documents: BTreeMap<(String, String), Document>,
    version: u64,
    keys: BTreeMap<(String, u32), StoredKey>,
}

/// The one connection that there ever is.
const SESSION: Session = Session(1);

impl BTreeEngine {
    /// An empty engine that takes `lanes` batches side by side. Needs a tokio runtime.
    pub(crate) fn open(lanes: LaneId, clock: Clock) -> Arc<Self> {
        let (jobs, mut queue) = mpsc::unbounded_channel::<Job>();
        tokio::spawn(async move {
            let mut tables = Tables::default();
            while let Some(job) = queue.recv().await {
                job(&mut tables);
            }
        });
        Arc::new(Self { jobs, closed: AtomicBool::new(false), lanes, clock })
    }

    async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tables) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable { reason: "it is closed".to_owned() });
        }
        let (reply, answer) = oneshot::channel();
        let gone = |_| StoreError::Unavailable { reason: "the task is gone".to_owned() };
        // an asker that has left needs no answer
        self.jobs.send(Box::new(move |tables| drop(reply.send(job(tables))))).map_err(gone)?;
        answer.await.map_err(|_| StoreError::Indeterminate { reason: "the task went away".to_owned() })
    }

    fn pending<T: Send + 'static>(&self, job: impl FnOnce(&mut Tables) -> T + Send + 'static) -> Pending<'_, T> {
        Box::pin(self.ask(job))
    }
}

impl Rows for BTreeEngine {
    fn lanes(&self) -> Lanes {
        Lanes { count: self.lanes, depth: 1 }
    }

    fn now(&self) -> Time {
        self.clock.now()
    }

    async fn read(&self, _on: Connection, keys: &[Key]) -> Result<ReadRows, StoreError> {
        let (keys, clock) = (keys.to_vec(), self.clock.clone());
        self.ask(move |tables| {
            let rows = keys.into_iter().map(|key| (key, Ok(tables.rows.get(&key).cloned()))).collect();
            ReadRows { session: SESSION, now: clock.now(), rows }
        })
        .await
    }

    async fn insert(&self, _: Connection, _: Option<Session>, rows: Vec<RowInsert>) -> Result<Written, StoreError> {
        self.ask(move |tables| {
            let mut won = Vec::new();
            for RowInsert { key, to, unless } in rows {
                let absent = |key: &Key| !tables.rows.contains_key(key);
                if absent(&key) && unless.iter().all(absent) {
                    tables.rows.insert(key, to);
                    won.push(key);
                }
            }
            Written::Won(won)
        })
        .await
    }

    async fn change(&self, _: Connection, _: Session, rows: Vec<RowChange>) -> Result<Written, StoreError> {
        self.ask(move |tables| {
            let mut won = Vec::new();
            for RowChange { key, expected, to } in rows {
                if let Some(found) = tables.rows.get_mut(&key).filter(|found| found.stamp == expected) {
                    *found = to;
                    won.push(key);
                }
            }
            Written::Won(won)
        })
        .await
    }

    /// What the task holds is all the truth there is; to be asked is to be confirmed.
    async fn confirm(&self, _on: Connection, session: Session) -> Result<bool, StoreError> {
        self.ask(move |_| session == SESSION).await
    }

    async fn sweep(&self, lane: LaneId, budget: usize) -> Result<Swept, StoreError> {
        let (now, lanes) = (self.clock.now().as_secs(), self.lanes);
        self.ask(move |tables| {
            let due = |key: &Key, found: &StampedRow| key.lane(lanes) == lane && deadline(&found.row) <= now;
            let due = tables.rows.iter().filter(|(key, found)| due(key, found)).map(|(key, _)| *key);
            let keys: Vec<Key> = due.take(budget).collect();
            keys.iter().for_each(|key| drop(tables.rows.remove(key)));
            Swept { forgotten: keys.len(), more: keys.len() == budget }
        })
        .await
    }
}

impl Documents for BTreeEngine {
    fn list<'a>(&'a self, kind: &'a str) -> Pending<'a, (Vec<Document>, u64)> {
        let kind = kind.to_owned();
        self.pending(move |tables| {
            (tables.of_kind(&kind).filter(|own| own.body.is_some()).cloned().collect(), tables.version)
        })
    }

    fn get<'a>(&'a self, kind: &'a str, name: &'a str) -> Pending<'a, Option<Document>> {
        let name = (kind.to_owned(), name.to_owned());
        self.pending(move |tables| tables.documents.get(&name).filter(|own| own.body.is_some()).cloned())
    }

    fn page<'a>(&'a self, kind: &'a str, prefix: &'a str, after: &'a str, limit: usize) -> Pending<'a, Vec<Document>> {
        let (kind, prefix, after) = (kind.to_owned(), prefix.to_owned(), after.to_owned());
        self.pending(move |tables| {
            let wanted = |own: &&Document| own.body.is_some() && own.name.starts_with(&prefix) && own.name > after;
            tables.of_kind(&kind).filter(wanted).take(limit).cloned().collect()
        })
    }

    fn put(&self, mut document: Document, expected: u64) -> Pending<'_, Option<u64>> {
        Box::pin(async move {
            check_document(&document)?;
            self.ask(move |tables| {
                let name = (document.kind.clone(), document.name.clone());
                let current = tables.documents.get(&name).filter(|own| own.body.is_some());
                if current.map_or(0, |own| own.version) != expected {
                    return None;
                }
                tables.version += 1;
                document.version = tables.version;
                tables.documents.insert(name, document);
                Some(tables.version)
            })
            .await
        })
    }

    fn changes<'a>(&'a self, kind: &'a str, version: u64) -> Pending<'a, (Vec<Document>, u64)> {
        let kind = kind.to_owned();
        self.pending(move |tables| {
            let mut newer: Vec<_> = tables.of_kind(&kind).filter(|own| own.version > version).cloned().collect();
            newer.sort_by_key(|own| own.version);
            (newer, tables.version.max(version))
        })
    }
}

impl Tables {
    /// The documents of a kind in the order of their names.
    fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Document> {
        self.documents.values().filter(move |own| own.kind == kind)
    }
}

impl KeyRings for BTreeEngine {
    fn keys(&self) -> Pending<'_, Vec<StoredKey>> {
        self.pending(|tables| tables.keys.values().cloned().collect())
    }

    fn publish(&self, expected: Option<u32>, key: StoredKey) -> Pending<'_, bool> {
        Box::pin(async move {
            check_key(&key)?;
            self.ask(move |tables| {
                let newest =
                    tables.keys.keys().filter(|(ring, _)| *ring == key.ring).map(|(_, generation)| *generation);
                let first = newest.max() == expected && key.generation == expected.unwrap_or(0) + 1;
                if first {
                    tables.keys.insert((key.ring.clone(), key.generation), key);
                }
                first
            })
            .await
        })
    }

    fn drop_up_to<'a>(&'a self, ring: &'a str, generation: u32) -> Pending<'a, ()> {
        let ring = ring.to_owned();
        self.pending(move |tables| tables.keys.retain(|(own, of), _| *own != ring || *of > generation))
    }
}

impl Lifecycle for BTreeEngine {
    fn health(&self) -> Health {
        let closed = self.closed.load(Ordering::SeqCst);
        if closed { Health::Unavailable("it is closed".to_owned()) } else { Health::Ready }
    }

    fn size(&self) -> Option<u64> {
        None
    }

    fn close(&self) -> Pending<'_, ()> {
        self.closed.store(true, Ordering::SeqCst);
        Box::pin(ready(Ok(())))
    }
}

/// Brings the engine to a daemon: this is all that a program adds, beside this file.
pub(crate) fn extensions(clock: &Clock) -> jeton::Extensions {
    jeton::Extensions {
        engine: Some(jeton::store::Engine::shared(BTreeEngine::open(2, clock.clone()))),
        ..Default::default()
    }
}

/// Redeems a code twice on the engine, and says what came of it.
#[expect(clippy::print_stdout, reason = "an example shows something")]
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn main() -> Result<(), StoreError> {
    let clock = Clock::system();
    let Some(engine) = extensions(&clock).engine else { return Ok(()) };
    for attempt in [1, 2] {
        let redeem = jeton::store::contract::redeem(7, attempt, clock.now());
        for answer in engine.ledger.apply(0, vec![redeem.into()]).await? {
            println!("{:?}", answer?.outcome);
        }
    }
    engine.lifecycle.close().await
}
