//! The reloader actor: one reload at a time, however many ask; a tick each second to follow other nodes. When it dies
//! it is started again; what was loaded stays in use.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use prometheus::{IntCounter, IntGauge};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SpawnErr};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::live_config::LiveConfig;
use crate::ask::ask;
use crate::metrics::Metrics;
use crate::service::{Operator, Reloaded};

/// Time between two looks for changes of other nodes.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);
/// Longest wait of a caller for a reload: longer than each of its steps may take, new RSA keys included. The reload
/// itself is never dropped half way.
const LIMIT: Duration = Duration::from_secs(240);

type Reply = RpcReplyPort<Result<Reloaded, String>>;

enum Message {
    Reload(Reply),
    Reloaded(Result<Reloaded, String>),
    Follow,
    Followed,
}

#[derive(Clone)]
pub(in crate::server) struct Reloader {
    config: Arc<LiveConfig>,
    actor: Arc<ArcSwap<ActorRef<Message>>>,
    keeper: Arc<JoinHandle<()>>,
}

struct ReloaderActor {
    config: Arc<LiveConfig>,
    metrics: Metrics,
}

#[derive(Default)]
struct State {
    /// Callers of the reload that runs.
    running: Vec<Reply>,
    /// Callers that asked since it began, and want the files as they are now.
    waiting: Vec<Reply>,
    following: bool,
}

impl Reloader {
    pub(in crate::server) async fn start(config: Arc<LiveConfig>, metrics: &Metrics) -> Result<Self, SpawnErr> {
        now(&metrics.config_loaded_at);
        let (actor, mut ended) = spawn(&config, metrics).await?;
        let actor = Arc::new(ArcSwap::from_pointee(actor));
        let restarts: IntCounter = metrics.actor_restarts.with_label_values(&["reloader"]);
        let (slot, kept, kept_metrics) = (actor.clone(), config.clone(), metrics.clone());
        let keeper = tokio::spawn(async move {
            loop {
                let _ = ended.await;
                restarts.inc();
                let Ok((next, next_ended)) = spawn(&kept, &kept_metrics).await else { return };
                slot.store(Arc::new(next));
                ended = next_ended;
            }
        });
        Ok(Self { config, actor, keeper: Arc::new(keeper) })
    }

    async fn ask_reload(&self) -> Result<Reloaded, String> {
        let actor = self.actor.load_full();
        ask(&actor, Message::Reload, LIMIT).await.map_err(|error| error.to_string())?
    }

    pub(in crate::server) async fn stop(&self) {
        self.keeper.abort();
        self.actor.load().stop(None);
        self.config.leave().await;
    }
}

impl Operator for Reloader {
    fn reload(&self) -> Pin<Box<dyn Future<Output = Result<Reloaded, String>> + Send + '_>> {
        Box::pin(self.ask_reload())
    }

    fn config(&self) -> Value {
        self.config.describe()
    }
}

async fn spawn(config: &Arc<LiveConfig>, metrics: &Metrics) -> Result<(ActorRef<Message>, JoinHandle<()>), SpawnErr> {
    let actor = ReloaderActor { config: config.clone(), metrics: metrics.clone() };
    Actor::spawn(None, actor, ()).await
}

impl Actor for ReloaderActor {
    type Msg = Message;
    type State = State;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Message>, (): ()) -> Result<State, ActorProcessingErr> {
        myself.send_interval(FOLLOW_EVERY, || Message::Follow);
        Ok(State::default())
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        message: Message,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Reload(reply) => {
                state.waiting.push(reply);
                self.begin(&myself, state);
            }
            Message::Reloaded(outcome) => {
                self.count(&outcome);
                for reply in state.running.drain(..) {
                    let _ = reply.send(outcome.clone());
                }
                self.begin(&myself, state);
            }
            Message::Follow if !state.following => {
                state.following = true;
                let (config, myself) = (self.config.clone(), myself);
                tokio::spawn(async move {
                    // in a task of its own, so that even a panic ends in a message
                    let _ = tokio::spawn(async move { config.follow().await }).await;
                    let _ = myself.cast(Message::Followed);
                });
            }
            Message::Follow => {}
            Message::Followed => state.following = false,
        }
        Ok(())
    }
}

impl ReloaderActor {
    fn begin(&self, myself: &ActorRef<Message>, state: &mut State) {
        if !state.running.is_empty() || state.waiting.is_empty() {
            return;
        }
        state.running = std::mem::take(&mut state.waiting);
        let (config, myself) = (self.config.clone(), myself.clone());
        tokio::spawn(async move {
            let reload = tokio::spawn(async move { config.reload().await });
            let outcome = reload.await.unwrap_or_else(|error| Err(format!("the reload failed: {error}")));
            let _ = myself.cast(Message::Reloaded(outcome));
        });
    }

    fn count(&self, outcome: &Result<Reloaded, String>) {
        let label = match outcome {
            Ok(Reloaded { changed: true, .. }) => "ok",
            Ok(Reloaded { changed: false, .. }) => "unchanged",
            Err(_) => "refused",
        };
        self.metrics.reloads.with_label_values(&[label]).inc();
        match outcome {
            Ok(reloaded) => {
                tracing::info!(target: "audit", event = "reloaded", changed = reloaded.changed, needs_restart = ?reloaded.needs_restart);
                now(&self.metrics.config_loaded_at);
            }
            Err(reason) => tracing::error!(target: "audit", event = "reload_refused", reason),
        }
    }
}

fn now(gauge: &IntGauge) {
    let now = crate::clock::Clock::system().now().as_secs();
    gauge.set(i64::try_from(now).unwrap_or(i64::MAX));
}
