//! The commands of the committer's thread.

use tokio::sync::oneshot;

use crate::clock::Time;
use crate::state::Op;
use crate::store::sled::disk::Disk;
use crate::store::{Answer, StoreError};

/// The results of the operations of a batch.
pub(super) type Answers = Vec<Result<Answer, StoreError>>;

/// A command for the committer.
pub(super) enum Command {
    /// Operations on rows.
    Apply(Vec<Op>, oneshot::Sender<Result<Answers, StoreError>>),
    /// Any other write.
    Run(Work, Needs),
    /// The end: no command follows this one.
    Close(oneshot::Sender<Result<(), StoreError>>),
}

/// The condition on which a unit of work is answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::store::sled) enum Needs {
    /// The writes of the work are durable.
    Commit,
    /// None: lost writes will be done again.
    Nothing,
}

/// A unit of work: runs, unless it is given an error, and returns its result and the reply to make after the commit.
pub(super) type Work =
    Box<dyn FnOnce(Result<(&Disk, Time), StoreError>) -> (Result<(), StoreError>, CommitReply) + Send>;

/// The reply to a unit of work: reports that it is durable, or why it is not.
pub(super) type CommitReply = Box<dyn FnOnce(&Result<(), StoreError>) + Send>;
