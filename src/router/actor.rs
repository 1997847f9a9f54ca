//! The router actor: owns which actor serves which grant, forwards, and replaces the ones that die.

use std::collections::HashMap;
use std::sync::Arc;

use prometheus::IntCounter;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SpawnErr, SupervisionEvent};

use crate::grant::Error;
use crate::grant::actor::{Desk, GrantActor, Job};

/// What the router is told.
pub(super) enum Message {
    /// Have this answered.
    Serve(Job),
    /// Open a lane with a grant actor of its own.
    Open(Arc<Desk>, RpcReplyPort<Result<(), SpawnErr>>),
}

struct RouterActor;

struct State {
    /// By grant type.
    live: HashMap<String, (ActorRef<Job>, Arc<Desk>)>,
    restarts: IntCounter,
}

/// Starts the router actor, without any lanes.
pub(super) async fn start(restarts: IntCounter) -> Result<(ActorRef<Message>, tokio::task::JoinHandle<()>), SpawnErr> {
    Actor::spawn(None, RouterActor, restarts).await
}

impl State {
    fn serve(&self, job: Job) {
        let grant_type = job.request.form.get("grant_type").unwrap_or_default();
        let Some((grant, _)) = self.live.get(grant_type) else {
            let _ = job.reply.send(Err(Error::Gone));
            return;
        };
        // a dead grant's mailbox drops the job, and the edge hears of it as `Gone`
        let _ = grant.cast(job);
    }
}

impl Actor for RouterActor {
    type Msg = Message;
    type State = State;
    type Arguments = IntCounter;

    async fn pre_start(&self, _myself: ActorRef<Message>, restarts: IntCounter) -> Result<State, ActorProcessingErr> {
        Ok(State { live: HashMap::new(), restarts })
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        message: Message,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Serve(job) => state.serve(job),
            Message::Open(desk, reply) => {
                let opened = hire(&myself, &desk).await.map(|actor| {
                    state.live.insert(desk.grant.grant_type().as_str().to_owned(), (actor, desk));
                });
                let _ = reply.send(opened);
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Message>,
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

async fn hire(supervisor: &ActorRef<Message>, desk: &Arc<Desk>) -> Result<ActorRef<Job>, SpawnErr> {
    let (actor, _) = Actor::spawn_linked(None, GrantActor, desk.clone(), supervisor.get_cell()).await?;
    Ok(actor)
}
