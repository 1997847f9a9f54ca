//! The introspection response (RFC 7662 section 2.2).

use serde::Serialize;
use serde_json::{Map, Value};

/// The answer to an introspection (RFC 7662 section 2.2).
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Introspection {
    /// Alive, with what is known of it.
    Active(Box<ActiveToken>),
    /// Anything else: exactly `{"active":false}`, whatever the reason (RFC 7662 section 2.2, CHECKLIST 66).
    Inactive(Inactive),
}

impl Introspection {
    /// The one answer for a token that is not alive for this caller.
    pub const INACTIVE: Self = Self::Inactive(Inactive { active: False });
}

/// `{"active":false}`.
#[derive(Debug, Serialize)]
pub struct Inactive {
    active: False,
}

/// Serialises as `false`.
#[derive(Debug)]
struct False;

impl Serialize for False {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(false)
    }
}

/// The members of an active answer (RFC 7662 section 2.2).
#[derive(Debug, Serialize)]
pub struct ActiveToken {
    /// Always true.
    pub active: bool,
    /// `Bearer` for access tokens (`pop` if one is bound to a key of its own), `refresh_token` for refresh tokens.
    pub token_type: &'static str,
    /// The client the token was issued to.
    pub client_id: String,
    /// The subject.
    pub sub: String,
    /// The issuer.
    pub iss: String,
    /// The granted scope.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// Expiry, seconds since the epoch.
    pub exp: u64,
    /// Issue, seconds since the epoch.
    pub iat: u64,
    /// Audience, a string or an array.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub aud: Value,
    /// Token id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// Further claims of the token.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}
