//! The handle of a lane, of which each batch and each read takes one.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::failure::{Effect, FailureKind, SqlFailure, unavailable};
use super::job::{LaneJob, LaneReply, Ran};
use super::lane_task::{LaneParts, LaneTask};
use super::query::Query;
use crate::state::Key;
use crate::store::StoreError;
use crate::store::rows::{ReadRows, Session};

/// Longest time to wait for an answer: connecting, and a statement, and those before it.
const ANSWER: Duration = Duration::from_secs(8);
/// Number of questions that may wait in a lane.
const QUEUE: usize = 4096;

/// The handle of a lane; the task ends with it.
pub(super) struct SqlLane {
    jobs: mpsc::Sender<LaneJob>,
}

impl SqlLane {
    /// Starts a lane; it connects when it is first asked.
    pub(super) fn start(parts: LaneParts) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE);
        tokio::spawn(LaneTask::new(parts, queue).run());
        Self { jobs }
    }

    /// Reads rows.
    pub(super) async fn read(&self, keys: Vec<Key>) -> Result<ReadRows, StoreError> {
        let gone = unavailable("the lane is gone");
        self.ask(|reply| LaneJob::Read(keys, reply), gone, Effect::Read).await
    }

    /// Confirms the reads of a session; false if it is over.
    pub(super) async fn confirm(&self, session: Session) -> Result<bool, StoreError> {
        let gone = unavailable("the lane is gone");
        self.ask(|reply| LaneJob::Confirm(session, reply), gone, Effect::Read).await
    }

    /// Runs a statement, in a session if one is given.
    pub(super) async fn run(&self, query: Query, session: Option<Session>) -> Result<Ran, StoreError> {
        let effect = query.effect;
        let gone = SqlFailure::new(FailureKind::Broken, "the lane is gone").into_store_error(effect);
        self.ask(|reply| LaneJob::Run(query, session, reply), gone, effect).await
    }

    async fn ask<T>(
        &self,
        job: impl FnOnce(LaneReply<T>) -> LaneJob,
        gone: StoreError,
        effect: Effect,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.jobs.try_send(job(reply)).map_err(|_| unavailable("too much waits for the database"))?;
        match tokio::time::timeout(ANSWER, answer).await {
            Ok(answer) => answer.unwrap_or(Err(gone)),
            Err(_) => Err(SqlFailure::new(FailureKind::Late, "the database is too slow").into_store_error(effect)),
        }
    }
}
