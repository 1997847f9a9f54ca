//! A shared engine under test, and a node over it.

use std::sync::Arc;

use crate::clock::{Clock, Time};
use crate::state::{Device, Family, Key, Row};
use crate::store::contract::Subject;
use crate::store::memory::Memory;
use crate::store::rows::{Connection, RowChange, Rows, Stamp, StampedRow};
use crate::store::{Documents, Engine, KeyRings, Lifecycle, Pending, StoreError};

/// Removes a row of a shared engine, as if it were swept.
pub type Forget<R> = fn(Arc<R>, Key) -> Pending<'static, ()>;

/// A shared engine under test.
pub trait SharedSubject: Sized + 'static {
    /// The engine.
    type Engine: Rows + Documents + KeyRings + Lifecycle;

    /// Empty, with this many lanes, its time from `clock`.
    fn open(lanes: u16, clock: Clock) -> Arc<Self::Engine>;

    /// The same data in a new engine, if there is any that outlives an engine.
    fn reopen(engine: Arc<Self::Engine>) -> Arc<Self::Engine> {
        engine
    }

    /// Makes a row go, as if it were swept. An engine whose sweep does not see that a row may be forgotten earlier than
    /// was said when it was inserted has a way of its own.
    fn forget(engine: Arc<Self::Engine>, key: Key) -> Pending<'static, ()> {
        Box::pin(async move { expire_and_sweep(&*engine, key).await })
    }
}

/// A node of a shared engine, as the subject of [`engine_contract!`](crate::engine_contract).
pub struct Node<S: SharedSubject>(Arc<S::Engine>);

impl<S: SharedSubject> Subject for Node<S> {
    fn open(lanes: u16, clock: Clock) -> Self {
        Self(S::open(lanes, clock))
    }

    fn reopen(self) -> Self {
        Self(S::reopen(self.0))
    }

    fn engine(&self) -> Engine {
        Engine::shared(self.0.clone())
    }
}

/// The engine in memory as one that nodes share.
pub struct SharedModel;

impl SharedSubject for SharedModel {
    type Engine = Memory;

    fn open(lanes: u16, clock: Clock) -> Arc<Memory> {
        Arc::new(Memory::new(lanes, clock))
    }
}

async fn expire_and_sweep<R: Rows>(rows: &R, key: Key) -> Result<(), StoreError> {
    let on = Connection::Peeks;
    let mut read = rows.read(on, &[key]).await?;
    let found = read.rows.remove(&key).unwrap().unwrap().expect("a row to forget");
    let to = StampedRow { stamp: Stamp::random(), row: expired(found.row) };
    rows.change(on, read.session, vec![RowChange { key, expected: found.stamp, to }]).await?;
    for lane in 0..rows.lanes().count {
        while rows.sweep(lane, 64).await?.more {}
    }
    let gone = rows.read(on, &[key]).await?.rows.remove(&key);
    assert_eq!(gone, Some(Ok(None)), "it is swept");
    Ok(())
}

fn expired(row: Row) -> Row {
    let keep_until = Time::ZERO;
    match row {
        Row::Family(family) => Row::Family(Box::new(Family { keep_until, ..*family })),
        Row::Device(device) => Row::Device(Box::new(Device { expires_at: keep_until, ..*device })),
        Row::MissedCode { misses, .. } => Row::MissedCode { misses, keep_until },
        Row::Mark { attempt, .. } => Row::Mark { attempt, keep_until },
        Row::NotBefore { at, .. } => Row::NotBefore { at, keep_until },
        Row::UserCode { family, cell, .. } => Row::UserCode { family, keep_until, cell },
    }
}
