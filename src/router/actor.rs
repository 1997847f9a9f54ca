//! The router actor: forwards token requests to the actor of their grant, starts these actors and replaces those that
//! die. It never waits for one.

use std::sync::Arc;

use arc_swap::ArcSwap;
use prometheus::IntCounter;
use ractor::{Actor, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};

use super::message::{GrantMailbox, RouterMessage};
use crate::grant::actor::{GrantActor, GrantRuntime, Job};

struct RouterActor;

struct RoutedGrants {
    grants: Vec<(GrantMailbox, Arc<GrantRuntime>)>,
    restarts: IntCounter,
}

/// Starts the router actor, without any grant.
pub(super) async fn start(
    restarts: IntCounter,
) -> Result<(ActorRef<RouterMessage>, tokio::task::JoinHandle<()>), SpawnErr> {
    Actor::spawn(None, RouterActor, restarts).await
}

impl Actor for RouterActor {
    type Msg = RouterMessage;
    type State = RoutedGrants;
    type Arguments = IntCounter;

    async fn pre_start(
        &self,
        _myself: ActorRef<RouterMessage>,
        restarts: IntCounter,
    ) -> Result<RoutedGrants, ActorProcessingErr> {
        Ok(RoutedGrants { grants: Vec::new(), restarts })
    }

    async fn handle(
        &self,
        myself: ActorRef<RouterMessage>,
        message: RouterMessage,
        state: &mut RoutedGrants,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            // a dead grant's mailbox drops the job, and the edge hears of it as `Gone`
            RouterMessage::Serve(mailbox, job) => drop(mailbox.load().cast(job)),
            RouterMessage::Register(runtime, reply) => {
                let registered = spawn(&myself, &runtime).await.map(|actor| {
                    let mailbox: GrantMailbox = Arc::new(ArcSwap::from_pointee(actor));
                    state.grants.push((mailbox.clone(), runtime));
                    mailbox
                });
                let _ = reply.send(registered);
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<RouterMessage>,
        event: SupervisionEvent,
        state: &mut RoutedGrants,
    ) -> Result<(), ActorProcessingErr> {
        let (SupervisionEvent::ActorFailed(dead, _) | SupervisionEvent::ActorTerminated(dead, _, _)) = event else {
            return Ok(());
        };
        if let Some((mailbox, runtime)) = state.grants.iter().find(|(live, _)| live.load().get_id() == dead.get_id()) {
            tracing::error!(grant = runtime.grant.grant_type().as_str(), "a grant actor died; starting another");
            state.restarts.inc();
            mailbox.store(Arc::new(spawn(&myself, runtime).await?));
        }
        Ok(())
    }
}

async fn spawn(router: &ActorRef<RouterMessage>, runtime: &Arc<GrantRuntime>) -> Result<ActorRef<Job>, SpawnErr> {
    let (actor, _) = Actor::spawn_linked(None, GrantActor, runtime.clone(), router.get_cell()).await?;
    Ok(actor)
}
