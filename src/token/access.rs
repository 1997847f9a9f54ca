//! The claims of JWT access tokens (RFC 9068) and the `jti` that ties them to their family.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Time;
use crate::id::{Id, random_bytes};
use crate::jose::jwk::PublicJwk;
use crate::protocol::scope::Scope;
use crate::token::proof_key::POP;
use crate::x509::Thumbprint;

/// The claims of an access token (RFC 9068 section 2.2).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessClaims {
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
    /// When the person authenticated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<u64>,
    /// Authentication context class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// Authentication methods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// What whoever uses the token must show.
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
    /// Whose it was.
    pub client_id: String,
    /// Its id, see [`Jti`].
    pub jti: String,
    /// Its subject, if it is one of an actor; absent is the subject of the token that it stands in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
}

/// The most exchanges that may lie behind a token.
pub const MAX_DEPTH: u8 = 15;

/// The most tokens that a token may come from, those of actors counted: each is looked up when the token is used.
pub const MAX_ORIGINS: usize = 32;

/// What whoever uses a token must show (RFC 7800 section 3.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// The certificate with this SHA-256, in base64url (RFC 8705 section 3.1).
    #[serde(rename = "x5t#S256", default, skip_serializing_if = "Option::is_none")]
    pub x5t_s256: Option<String>,
    /// The private half of this key (RFC 7800 section 3.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwk: Option<Box<PublicJwk>>,
}

/// Claims that only ID tokens have; each is one of [`PROTOCOL_CLAIMS`], so no portal puts it into an access token.
const OF_ID_TOKENS: [&str; 4] = ["azp", "nonce", "at_hash", "c_hash"];

impl AccessClaims {
    /// Whether a token with these claims is an access token even if its `typ` does not say so (RFC 8725 section 3.12):
    /// an ID token of ours has neither `client_id` nor `jti`, and an access token none of what only ID tokens have.
    pub fn are_unmistakable(&self) -> bool {
        !OF_ID_TOKENS.iter().any(|claim| self.extra.contains_key(*claim))
    }
}

/// Whether somebody's claims are those of an access token that a jeton issued: with `typ` `JWT` nothing else tells.
pub fn is_access_token(jti: Option<&str>, claims: &Map<String, Value>) -> bool {
    claims.contains_key("client_id") && jti.and_then(Jti::parse).is_some()
}

impl Confirmation {
    /// The certificate, and its key.
    pub fn certificate(thumbprint: Thumbprint) -> Self {
        Self { x5t_s256: Some(thumbprint.encode()), jwk: None }
    }

    /// Returns the `token_type` of an access token that is bound so (RFC 6749 section 7.1).
    pub fn token_type(bound: Option<&Self>) -> &'static str {
        if bound.is_some_and(|confirmation| confirmation.jwk.is_some()) { POP } else { "Bearer" }
    }

    /// The certificate, the key, or both; `None` if neither.
    pub fn of(certificate: Option<Thumbprint>, key: Option<&PublicJwk>) -> Option<Self> {
        let all = Self { x5t_s256: certificate.map(|thumbprint| thumbprint.encode()), jwk: key.cloned().map(Box::new) };
        (all != Self::default()).then_some(all)
    }
}

/// What access tokens are on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessTokenFormat {
    /// A signed JWT that a resource server reads by itself (RFC 9068).
    #[default]
    Jwt,
    /// The same claims, sealed: only introspection reads them (RFC 7662).
    Opaque,
}

/// What the header of a JWT access token calls it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccessTokenTyp {
    /// `at+jwt` (RFC 9068 section 2.1).
    #[default]
    #[serde(rename = "at+jwt")]
    AtJwt,
    /// `JWT`, as before RFC 9068: for resource servers that refuse any other.
    #[serde(rename = "JWT")]
    Jwt,
}

/// The `scope` claim: one string, or an array as some vendors have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ScopeClaim {
    /// Tokens separated by spaces (RFC 9068 section 2.2.3).
    Text(String),
    /// One element a token.
    List(Vec<String>),
}

impl Default for ScopeClaim {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl ScopeClaim {
    fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::List(list) => list.is_empty(),
        }
    }

    /// The tokens separated by spaces.
    pub fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::List(list) => list.join(" "),
        }
    }
}

/// How the `scope` claim is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScopeStyle {
    /// A string (RFC 9068).
    #[default]
    Text,
    /// An array, also of one.
    Array,
    /// A string if there is one token, an array, sorted, if there are several.
    TextOrArray,
}

impl ScopeStyle {
    /// The claim for `scope`.
    pub fn claim(self, scope: &Scope) -> ScopeClaim {
        let mut list: Vec<String> = scope.tokens().map(str::to_owned).collect();
        match self {
            Self::Array => ScopeClaim::List(list),
            Self::TextOrArray if list.len() > 1 => {
                list.sort();
                ScopeClaim::List(list)
            }
            Self::Text | Self::TextOrArray => ScopeClaim::Text(scope.as_str().to_owned()),
        }
    }
}

/// What an issuer's access tokens carry beside what RFC 9068 asks for, or carry in another form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClaimStyle {
    /// How `scope` is written.
    pub scope: ScopeStyle,
    /// Whether a scope token like `orders|read` says whom the access token is for, if nothing else was asked for, and
    /// `orders|.all` stands for all of them.
    pub scope_names_audience: bool,
    /// Whether `nbf` repeats `iat`.
    pub nbf: bool,
    /// Whether a request may name a key that its access token is bound to, see [`super::proof_key`].
    pub proof_keys: bool,
    /// Claims with the same value in every token; never one of [`PROTOCOL_CLAIMS`].
    pub constant: Map<String, Value>,
}

impl ClaimStyle {
    /// The audiences that `scope` names, once each; none unless that is the style.
    pub fn audiences(&self, scope: &Scope) -> Vec<String> {
        let mut named: Vec<String> = Vec::new();
        if self.scope_names_audience {
            for (audience, _) in scope.tokens().filter_map(|token| token.split_once('|')) {
                if !audience.is_empty() && !named.iter().any(|seen| seen == audience) {
                    named.push(audience.to_owned());
                }
            }
        }
        named
    }

    /// The further claims of a token issued at `now` whose grant has `granted`.
    pub fn extra(&self, granted: &Map<String, Value>, now: Time) -> Map<String, Value> {
        let mut extra = granted.clone();
        extra.extend(self.constant.clone());
        if self.nbf {
            extra.insert("nbf".to_owned(), Value::from(now.as_secs()));
        }
        extra
    }
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

/// Whether `text` can be a subject: 1 to 255 printable ASCII characters (OpenID Connect Core section 2).
pub fn is_subject(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, 0x20..=0x7e))
}

/// A token id that says when it was issued and what it belongs to, so that introspection finds its family and
/// compares it with fences to the millisecond without storing anything per token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jti {
    /// When the token was issued.
    pub issued_at: Time,
    /// The family the token came from; `None` for client credentials.
    pub family: Option<Id>,
    /// 128 bits (64 within a family) that make it unique.
    unique: [u8; 16],
}

/// `kind | milliseconds (6 B) | unique (16 B)`.
const ALONE: u8 = 1;
/// `kind | milliseconds (6 B) | family (16 B) | unique (8 B)`.
const OF_FAMILY: u8 = 2;

impl Jti {
    /// A fresh id.
    pub fn new(issued_at: Time, family: Option<Id>) -> Self {
        let mut unique = random_bytes::<16>();
        if family.is_some() {
            unique[8..].fill(0);
        }
        Self { issued_at, family, unique }
    }

    /// Base64url, 31 or 42 characters.
    pub fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(31);
        bytes.push(if self.family.is_some() { OF_FAMILY } else { ALONE });
        bytes.extend_from_slice(&self.issued_at.as_millis().to_be_bytes()[2..]);
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
        let mut unique = [0; 16];
        match (kind, rest.len()) {
            (ALONE, 16) => {
                unique.copy_from_slice(rest);
                Some(Self { issued_at, family: None, unique })
            }
            (OF_FAMILY, 24) => {
                unique[..8].copy_from_slice(&rest[16..]);
                Some(Self { issued_at, family: Some(Id(rest[..16].try_into().ok()?)), unique })
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
            let jti = Jti::new(Time::from_millis(1_700_000_000_123), family);
            assert_eq!(Jti::parse(&jti.encode()), Some(jti));
        }
        assert_eq!(Jti::parse("AQ"), None);
    }
}
