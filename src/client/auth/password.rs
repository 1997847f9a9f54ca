//! The check of a client secret, shared by the methods that send one (CHECKLIST 16).
//!
//! Every claim costs the same keyed hashes. While an issuer has imported secrets that only argon2id can check, every
//! failure there costs one argon2id hash too, or its time would tell which clients exist; a source that fails too often
//! is then refused without one. A client with several such secrets still takes longer, and so does what was sent in a
//! spelling that can mean two secrets, whoever sends it.

use std::sync::Arc;

use super::claim::Sent;
use super::pool::Turn;
use super::throttle::Throttle;
use super::{Case, Refused};
use crate::client::Client;
use crate::client::secret::{Hashes, Presented, Quick, Secret};
use crate::slow_hash::Share;

const WRONG: &str = "wrong or expired secret";

/// Whether what was sent is one of the client's secrets.
pub(super) async fn verify(case: &Case<'_>, sent: &Sent) -> Result<Arc<Client>, Refused> {
    let guesses = &case.by.guesses;
    let presented =
        |secret| Presented { vault: &case.by.vault, issuer: &case.issuer.id, client: case.client_id, secret };
    let presented: Vec<_> = sent.spellings().map(presented).collect();
    let hashes: Vec<_> = presented.iter().map(Presented::hashes).collect();
    let secrets = case.client.iter().flat_map(|client| &client.secrets);
    let live: Vec<&Secret> = secrets.filter(|secret| secret.is_live(case.now)).collect();
    let look = Look::at(&live, &hashes);
    match case.judge(look.proof()) {
        Ok(client) if look.generated => return Ok(client),
        Ok(client) => return guesses.right(case.guess()).map(|()| client).map_err(Refused::Throttled),
        Err(refused) if !case.issuer.cold.any() => return Err(refused),
        Err(_) => {}
    }
    let reserved = guesses.reserve(case.guess()).map_err(Refused::Throttled)?;
    match slow_look(case, &live, &hashes, &presented).await.map(|look| case.judge(look.proof())) {
        Ok(Ok(client)) => {
            guesses.found_right(case.guess(), reserved);
            Ok(client)
        }
        Ok(Err(Refused::Because(reason))) => Err(Refused::Counted(reason)),
        Ok(Err(refused)) => Err(refused),
        Err(not_now) => {
            reserved.give_back();
            Err(not_now)
        }
    }
}

/// Which kind of secret was right, if one was.
#[derive(Clone, Copy, Default)]
struct Look {
    generated: bool,
    imported: bool,
}

impl Look {
    /// What keyed hashes say. Every secret is compared with every spelling.
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

/// The same with argon2id, when its turn comes.
async fn slow_look(
    case: &Case<'_>,
    live: &[&Secret],
    hashes: &[Hashes],
    presented: &[Presented<'_>],
) -> Result<Look, Refused> {
    let client = format!("{}/{}", case.issuer.id, case.client_id);
    let turn = case.by.pool.enter(Share { source: Throttle::network(case.peer), client }).await?;
    // while it waited another request may have had the right secret
    let mut look = Look::at(live, hashes);
    if look.proof().is_err() {
        for presented in presented {
            look.imported |= slow(&turn, presented, live).await?;
        }
    }
    Ok(look)
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
