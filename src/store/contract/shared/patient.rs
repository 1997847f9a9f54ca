//! A node whose engine fails on demand.

use std::sync::Arc;

use super::faulty::Faulty;
use super::subject::SharedSubject;
use crate::clock::Clock;
use crate::state::{Key, Op, Outcome, Row};
use crate::store::cas::Cas;
use crate::store::contract::START;
use crate::store::{Answer, Ledger, StoreError};

/// A node whose engine has bad days, and the clock of both.
pub(super) struct Patient<S: SharedSubject> {
    pub(super) clock: Clock,
    pub(super) rows: Arc<Faulty<S::Engine>>,
    pub(super) node: Cas<Arc<Faulty<S::Engine>>>,
}

impl<S: SharedSubject> Patient<S> {
    pub(super) fn open() -> Self {
        let clock = Clock::manual(START);
        let rows = Arc::new(Faulty::new(S::open(1, clock.clone()), S::forget, clock.clone()));
        Self { clock, node: Cas::new(rows.clone()), rows }
    }

    /// Carries operations out, each on this node.
    pub(super) async fn apply(&self, ops: Vec<Op>) -> Vec<Result<Answer, StoreError>> {
        self.node.apply(0, ops).await.unwrap()
    }

    pub(super) async fn one(&self, op: impl Into<Op>) -> Result<Answer, StoreError> {
        self.apply(vec![op.into()]).await.remove(0)
    }

    pub(super) async fn outcome(&self, op: impl Into<Op>) -> Outcome {
        self.one(op).await.unwrap().outcome
    }

    pub(super) async fn elsewhere(&self, op: impl Into<Op>) -> Outcome {
        self.rows.elsewhere(op.into()).await.unwrap().outcome
    }

    pub(super) async fn row(&self, key: Key) -> Option<Row> {
        self.node.peek(&[key]).await.unwrap().remove(0)
    }
}
