//! Client authentication at every endpoint that asks for it (RFC 6749 section 2.3): exactly one method, the registered
//! one, in constant time, with one answer for whatever was wrong (CHECKLIST 16-22).
//!
//! Every claim costs the same keyed hashes, and a failure is told no sooner than `FLOOR` after the claim was looked at,
//! which hides what is left: how many secrets were compared, whether a map had the client. While an issuer has imported secrets that only argon2id can check, every
//! failure there costs one argon2id hash too, or its time would tell which clients exist; a source that fails too often
//! is then refused without one. A client with several such secrets still takes longer.

mod basic;
mod none;
mod pool;
mod post;
pub mod throttle;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use prometheus::IntCounter;

use super::metadata::{AuthMethod, MAX_CLIENT_ID};
use super::secret::{MAX_SECRET, Presented, Quick, Secret};
use super::{Client, Issuer, Registry};
use crate::clock::{Clock, Time};
use crate::metrics::{Metrics, Stopwatch};
use crate::protocol::error::{ErrorCode, OAuthError, Occasion};
use crate::protocol::form::Form;
use crate::vault::Vault;
pub use pool::{HashPool, import};
use throttle::Throttle;

/// The least time a failed authentication takes: several times what it needs, about that of one signature.
const FLOOR: Duration = Duration::from_micros(20);

/// What a request says about who sends it. The secret in it never gets a `Debug`.
pub struct Claim {
    method: AuthMethod,
    client_id: String,
    secret: Option<zeroize::Zeroizing<String>>,
}

/// One way to authenticate: it looks whether a request uses it. A new method is one file and one line in `METHODS`.
trait Method: Sync {
    /// The claim that the request makes by this method, if it uses it.
    fn detect(&self, authorization: Option<&[u8]>, form: &Form<'_>) -> Result<Option<Claim>, OAuthError>;
}

const METHODS: [&dyn Method; 3] = [&basic::Basic, &post::Post, &none::NoSecret];

/// A client that proved who it is. Only [`Authenticator::authenticate`] makes one.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient {
    client: Arc<Client>,
    method: AuthMethod,
}

impl AuthenticatedClient {
    /// How it proved it.
    pub fn method(&self) -> AuthMethod {
        self.method
    }
}

impl std::ops::Deref for AuthenticatedClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
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
    succeeded: [IntCounter; 3],
    failed: [IntCounter; 3],
}

impl Authenticator {
    /// An authenticator over the registry.
    pub fn new(
        registry: Arc<Registry>,
        vault: Arc<Vault>,
        clock: Clock,
        pool: Arc<HashPool>,
        metrics: &Metrics,
    ) -> Self {
        let counter = |outcome: &str| {
            AuthMethod::ALL.map(|method| metrics.client_auth.with_label_values(&[method.name(), outcome]))
        };
        let (succeeded, failed) = (counter("ok"), counter("refused"));
        Self { registry, vault, clock, pool, throttle: Throttle::default(), succeeded, failed }
    }

    /// Authenticates the sender of a request to `issuer`.
    ///
    /// # Errors
    /// `invalid_request` for no or several methods at once, `slow_down` after too many failures from this address,
    /// `temporarily_unavailable` if the hash pool is full, and one `invalid_client` for everything else.
    pub async fn authenticate(
        &self,
        issuer: &Issuer,
        authorization: Option<&[u8]>,
        form: &Form<'_>,
        peer: IpAddr,
    ) -> Result<AuthenticatedClient, Failure> {
        let fail = |error, reason| Failure { error, retry_after: None, reason };
        let throttled = |wait| {
            let error = OAuthError::new(ErrorCode::SlowDown, "too many failed client authentications");
            Failure { retry_after: Some(wait), ..fail(error, "throttled") }
        };
        let claim = match detect(authorization, form) {
            Ok(Some(claim)) => claim,
            Ok(None) => {
                return Err(fail(OAuthError::INVALID_CLIENT.on(Occasion::NoCredential), "no client authentication"));
            }
            Err(error) => return Err(fail(error, "malformed client authentication")),
        };
        let now = self.clock.now();
        let gate = self.throttle.gate(&issuer.id, &claim.client_id, peer);
        gate.is_open(now).map_err(throttled)?;
        let watch = Stopwatch::start();
        match self.verify(issuer, &claim, peer, now).await {
            Ok(client) => {
                self.succeeded[claim.method as usize].inc();
                Ok(AuthenticatedClient { client, method: claim.method })
            }
            Err(Refused::Throttled(wait)) => Err(throttled(wait)),
            Err(Refused::Busy) => {
                let error = OAuthError::new(ErrorCode::TemporarilyUnavailable, "too many clients authenticate at once");
                Err(Failure { retry_after: Some(Duration::from_secs(1)), ..fail(error, "hash pool full") })
            }
            Err(Refused::Because(reason)) => {
                self.failed[claim.method as usize].inc();
                gate.count_failure(now);
                // a timer is fifty times as coarse
                while watch.elapsed() < FLOOR {
                    std::hint::spin_loop();
                }
                Err(fail(OAuthError::INVALID_CLIENT, reason))
            }
        }
    }

    async fn verify(&self, issuer: &Issuer, claim: &Claim, peer: IpAddr, now: Time) -> Result<Arc<Client>, Refused> {
        let client = self.registry.client(&issuer.id, &claim.client_id);
        let Some(secret) = &claim.secret else { return judge(client, claim, claim.method == AuthMethod::None) };
        let presented = Presented { vault: &self.vault, issuer: &issuer.id, client: &claim.client_id, secret };
        let hashes = presented.hashes();
        let proof = |secret: &Secret| secret.quick(&hashes) == Quick::Right;
        let live: Vec<&Secret> =
            client.iter().flat_map(|client| &client.secrets).filter(|secret| secret.is_live(now)).collect();
        // `fold`, not `any`: every secret is compared
        let proven = || live.iter().fold(false, |right, secret| right | proof(secret));
        let verdict = judge(client.clone(), claim, proven());
        if verdict.is_ok() || !issuer.cold.any() {
            return verdict;
        }
        let gate = self.throttle.slow_gate(&issuer.id, peer);
        gate.is_open(now).map_err(Refused::Throttled)?;
        let _place = self.pool.enter().await.ok_or(Refused::Busy)?;
        let slow = || live.iter().filter(|secret| secret.is_cold()).map(|secret| secret.slow(&presented));
        // while it waited another request may have had the right secret
        let proof =
            proven() || self.pool.run(|| slow().reduce(|one, other| one | other).unwrap_or_else(|| presented.burn()));
        let verdict = judge(client.clone(), claim, proof);
        if verdict.is_err() {
            gate.count_failure(now);
        }
        verdict
    }
}

/// Whether the claim holds; the proof is made first and for everybody, so that nothing here can be told apart by time.
fn judge(client: Option<Arc<Client>>, claim: &Claim, proof: bool) -> Result<Arc<Client>, Refused> {
    let client = client.ok_or(Refused::Because("unknown client"))?;
    if client.settings.disabled {
        Err(Refused::Because("disabled client"))
    } else if client.settings.auth_method != claim.method {
        Err(Refused::Because("another method is registered"))
    } else if !proof {
        Err(Refused::Because("wrong or expired secret"))
    } else {
        Ok(client)
    }
}

enum Refused {
    Busy,
    Throttled(Duration),
    Because(&'static str),
}

/// Finds the one method that the request uses (RFC 6749 section 2.3: not more than one).
fn detect(authorization: Option<&[u8]>, form: &Form<'_>) -> Result<Option<Claim>, OAuthError> {
    let mut found: Option<Claim> = None;
    for method in METHODS {
        if let Some(claim) = method.detect(authorization, form)? {
            if found.is_some() {
                return Err(OAuthError::invalid_request("more than one client authentication method"));
            }
            found = Some(claim);
        }
    }
    // a method that no client can have registered here, but a second one all the same
    match (form.get("client_assertion"), &found) {
        (Some(_), Some(claim)) if claim.secret.is_some() => {
            return Err(OAuthError::invalid_request("more than one client authentication method"));
        }
        (Some(_), _) => return Err(OAuthError::INVALID_CLIENT),
        (None, _) => {}
    }
    let Some(claim) = found else { return Ok(None) };
    // client_id in the body, if there, is the authenticated one (RFC 6749 section 3.2.1)
    if form.get("client_id").is_some_and(|id| id != claim.client_id) {
        return Err(OAuthError::invalid_request("client_id differs from the authenticated client"));
    }
    if claim.client_id.len() > MAX_CLIENT_ID || claim.secret.as_ref().is_some_and(|secret| secret.len() > MAX_SECRET) {
        let error = OAuthError::invalid_request("client_id or client_secret is too long");
        return Err(error.on(Occasion::LongCredential));
    }
    if claim.client_id.is_empty() {
        return Err(OAuthError::INVALID_CLIENT);
    }
    Ok(Some(claim))
}
