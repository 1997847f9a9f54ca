//! One registered grant: all that a token request needs from the look-up of its `grant_type` on.

use std::sync::Arc;
use std::time::Duration;

use prometheus::IntCounter;
use ractor::ActorRef;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::message::{GrantMailbox, RouterMessage};
use super::metrics::TokenMetrics;
use crate::ask::{AskError, ask};
use crate::grant::actor::{GrantRuntime, Job};
use crate::grant::{Error, TokenRequest};
use crate::metrics::Stopwatch;
use crate::protocol::endpoint::GrantEndpoint;
use crate::protocol::grant_type::GrantType;
use crate::protocol::response::{StartResponse, TokenResponse};

/// A grant with its live actor, its admission and its metrics.
pub struct RegisteredGrant {
    runtime: Arc<GrantRuntime>,
    router: ActorRef<RouterMessage>,
    mailbox: GrantMailbox,
    permits: Arc<Semaphore>,
    shed: IntCounter,
    metrics: TokenMetrics,
}

impl RegisteredGrant {
    /// Registers the grant of `runtime`, whose requests `router` forwards to `mailbox`, with at most `in_flight` of them
    /// at a time.
    pub(super) fn new(
        runtime: Arc<GrantRuntime>,
        router: ActorRef<RouterMessage>,
        mailbox: GrantMailbox,
        in_flight: usize,
    ) -> Self {
        let name = runtime.grant.grant_type();
        let metrics = &runtime.context.metrics;
        Self {
            router,
            mailbox,
            permits: Arc::new(Semaphore::new(in_flight)),
            shed: metrics.shed.with_label_values(&[name.as_str()]),
            metrics: TokenMetrics::new(metrics, name.as_str()),
            runtime,
        }
    }

    /// The metrics of requests for this grant.
    pub fn metrics(&self) -> &TokenMetrics {
        &self.metrics
    }

    /// Sends a token request through the router to the grant's actor and awaits the answer.
    ///
    /// # Errors
    /// [`Error::Overloaded`] at once if too many requests of the grant are in flight, [`Error::Late`] past the deadline,
    /// [`Error::Gone`] while the actor restarts; otherwise the grant's own refusal.
    pub async fn serve(&self, mut request: TokenRequest) -> Result<TokenResponse, Error> {
        let permit = self.admit()?;
        let since = Stopwatch::start();
        // dropped when the answer is given or given up, or when the client hangs up
        let edge = Arc::new(());
        request.waiting = Arc::downgrade(&edge);
        let job = |reply| RouterMessage::Serve(self.mailbox.clone(), Job { request, reply, since, permit });
        let answer = ask(&self.router, job, self.deadline()).await;
        drop(edge);
        answer.unwrap_or_else(|error| match error {
            AskError::Gone => Err(Error::Gone),
            AskError::Late => Err(Error::Late),
        })
    }

    /// Answers a request to the grant's own endpoint.
    ///
    /// # Errors
    /// [`Error::Overloaded`] at once if too many requests of the grant are in flight, [`Error::Late`] past the deadline;
    /// otherwise the grant's own refusal.
    pub async fn start(&self, request: &TokenRequest) -> Result<StartResponse, Error> {
        let _permit = self.admit()?;
        let started = tokio::time::timeout(self.deadline(), self.runtime.grant.start(request, &self.runtime.context));
        started.await.unwrap_or(Err(Error::Late))
    }

    /// Returns the type of the grant.
    pub fn grant_type(&self) -> GrantType {
        self.runtime.grant.grant_type()
    }

    /// Returns the endpoint at which the grant begins, if it has one.
    pub fn endpoint(&self) -> Option<GrantEndpoint> {
        self.runtime.grant.endpoint()
    }

    /// Takes a permit among the requests of the grant in flight.
    fn admit(&self) -> Result<OwnedSemaphorePermit, Error> {
        self.permits.clone().try_acquire_owned().map_err(|_| {
            self.shed.inc();
            Error::Overloaded
        })
    }

    fn deadline(&self) -> Duration {
        self.runtime.deadline
    }
}
