//! Client secrets: what is stored of them and how one is checked.
//!
//! A secret that jeton generated has 256 bits, so one keyed hash is enough (and costs half a microsecond). An imported
//! one may be a person's password: argon2id, but only until it was right once; then its keyed hash is remembered in
//! memory and nobody pays for argon2 again, neither the client nor a guesser (CHECKLIST 16, 23, 25).

mod checked;
mod presented;
mod stored;
mod text;

pub use checked::{Quick, Secret};
pub use presented::{Hashes, Presented};
pub use stored::{MAX_SECRET, SecretHash, StoredSecret};
pub use text::{advice, check_phc, generate, generate_long, import, is_generated, new_secret_id};

#[cfg(test)]
mod tests;
