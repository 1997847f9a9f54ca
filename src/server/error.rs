//! Reasons why the daemon did not start.

use super::material::PrepareError;
use crate::http::listener::BindError;
use crate::keys::KeyError;
use crate::store::StoreError;

/// A reason why the daemon did not start. Each message names the part that failed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ServerError {
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error("cannot use the store: {0}")]
    Store(#[from] StoreError),
    #[error("cannot use the signing keys")]
    Keys(#[from] KeyError),
    #[error("an actor did not start")]
    Actor(#[from] ractor::SpawnErr),
    #[error("the threads that hash passwords and secrets did not start")]
    Threads(#[from] std::io::Error),
}
