//! The router actor: owns which actor serves which grant, forwards, and replaces the ones that die.

use std::collections::HashMap;
use std::sync::Arc;

use prometheus::IntCounter;
use ractor::{Actor, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};

use crate::grant::Error;
use crate::grant::actor::{Desk, GrantActor, Job};

struct RouterActor;

struct State {
    /// By grant type.
    live: HashMap<String, (ActorRef<Job>, Arc<Desk>)>,
    restarts: IntCounter,
}

/// Starts the router actor with a grant actor for each desk.
pub(super) async fn start(
    desks: Vec<Arc<Desk>>,
    restarts: IntCounter,
) -> Result<(ActorRef<Job>, tokio::task::JoinHandle<()>), SpawnErr> {
    Actor::spawn(None, RouterActor, (desks, restarts)).await
}

impl Actor for RouterActor {
    type Msg = Job;
    type State = State;
    type Arguments = (Vec<Arc<Desk>>, IntCounter);

    async fn pre_start(
        &self,
        myself: ActorRef<Job>,
        (desks, restarts): Self::Arguments,
    ) -> Result<State, ActorProcessingErr> {
        let mut live = HashMap::new();
        for desk in desks {
            let name = desk.grant.grant_type().as_str().to_owned();
            live.insert(name, (hire(&myself, &desk).await?, desk));
        }
        Ok(State { live, restarts })
    }

    async fn handle(&self, _myself: ActorRef<Job>, job: Job, state: &mut State) -> Result<(), ActorProcessingErr> {
        let grant_type = job.request.form.get("grant_type").unwrap_or_default();
        let Some((grant, _)) = state.live.get(grant_type) else {
            let _ = job.reply.send(Err(Error::Gone));
            return Ok(());
        };
        // a dead grant's mailbox drops the job, and the edge hears of it as `Gone`
        let _ = grant.cast(job);
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Job>,
        event: SupervisionEvent,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let (SupervisionEvent::ActorFailed(who, _) | SupervisionEvent::ActorTerminated(who, _, _)) = event else {
            return Ok(());
        };
        for (name, (actor, desk)) in &mut state.live {
            if actor.get_id() == who.get_id() {
                tracing::error!(grant = name, "a grant actor died; starting another");
                state.restarts.inc();
                *actor = hire(&myself, desk).await?;
            }
        }
        Ok(())
    }
}

async fn hire(supervisor: &ActorRef<Job>, desk: &Arc<Desk>) -> Result<ActorRef<Job>, SpawnErr> {
    let (actor, _) = Actor::spawn_linked(None, GrantActor, desk.clone(), supervisor.get_cell()).await?;
    Ok(actor)
}
