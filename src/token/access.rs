//! The claims of JWT access tokens (RFC 9068) and the `jti` that ties them to their family.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Time;
use crate::id::{Id, random_bytes};
use crate::state::{Cell, Key, Placed};

pub(crate) use super::access_format::{AccessTokenFormat, AccessTokenTyp};
pub(crate) use super::claim_style::ClaimStyle;
pub(crate) use super::confirmation::Confirmation;
pub(crate) use super::scope_claim::{ScopeClaim, ScopeStyle};

/// The claims of an access token (RFC 9068 section 2.2).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AccessClaims {
    /// Issuer.
    pub iss: String,
    /// Subject: the person, or the client itself for client credentials.
    pub sub: String,
    /// Audience: one string, or an array of several.
    pub aud: Value,
    /// The client.
    pub client_id: String,
    /// Expiry, seconds since the epoch.
    pub exp: u64,
    /// Issue, seconds since the epoch.
    pub iat: u64,
    /// Token id, see [`Jti`].
    pub jti: String,
    /// Scope (RFC 9068 section 2.2.3).
    #[serde(default, skip_serializing_if = "ScopeClaim::is_empty")]
    pub scope: ScopeClaim,
    /// Time of the person's authentication, seconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<u64>,
    /// Authentication context class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// Authentication methods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// Confirmation that the bearer must give.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
    /// The tokens that it was exchanged from, the first one first, and those of who acts; it dies with each of them.
    #[serde(default, rename = "exchanged_from", skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<Origin>,
    /// Further claims; never one of the above (see [`PROTOCOL_CLAIMS`]).
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// An access token that another one was exchanged from (RFC 8693), or that of an actor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Client that the token was issued to.
    pub client_id: String,
    /// Id of the token, see [`Jti`].
    pub jti: String,
    /// Subject of an actor's token; absent means the subject of the token that it stands in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
}

/// The most exchanges that may lie behind a token.
pub(crate) const MAX_DEPTH: u8 = 15;

/// The most tokens that a token may come from, those of actors counted: each is looked up when the token is used.
pub(crate) const MAX_ORIGINS: usize = 32;

/// Claims that only ID tokens have; each is one of [`PROTOCOL_CLAIMS`], so no portal puts it into an access token.
const OF_ID_TOKENS: [&str; 4] = ["azp", "nonce", "at_hash", "c_hash"];

impl AccessClaims {
    /// Returns whether a token with these claims is an access token even if its `typ` does not say so (RFC 8725 section
    /// 3.12): our ID tokens have neither `client_id` nor `jti`, and access tokens none of the claims that only ID
    /// tokens have.
    pub(crate) fn are_unmistakable(&self) -> bool {
        !OF_ID_TOKENS.iter().any(|claim| self.extra.contains_key(*claim))
    }
}

/// Returns whether foreign claims are those of an access token that a jeton issued, which nothing else tells where
/// `typ` is `JWT`.
pub(crate) fn is_access_token(jti: Option<&str>, claims: &Map<String, Value>) -> bool {
    claims.contains_key("client_id") && jti.and_then(Jti::parse).is_some()
}

/// Claims that belong to the protocol: a portal or a client may not set them.
pub const PROTOCOL_CLAIMS: [&str; 21] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "client_id",
    "scope",
    "auth_time",
    "acr",
    "amr",
    "azp",
    "nonce",
    "at_hash",
    "c_hash",
    "cnf",
    "act",
    "exchanged_from",
    "active",
    "token_type",
];

/// Returns whether `text` can be a subject: 1 to 255 printable ASCII characters (OpenID Connect Core section 2).
pub(crate) fn is_subject(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, 0x20..=0x7e))
}

/// A token id that says when it was issued and what it belongs to, so that introspection finds its family and
/// compares it with fences to the millisecond without storing anything per token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jti {
    /// Time of issue.
    pub issued_at: Time,
    /// The cell that holds the family, and the mark of a token that was revoked by itself.
    pub cell: Cell,
    /// The family the token came from; `None` for client credentials.
    pub family: Option<Id>,
    /// 128 bits (64 within a family) that make it unique.
    unique: [u8; 16],
}

/// `kind | milliseconds (6 B) | unique (16 B)`: in cell 0, as it was before there were cells.
const ALONE_IN_FIRST: u8 = 1;
/// `kind | milliseconds (6 B) | family (16 B) | unique (8 B)`: in cell 0.
const OF_FAMILY_IN_FIRST: u8 = 2;
/// `kind | milliseconds (6 B) | cell (2 B) | unique (16 B)`.
const ALONE: u8 = 3;
/// `kind | milliseconds (6 B) | cell (2 B) | family (16 B) | unique (8 B)`.
const OF_FAMILY: u8 = 4;

impl Jti {
    /// A fresh id of a token in `cell`.
    pub fn new(issued_at: Time, cell: Cell, family: Option<Id>) -> Self {
        let mut unique = random_bytes::<16>();
        if family.is_some() {
            unique[8..].fill(0);
        }
        Self { issued_at, cell, family, unique }
    }

    /// The row of its family, if it has one.
    pub fn family_row(&self) -> Option<Placed<Key>> {
        self.family.map(|family| self.cell.place(Key::Family(family)))
    }

    /// Base64url, 34 or 44 characters.
    pub fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(33);
        bytes.push(if self.family.is_some() { OF_FAMILY } else { ALONE });
        bytes.extend_from_slice(&self.issued_at.as_millis().to_be_bytes()[2..]);
        bytes.extend_from_slice(&self.cell.0.to_be_bytes());
        match &self.family {
            Some(family) => {
                bytes.extend_from_slice(&family.0);
                bytes.extend_from_slice(&self.unique[..8]);
            }
            None => bytes.extend_from_slice(&self.unique),
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads an id back; `None` if it is not one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (&kind, rest) = bytes.split_first()?;
        let (millis, rest) = rest.split_at_checked(6)?;
        let mut wide = [0; 8];
        wide[2..].copy_from_slice(millis);
        let issued_at = Time::from_millis(u64::from_be_bytes(wide));
        let (cell, rest) = match kind {
            ALONE_IN_FIRST | OF_FAMILY_IN_FIRST => (Cell::default(), rest),
            _ => rest.split_first_chunk().map(|(cell, rest)| (Cell(u16::from_be_bytes(*cell)), rest))?,
        };
        let mut unique = [0; 16];
        match (kind, rest.len()) {
            (ALONE | ALONE_IN_FIRST, 16) => {
                unique.copy_from_slice(rest);
                Some(Self { issued_at, cell, family: None, unique })
            }
            (OF_FAMILY | OF_FAMILY_IN_FIRST, 24) => {
                unique[..8].copy_from_slice(&rest[16..]);
                Some(Self { issued_at, cell, family: Some(Id(rest[..16].try_into().ok()?)), unique })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jti_is_read_back_with_and_without_family() {
        for family in [None, Some(Id::random())] {
            for cell in [0, 1, 0xabcd].map(Cell) {
                let jti = Jti::new(Time::from_millis(1_700_000_000_123), cell, family);
                assert_eq!(Jti::parse(&jti.encode()), Some(jti));
                assert_eq!(jti.encode().len(), if family.is_some() { 44 } else { 34 });
            }
        }
        for short in ["AQ", "Aw", "AwAAAAAAAAA", "BAAAAAAAAAAA"] {
            assert_eq!(Jti::parse(short), None, "{short}");
        }
    }

    #[test]
    fn a_jti_from_before_there_were_cells_is_in_the_first() {
        for (kind, family, rest) in [(1, None, vec![7; 16]), (2, Some(Id([5; 16])), [vec![5; 16], vec![7; 8]].concat())]
        {
            let text = URL_SAFE_NO_PAD.encode([vec![kind, 0, 0, 0, 0, 1, 2], rest].concat());
            let jti = Jti::parse(&text).unwrap();
            assert_eq!((jti.issued_at, jti.cell, jti.family), (Time::from_millis(258), Cell(0), family));
        }
    }
}
