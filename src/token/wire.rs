//! The form of opaque credentials: a prefix for secret scanners, then base64url of `version | key id | cell | family id
//! (16 B) | ...`. There is one string per credential: base64 that is not canonical is refused, so a token cannot be
//! spelled in two ways.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub(crate) use crate::credential::{ACCESS, ADMIN_TOKEN, CLIENT_SECRET, CODE, DEVICE, REFRESH, is_credential};
use crate::id::Id;
use crate::state::{Cell, Key, Placed};

/// Bytes of an encoded [`Head`].
pub(crate) const HEAD_LEN: usize = 20;
const VERSION: u8 = 1;

/// The beginning of every credential of a family. Not secret, but covered by the MAC or the seal behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The entry of the master key ring behind MAC or seal.
    pub key: u8,
    /// The cell that holds the family.
    pub cell: Cell,
    /// The family.
    pub family: Id,
}

impl Head {
    /// `version | key id | cell | family id`.
    pub fn to_bytes(self) -> [u8; HEAD_LEN] {
        let mut bytes = [0; HEAD_LEN];
        bytes[0] = VERSION;
        bytes[1] = self.key;
        bytes[2..4].copy_from_slice(&self.cell.0.to_be_bytes());
        bytes[4..].copy_from_slice(&self.family.0);
        bytes
    }

    /// Splits a decoded credential into its head and what follows; `None` for another version or too few bytes.
    pub fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (head, rest) = bytes.split_at_checked(HEAD_LEN)?;
        if head[0] != VERSION {
            return None;
        }
        let family = Id(head[4..].try_into().ok()?);
        Some((Self { key: head[1], cell: Cell(u16::from_be_bytes([head[2], head[3]])), family }, rest))
    }

    /// The row of the family, in its cell.
    pub fn row(&self) -> Placed<Key> {
        self.cell.place(Key::Family(self.family))
    }
}

/// Encodes `bytes` as base64url behind `prefix`.
pub(crate) fn encode(prefix: &str, bytes: &[u8]) -> String {
    let mut text = String::with_capacity(prefix.len() + bytes.len().div_ceil(3) * 4);
    text.push_str(prefix);
    URL_SAFE_NO_PAD.encode_string(bytes, &mut text);
    text
}

/// Decodes the bytes behind `prefix`; `None` unless `text` has it, is at most `limit` bytes long and is canonical
/// base64url.
pub(crate) fn decode(prefix: &str, text: &str, limit: usize) -> Option<Vec<u8>> {
    if text.len() > limit {
        return None;
    }
    URL_SAFE_NO_PAD.decode(text.strip_prefix(prefix)?).ok()
}
