//! The check of a client secret, shared by the methods that send one (CHECKLIST 16).
//!
//! Every claim costs the same keyed hashes. While an issuer has imported secrets that only argon2id can check, every
//! failure there costs one argon2id hash of each cost that they have, too, or its time would tell which clients exist; a
//! source that fails too often is then refused without one. A client with several such secrets of one cost still takes
//! longer, and so does what was sent in a spelling that can mean two secrets, whoever sends it.

use std::sync::Arc;

use super::attempt::AuthAttempt;
use super::failure::ClaimError;
use super::guesses::ReservedGuess;
use super::pool::HashTurn;
use super::spellings::SecretSpellings;
use crate::client::Client;
use crate::client::secret::{Hashes, Presented, Quick, Secret};
use crate::limit::network::network;
use crate::slow_hash::{Cost, Full, QueueShare};

const WRONG: &str = "wrong or expired secret";

/// Checks that the sent text is one of the client's secrets.
pub(super) async fn verify(attempt: &AuthAttempt<'_>, sent: &SecretSpellings) -> Result<Arc<Client>, ClaimError> {
    let guesses = &attempt.services.guesses;
    let presented = |secret| Presented {
        vault: &attempt.services.vault,
        issuer: &attempt.issuer.id,
        client: attempt.client_id,
        secret,
    };
    let presented: Vec<_> = sent.spellings().map(presented).collect();
    let hashes: Vec<_> = presented.iter().map(Presented::hashes).collect();
    let enabled = attempt.client.iter().filter(|client| !client.settings.disabled);
    let secrets = enabled.flat_map(|client| &client.secrets);
    let live: Vec<&Secret> = secrets.filter(|secret| secret.is_live(attempt.now)).collect();
    let look = || SecretMatch::at(&live, &hashes);
    match admitted(attempt, look()) {
        // right where the gate is shut must not be told sooner than wrong
        Err(ClaimError::Wrong(_) | ClaimError::Throttled(_)) if attempt.issuer.cold.any(attempt.now) => {}
        decided => return decided,
    }
    let reserved = guesses.reserve(attempt.guess(), &attempt.services.clock);
    if let Err(wait) = &reserved
        && !guesses.is_pending(attempt.guess())
    {
        // nothing to wait for, whether there is such a client or not; but what was waited for may just have been right
        return admitted(attempt, look()).map_err(|_| ClaimError::Throttled(*wait));
    }
    let client = format!("{}/{}", attempt.issuer.id, attempt.client_id);
    let turn = attempt.services.pool.enter(QueueShare { source: network(attempt.peer), client }).await?;
    // while it waited another request may have had the right secret: of a fleet that starts at once the first proves it for
    // all, those included that came when as many as may be were waiting to be looked at
    match (admitted(attempt, look()), reserved) {
        (Err(ClaimError::Wrong(_) | ClaimError::Throttled(_)), Ok(reserved)) => {
            slow_look(attempt, &turn, &live, &presented, (look(), reserved)).await
        }
        (Err(ClaimError::Wrong(_) | ClaimError::Throttled(_)), Err(wait)) => Err(ClaimError::Throttled(wait)),
        (decided, _) => decided,
    }
}

/// Returns the client, if keyed hashes say so. One that can be guessed passes only where there were not too many guesses.
fn admitted(attempt: &AuthAttempt<'_>, look: SecretMatch) -> Result<Arc<Client>, ClaimError> {
    let client = attempt.judge(look.proof())?;
    if !look.generated {
        attempt.services.guesses.right(attempt.guess()).map_err(ClaimError::Throttled)?;
    }
    Ok(client)
}

/// The kinds of secrets that were right.
#[derive(Clone, Copy, Default)]
struct SecretMatch {
    generated: bool,
    imported: bool,
}

impl SecretMatch {
    /// Compares keyed hashes. Every secret is compared with every spelling.
    fn at(live: &[&Secret], hashes: &[Hashes]) -> Self {
        let mut look = Self::default();
        for secret in live {
            let right = hashes.iter().fold(false, |right, hashes| right | (secret.quick(hashes) == Quick::Right));
            let kind = if secret.is_imported() { &mut look.imported } else { &mut look.generated };
            *kind |= right;
        }
        look
    }

    fn proof(self) -> Result<(), &'static str> {
        if self.generated | self.imported { Ok(()) } else { Err(WRONG) }
    }
}

/// Compares by argon2id, for a guess that was let in. Somebody else may have shown meanwhile that it is right.
async fn slow_look(
    attempt: &AuthAttempt<'_>,
    turn: &HashTurn<'_>,
    live: &[&Secret],
    presented: &[Presented<'_>],
    (mut look, mut reserved): (SecretMatch, ReservedGuess<'_>),
) -> Result<Arc<Client>, ClaimError> {
    reserved.look();
    let mut costs = attempt.issuer.cold.costs(attempt.now);
    if costs.is_empty() {
        // the last of them was found right meanwhile
        costs.push(Cost::default());
    }
    for presented in presented {
        match slow(turn, presented, live, &costs).await {
            Ok(right) => look.imported |= right,
            Err(full) => {
                reserved.give_back();
                return Err(full.into());
            }
        }
    }
    match attempt.judge(look.proof()) {
        Ok(client) => {
            attempt.services.guesses.found_right(attempt.guess(), reserved);
            Ok(client)
        }
        Err(ClaimError::Wrong(reason)) => Err(ClaimError::Counted(reason)),
        Err(refused) => Err(refused),
    }
}

/// Returns whether argon2id finds the secret right. Argon2id is asked for every secret that it alone can check, and if none is right at
/// each of the costs once at least.
async fn slow(turn: &HashTurn<'_>, presented: &Presented<'_>, live: &[&Secret], costs: &[Cost]) -> Result<bool, Full> {
    let (mut right, mut spent) = (false, Vec::new());
    for (secret, hash) in live.iter().filter_map(|secret| Some((secret, secret.cold_hash()?))) {
        if turn.verify(presented.secret, hash).await? {
            secret.found_right(presented);
            right = true;
        }
        spent.extend(Cost::of(hash));
    }
    for cost in costs.iter().filter(|cost| !right && !spent.contains(cost)) {
        turn.burn(presented.secret, *cost).await?;
    }
    Ok(right)
}
