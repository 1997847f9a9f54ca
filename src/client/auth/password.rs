//! The check of a client secret, shared by the methods that send one (CHECKLIST 16).
//!
//! Every claim costs the same keyed hashes. While an issuer has imported secrets that only argon2id can check, every
//! failure there costs one argon2id hash too, or its time would tell which clients exist; a source that fails too often
//! is then refused without one. A client with several such secrets still takes longer.

use std::sync::Arc;

use super::pool::Turn;
use super::{Case, Refused};
use crate::client::Client;
use crate::client::secret::{Presented, Quick, Secret};
use crate::slow_hash::Full;

const WRONG: &str = "wrong or expired secret";

/// Whether `secret` is one of the client's.
pub(super) async fn verify(case: &Case<'_>, secret: &str) -> Result<Arc<Client>, Refused> {
    let (by, now) = (case.by, case.now);
    let presented = Presented { vault: &by.vault, issuer: &case.issuer.id, client: case.client_id, secret };
    let hashes = presented.hashes();
    let proof = |secret: &Secret| secret.quick(&hashes) == Quick::Right;
    let live: Vec<&Secret> =
        case.client.iter().flat_map(|client| &client.secrets).filter(|secret| secret.is_live(now)).collect();
    // `fold`, not `any`: every secret is compared
    let proven = || live.iter().fold(false, |right, secret| right | proof(secret));
    let verdict = case.judge(proven().then_some(()).ok_or(WRONG));
    if verdict.is_ok() || !case.issuer.cold.any() {
        return verdict;
    }
    let gate = by.slow_throttle.slow_gate(&case.issuer.id, case.peer);
    gate.is_open(now).map_err(Refused::Throttled)?;
    let turn = by.pool.enter().await?;
    // while it waited another request may have had the right secret
    let right = proven() || slow(&turn, &presented, &live).await?;
    drop(turn);
    let verdict = case.judge(right.then_some(()).ok_or(WRONG));
    if verdict.is_err() {
        gate.count(now);
    }
    verdict
}

/// Whether argon2id finds the secret right. It is asked at least once, and for every secret that it alone can check.
async fn slow(turn: &Turn<'_>, presented: &Presented<'_>, live: &[&Secret]) -> Result<bool, Refused> {
    let cold: Vec<_> = live.iter().filter_map(|secret| Some((secret, secret.cold_hash()?))).collect();
    if cold.is_empty() {
        return Ok(turn.burn(presented.secret).await?);
    }
    let mut right = false;
    for (secret, hash) in cold {
        if turn.verify(presented.secret, hash).await? {
            secret.found_right(presented);
            right = true;
        }
    }
    Ok(right)
}

impl From<Full> for Refused {
    fn from(_: Full) -> Self {
        Self::Later("too many secrets are being hashed")
    }
}
