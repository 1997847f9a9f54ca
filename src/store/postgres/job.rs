//! The jobs of a lane, and the place where an answer goes.

use tokio::sync::oneshot;
use tokio_postgres::Row;

use super::query::Query;
use crate::state::Key;
use crate::store::StoreError;
use crate::store::rows::{ReadRows, Session};

/// The place for an answer. Whoever waits for it may have left.
pub(super) type LaneReply<T> = oneshot::Sender<Result<T, StoreError>>;

/// A question to a lane.
pub(super) enum LaneJob {
    /// Read rows; what waits together is read together.
    Read(Vec<Key>, LaneReply<ReadRows>),
    /// Confirm the reads of a session; false if it is over.
    Confirm(Session, LaneReply<bool>),
    /// Run a statement, in this session if one is given.
    Run(Query, Option<Session>, LaneReply<Ran>),
}

/// The result of a statement.
#[derive(Debug)]
pub(super) enum Ran {
    /// Done in this session; holds the returned rows.
    Done(Session, Vec<Row>),
    /// Another transaction was first, and nothing was done.
    Conflict,
    /// The session it belongs to is over, and nothing was done.
    OtherSession,
}

impl LaneJob {
    /// Answers that nothing was done.
    pub(super) fn refuse(self, error: StoreError) {
        // whoever waits may have left
        match self {
            Self::Read(_, reply) => drop(reply.send(Err(error))),
            Self::Confirm(_, reply) => drop(reply.send(Err(error))),
            Self::Run(_, _, reply) => drop(reply.send(Err(error))),
        }
    }
}
