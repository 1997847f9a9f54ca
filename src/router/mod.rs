//! The router: from `grant_type` to the live actor of that grant, with admission before the mailbox.

mod actor;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use prometheus::IntCounter;
use ractor::ActorRef;
use tokio::sync::Semaphore;

use crate::ask::{AskError, ask};
use crate::grant::actor::{Desk, Job};
use crate::grant::{Context, Error, Grant, TokenRequest};
use crate::metrics::{Metrics, Stopwatch};
use crate::protocol::response::TokenResponse;

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

/// Sends token requests to the actor of their grant. Cheap to clone.
#[derive(Clone)]
pub struct Router {
    actor: ActorRef<Job>,
    lanes: Arc<HashMap<String, Lane>>,
    deadline: Duration,
}

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
        let mut lanes = HashMap::new();
        let mut desks = Vec::new();
        for grant in grants {
            let name = grant.grant_type();
            let lane = Lane {
                permits: Arc::new(Semaphore::new(config.max_in_flight_per_grant)),
                shed: metrics.shed.with_label_values(&[name.as_str()]),
            };
            lanes.insert(name.as_str().to_owned(), lane);
            desks.push(Arc::new(Desk::new(grant, context.clone(), config.deadline, metrics)));
        }
        let restarts = metrics.actor_restarts.with_label_values(&["grant"]);
        let (actor, handle) = actor::start(desks, restarts).await?;
        Ok((Self { actor, lanes: Arc::new(lanes), deadline: config.deadline }, handle))
    }

    /// The name of a grant type that the router knows, for labels and lookups.
    pub fn knows(&self, grant_type: &str) -> Option<&str> {
        self.lanes.get_key_value(grant_type).map(|(name, _)| name.as_str())
    }

    /// Has a token request answered.
    ///
    /// # Errors
    /// [`Error::Overloaded`] at once if too many of its grant are in flight; whatever the grant says otherwise.
    pub async fn token(&self, grant_type: &str, request: TokenRequest) -> Result<TokenResponse, Error> {
        let lane = self.lanes.get(grant_type).ok_or(Error::Gone)?;
        let Ok(permit) = lane.permits.clone().try_acquire_owned() else {
            lane.shed.inc();
            return Err(Error::Overloaded);
        };
        let since = Stopwatch::start();
        let answer = ask(&self.actor, |reply| Job { request, reply, since, permit }, self.deadline).await;
        answer.unwrap_or_else(|error| match error {
            AskError::Gone => Err(Error::Gone),
            AskError::Late => Err(Error::Late),
        })
    }

    /// Stops the router and its grants; what they work on is finished by its own tasks.
    pub fn stop(&self) {
        self.actor.stop(None);
    }
}
