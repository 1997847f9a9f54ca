//! The router: from `grant_type` to the live actor of that grant, with admission before the mailbox.

mod actor;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use prometheus::IntCounter;
use ractor::ActorRef;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::ask::{AskError, ask};
use crate::grant::actor::{Desk, Job};
use crate::grant::{Context, Error, Grant, TokenRequest};
use crate::metrics::{Metrics, Stopwatch};
use crate::protocol::error::ErrorCode;
use crate::protocol::response::TokenResponse;
use crate::setting::{SettingError, check_period};
use actor::Message;

/// How long a new lane may take to open.
const OPENING: Duration = Duration::from_secs(5);

/// How much the router lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RouterConfig {
    /// Requests of one grant type in flight at a time; more are refused at once.
    pub max_in_flight_per_grant: usize,
    /// How long a request may take from the edge to its answer.
    #[serde(with = "humantime_serde")]
    pub deadline: Duration,
}

impl Default for RouterConfig {
    fn default() -> Self {
        Self { max_in_flight_per_grant: 1024, deadline: Duration::from_secs(5) }
    }
}

impl RouterConfig {
    /// Checks both bounds.
    ///
    /// # Errors
    /// The first setting that breaks its rule.
    pub fn check(&self) -> Result<(), SettingError> {
        if self.max_in_flight_per_grant == 0 {
            return Err(SettingError::new("max_in_flight_per_grant", 0, "at least 1"));
        }
        check_period("deadline", self.deadline)
    }
}

/// Sends token requests to the actor of their grant. Cheap to clone.
#[derive(Clone)]
pub struct Router {
    actor: ActorRef<Message>,
    lanes: Arc<ArcSwap<HashMap<String, Lane>>>,
    config: RouterConfig,
    /// What the grants get that are opened later.
    context: Arc<Context>,
}

/// The label of requests whose grant type the router does not know.
pub const UNKNOWN: &str = "unknown";

/// Makes the series of a grant, so that its first request and its first failure count as every other.
fn begin_series(metrics: &Metrics, grant: &str) {
    for outcome in ErrorCode::ALL.map(ErrorCode::name).into_iter().chain(["ok"]) {
        let _ = metrics.token_requests.with_label_values(&[grant, outcome]);
    }
    let _ = metrics.stage_duration.with_label_values(&[grant, "auth"]);
}

#[derive(Clone)]
struct Lane {
    permits: Arc<Semaphore>,
    shed: IntCounter,
}

impl Router {
    /// Starts the router actor and one actor per grant.
    ///
    /// The second value completes when the router is gone, which is fatal: drain and exit.
    ///
    /// # Errors
    /// If an actor does not start.
    pub async fn start(
        grants: Vec<Arc<dyn Grant>>,
        context: &Context,
        config: RouterConfig,
        metrics: &Metrics,
    ) -> Result<(Self, tokio::task::JoinHandle<()>), ractor::SpawnErr> {
        let restarts = metrics.actor_restarts.with_label_values(&["grant"]);
        begin_series(metrics, UNKNOWN);
        let (actor, handle) = actor::start(restarts).await?;
        let router = Self { actor, lanes: Arc::default(), config, context: Arc::new(context.clone()) };
        router.open(grants).await?;
        Ok((router, handle))
    }

    /// Opens a lane for each of these grants whose type has none; a lane that is open stays as it is. One caller at a
    /// time.
    ///
    /// # Errors
    /// If an actor does not start; the lanes before it are open.
    pub async fn open(&self, grants: Vec<Arc<dyn Grant>>) -> Result<(), ractor::SpawnErr> {
        for grant in grants {
            let name = grant.grant_type();
            if self.knows(name.as_str()) {
                continue;
            }
            let metrics = &self.context.metrics;
            begin_series(metrics, name.as_str());
            let desk = Desk::new(grant, Context::clone(&self.context), self.config.deadline, metrics);
            let opened = ask(&self.actor, |reply| Message::Open(Arc::new(desk), reply), OPENING).await;
            opened.unwrap_or_else(|error| Err(ractor::SpawnErr::StartupFailed(error.into())))?;
            let lane = Lane {
                permits: Arc::new(Semaphore::new(self.config.max_in_flight_per_grant)),
                shed: metrics.shed.with_label_values(&[name.as_str()]),
            };
            let mut lanes = HashMap::clone(&self.lanes.load());
            lanes.insert(name.as_str().to_owned(), lane);
            self.lanes.store(Arc::new(lanes));
        }
        Ok(())
    }

    /// Whether there is a grant of this type: if so, its name may be a label.
    pub fn knows(&self, grant_type: &str) -> bool {
        self.lanes.load().contains_key(grant_type)
    }

    /// Has a token request answered.
    ///
    /// # Errors
    /// [`Error::Overloaded`] at once if too many of its grant are in flight; whatever the grant says otherwise.
    pub async fn token(&self, grant_type: &str, mut request: TokenRequest) -> Result<TokenResponse, Error> {
        let permit = self.admit(grant_type)?;
        let since = Stopwatch::start();
        // dropped when the answer is given or given up, or when the client hangs up
        let edge = Arc::new(());
        request.waiting = Arc::downgrade(&edge);
        let job = |reply| Message::Serve(Job { request, reply, since, permit });
        let answer = ask(&self.actor, job, self.config.deadline).await;
        drop(edge);
        answer.unwrap_or_else(|error| match error {
            AskError::Gone => Err(Error::Gone),
            AskError::Late => Err(Error::Late),
        })
    }

    /// A place among the requests of a grant that are in flight; also for what belongs to a grant and is no token request.
    ///
    /// # Errors
    /// [`Error::Overloaded`] if there is none.
    pub fn admit(&self, grant_type: &str) -> Result<OwnedSemaphorePermit, Error> {
        let lanes = self.lanes.load();
        let lane = lanes.get(grant_type).ok_or(Error::Gone)?;
        lane.permits.clone().try_acquire_owned().map_err(|_| {
            lane.shed.inc();
            Error::Overloaded
        })
    }

    /// Stops the router and its grants; what they work on is finished by its own tasks.
    pub fn stop(&self) {
        self.actor.stop(None);
    }
}
