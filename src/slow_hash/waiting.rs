//! Requests that wait for a hash, and the error of those that get none.

use std::sync::Weak;

/// Alive as long as a request waits for its answer: work on a request goes on after its edge gave it up.
pub(crate) type Waiting = Weak<()>;

/// The error of a hash that is not computed: no room, nobody waits any more, or the threads are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many hashes wait to be computed")]
pub struct Full;
