//! The check of a JWT's signature by public keys, which every method with such a JWT shares.
//!
//! The key comes from our records and the algorithm must fit it; `jwk`, `jku`, `x5u` and `x5c` of the header are never
//! looked at, `kid` only chooses. Where there is no key, a decoy is asked, so that the time is the same.

use std::sync::{Arc, LazyLock};

use super::attempt::AuthAttempt;
use super::failure::ClaimError;
use crate::jose::Jws;
use crate::jwks::keyset::{ClientKeys, KeySet};

/// Returns the keys themselves, read anew if those at a URL have none for this signature.
///
/// # Errors
/// If they cannot be read now; that says nothing of the signature, so it is no failed authentication.
pub(super) async fn keys(
    attempt: &AuthAttempt<'_>,
    keys: &ClientKeys,
    jws: &Jws<'_>,
) -> Result<Option<Arc<KeySet>>, ClaimError> {
    let header = jws.header();
    match keys {
        ClientKeys::None => Ok(None),
        ClientKeys::Inline(keys) => Ok(Some(keys.clone())),
        ClientKeys::Remote(url) => {
            let keys = attempt.services.remote.keys(url, header.kid.as_deref(), header.alg, attempt.now).await;
            keys.map(Some).map_err(|error| ClaimError::Unavailable(error.reason()))
        }
    }
}

/// Returns whether one of `keys` made the signature. At least one key is asked, whatever they are.
pub(super) fn is_by(jws: &Jws<'_>, keys: Option<&KeySet>) -> bool {
    let (kid, alg) = (jws.header().kid.as_deref(), jws.header().alg);
    let mut asked = false;
    for key in keys.into_iter().flat_map(|keys| keys.candidates(kid, alg)) {
        asked = true;
        if jws.verify_with(key, alg).is_ok() {
            return true;
        }
    }
    if !asked && let Some(decoy) = DECOYS.candidates(None, alg).next() {
        let _ = jws.verify_with(decoy, alg);
    }
    false
}

/// A key of each kind that nobody has the private part of, or (the generators) that no client has.
static DECOYS: LazyLock<KeySet> = LazyLock::new(|| {
    serde_json::from_str(include_str!("decoys.json")).ok().and_then(|jwks| KeySet::new(&jwks).ok()).unwrap_or_default()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::Scheme;

    #[test]
    fn checklist_16_there_is_a_decoy_for_every_algorithm() {
        for alg in Scheme::SIGNATURES {
            assert_eq!(DECOYS.candidates(None, alg).count(), 1, "{alg}");
        }
    }
}
