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
use crate::keys::KeyError;
use crate::metrics::{Metrics, Stopwatch};
use crate::protocol::response::TokenResponse;
use crate::token::access::AccessTokenFormat;

/// Where the answer to a token request goes.
pub type Reply = RpcReplyPort<Result<TokenResponse, Error>>;

/// A token request on its way through the actors.
pub struct Job {
    /// The request.
    pub request: TokenRequest,
    /// Where the answer goes.
    pub reply: Reply,
    /// Since when it is on its way.
    pub since: Stopwatch,
    /// Its place in flight, given back when the work is done or dropped.
    pub permit: OwnedSemaphorePermit,
}

/// A grant with everything its actor needs, so that a restarted actor is the same again.
#[derive(Clone)]
pub struct Desk {
    /// The grant.
    pub grant: Arc<dyn Grant>,
    /// What it may use.
    pub context: Context,
    /// How old a request may be before its work begins.
    pub patience: Duration,
    /// Time from the edge to the start of the work, to the decision, and to the signed answer.
    pub stages: [Histogram; 3],
    /// Requests being worked on.
    pub in_flight: IntGauge,
}

impl Desk {
    /// A desk for `grant`.
    pub fn new(grant: Arc<dyn Grant>, context: Context, patience: Duration, metrics: &Metrics) -> Self {
        let name = grant.grant_type();
        let stage = |stage: &str| metrics.stage_duration.with_label_values(&[name.as_str(), stage]);
        let stages = ["queue", "decide", "sign"].map(stage);
        let in_flight = metrics.grant_in_flight.with_label_values(&[name.as_str()]);
        Self { grant, context, patience, stages, in_flight }
    }

    async fn serve(self: Arc<Self>, job: Job) {
        let Job { request, reply, since, permit } = job;
        let [queue, decide, sign] = &self.stages;
        queue.observe(since.seconds());
        let in_flight = InFlight::new(&self.in_flight);
        let watch = Stopwatch::start();
        let decision = self.decide(&request, &reply).await;
        decide.observe(watch.seconds());
        let answer = match decision {
            Ok((decision, binding)) => {
                let watch = Stopwatch::start();
                let answer = issue::issue(&request, decision, binding, &self.context).await;
                sign.observe(watch.seconds());
                answer
            }
            Err(error) => Err(error),
        };
        drop((in_flight, permit));
        let _ = reply.send(answer);
    }

    /// Nothing is spent before there are keys to sign the answer with, and room for the signatures; what was decided is
    /// signed, however many others have been decided meanwhile.
    async fn decide(&self, request: &TokenRequest, reply: &Reply) -> Result<(Issue, Binding), Error> {
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
        Ok((self.grant.decide(request, &self.context).await?, binding))
    }
}

/// One request in the gauge, also if its grant panics.
struct InFlight<'a>(&'a IntGauge);

impl<'a> InFlight<'a> {
    fn new(gauge: &'a IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The actor.
pub struct GrantActor;

impl Actor for GrantActor {
    type Msg = Job;
    type State = Arc<Desk>;
    type Arguments = Arc<Desk>;

    async fn pre_start(&self, _myself: ActorRef<Job>, desk: Arc<Desk>) -> Result<Arc<Desk>, ActorProcessingErr> {
        Ok(desk)
    }

    async fn handle(&self, _myself: ActorRef<Job>, job: Job, desk: &mut Arc<Desk>) -> Result<(), ActorProcessingErr> {
        if job.reply.is_closed() {
            return Ok(());
        }
        if job.since.elapsed() > desk.patience {
            let _ = job.reply.send(Err(Error::Late));
            return Ok(());
        }
        tokio::spawn(desk.clone().serve(job));
        Ok(())
    }
}
