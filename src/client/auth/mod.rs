//! Client authentication at every endpoint that asks for it (RFC 6749 section 2.3): exactly one method, the registered
//! one, in constant time, with one answer for whatever was wrong (CHECKLIST 16-22).
//!
//! A claim is detected and verified by its method, one file each. Whatever the claim, the work is done before anybody
//! asks whether the client exists, and a failure is told no sooner than `FLOOR` after the claim was looked at, which
//! hides what is left: how many secrets were compared, whether a map had the client.

mod assertion;
mod authenticated;
mod basic;
mod client_secret_jwt;
mod evidence;
mod extension;
mod federated;
mod id_token_bearer;
mod none;
mod password;
mod pkcs7_bearer;
mod pool;
mod post;
mod private_key_jwt;
mod self_signed_tls_client_auth;
mod signature;
pub mod throttle;
mod tls_client_auth;
mod x509_jwt_bearer;

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use prometheus::IntCounter;

use super::metadata::{AuthMethod, MAX_CLIENT_ID};
use super::remote::RemoteKeys;
use super::secret::MAX_SECRET;
use super::{Client, Issuer, Registry};
use crate::clock::{Clock, Time};
use crate::jose::{PublicJwk, Scheme};
use crate::metrics::{Metrics, Stopwatch};
use crate::protocol::error::{ErrorCode, OAuthError, Occasion};
use crate::protocol::form::Form;
use crate::store::Shards;
use crate::vault::Vault;
use crate::x509::{Chain, Thumbprint};
use assertion::Assertion;
pub use authenticated::AuthenticatedClient;
pub use evidence::Evidence;
use extension::Extension;
pub use extension::{Claimed, ClientAuth, Verifying};
use federated::Federated;
pub use pool::HashPool;
use throttle::Throttle;
pub use tls_client_auth::Authorities;
use zeroize::Zeroizing;

/// The least time a failed authentication takes: several times what it needs, about that of one signature.
/// An unoptimised build needs ten times as long, and tests of time run in one.
const FLOOR: Duration = Duration::from_micros(if cfg!(debug_assertions) { 100 } else { 20 });
/// The same where a client's own rules are judged after signatures: more than a spin should hide.
const RULES_FLOOR: Duration = Duration::from_millis(if cfg!(debug_assertions) { 4 } else { 2 });

/// What a request says about who sends it. The proof in it never gets a `Debug`.
struct Claim<'a> {
    method: AuthMethod,
    client_id: String,
    proof: Proof<'a>,
}

/// What a claim is proven with.
enum Proof<'a> {
    /// A client secret.
    Secret(Zeroizing<String>),
    /// A JWT by the client (RFC 7523 section 3), or why it is none.
    Assertion(Box<Result<Assertion<'a>, &'static str>>),
    /// Something that an outside provider says of it.
    Federated(Federated<'a>),
    /// Nothing.
    None,
}

impl<'a> Claim<'a> {
    /// The claim of whom the assertion names; if it names nobody, of whom `client_id` names.
    fn of_assertion(method: AuthMethod, text: &'a str, form: &'a Form<'_>) -> Self {
        let assertion = Assertion::parse(text);
        let named = assertion.as_ref().ok().and_then(Assertion::client_id);
        let client_id = named.or_else(|| form.get("client_id")).unwrap_or_default().to_owned();
        Self { method, client_id, proof: Proof::Assertion(Box::new(assertion)) }
    }
}

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

/// A certificate beside a bare `client_id`.
struct Shown<'a> {
    chain: &'a Chain,
    /// Whether an authority that is trusted for clients issued it.
    trusted: bool,
    thumbprint: Thumbprint,
    /// `None` if it is of a kind that no client can register.
    key: Option<PublicJwk>,
}

/// A claim with everything that is needed to decide about it.
struct Case<'a> {
    by: &'a Authenticator,
    issuer: &'a Issuer,
    method: AuthMethod,
    client_id: &'a str,
    /// `None` if there is no such client, which a method must not let show.
    client: Option<Arc<Client>>,
    certificate: Option<Shown<'a>>,
    peer: IpAddr,
    now: Time,
}

impl Case<'_> {
    /// Whether the claim holds; the proof is made first and for everybody, so that nothing here can be told apart by
    /// time.
    fn judge(&self, proof: Result<(), &'static str>) -> Result<Arc<Client>, Refused> {
        self.judge_with(proof).map(|(client, ())| client)
    }

    /// As [`Case::judge`], of a proof that leaves something to do if it holds: only then is anything spent.
    fn judge_with<T>(&self, proof: Result<T, &'static str>) -> Result<(Arc<Client>, T), Refused> {
        let client = self.client.clone().ok_or(Refused::Because("unknown client"))?;
        if client.settings.disabled {
            Err(Refused::Because("disabled client"))
        } else if client.settings.auth_method != self.method {
            Err(Refused::Because("another method is registered"))
        } else {
            proof.map(|left| (client, left)).map_err(Refused::Because)
        }
    }

    /// Whether the client may sign by `alg`: any that its key allows, unless it registered one.
    fn allows(&self, alg: Scheme) -> Result<(), &'static str> {
        let registered = self.client.as_ref().and_then(|client| client.settings.assertions.alg);
        if registered.is_none_or(|registered| registered == alg) {
            Ok(())
        } else {
            Err("the assertion's alg is not the registered one")
        }
    }
}

/// A failed authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What the client is told.
    pub error: OAuthError,
    /// When the next try is welcome, if there were too many.
    pub retry_after: Option<Duration>,
    /// For the log, not for the client.
    pub reason: &'static str,
}

/// Checks clients.
pub struct Authenticator {
    registry: Arc<Registry>,
    vault: Arc<Vault>,
    clock: Clock,
    pool: Arc<HashPool>,
    throttle: Throttle,
    /// Of slow hashes, which have a pace of their own: buckets are times, and a slow pace would fill those of a fast one.
    slow_throttle: Throttle,
    shards: Shards,
    remote: RemoteKeys,
    authorities: Arc<Authorities>,
    others: Vec<Extension>,
    counts: Vec<Counts>,
    audiences: assertion::AudienceCounts,
}

/// How often a method succeeded and failed.
struct Counts {
    method: AuthMethod,
    succeeded: IntCounter,
    failed: IntCounter,
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
    pub fetch: Arc<dyn super::remote::Fetch>,
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
            Counts { method, succeeded: counter("ok"), failed: counter("refused") }
        };
        let counts = AuthMethod::ALL.into_iter().chain(others.iter().map(|other| other.method)).map(counts).collect();
        Self {
            registry,
            vault,
            clock,
            pool,
            throttle: Throttle::default(),
            slow_throttle: Throttle::default(),
            shards,
            remote: RemoteKeys::new(fetch, metrics),
            authorities,
            others,
            counts,
            audiences: assertion::AudienceCounts::new(metrics),
        }
    }

    /// Authenticates the sender of a request to `issuer`.
    ///
    /// # Errors
    /// `invalid_request` for no or several methods at once, `slow_down` after too many failures from this address,
    /// `temporarily_unavailable` if the hash pool is full or the store cannot remember an assertion, and one
    /// `invalid_client` for everything else.
    pub async fn authenticate(&self, issuer: &Issuer, evidence: &Evidence<'_>) -> Result<AuthenticatedClient, Failure> {
        let fail = |error, reason| Failure { error, retry_after: None, reason };
        let throttled = |wait| {
            let error = OAuthError::new(ErrorCode::SlowDown, "too many failed client authentications");
            Failure { retry_after: Some(wait), ..fail(error, "throttled") }
        };
        let (mut method, mut claim) = match detect(&self.others, evidence) {
            Ok(Some(found)) => found,
            Ok(None) => {
                return Err(fail(OAuthError::INVALID_CLIENT.on(Occasion::NoCredential), "no client authentication"));
            }
            Err(error) => return Err(fail(error, "malformed client authentication")),
        };
        let now = self.clock.now();
        let gate = self.throttle.gate(&issuer.id, &claim.client_id, evidence.peer);
        gate.is_open(now).map_err(throttled)?;
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
        let client = self.registry.client(&issuer.id, &claim.client_id);
        let registered = client.as_ref().filter(|_| certificate.is_some()).map(|client| client.settings.auth_method);
        if let Some((name, by)) = BY_CERTIFICATE.into_iter().find(|(name, _)| registered == Some(*name)) {
            (claim.method, method) = (name, by);
        }
        let federated = matches!(claim.proof, Proof::Federated(_));
        let case = Case {
            by: self,
            issuer,
            method: claim.method,
            client_id: &claim.client_id,
            client,
            certificate,
            peer: evidence.peer,
            now,
        };
        let verdict = method.verify(&case, &claim.proof).await;
        // what is let go depends on whether there is such a client, so it goes before the floor
        drop(case);
        match verdict {
            Ok(client) => {
                self.count(claim.method, |counts| &counts.succeeded);
                let certificate = evidence.certificate.map(|chain| chain.leaf().thumbprint());
                Ok(AuthenticatedClient { client, method: claim.method, certificate })
            }
            Err(Refused::Throttled(wait)) => Err(throttled(wait)),
            Err(Refused::Later(reason)) => {
                let text = "the client cannot be authenticated now; try again";
                let error = OAuthError::new(ErrorCode::TemporarilyUnavailable, text);
                Err(Failure { retry_after: Some(Duration::from_secs(1)), ..fail(error, reason) })
            }
            Err(Refused::Because(reason)) => {
                self.count(claim.method, |counts| &counts.failed);
                gate.count(now);
                if federated {
                    #[expect(clippy::disallowed_methods, reason = "what rules of a client cost must not show")]
                    tokio::time::sleep(RULES_FLOOR.saturating_sub(watch.elapsed())).await;
                }
                // a timer is fifty times as coarse
                while watch.elapsed() < FLOOR {
                    std::hint::spin_loop();
                }
                Err(fail(OAuthError::INVALID_CLIENT, reason))
            }
        }
    }

    fn count(&self, method: AuthMethod, which: impl Fn(&Counts) -> &IntCounter) {
        if let Some(counts) = self.counts.iter().find(|counts| counts.method == method) {
            which(counts).inc();
        }
    }
}

/// Why a claim does not hold, or cannot be decided now.
enum Refused {
    /// Something it takes is not there for the moment; what.
    Later(&'static str),
    Throttled(Duration),
    Because(&'static str),
}

/// Finds the one method that the request uses (RFC 6749 section 2.3: not more than one).
fn detect<'a>(
    others: &'a [Extension],
    evidence: &Evidence<'a>,
) -> Result<Option<(&'a dyn Method, Claim<'a>)>, OAuthError> {
    const SEVERAL: OAuthError = OAuthError::invalid_request("more than one client authentication method");
    let form = evidence.form;
    let mut found: Option<(&'a dyn Method, Claim<'a>)> = None;
    for method in others.iter().map(|other| other as &dyn Method).chain(METHODS) {
        let by_other = matches!(&found, Some((_, Claim { method: AuthMethod::Other(_), .. })));
        match method.detect(evidence) {
            // the bare client_id and the header of a method that is not built in are no second one
            Ok(Some(Claim { method: AuthMethod::None, .. })) | Err(_) if by_other => {}
            Ok(Some(_)) if found.is_some() => return Err(SEVERAL),
            Ok(claim) => found = claim.map(|claim| (method, claim)).or(found),
            Err(error) => return Err(error),
        }
    }
    let asserted = matches!(&found, Some((_, Claim { proof: Proof::Assertion(_) | Proof::Federated(_), .. })));
    if !asserted && (form.get("client_assertion").is_some() || form.get("client_assertion_type").is_some()) {
        // a type that no method knows is an unsupported method (RFC 7521 section 4.2.1), but a second one all the same
        return Err(if found.is_some() { SEVERAL } else { OAuthError::INVALID_CLIENT });
    }
    let Some((method, claim)) = found else { return Ok(None) };
    // client_id in the body, if there, is the authenticated one (RFC 6749 section 3.2.1)
    if form.get("client_id").is_some_and(|id| id != claim.client_id) {
        let error = OAuthError::invalid_request("client_id differs from the authenticated client");
        return Err(error.on(Occasion::OtherClientId));
    }
    let long = matches!(&claim.proof, Proof::Secret(secret) if secret.len() > MAX_SECRET);
    if claim.client_id.len() > MAX_CLIENT_ID || long {
        let error = OAuthError::invalid_request("client_id or client_secret is too long");
        return Err(error.on(Occasion::LongCredential));
    }
    if claim.client_id.is_empty() {
        return Err(OAuthError::INVALID_CLIENT);
    }
    Ok(Some((method, claim)))
}
