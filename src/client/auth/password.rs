//! The check of a client secret, shared by the methods that send one (CHECKLIST 16).
//!
//! Every claim costs the same keyed hashes. While an issuer has imported secrets that only argon2id can check, every
//! failure there costs one argon2id hash too, or its time would tell which clients exist; a source that fails too often
//! is then refused without one. A client with several such secrets still takes longer.

use std::sync::Arc;

use super::{Case, Refused};
use crate::client::Client;
use crate::client::secret::{Presented, Quick, Secret};

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
    let gate = by.throttle.slow_gate(&case.issuer.id, case.peer);
    gate.is_open(now).map_err(Refused::Throttled)?;
    let _place = by.pool.enter().await.ok_or(Refused::Later("hash pool full"))?;
    let slow = || live.iter().filter(|secret| secret.is_cold()).map(|secret| secret.slow(&presented));
    // while it waited another request may have had the right secret
    let proof = proven() || by.pool.run(|| slow().reduce(|one, other| one | other).unwrap_or_else(|| presented.burn()));
    let verdict = case.judge(proof.then_some(()).ok_or(WRONG));
    if verdict.is_err() {
        gate.count_failure(now);
    }
    verdict
}
