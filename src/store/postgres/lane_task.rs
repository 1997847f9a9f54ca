//! The task of a lane: owns one connection and runs one statement at a time on it.
//!
//! A statement that takes too long is not cancelled, and its connection not dropped: whoever asked is answered, and the
//! lane takes nothing more until the statement is done or another primary was found.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::admit::admit;
use super::connection::{RunningStatement, ServerConnection};
use super::dial::Dialer;
use super::failure::{Effect, FailureKind, SqlFailure, unavailable};
use super::gate::Expected;
use super::job::{LaneJob, LaneReply, Ran};
use super::metrics::{CellMetrics, SqlStep};
use super::primary::{FoundPrimary, Primary};
use super::query::Query;
use super::reads;
use super::statements::CONFIRM;
use super::time::EngineTime;
use crate::metrics::{GaugeGuard, Stopwatch};
use crate::state::Key;
use crate::store::StoreError;
use crate::store::rows::{ReadRows, Session};

/// Longest time of a statement before its lane is stuck.
const STATEMENT: Duration = Duration::from_secs(2);
/// Longest time to wait for the first search for the primary.
const SEARCH: Duration = Duration::from_secs(3);
/// Most keys that are read together.
const KEYS: usize = 1024;
/// Time for which a lane does not connect after it could not.
const REST: Duration = Duration::from_millis(100);

/// The parts of a cell that its lanes share.
#[derive(Clone)]
pub(super) struct LaneParts {
    pub(super) dialer: Arc<Dialer>,
    pub(super) expected: Expected,
    pub(super) primary: watch::Receiver<Primary>,
    pub(super) time: Arc<EngineTime>,
    pub(super) metrics: CellMetrics,
}

/// The task of a lane.
pub(super) struct LaneTask {
    parts: LaneParts,
    jobs: mpsc::Receiver<LaneJob>,
    /// Questions that arrived while another one was under way.
    waiting: VecDeque<LaneJob>,
    connection: Option<(ServerConnection, FoundPrimary)>,
    /// The statement that takes too long.
    late: Option<RunningStatement>,
    /// Since the last statement was sent.
    sent: Stopwatch,
    /// The last failure to connect.
    failed: Option<(Stopwatch, String)>,
}

impl LaneTask {
    /// Makes the task that serves `jobs`; it connects when it is first asked.
    pub(super) fn new(parts: LaneParts, jobs: mpsc::Receiver<LaneJob>) -> Self {
        let (waiting, sent) = (VecDeque::new(), Stopwatch::start());
        Self { parts, jobs, waiting, connection: None, late: None, sent, failed: None }
    }

    /// Works until nobody can ask any more.
    pub(super) async fn run(mut self) {
        while let Some(job) = self.jobs.recv().await {
            self.waiting.push_back(job);
            while let Ok(job) = self.jobs.try_recv() {
                self.waiting.push_back(job);
            }
            while let Some(job) = self.waiting.pop_front() {
                self.serve(job).await;
            }
            if let Some(late) = self.late.take() {
                let _stuck = GaugeGuard::new(&self.parts.metrics.stuck.clone());
                if !self.wait_for(late).await {
                    break;
                }
            }
        }
        if self.late.is_some() {
            self.abort();
        }
    }

    /// Refuses everything until a late statement is done, or its connection of no use; false if nobody can ask any more.
    async fn wait_for(&mut self, mut late: RunningStatement) -> bool {
        loop {
            let (found, own) = (self.found(), self.connection.as_ref().map(|(_, own)| *own));
            if found.is_some() && found != own {
                self.abort();
                return true;
            }
            tokio::select! {
                result = &mut late => {
                    let broken = result.is_err_and(|failure| failure.kind == FailureKind::Broken);
                    if broken {
                        self.let_go();
                    }
                    tracing::info!(broken, "a statement that took too long has ended");
                    return true;
                }
                job = self.jobs.recv() => match job {
                    Some(job) => job.refuse(stuck()),
                    None => {
                        self.late = Some(late);
                        return false;
                    }
                },
                changed = self.parts.primary.changed() => if changed.is_err() {
                    self.abort();
                    return false;
                },
            }
        }
    }

    /// Ends the connection, whatever runs on it.
    fn abort(&mut self) {
        if let Some((connection, _)) = self.connection.take() {
            connection.abort();
        }
    }

    async fn serve(&mut self, job: LaneJob) {
        if self.late.is_some() {
            return job.refuse(stuck());
        }
        match job {
            LaneJob::Read(keys, reply) => self.read(keys, reply).await,
            LaneJob::Confirm(session, reply) => self.confirm(session, reply).await,
            // whoever asked was told that it does not know; then it need not be done
            LaneJob::Run(_, _, reply) if reply.is_closed() => {}
            LaneJob::Run(query, session, reply) => {
                let result = self.execute(query, session).await;
                let _ = reply.send(result);
            }
        }
    }

    /// Reads rows, together with what else waits to be read.
    async fn read(&mut self, keys: Vec<Key>, reply: LaneReply<ReadRows>) {
        let mut asked = vec![(keys, reply)];
        let mut count = asked[0].0.len();
        let mut others = VecDeque::with_capacity(self.waiting.len());
        for job in self.waiting.drain(..) {
            match job {
                LaneJob::Read(keys, reply) if count + keys.len() <= KEYS => {
                    count += keys.len();
                    asked.push((keys, reply));
                }
                other => others.push_back(other),
            }
        }
        self.waiting = others;
        asked.retain(|(_, reply)| !reply.is_closed());
        let keys: Vec<Key> = asked.iter().flat_map(|(keys, _)| keys).copied().collect();
        if asked.is_empty() {
            return;
        }
        let read = match self.execute(reads::query(&keys), None).await {
            Ok(Ran::Done(session, rows)) => reads::found(session, &rows, &keys, self.sent, &self.parts.time),
            Ok(Ran::Conflict | Ran::OtherSession) => Err(unavailable("a read was turned back")),
            Err(error) => Err(error),
        };
        for (keys, reply) in asked {
            let part = read.as_ref().map(|read| reads::part(read, &keys));
            let _ = reply.send(part.map_err(StoreError::clone));
        }
    }

    /// Confirms a session, for everybody who waits for that.
    async fn confirm(&mut self, session: Session, reply: LaneReply<bool>) {
        let mut replies = vec![reply];
        let mut others = VecDeque::with_capacity(self.waiting.len());
        for job in self.waiting.drain(..) {
            match job {
                LaneJob::Confirm(other, reply) if other == session => replies.push(reply),
                other => others.push_back(other),
            }
        }
        self.waiting = others;
        let confirmed =
            match self.execute(Query::write(CONFIRM, Vec::new()).timed(SqlStep::Confirm), Some(session)).await {
                Ok(ran) => Ok(matches!(ran, Ran::Done(..))),
                Err(error) => Err(error),
            };
        for reply in replies {
            let _ = reply.send(confirmed.clone());
        }
    }

    /// Runs a statement within its time.
    async fn execute(&mut self, query: Query, session: Option<Session>) -> Result<Ran, StoreError> {
        let found = self.primary().await?;
        if self.connection.as_ref().is_some_and(|(connection, own)| !connection.is_usable() || *own != found) {
            self.let_go();
        }
        let (connection, _) = match &mut self.connection {
            Some(connection) => connection,
            // a session that is over needs no new connection
            None if session.is_some() => return Ok(Ran::OtherSession),
            none => none.insert((connect(&self.parts, &mut self.failed, found).await?, found)),
        };
        let own = connection.session;
        if session.is_some_and(|session| session != own) {
            return Ok(Ran::OtherSession);
        }
        let (effect, step) = (query.effect, query.step);
        let mut running = connection.run(query);
        self.sent = Stopwatch::start();
        let is_another = |known: &Primary| *known != Primary::Found(found);
        let result = tokio::select! {
            biased;
            result = &mut running => Ok(result),
            // nobody need wait for what the connector knows
            _ = self.parts.primary.wait_for(is_another) => Err("the primary went away"),
            () = time_of_a_statement() => Err("the database did not answer in time"),
        };
        let failure = match result {
            Ok(Ok(rows)) => {
                self.parts.metrics.trip(step, self.sent.seconds());
                return Ok(Ran::Done(own, rows));
            }
            Ok(Err(failure)) => failure,
            Err(reason) => {
                self.late = Some(running);
                tracing::warn!(reason, "a statement is not waited for any more; its lane takes nothing more");
                SqlFailure::new(FailureKind::Late, reason)
            }
        };
        self.failed_with(failure, effect)
    }

    fn failed_with(&mut self, failure: SqlFailure, effect: Effect) -> Result<Ran, StoreError> {
        match failure.kind {
            FailureKind::Conflict if effect == Effect::Write => return Ok(Ran::Conflict),
            FailureKind::Broken => self.let_go(),
            FailureKind::Unknown => tracing::error!(reason = failure.reason, "a statement failed"),
            FailureKind::Conflict | FailureKind::Refused | FailureKind::Late => {}
        }
        let told = failure.into_store_error(effect);
        if matches!(told, StoreError::Indeterminate { .. }) {
            self.parts.metrics.unknown.inc();
        }
        Err(told)
    }

    /// Lets the connection go.
    fn let_go(&mut self) {
        if self.connection.take().is_some_and(|(connection, _)| connection.is_poisoned()) {
            self.parts.metrics.poisoned.inc();
        }
    }

    fn found(&self) -> Option<FoundPrimary> {
        match &*self.parts.primary.borrow() {
            Primary::Found(found) => Some(*found),
            Primary::Sought | Primary::Away { .. } => None,
        }
    }

    /// Returns the primary, after the first search for it. A cell that is away is not asked; the connection stays, for the
    /// case that it is the same one that comes back.
    async fn primary(&mut self) -> Result<FoundPrimary, StoreError> {
        let sought = |known: &Primary| *known != Primary::Sought;
        let known = tokio::time::timeout(SEARCH, self.parts.primary.wait_for(sought)).await;
        match known.as_ref().map(|known| known.as_deref()) {
            Ok(Ok(Primary::Found(found))) => Ok(*found),
            Ok(Ok(Primary::Away { reason, .. })) => Err(unavailable(reason.clone())),
            Ok(Ok(Primary::Sought)) | Err(_) => Err(unavailable("the primary is still being looked for")),
            Ok(Err(_)) => Err(super::failure::closed()),
        }
    }
}

/// Connects to the primary, unless that failed just now.
async fn connect(
    parts: &LaneParts,
    failed: &mut Option<(Stopwatch, String)>,
    found: FoundPrimary,
) -> Result<ServerConnection, StoreError> {
    if let Some((since, reason)) = failed
        && since.elapsed() < REST
    {
        return Err(unavailable(reason.clone()));
    }
    let reason = match admit(&parts.dialer, &parts.expected, found.host).await {
        Ok(admitted) if admitted.timeline >= found.timeline => {
            *failed = None;
            return Ok(admitted.connection);
        }
        Ok(_) => "the server went back to an older timeline".to_owned(),
        Err(turned) => turned.reason,
    };
    *failed = Some((Stopwatch::start(), reason.clone()));
    Err(unavailable(reason))
}

#[expect(clippy::disallowed_methods, reason = "the time after which a statement is late")]
async fn time_of_a_statement() {
    tokio::time::sleep(STATEMENT).await;
}

fn stuck() -> StoreError {
    unavailable("the database does not answer")
}
