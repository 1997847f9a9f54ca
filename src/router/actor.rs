//! The supervisor of the grants' actors: starts one for each grant and replaces those that die.

use std::sync::Arc;

use prometheus::IntCounter;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SpawnErr, SupervisionEvent};

use super::registered::RegisteredGrant;
use crate::grant::actor::{GrantActor, GrantRuntime, Job};

/// Asks the supervisor to start the actor of a grant.
pub(super) struct Register {
    pub(super) runtime: Arc<GrantRuntime>,
    pub(super) reply: RpcReplyPort<Result<Arc<RegisteredGrant>, SpawnErr>>,
}

struct GrantSupervisor {
    max_in_flight: usize,
}

struct Supervised {
    grants: Vec<Arc<RegisteredGrant>>,
    restarts: IntCounter,
}

/// Starts the supervisor, without any grant.
pub(super) async fn start(
    restarts: IntCounter,
    max_in_flight: usize,
) -> Result<(ActorRef<Register>, tokio::task::JoinHandle<()>), SpawnErr> {
    Actor::spawn(None, GrantSupervisor { max_in_flight }, restarts).await
}

impl Actor for GrantSupervisor {
    type Msg = Register;
    type State = Supervised;
    type Arguments = IntCounter;

    async fn pre_start(
        &self,
        _myself: ActorRef<Register>,
        restarts: IntCounter,
    ) -> Result<Supervised, ActorProcessingErr> {
        Ok(Supervised { grants: Vec::new(), restarts })
    }

    async fn handle(
        &self,
        myself: ActorRef<Register>,
        Register { runtime, reply }: Register,
        state: &mut Supervised,
    ) -> Result<(), ActorProcessingErr> {
        let registered = spawn(&myself, &runtime).await.map(|actor| {
            let grant = Arc::new(RegisteredGrant::new(runtime, actor, self.max_in_flight));
            state.grants.push(grant.clone());
            grant
        });
        let _ = reply.send(registered);
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Register>,
        event: SupervisionEvent,
        state: &mut Supervised,
    ) -> Result<(), ActorProcessingErr> {
        let (SupervisionEvent::ActorFailed(dead, _) | SupervisionEvent::ActorTerminated(dead, _, _)) = event else {
            return Ok(());
        };
        if let Some(grant) = state.grants.iter().find(|grant| grant.live.load().get_id() == dead.get_id()) {
            tracing::error!(grant = &**grant.metrics().label(), "a grant actor died; starting another");
            state.restarts.inc();
            grant.live.store(Arc::new(spawn(&myself, &grant.runtime).await?));
        }
        Ok(())
    }
}

async fn spawn(supervisor: &ActorRef<Register>, runtime: &Arc<GrantRuntime>) -> Result<ActorRef<Job>, SpawnErr> {
    let (actor, _) = Actor::spawn_linked(None, GrantActor, runtime.clone(), supervisor.get_cell()).await?;
    Ok(actor)
}
