//! Secrets of a client: several may be live at once, so that a fleet can change over (CHECKLIST 25).

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::body::{self, AdminResult};
use super::problem::Problem;
use super::target::Created;
use crate::client::secret::{self, Presented, Quick, Secret, StoredSecret};
use crate::http::{Request, respond};
use crate::issuer::Issuer;
use crate::protocol::auth_method::{AuthMethod, CredentialKind};
use crate::registry::{RegistryError, StoredClient};
use crate::service::Service;

/// Most secrets of one client that are not expired.
const MAX_SECRETS: usize = 8;
/// Shortest secret that keys an HMAC, in bytes.
const MIN_HMAC: usize = 32;
/// Longest life of a secret that expires, in seconds: ten years.
const LONGEST: u64 = 3660 * 86_400;

/// A secret on its way to its owner.
pub(super) struct NewSecret {
    /// The stored form: a hash.
    pub(super) stored: StoredSecret,
    /// The secret itself: shown once, kept nowhere.
    pub(super) text: Zeroizing<String>,
}

impl NewSecret {
    /// Hashes `given`, or generates a secret.
    pub(super) async fn make(
        service: &Service,
        issuer: &Issuer,
        client: &str,
        method: AuthMethod,
        given: Option<Zeroizing<String>>,
        expires_in: Option<Duration>,
    ) -> Result<Self, Problem> {
        let created_at = service.context.clock.now();
        let for_hmac = method.credential == CredentialKind::HmacSecret;
        let generate = if for_hmac { secret::generate_long } else { secret::generate };
        let text = given.unwrap_or_else(generate);
        let presented = Presented { vault: &service.context.vault, issuer: &issuer.id, client, secret: &text };
        if for_hmac && !(MIN_HMAC..=secret::MAX_SECRET).contains(&text.len()) {
            return Err(Problem::new(
                400,
                "client_secret: client_secret_jwt needs 32 to 512 bytes (RFC 7518 section 3.2)",
            ));
        }
        let sealed = for_hmac.then(|| presented.seal());
        // a sealed secret stands and falls with the vault, so a slow hash would add nothing
        let hash = if for_hmac || secret::is_generated(&text) {
            presented.keyed().ok_or("the secret could not be hashed")
        } else {
            service.pool.import(&text).await?
        };
        let hash = hash.map_err(|rule| Problem::new(400, format!("client_secret: {rule}")))?;
        let expires_at = expires_in.map(|span| created_at + span);
        Ok(Self {
            stored: StoredSecret { secret_id: secret::new_secret_id(), hash, sealed, created_at, expires_at },
            text,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretRequest {
    /// Seconds.
    expires_in: Option<u64>,
}

pub(super) async fn add(service: &Service, issuer: &Issuer, id: &str, request: &Request) -> AdminResult {
    let wanted: SecretRequest = body::read(request)?;
    let client = service.registry.client(&issuer.id, id).ok_or_else(Problem::no_such_client)?;
    let method = client.settings.auth_method;
    if !method.has_secret() {
        return Err(Problem::new(400, format!("a client with method `{}` has no secrets", method.name)));
    }
    if wanted.expires_in.is_some_and(|seconds| seconds == 0 || seconds > LONGEST) {
        return Err(Problem::new(400, format!("expires_in: 1 to {LONGEST} seconds, or absent for ever")));
    }
    let now = service.context.clock.now();
    let expires_in = wanted.expires_in.map(Duration::from_secs);
    let secret = NewSecret::make(service, issuer, id, method, None, expires_in).await?;
    let stored = secret.stored.clone();
    let change = |client: &mut StoredClient| {
        // dead ones are no use to anybody
        client.secrets.retain(|secret| secret.expires_at.is_none_or(|expiry| now < expiry));
        // here, where it is added: requests that arrive together are as many as others
        if client.secrets.len() >= MAX_SECRETS {
            return Err(RegistryError::TooManySecrets);
        }
        client.secrets.push(stored);
        Ok(())
    };
    service.registry.update(issuer, id, change).await?;
    let mut response = body::json(
        201,
        &json!({
            "secret_id": secret.stored.secret_id,
            "client_secret": secret.text.as_str(),
            "expires_at": seconds(&secret.stored),
        }),
    );
    response.extensions_mut().insert(Created { client: None, secret: Some(secret.stored.secret_id) });
    Ok(response)
}

pub(super) async fn remove(service: &Service, issuer: &Issuer, id: &str, secret: &str) -> AdminResult {
    let change = |client: &mut StoredClient| {
        let before = client.secrets.len();
        client.secrets.retain(|own| own.secret_id != secret);
        if client.secrets.len() == before { Err(RegistryError::NoSecret) } else { Ok(()) }
    };
    service.registry.update(issuer, id, change).await?;
    Ok(respond::json(204, ""))
}

/// Returns whether `text` is one of the `secrets` of a client that have not expired.
pub(super) async fn is_one_of(
    service: &Service,
    issuer: &Issuer,
    client: &str,
    secrets: &[StoredSecret],
    text: &str,
) -> Result<bool, Problem> {
    if text.is_empty() || text.len() > secret::MAX_SECRET {
        return Ok(false);
    }
    let now = service.context.clock.now();
    let presented = Presented { vault: &service.context.vault, issuer: &issuer.id, client, secret: text };
    let hashes = presented.hashes();
    for own in secrets.iter().map(|own| Secret::new(own.clone(), None)).filter(|own| own.is_live(now)) {
        let right = match (own.quick(&hashes), own.cold_hash()) {
            (Quick::Slow, Some(phc)) => service.pool.check(text, phc).await?,
            (quick, _) => quick == Quick::Right,
        };
        if right {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A secret as an operator sees it.
pub(super) fn describe(secret: &StoredSecret) -> Value {
    json!({ "secret_id": secret.secret_id, "created_at": secret.created_at.as_secs(), "expires_at": seconds(secret) })
}

/// Expiry in seconds since the epoch; 0 is never (RFC 7591 section 3.2.1).
fn seconds(secret: &StoredSecret) -> u64 {
    secret.expires_at.map_or(0, |expiry| expiry.as_secs())
}
