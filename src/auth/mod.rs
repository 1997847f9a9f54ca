//! Client authentication at every endpoint that asks for it (RFC 6749 section 2.3): exactly one method, the registered
//! one, in constant time, with one answer for whatever was wrong (CHECKLIST 16-22).
//!
//! A claim is detected and verified by its method, one file each. Whatever the claim, the work is done before anybody
//! asks whether the client exists, and a failure is told no sooner than `FLOOR` after the claim was looked at, which
//! hides what is left: how many secrets were compared, whether a map had the client.

mod assertion;
mod audit;
mod authenticated;
mod basic;
mod claim;
mod client_secret_jwt;
mod detect;
mod evidence;
mod extension;
mod failure;
mod federated;
mod guesses;
mod id_token_bearer;
mod none;
mod password;
mod pending;
mod pkcs7_bearer;
mod pool;
mod post;
mod private_key_jwt;
mod self_signed_tls_client_auth;
mod signature;

mod tls_client_auth;
mod x509_jwt_bearer;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use prometheus::IntCounter;

use crate::client::Client;
use crate::clock::Clock;
use crate::issuer::Issuer;
use crate::jwks::remote::RemoteKeys;
use crate::metrics::{Metrics, Stopwatch};
use crate::protocol::auth_method::AuthMethod;
use crate::protocol::endpoint::Endpoint;
use crate::protocol::error::OAuthError;
use crate::protocol::naming::Naming;
use crate::registry::Registry;
use crate::store::Shards;
use crate::vault::Vault;
use audit::Event;
pub use authenticated::AuthenticatedClient;
use claim::{Case, Claim, Proof, Shown};
use detect::detect;
pub use evidence::Evidence;
use extension::Extension;
pub use extension::{Claimed, ClientAuth, Verifying};
use failure::Refused;
pub use failure::{ClaimedName, Failure};
use guesses::Guesses;
pub use pool::HashPool;
pub use tls_client_auth::Authorities;

/// The least time a failed authentication takes: several times what it needs, about that of one signature.
/// An unoptimised build needs ten times as long, and tests of time run in one.
const FLOOR: Duration = Duration::from_micros(if cfg!(debug_assertions) { 100 } else { 20 });
/// The same where a client's own rules are judged after signatures: more than a spin should hide.
const RULES_FLOOR: Duration = Duration::from_millis(if cfg!(debug_assertions) { 4 } else { 2 });

/// One way to authenticate: it sees whether a request uses it, and whether the proof holds. A new method is one file
/// and one line in `METHODS`; its name is a variant of [`AuthMethod`], where the compiler asks for the rest.
trait Method: Sync {
    /// The claim that the request makes by this method, if it uses it.
    fn detect<'a>(&self, evidence: &Evidence<'a>) -> Result<Option<Claim<'a>>, OAuthError>;

    /// Whether a claim that it detected holds. It does the same work whether the client exists or not.
    fn verify<'a>(&'a self, case: &'a Case<'a>, proof: &'a Proof<'a>) -> Verdict<'a>;
}

/// The client, or why it is not.
type Verdict<'a> = Pin<Box<dyn Future<Output = Result<Arc<Client>, Refused>> + Send + 'a>>;

const METHODS: [&dyn Method; 8] = [
    &basic::Basic,
    &post::Post,
    &private_key_jwt::PrivateKeyJwt,
    &client_secret_jwt::ClientSecretJwt,
    &id_token_bearer::IdTokenBearer,
    &x509_jwt_bearer::X509JwtBearer,
    &pkcs7_bearer::Pkcs7Bearer,
    &none::NoSecret,
];

/// The methods of a bare `client_id` beside a certificate, each with the registration that makes it the one: whoever
/// registered neither shows a certificate for another reason, such as the binding of tokens.
const BY_CERTIFICATE: [(AuthMethod, &dyn Method); 2] = [
    (AuthMethod::TlsClientAuth, &tls_client_auth::TlsClientAuth),
    (AuthMethod::SelfSignedTlsClientAuth, &self_signed_tls_client_auth::SelfSignedTlsClientAuth),
];

/// Checks clients.
pub struct Authenticator {
    registry: Arc<Registry>,
    vault: Arc<Vault>,
    clock: Clock,
    pool: Arc<HashPool>,
    guesses: Guesses,
    shards: Shards,
    remote: RemoteKeys,
    authorities: Arc<Authorities>,
    others: Vec<Extension>,
    counts: Vec<Counts>,
    audiences: assertion::AudienceCounts,
    replays: IntCounter,
}

/// How often a method succeeded and failed, and how often there were too many failures.
struct Counts {
    method: AuthMethod,
    succeeded: IntCounter,
    failed: IntCounter,
    throttled: IntCounter,
}

/// What an authenticator needs besides the registry.
pub struct Parts {
    /// For keyed hashes and sealed secrets.
    pub vault: Arc<Vault>,
    /// The time.
    pub clock: Clock,
    /// Where slow hashes run.
    pub pool: Arc<HashPool>,
    /// Where used assertions are remembered.
    pub shards: Shards,
    /// How the keys behind a `jwks_uri` are read.
    pub fetch: Arc<dyn crate::jwks::remote::Fetch>,
    /// Who issues certificates to clients.
    pub authorities: Arc<Authorities>,
    /// Methods that are not built in; their names were checked with the settings.
    pub others: Vec<Arc<dyn ClientAuth>>,
}

impl Authenticator {
    /// An authenticator over the registry.
    pub fn new(registry: Arc<Registry>, parts: Parts, metrics: &Metrics) -> Self {
        let Parts { vault, clock, pool, shards, fetch, authorities, others } = parts;
        let others: Vec<Extension> = others.iter().filter_map(Extension::new).collect();
        let counts = |method: AuthMethod| {
            let counter = |outcome| metrics.client_auth.with_label_values(&[method.name(), outcome]);
            Counts { method, succeeded: counter("ok"), failed: counter("refused"), throttled: counter("throttled") }
        };
        let counts = AuthMethod::ALL.into_iter().chain(others.iter().map(|other| other.method)).map(counts).collect();
        Self {
            registry,
            vault,
            clock,
            pool,
            guesses: Guesses::default(),
            shards,
            remote: RemoteKeys::new(fetch, metrics),
            authorities,
            others,
            counts,
            audiences: assertion::AudienceCounts::new(metrics),
            replays: metrics.assertion_replays.clone(),
        }
    }

    /// Authenticates the sender of a request to the token endpoint of `issuer`.
    ///
    /// # Errors
    /// As [`Authenticator::authenticate_at`].
    pub async fn authenticate(&self, issuer: &Issuer, evidence: &Evidence<'_>) -> Result<AuthenticatedClient, Failure> {
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
    ) -> Result<AuthenticatedClient, Failure> {
        let now = self.clock.now();
        let detected = detect(&self.others, evidence).inspect_err(|failure| {
            audit::write(issuer, Event::Unclaimed, None, failure, evidence.peer, now);
        });
        let (mut method, mut claim) = detected?;
        // a claim beside a certificate is checked with the authorities whoever makes it, and the certificate is hashed and
        // its key read, or time would tell who needs it
        let shown = evidence.certificate.filter(|_| matches!(claim.proof, Proof::None));
        let certificate = shown.map(|chain| Shown {
            chain,
            trusted: self.authorities.trust(chain, now),
            thumbprint: chain.leaf().thumbprint(),
            key: chain.leaf().public_key().ok(),
        });
        let watch = Stopwatch::start();
        let client = claim.resolve(|id| self.registry.client(&issuer.id, id));
        let registered = client.as_ref().filter(|_| certificate.is_some()).map(|client| client.settings.auth_method);
        if let Some((name, by)) = BY_CERTIFICATE.into_iter().find(|(name, _)| registered == Some(*name)) {
            (claim.method, method) = (name, by);
        }
        let case = Case {
            by: self,
            issuer,
            endpoint,
            method: claim.method,
            client_id: &claim.client_id,
            client,
            certificate,
            peer: evidence.peer,
            now,
        };
        let verdict = method.verify(&case, &claim.proof).await;
        let guess = case.guess();
        // what is let go depends on whether there is such a client, so it goes before the floor
        drop(case);
        let refused = match verdict {
            Ok(client) => {
                self.count(claim.method, |counts| &counts.succeeded);
                let certificate = evidence.certificate.map(|chain| chain.leaf().thumbprint());
                let naming = evidence.authorization.map_or(Naming::InForm, |_| Naming::InHeader);
                return Ok(AuthenticatedClient { client, method: claim.method, certificate, naming });
            }
            Err(refused) => refused,
        };
        let claimed = Some(ClaimedName::new(&claim.client_id));
        if matches!(claim.proof, Proof::Federated(_)) && !matches!(refused, Refused::Later(_)) {
            #[expect(clippy::disallowed_methods, reason = "what rules of a client cost must not show")]
            tokio::time::sleep(RULES_FLOOR.saturating_sub(watch.elapsed())).await;
        }
        // nothing is awaited from here on: that it counts and whether there were too many is one step
        let (reason, open) = match refused {
            Refused::Later(reason) => return Err(Failure::later(reason, claimed)),
            Refused::Because(reason) | Refused::Replayed(reason) => (reason, self.guesses.wrong(guess)),
            Refused::Counted(reason) => (reason, Ok(())),
            Refused::Throttled(wait) => ("throttled", Err(wait)),
        };
        let event = match (&refused, open) {
            (Refused::Replayed(_), _) => Event::Replayed,
            (_, Ok(())) => Event::Failed,
            (_, Err(_)) => Event::Throttled,
        };
        if event == Event::Replayed {
            self.replays.inc();
        }
        self.count(claim.method, |counts| if open.is_ok() { &counts.failed } else { &counts.throttled });
        let failure = Failure::decided(reason, open, claimed);
        audit::write(issuer, event, Some(claim.method), &failure, evidence.peer, now);
        // a timer is fifty times as coarse
        while watch.elapsed() < FLOOR {
            std::hint::spin_loop();
        }
        Err(failure)
    }

    fn count(&self, method: AuthMethod, which: impl Fn(&Counts) -> &IntCounter) {
        if let Some(counts) = self.counts.iter().find(|counts| counts.method == method) {
            which(counts).inc();
        }
    }
}
