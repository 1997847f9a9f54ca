//! The names of what the store keeps: rows are found by them, and the same bytes choose the shard.

use aws_lc_rs::digest;

use crate::id::Id;

/// The name of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A grant family, by the id that its code and refresh tokens carry.
    Family(Id),
    /// A single mark: a revoked access token, a used assertion. The id is a digest, see [`Key::mark`].
    Mark(Id),
    /// A fence: the moment before which everything of an issuer, client or subject is void.
    Fence(Id),
    /// A user code, by its digest, see [`Key::user_code`].
    UserCode(Id),
}

/// What a [`Key::Mark`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkKind {
    /// The `jti` of a revoked access token.
    RevokedToken,
    /// The `jti` of a client assertion or a proof, remembered until it expires.
    UsedAssertion,
}

/// Whom a fence is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fence<'a> {
    /// Everything the issuer ever issued.
    Issuer,
    /// Everything issued to one client.
    Client(&'a str),
    /// Everything issued about one subject.
    Subject(&'a str),
}

impl Key {
    /// The key of a mark: 128 bits of a SHA-256 over kind, issuer and name.
    pub fn mark(kind: MarkKind, issuer: &str, name: &[u8]) -> Self {
        let kind = match kind {
            MarkKind::RevokedToken => "revoked",
            MarkKind::UsedAssertion => "used",
        };
        Self::Mark(digest_id(&[kind.as_bytes(), issuer.as_bytes(), name]))
    }

    /// The key of a fence: 128 bits of a SHA-256 over issuer, kind and name.
    pub fn fence(issuer: &str, fence: Fence<'_>) -> Self {
        let (kind, name) = match fence {
            Fence::Issuer => ("issuer", ""),
            Fence::Client(client) => ("client", client),
            Fence::Subject(subject) => ("subject", subject),
        };
        Self::Fence(digest_id(&[kind.as_bytes(), issuer.as_bytes(), name.as_bytes()]))
    }

    /// The key of a user code: 128 bits of a SHA-256 over issuer and letters.
    pub fn user_code(issuer: &str, letters: &str) -> Self {
        Self::UserCode(digest_id(&[b"user code", issuer.as_bytes(), letters.as_bytes()]))
    }

    /// The 16 bytes that name the row within its kind; uniformly distributed, so they also choose the shard.
    pub fn id(&self) -> &Id {
        match self {
            Self::Family(id) | Self::Mark(id) | Self::Fence(id) | Self::UserCode(id) => id,
        }
    }
}

fn digest_id(parts: &[&[u8]]) -> Id {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        context.update(part);
    }
    let mut id = [0; 16];
    id.copy_from_slice(&context.finish().as_ref()[..16]);
    Id(id)
}
