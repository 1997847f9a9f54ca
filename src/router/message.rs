//! The messages to the router actor, and the mailboxes that it forwards to.

use std::sync::Arc;

use arc_swap::ArcSwap;
use ractor::{ActorRef, RpcReplyPort, SpawnErr};

use crate::grant::actor::{GrantRuntime, Job};

/// The mailbox of a grant; the router puts another actor's there when the grant's actor dies.
pub(super) type GrantMailbox = Arc<ArcSwap<ActorRef<Job>>>;

/// A message to the router actor.
pub(super) enum RouterMessage {
    /// Forwards a token request to the actor of its grant.
    Serve(GrantMailbox, Job),
    /// Starts the actor of a grant.
    Register(Arc<GrantRuntime>, RpcReplyPort<Result<GrantMailbox, SpawnErr>>),
}
