//! The text of a client secret: generated, imported, or hashed elsewhere.

use argon2::password_hash::phc::PasswordHash;
use zeroize::Zeroizing;

use super::stored::{MAX_SECRET, SecretHash};
use crate::id::{Id, random_bytes};
use crate::slow_hash::Cost;
use crate::token::wire;

/// A new secret: the prefix `jcs_` and 256 random bits in base64url.
pub fn generate() -> Zeroizing<String> {
    Zeroizing::new(wire::encode(wire::CLIENT_SECRET, &random_bytes::<32>()))
}

/// A new secret of 384 random bits: its text is long enough for an HMAC with SHA-512 (RFC 7518 section 3.2).
pub fn generate_long() -> Zeroizing<String> {
    Zeroizing::new(wire::encode(wire::CLIENT_SECRET, &random_bytes::<48>()))
}

/// Returns whether `text` looks like a secret of [`generate`] or [`generate_long`].
pub fn is_generated(text: &str) -> bool {
    wire::decode(wire::CLIENT_SECRET, text, MAX_SECRET).is_some_and(|bytes| matches!(bytes.len(), 32 | 48))
}

/// Returns advice for an operator who registers an imported secret.
pub fn advice(text: &str) -> Option<&'static str> {
    const TWO_SPELLINGS: &str = "client_secret has + or %: in a Basic header it is form-encoded (RFC 6749 section 2.3.1), \
        and although it is accepted here as it is too, other servers do not; a generated secret has neither";
    text.contains(['+', '%']).then_some(TWO_SPELLINGS)
}

/// A name for a new secret.
pub fn new_secret_id() -> String {
    wire::encode("", &Id::random().0)
}

/// The argon2id hash of an imported secret (19 MiB, 2 passes), about 20 ms.
///
/// # Errors
/// If the secret is empty or longer than 512 bytes, or hashing fails.
pub fn import(secret: &str) -> Result<SecretHash, &'static str> {
    if secret.is_empty() || secret.len() > MAX_SECRET {
        return Err("a client secret has 1 to 512 bytes");
    }
    Cost::default().hash(secret).map(SecretHash::Argon2)
}

/// Checks that `phc` is an argon2id hash whose cost is bounded: at most 256 MiB, 16 passes, 8 lanes.
///
/// # Errors
/// The rule it breaks.
pub fn check_phc(phc: &str) -> Result<(), &'static str> {
    let hash = PasswordHash::new(phc).map_err(|_| "not a hash in PHC format")?;
    let cost = |name, limit| hash.params.get_decimal(name).is_some_and(|value| value <= limit);
    if hash.algorithm.as_str() == "argon2id" && cost("m", 256 * 1024) && cost("t", 16) && cost("p", 8) {
        Ok(())
    } else {
        Err("must be argon2id with at most 256 MiB, 16 passes and 8 lanes")
    }
}
