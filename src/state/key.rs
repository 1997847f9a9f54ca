//! The names of rows and the cells that hold them. The bytes of a name also choose the lane within a cell.

use aws_lc_rs::digest;

use crate::id::Id;

/// A cell: an engine with rows of its own. Every credential names the cell that holds its family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell(pub u16);

/// A value together with the cell it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Placed<T> {
    /// The cell.
    pub cell: Cell,
    /// The value.
    pub of: T,
}

impl Cell {
    /// Places `of` in this cell.
    pub const fn place<T>(self, of: T) -> Placed<T> {
        Placed { cell: self, of }
    }
}

/// The name of a row within its cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A grant family, by the id that its code and refresh tokens carry.
    Family(Id),
    /// A mark on one token or assertion, see [`Key::revoked_token`] and [`Key::used_assertion`].
    Mark(Id),
    /// A not-before moment, see [`Key::not_before`].
    NotBefore(Id),
    /// A user code, see [`Key::user_code`].
    UserCode(Id),
}

/// Issuer, client or subject that a not-before moment applies to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotBeforeOf<S = Box<str>> {
    /// Everything that the issuer issued.
    Issuer,
    /// Everything issued to one client.
    Client(S),
    /// Everything issued about one subject.
    Subject(S),
}

impl Key {
    /// Returns the key of the mark of a revoked access token: 128 bits of a SHA-256 over issuer and `jti`.
    pub fn revoked_token(issuer: &str, jti: &str) -> Self {
        Self::Mark(digest_id(&[b"revoked", issuer.as_bytes(), jti.as_bytes()]))
    }

    /// Returns the key of the mark of a used assertion or proof: 128 bits of a SHA-256 over issuer and name.
    pub fn used_assertion(issuer: &str, name: &[u8]) -> Self {
        Self::Mark(digest_id(&[b"used", issuer.as_bytes(), name]))
    }

    /// Returns the key of a not-before moment: 128 bits of a SHA-256 over issuer, kind and name.
    pub fn not_before<S: AsRef<str>>(issuer: &str, of: &NotBeforeOf<S>) -> Self {
        let (kind, name) = match of {
            NotBeforeOf::Issuer => ("issuer", ""),
            NotBeforeOf::Client(client) => ("client", client.as_ref()),
            NotBeforeOf::Subject(subject) => ("subject", subject.as_ref()),
        };
        Self::NotBefore(digest_id(&[kind.as_bytes(), issuer.as_bytes(), name.as_bytes()]))
    }

    /// Returns the keys of the three not-before moments that apply to tokens of `client` about `subject`.
    pub fn all_not_before(issuer: &str, client: &str, subject: &str) -> [Self; 3] {
        [NotBeforeOf::Issuer, NotBeforeOf::Client(client), NotBeforeOf::Subject(subject)]
            .map(|of| Self::not_before(issuer, &of))
    }

    /// Returns the key of a user code: 128 bits of a SHA-256 over issuer and letters.
    pub fn user_code(issuer: &str, letters: &str) -> Self {
        Self::UserCode(digest_id(&[b"user code", issuer.as_bytes(), letters.as_bytes()]))
    }

    /// Returns the lane, of `count`, that operations on the row take on a node.
    pub fn lane(&self, count: u16) -> u16 {
        let id = self.id().0;
        u16::from_be_bytes([id[0], id[1]]) % count.max(1)
    }

    /// Returns the 16 bytes that name the row within its kind; uniformly distributed, so they also choose the lane.
    pub fn id(&self) -> &Id {
        match self {
            Self::Family(id) | Self::Mark(id) | Self::NotBefore(id) | Self::UserCode(id) => id,
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
