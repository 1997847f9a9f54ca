//! What the committer's thread is asked to do.

use tokio::sync::oneshot;

use crate::clock::Time;
use crate::state::Op;
use crate::store::sled::disk::Disk;
use crate::store::{Answer, StoreError};

/// What each operation of a batch came to.
pub(super) type Answers = Vec<Result<Answer, StoreError>>;

/// Something for the committer to do.
pub(super) enum Command {
    /// Operations on rows.
    Apply(Vec<Op>, oneshot::Sender<Result<Answers, StoreError>>),
    /// Anything else that writes.
    Run(Work, Needs),
    /// Nothing more after this.
    Close(oneshot::Sender<Result<(), StoreError>>),
}

/// What a work needs before it is answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::store::sled) enum Needs {
    /// That what it wrote is durable.
    Commit,
    /// Nothing: what is lost will be done again.
    Nothing,
}

/// Does its work, if it may, and gives what to say after the commit.
pub(super) type Work = Box<dyn FnOnce(Result<(&Disk, Time), StoreError>) -> (Result<(), StoreError>, Reply) + Send>;

/// Says that what was done is durable, or why it is not.
pub(super) type Reply = Box<dyn FnOnce(&Result<(), StoreError>) + Send>;
