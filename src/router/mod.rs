//! The router: from a `grant_type` to its registered grant, whose actor it supervises.

mod actor;
mod message;
mod metrics;
mod registered;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use ractor::ActorRef;

use crate::ask::ask;
use crate::grant::actor::GrantRuntime;
use crate::grant::{Context, Grant};
use crate::metrics::Metrics;
use crate::protocol::endpoint::GrantEndpoint;
use crate::setting::{SettingError, check_period};
use message::RouterMessage;
pub(crate) use metrics::TokenMetrics;
pub(crate) use registered::RegisteredGrant;

/// Longest duration of the registration of a grant.
const REGISTRATION: Duration = Duration::from_secs(5);

/// Limits of token requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RouterConfig {
    /// Requests of one grant type in flight at a time; further ones are refused at once.
    pub max_in_flight_per_grant: usize,
    /// Time from the edge to the answer of a request.
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

/// The registered grants by name. Cheap to clone.
#[derive(Clone)]
pub struct Router {
    actor: ActorRef<RouterMessage>,
    grants: Arc<ArcSwap<HashMap<String, Arc<RegisteredGrant>>>>,
    /// The metrics of requests whose grant type nobody registered.
    unknown: Arc<TokenMetrics>,
    config: RouterConfig,
    /// The context of grants that are registered later.
    context: Arc<Context>,
}

/// The label of requests whose grant type the router does not know.
const UNKNOWN: &str = "unknown";

impl Router {
    /// Starts the supervisor and registers `grants`.
    ///
    /// The second value completes when the router actor is gone, which is fatal: drain and exit.
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
        let (actor, handle) = actor::start(restarts).await?;
        let unknown = Arc::new(TokenMetrics::new(metrics, UNKNOWN));
        let context = Arc::new(context.clone());
        let router = Self { actor, grants: Arc::default(), unknown, config, context };
        router.register(grants).await?;
        Ok((router, handle))
    }

    /// Registers each of `grants` whose type is not registered yet. Only one caller at a time.
    ///
    /// # Errors
    /// If an actor does not start; the grants before it are registered.
    pub async fn register(&self, grants: Vec<Arc<dyn Grant>>) -> Result<(), ractor::SpawnErr> {
        for grant in grants {
            let name = grant.grant_type();
            if self.knows(name.as_str()) {
                continue;
            }
            let runtime = Arc::new(GrantRuntime::new(grant, Context::clone(&self.context), self.config.deadline));
            let register = |reply| RouterMessage::Register(runtime.clone(), reply);
            let mailbox = ask(&self.actor, register, REGISTRATION).await;
            let mailbox = mailbox.unwrap_or_else(|error| Err(ractor::SpawnErr::StartupFailed(error.into())))?;
            let in_flight = self.config.max_in_flight_per_grant;
            let registered = Arc::new(RegisteredGrant::new(runtime, self.actor.clone(), mailbox, in_flight));
            let mut all = HashMap::clone(&self.grants.load());
            all.insert(name.as_str().to_owned(), registered);
            self.grants.store(Arc::new(all));
        }
        Ok(())
    }

    /// Returns the grant of this type; `None` if none is registered.
    pub fn grant(&self, grant_type: &str) -> Option<Arc<RegisteredGrant>> {
        self.grants.load().get(grant_type).cloned()
    }

    /// Returns the grant that begins at `endpoint`.
    pub fn begins_at(&self, endpoint: GrantEndpoint) -> Option<Arc<RegisteredGrant>> {
        self.grants.load().values().find(|grant| grant.endpoint() == Some(endpoint)).cloned()
    }

    /// Returns the endpoints at which grants begin.
    pub fn endpoints(&self) -> Vec<GrantEndpoint> {
        self.grants.load().values().filter_map(|grant| grant.endpoint()).collect()
    }

    /// Returns whether a grant of this type is registered.
    pub fn knows(&self, grant_type: &str) -> bool {
        self.grants.load().contains_key(grant_type)
    }

    /// The metrics of requests without a registered grant type.
    pub fn unknown(&self) -> &TokenMetrics {
        &self.unknown
    }

    /// Stops the router actor and its grants; running requests are finished by their own tasks.
    pub fn stop(&self) {
        self.actor.stop(None);
    }
}
