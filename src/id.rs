//! Random identifiers, from the operating system's generator and from nowhere else.

use serde::{Deserialize, Serialize};

/// 128 random bits: the name of a grant family, of an attempt, or of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Id(pub [u8; 16]);

impl Id {
    /// Makes a random identifier.
    pub fn random() -> Self {
        Self(random_bytes())
    }
}

/// Returns `N` bytes from the operating system's generator.
///
/// # Panics
/// If the operating system has no randomness to give; nothing secure can go on after that.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::expect_used, reason = "no randomness: stop rather than issue a guessable token")]
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
