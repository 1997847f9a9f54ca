//! Requests to actors: one error type around ractor's two, and a deadline on each.

use std::time::Duration;

use ractor::rpc::CallResult;
use ractor::{ActorRef, Message, RpcReplyPort};

/// A reason why an actor did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The actor is gone, or dropped the request.
    #[error("the actor is gone")]
    Gone,
    /// The actor did not answer in time.
    #[error("the actor did not answer in time")]
    Late,
}

/// Sends the message that `message` makes around a reply port, and waits at most `limit` for the answer.
///
/// # Errors
/// If the actor is gone or late.
pub(crate) async fn ask<M: Message, T: Send + 'static>(
    actor: &ActorRef<M>,
    message: impl FnOnce(RpcReplyPort<T>) -> M,
    limit: Duration,
) -> Result<T, AskError> {
    match actor.call(message, Some(limit)).await {
        Ok(CallResult::Success(answer)) => Ok(answer),
        Ok(CallResult::Timeout) => Err(AskError::Late),
        Ok(CallResult::SenderError) | Err(_) => Err(AskError::Gone),
    }
}
