//! The actor of one grant type: it takes a request whose permit is already held, drops it if nobody waits for it any
//! more, and spawns the work. It never awaits, so one slow request holds up no other.

use std::sync::Arc;
use std::time::Duration;

use prometheus::{Histogram, IntGauge};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::sync::OwnedSemaphorePermit;

use super::binding::Binding;
use super::issue::Issue;
use super::{Context, Error, Grant, TokenRequest, issue};
use crate::keys::{IssuerKeys, KeyError};
use crate::metrics::{GaugeGuard, Stopwatch};
use crate::protocol::response::TokenResponse;
use crate::token::access::AccessTokenFormat;

/// The reply port of a token request.
pub(crate) type TokenReply = RpcReplyPort<Result<TokenResponse, Error>>;

/// A token request on its way through the actors.
pub(crate) struct Job {
    /// The request.
    pub request: TokenRequest,
    /// The port that the answer goes to.
    pub reply: TokenReply,
    /// Runs since the request was admitted.
    pub since: Stopwatch,
    /// The permit of the request, returned when the work is done or dropped.
    pub permit: OwnedSemaphorePermit,
}

/// A grant with everything its actor needs, so that a restarted actor is the same again.
#[derive(Clone)]
pub(crate) struct GrantRuntime {
    /// The grant.
    pub grant: Arc<dyn Grant>,
    /// The parts of the service that it may use.
    pub context: Context,
    /// Age of a request after which its work no longer begins.
    pub deadline: Duration,
    /// Time from the edge to the start of the work, to the decision, and to the signed answer.
    stages: [Histogram; 3],
    /// Number of requests being worked on.
    in_flight: IntGauge,
}

impl GrantRuntime {
    /// Resolves the metrics of `grant`.
    pub(crate) fn new(grant: Arc<dyn Grant>, context: Context, deadline: Duration) -> Self {
        let name = grant.grant_type();
        let stage = |stage: &str| context.metrics.stage_duration.with_label_values(&[name.as_str(), stage]);
        let stages = ["queue", "decide", "sign"].map(stage);
        let in_flight = context.metrics.grant_in_flight.with_label_values(&[name.as_str()]);
        Self { grant, context, deadline, stages, in_flight }
    }

    async fn serve(self: Arc<Self>, job: Job) {
        let Job { request, reply, since, permit } = job;
        let [queue, decide, sign] = &self.stages;
        queue.observe(since.seconds());
        // also if the grant panics
        let in_flight = GaugeGuard::new(&self.in_flight);
        let watch = Stopwatch::start();
        let decision = self.decide(&request, &reply).await;
        decide.observe(watch.seconds());
        let answer = match decision {
            Ok(Decided { issue, binding, keys }) => {
                let watch = Stopwatch::start();
                let answer = issue::issue(&request, issue, binding, &keys, &self.context).await;
                sign.observe(watch.seconds());
                answer
            }
            Err(error) => Err(error),
        };
        drop((in_flight, permit));
        let _ = reply.send(answer);
    }

    /// Decides a request. Nothing is spent before there are keys to sign the answer with, and room for the signatures;
    /// a decided request is signed, however many others have been decided meanwhile.
    async fn decide(&self, request: &TokenRequest, reply: &TokenReply) -> Result<Decided, Error> {
        let binding = Binding::asked(request)?;
        let settings = &request.client.settings;
        let signed = settings.access_token_format == AccessTokenFormat::Jwt;
        let identified = settings.scope.contains("openid");
        let access = signed.then_some(settings.access_token_alg);
        let algorithms = access.into_iter().chain(identified.then_some(settings.id_token_alg));
        let keys = self.context.keys.ready(&request.issuer.id, algorithms.clone()).await?;
        // whoever waited for a key may have gone
        if reply.is_closed() {
            return Err(Error::Late);
        }
        let now = self.context.clock.now();
        let busy = |alg| keys.signer(alg, now).is_some_and(|signer| signer.is_overloaded());
        if algorithms.into_iter().any(busy) {
            return Err(KeyError::Overloaded.into());
        }
        let issue = self.grant.decide(request, &self.context).await?;
        Ok(Decided { issue, binding, keys })
    }
}

/// A decision, with the keys to sign it.
struct Decided {
    issue: Issue,
    binding: Binding,
    /// The keys that were ready before anything was spent.
    keys: Arc<IssuerKeys>,
}

/// The actor of one grant type.
pub(crate) struct GrantActor;

impl Actor for GrantActor {
    type Msg = Job;
    type State = Arc<GrantRuntime>;
    type Arguments = Arc<GrantRuntime>;

    async fn pre_start(
        &self,
        _myself: ActorRef<Job>,
        runtime: Arc<GrantRuntime>,
    ) -> Result<Arc<GrantRuntime>, ActorProcessingErr> {
        Ok(runtime)
    }

    async fn handle(
        &self,
        _myself: ActorRef<Job>,
        job: Job,
        runtime: &mut Arc<GrantRuntime>,
    ) -> Result<(), ActorProcessingErr> {
        if job.reply.is_closed() {
            return Ok(());
        }
        if job.since.elapsed() > runtime.deadline {
            let _ = job.reply.send(Err(Error::Late));
            return Ok(());
        }
        tokio::spawn(runtime.clone().serve(job));
        Ok(())
    }
}
