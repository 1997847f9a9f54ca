//! The rotation actor and its supervisor: they decide when a round is made, one at a time, and who gets its result.
//!
//! The actor never waits: a round runs in a task of its own and comes back as a message. It owns nothing that cannot be
//! read again, so after a crash the supervisor starts another one, and requests go on with the last snapshot.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use ractor::concurrency::JoinHandle;
use ractor::{Actor, ActorProcessingErr, ActorRef, MessagingErr, RpcReplyPort, SpawnErr, SupervisionEvent};

use super::round::{Effort, Round};
use super::want::RotationRequest;
use super::{IssuerRings, KeyError, Shared};
use crate::ask::{AskError, ask};

/// Time after which an operator's request fails; a thousand new rings take their time.
const ANSWER_LIMIT: Duration = Duration::from_secs(120);
/// Number of operators' requests that may queue.
const QUEUE: usize = 64;
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LONGEST_RETRY: Duration = Duration::from_secs(60);
/// Delay before a dead actor is replaced, so that one that always dies does not burn a core.
const RESTART_DELAY: Duration = Duration::from_millis(100);
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// The handle of the running rotation actor.
pub(super) struct Rotation {
    supervisor: ActorRef<Restart>,
    actor: Arc<ArcSwapOption<ActorRef<Message>>>,
}

type Reply = RpcReplyPort<Result<(), KeyError>>;

/// A round that somebody asked for.
#[derive(Default)]
struct Job {
    /// New settings, adopted if the round succeeds with them.
    settings: Option<Arc<Vec<IssuerRings>>>,
    request: Option<RotationRequest>,
    reply: Option<Reply>,
}

enum Message {
    Make(Job),
    Finish(Job, Box<Result<Round, KeyError>>),
    #[cfg(test)]
    Die,
}

impl Rotation {
    pub(super) async fn spawn(shared: Arc<Shared>) -> Result<Self, KeyError> {
        let actor = Arc::new(ArcSwapOption::empty());
        let slot = Slot { shared, actor: Arc::clone(&actor) };
        let spawned = Actor::spawn(None, Supervisor, slot).await;
        let (supervisor, _) = spawned.map_err(|_| KeyError::Rotation(AskError::Gone))?;
        Ok(Self { supervisor, actor })
    }

    /// Requests a round, with new settings or for an operator's request, and waits for its result.
    pub(super) async fn run(
        &self,
        settings: Option<Arc<Vec<IssuerRings>>>,
        request: Option<RotationRequest>,
    ) -> Result<(), KeyError> {
        let actor = self.actor.load_full().ok_or(KeyError::Rotation(AskError::Gone))?;
        let job = |reply| Message::Make(Job { settings, request, reply: Some(reply) });
        ask(&actor, job, ANSWER_LIMIT).await.map_err(KeyError::Rotation)?
    }

    pub(super) async fn stop(&self) {
        // the supervisor first, or it would start another; one that is gone already is what we want
        let _ = self.supervisor.stop_and_wait(None, Some(STOP_LIMIT)).await;
        if let Some(actor) = self.actor.swap(None) {
            let _ = actor.stop_and_wait(None, Some(STOP_LIMIT)).await;
        }
    }

    #[cfg(test)]
    pub(super) fn kill(&self) {
        let _ = self.actor.load_full().unwrap().cast(Message::Die);
    }
}

struct Rotator;

struct State {
    shared: Arc<Shared>,
    busy: bool,
    waiting: VecDeque<Job>,
    failures: u32,
    timer: Option<JoinHandle<Result<(), MessagingErr<Message>>>>,
}

impl Actor for Rotator {
    type Msg = Message;
    type State = State;
    type Arguments = Arc<Shared>;

    async fn pre_start(&self, me: ActorRef<Message>, shared: Arc<Shared>) -> Result<State, ActorProcessingErr> {
        let mut state = State { shared, busy: false, waiting: VecDeque::new(), failures: 0, timer: None };
        let unfinished = state.shared.published.load().values().any(|keys| !keys.is_complete());
        state.wake_after(&me, if unfinished { Duration::ZERO } else { FIRST_RETRY });
        Ok(state)
    }

    async fn handle(
        &self,
        me: ActorRef<Message>,
        message: Message,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Make(job) if !state.busy => state.make(&me, job),
            Message::Make(job) if state.waiting.len() < QUEUE => state.waiting.push_back(job),
            Message::Make(job) => answer(job.reply, Err(KeyError::Contended)),
            Message::Finish(job, result) => {
                state.finish(&me, job, *result);
                if let Some(job) = state.waiting.pop_front() {
                    state.make(&me, job);
                }
            }
            #[cfg(test)]
            Message::Die => return Err("a test killed the actor".into()),
        }
        Ok(())
    }

    async fn post_stop(&self, _: ActorRef<Message>, state: &mut State) -> Result<(), ActorProcessingErr> {
        if let Some(timer) = state.timer.take() {
            timer.abort();
        }
        Ok(())
    }
}

impl State {
    fn make(&mut self, me: &ActorRef<Message>, job: Job) {
        self.busy = true;
        let (me, shared) = (me.clone(), Arc::clone(&self.shared));
        let settings = job.settings.clone().unwrap_or_else(|| shared.settings.load_full());
        let request = job.request.clone();
        // whoever waits for an answer does not wait for keys that others need
        let effort = if job.reply.is_some() { Effort::Quick } else { Effort::Full };
        tokio::spawn(async move {
            let round = async move {
                let last = shared.published.load_full();
                shared.keeper.round(&settings, &last, request.as_ref(), effort).await
            };
            // in a task of its own, so that even a panic comes back as a message
            let result = tokio::spawn(round).await.map_err(KeyError::Worker).flatten();
            // an actor that died meanwhile has a successor that makes its own rounds
            let _ = me.cast(Message::Finish(job, Box::new(result)));
        });
    }

    fn finish(&mut self, me: &ActorRef<Message>, job: Job, result: Result<Round, KeyError>) {
        self.busy = false;
        let (wait, outcome) = match result {
            // settings that do not work for every issuer are not taken over at all
            Ok(Round { trouble: Some(error), wait, .. }) if job.settings.is_some() => (wait, Err(error)),
            Ok(round) => {
                if let Some(settings) = job.settings {
                    self.shared.settings.store(settings);
                }
                self.shared.publish(round.published);
                (round.wait, round.trouble.map_or(Ok(()), Err))
            }
            Err(error) => (LONGEST_RETRY, Err(error)),
        };
        match &outcome {
            Ok(()) => self.failures = 0,
            Err(error) => {
                self.failures = self.failures.saturating_add(1);
                let source = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
                tracing::warn!(%error, source, failures = self.failures, "failed to look after the signing keys");
            }
        }
        let retry = FIRST_RETRY * 2_u32.saturating_pow(self.failures.min(8));
        self.wake_after(me, if self.failures == 0 { wait } else { retry.min(LONGEST_RETRY) });
        answer(job.reply, outcome);
    }

    fn wake_after(&mut self, me: &ActorRef<Message>, wait: Duration) {
        if let Some(timer) = self.timer.replace(me.send_after(wait, || Message::Make(Job::default()))) {
            timer.abort();
        }
    }
}

fn answer(reply: Option<Reply>, outcome: Result<(), KeyError>) {
    if let Some(reply) = reply {
        // whoever asked may have gone
        let _ = reply.send(outcome);
    }
}

/// The supervisor, which restarts the rotation actor whenever it ends.
struct Supervisor;

/// The message to restart the rotation actor.
struct Restart;

struct Slot {
    shared: Arc<Shared>,
    actor: Arc<ArcSwapOption<ActorRef<Message>>>,
}

impl Slot {
    async fn fill(&self, me: &ActorRef<Restart>) -> Result<(), SpawnErr> {
        let (actor, _) = Actor::spawn_linked(None, Rotator, Arc::clone(&self.shared), me.get_cell()).await?;
        self.actor.store(Some(Arc::new(actor)));
        Ok(())
    }
}

impl Actor for Supervisor {
    type Msg = Restart;
    type State = Slot;
    type Arguments = Slot;

    async fn pre_start(&self, me: ActorRef<Restart>, slot: Slot) -> Result<Slot, ActorProcessingErr> {
        slot.fill(&me).await?;
        Ok(slot)
    }

    async fn handle(&self, me: ActorRef<Restart>, _: Restart, slot: &mut Slot) -> Result<(), ActorProcessingErr> {
        if let Err(error) = slot.fill(&me).await {
            tracing::error!(%error, "failed to restart the key rotation");
            me.send_after(RESTART_DELAY, || Restart);
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        me: ActorRef<Restart>,
        event: SupervisionEvent,
        slot: &mut Slot,
    ) -> Result<(), ActorProcessingErr> {
        let reason = match event {
            SupervisionEvent::ActorFailed(_, error) => error.to_string(),
            SupervisionEvent::ActorTerminated(_, _, reason) => reason.unwrap_or_default(),
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => return Ok(()),
        };
        tracing::error!(reason, "the key rotation died, starting it again");
        slot.shared.keeper.metrics.actor_restarts.with_label_values(&["keys"]).inc();
        me.send_after(RESTART_DELAY, || Restart);
        Ok(())
    }
}
