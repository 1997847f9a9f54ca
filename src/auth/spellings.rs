//! A client secret as it was sent, which can be read in two ways in a Basic header.

use zeroize::Zeroizing;

/// A secret in each spelling that may be meant: at least one, at most two.
pub(super) struct SecretSpellings {
    first: Zeroizing<String>,
    second: Option<Zeroizing<String>>,
}

impl SecretSpellings {
    /// Makes one that can be read in one way only.
    pub(super) fn plain(secret: Zeroizing<String>) -> Self {
        Self { first: secret, second: None }
    }

    /// Makes one that was sent decoded or raw; `None` if it is neither.
    pub(super) fn either(decoded: Option<Zeroizing<String>>, raw: Option<Zeroizing<String>>) -> Option<Self> {
        let raw = raw.filter(|raw| decoded.as_ref() != Some(raw));
        match (decoded, raw) {
            (Some(first), second) => Some(Self { first, second }),
            (None, raw) => raw.map(Self::plain),
        }
    }

    /// Returns the spelling that counts by RFC 6749.
    pub(super) fn first(&self) -> &str {
        &self.first
    }

    /// Returns all spellings; how many there are follows from what was sent.
    pub(super) fn spellings(&self) -> impl Iterator<Item = &str> {
        [Some(&self.first), self.second.as_ref()].into_iter().flatten().map(|secret| secret.as_str())
    }
}
