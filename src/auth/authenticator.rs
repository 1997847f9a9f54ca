//! Authenticates the sender of a request: detects the claim, has its method verify it, counts and hides what is left.

use std::sync::Arc;
use std::time::Duration;

use prometheus::IntCounter;

use super::attempt::{AuthAttempt, PresentedCertificate};
use super::audience::AudienceCounts;
use super::audit_line::{self, AuthEvent};
use super::authenticated::AuthenticatedClient;
use super::authorities::Authorities;
use super::claim::ClientProof;
use super::claimed_name::ClaimedName;
use super::counts::MethodCounts;
use super::detect::detect;
use super::evidence::Evidence;
use super::external::{ClientAuth, ExternalMethod};
use super::failure::{AuthFailure, ClaimError};
use super::guesses::Guesses;
use super::method::Method;
use super::methods::{METHODS, built_in};
use super::pool::HashPool;
use super::services::AuthServices;
use crate::client::Client;
use crate::clock::{Clock, Time};
use crate::id::random_bytes;
use crate::issuer::Issuer;
use crate::jwks::remote::{Fetch, RemoteKeys};
use crate::limit::node_count::NodeCount;
use crate::metrics::{Metrics, Stopwatch};
use crate::protocol::auth_method::{AuthMethod, CredentialKind};
use crate::protocol::endpoint::Endpoint;
use crate::protocol::naming::Naming;
use crate::registry::Registry;
use crate::store::Shards;
use crate::vault::Vault;

/// The least time a failed authentication takes: several times what one without a signature needs.
/// An unoptimised build needs ten times as long, and tests of time run in one.
const FLOOR: Duration = Duration::from_micros(if cfg!(debug_assertions) { 100 } else { 20 });
/// The floor is raised by up to 2 microseconds, at random: whoever spins looks at the clock at a beat that starts when the
/// work ends, and shows by the beat what the floor hides. 100,000 samples of a quiet machine told a right secret of a
/// disabled client from a wrong one by that.
const FLOOR_JITTER: Duration = Duration::from_nanos(2048);
/// The least time where a signature is checked or a client's own rules are judged: more than a spin should hide.
const SIGNED_FLOOR: Duration = Duration::from_millis(if cfg!(debug_assertions) { 4 } else { 2 });

/// Authenticates clients.
pub struct Authenticator {
    registry: Arc<Registry>,
    services: AuthServices,
    authorities: Arc<Authorities>,
    others: Vec<ExternalMethod>,
    counts: Vec<MethodCounts>,
    replays: IntCounter,
}

/// The parts of an authenticator besides the registry.
pub struct AuthenticatorParts {
    /// Makes keyed hashes and sealed secrets.
    pub vault: Arc<Vault>,
    /// The time.
    pub clock: Clock,
    /// Computes slow hashes.
    pub pool: Arc<HashPool>,
    /// Remembers used assertions.
    pub shards: Shards,
    /// Reads the keys behind a `jwks_uri`.
    pub fetch: Arc<dyn Fetch>,
    /// Authorities that issue certificates to clients.
    pub authorities: Arc<Authorities>,
    /// Methods that are not built in; their declarations were checked with the settings.
    pub others: Vec<Arc<dyn ClientAuth>>,
    /// The nodes that guesses are counted by.
    pub nodes: NodeCount,
}

impl Authenticator {
    /// Makes an authenticator over the registry.
    pub fn new(registry: Arc<Registry>, parts: AuthenticatorParts, metrics: &Metrics) -> Self {
        let AuthenticatorParts { vault, clock, pool, shards, fetch, authorities, others, nodes } = parts;
        let others: Vec<ExternalMethod> = others.iter().map(ExternalMethod::new).collect();
        let methods = built_in().into_iter().chain(others.iter().map(|other| other.declared));
        let counts = methods.map(|method| MethodCounts::new(method, metrics)).collect();
        let services = AuthServices {
            vault,
            clock,
            pool,
            guesses: Guesses::new(&nodes),
            shards,
            remote: RemoteKeys::new(fetch, metrics),
            audiences: AudienceCounts::new(metrics),
        };
        Self { registry, services, authorities, others, counts, replays: metrics.assertion_replays.clone() }
    }

    /// Authenticates the sender of a request to the token endpoint of `issuer`.
    ///
    /// # Errors
    /// As [`Authenticator::authenticate_at`].
    pub async fn authenticate(
        &self,
        issuer: &Issuer,
        evidence: &Evidence<'_>,
    ) -> Result<AuthenticatedClient, AuthFailure> {
        self.authenticate_at(Endpoint::Token, issuer, evidence).await
    }

    /// Authenticates the sender of a request to an endpoint of `issuer`.
    ///
    /// # Errors
    /// `invalid_request` for no or several methods at once, 429 after too many failures from this address, 503 if the
    /// hash pool is full or the store cannot remember an assertion, and one `invalid_client` for everything else.
    pub async fn authenticate_at(
        &self,
        endpoint: Endpoint,
        issuer: &Issuer,
        evidence: &Evidence<'_>,
    ) -> Result<AuthenticatedClient, AuthFailure> {
        let now = self.services.clock.now();
        let detected = detect(&self.others, evidence).inspect_err(|failure| {
            audit_line::write(issuer, AuthEvent::Unclaimed, None, failure, evidence.peer, now);
        });
        let (mut method, mut claim) = detected?;
        let bare = matches!(claim.proof, ClientProof::None);
        let certificate = if bare { self.presented(evidence, now) } else { None };
        let watch = Stopwatch::start();
        let mut client = claim.resolve(|id| self.registry.client(&issuer.id, id));
        // another node may have registered it; for one that fails the same is asked below, or time would tell
        let mut looked = None;
        if client.is_none() {
            looked = Some(self.look_again(&claim.client_id).await);
            client = claim.resolve(|id| self.registry.client(&issuer.id, id));
        }
        if certificate.is_some()
            && let Some(by_certificate) = client.as_deref().and_then(method_by_certificate)
        {
            (claim.method, method) = (by_certificate.method(), by_certificate);
        }
        let attempt = AuthAttempt {
            services: &self.services,
            issuer,
            endpoint,
            method: claim.method,
            client_id: &claim.client_id,
            client,
            certificate,
            peer: evidence.peer,
            now,
        };
        let verdict = method.verify(&attempt, &claim.proof).await;
        let guess = attempt.guess();
        // what is let go depends on whether there is such a client, so it goes before the floor
        drop(attempt);
        let refused = match verdict {
            Ok(client) => {
                self.count(claim.method, |counts| &counts.succeeded);
                let naming = evidence.authorization.map_or(Naming::InForm, |_| Naming::InHeader);
                return Ok(AuthenticatedClient { client, method: claim.method, sender: evidence.sender, naming });
            }
            Err(refused) => refused,
        };
        let (look, looking) = match looked {
            Some(looked) => looked,
            None => self.look_again(&claim.client_id).await,
        };
        let claimed = Some(ClaimedName::new(&claim.client_id));
        let signed = matches!(claim.proof, ClientProof::Assertion(_) | ClientProof::Federated(_));
        if signed && !matches!(refused, ClaimError::Unavailable(_)) {
            #[expect(clippy::disallowed_methods, reason = "what a client's key and rules cost must not show")]
            tokio::time::sleep((SIGNED_FLOOR + looking).saturating_sub(watch.elapsed())).await;
        }
        // nothing is awaited from here on: that it counts and whether there were too many is one step
        let (reason, open) = match refused {
            ClaimError::Unavailable(reason) => return Err(AuthFailure::unavailable(reason, claimed)),
            ClaimError::Wrong(reason) | ClaimError::Replayed(reason) => (reason, self.services.guesses.wrong(guess)),
            ClaimError::Counted(reason) => (reason, Ok(())),
            ClaimError::Throttled(wait) => ("throttled", Err(wait)),
        };
        let event = match (&refused, open) {
            (ClaimError::Replayed(_), _) => AuthEvent::Replayed,
            (_, Ok(())) => AuthEvent::Failed,
            (_, Err(_)) => AuthEvent::Throttled,
        };
        if event == AuthEvent::Replayed {
            self.replays.inc();
        }
        self.count(claim.method, |counts| if open.is_ok() { &counts.failed } else { &counts.throttled });
        let failure = AuthFailure::decided(reason, open, claimed);
        audit_line::write(issuer, event, Some(claim.method), &failure, evidence.peer, now);
        // letting go takes as long as the allocator has had to do, which depends on the client: before the floor, too
        drop(claim);
        let floor = looking + FLOOR + FLOOR_JITTER * u32::from(u8::from_be_bytes(random_bytes())) / 256;
        // a timer is fifty times as coarse
        while watch.elapsed() < floor {
            std::hint::spin_loop();
        }
        Err(look.err().unwrap_or(failure))
    }

    /// Takes in what other nodes changed, for a client that is unknown or fails; returns how long that took besides, which
    /// the floors come on top of.
    async fn look_again(&self, id: &str) -> (Result<(), AuthFailure>, Duration) {
        let watch = Stopwatch::start();
        let unknown = "the store does not say whether there is such a client";
        let look = self.registry.look_again().await;
        (look.map_err(|_| AuthFailure::unavailable(unknown, Some(ClaimedName::new(id)))), watch.elapsed())
    }

    /// Reads the certificate beside a claim without another credential. The authorities are asked whoever makes the claim,
    /// and the key is read, or time would tell who needs it.
    fn presented<'a>(&self, evidence: &Evidence<'a>, now: Time) -> Option<PresentedCertificate<'a>> {
        let (chain, thumbprint) = evidence.certificate.zip(evidence.sender.certificate())?;
        let trusted = self.authorities.trust(chain, now);
        Some(PresentedCertificate { chain, trusted, thumbprint, key: chain.leaf().public_key().ok() })
    }

    fn count(&self, method: AuthMethod, which: impl Fn(&MethodCounts) -> &IntCounter) {
        if let Some(counts) = self.counts.iter().find(|counts| counts.is_of(method)) {
            which(counts).inc();
        }
    }
}

/// Returns the method of a client that authenticates by a certificate beside its bare `client_id`. A client that registered
/// none shows a certificate for another reason, such as the binding of tokens.
fn method_by_certificate(client: &Client) -> Option<&'static dyn Method> {
    let registered = client.settings.auth_method;
    let by_certificate =
        matches!(registered.credential, CredentialKind::NamedCertificate | CredentialKind::RegisteredCertificate);
    METHODS.iter().copied().find(|method| by_certificate && method.method() == registered)
}
