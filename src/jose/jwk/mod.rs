//! Public keys as JWK (RFC 7517, RFC 7518 section 6, RFC 8037 section 2) and their thumbprints (RFC 7638).
//!
//! A [`PublicJwk`] was checked when it was made: right curve and lengths, RSA of at least 2048 bits, canonical
//! base64url, and nothing private came with it.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use super::JwkError;
use super::parsed::{KeyMaterial, ParsedKey};
use crate::strict_json;

/// A checked public key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub struct PublicJwk(pub(super) KeyMaterial);

const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

impl PublicJwk {
    /// Makes an Ed25519 key.
    pub const fn ed25519(x: [u8; 32]) -> Self {
        Self(KeyMaterial::Ed25519 { x })
    }

    /// Makes a P-256 key from its coordinates.
    pub const fn p256(x: [u8; 32], y: [u8; 32]) -> Self {
        Self(KeyMaterial::P256 { x, y })
    }

    /// Makes an RSA key from modulus and exponent, big-endian without leading zeros.
    ///
    /// # Errors
    /// If the modulus has not 2048 to 8192 bits, or the exponent is even, below 3 or above 32 bits.
    pub fn rsa(n: Vec<u8>, e: Vec<u8>) -> Result<Self, JwkError> {
        let bits = n.first().map_or(0, |&top| n.len() * 8 - top.leading_zeros() as usize);
        let odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
        let minimal = |number: &[u8]| number.first().is_some_and(|&first| first != 0);
        let fine = (2048..=8192).contains(&bits) && minimal(&n) && odd(&n) && minimal(&e) && odd(&e);
        if fine && e.len() <= 4 && e[..] != [1] { Ok(Self(KeyMaterial::Rsa { n, e })) } else { Err(JwkError::RsaSize) }
    }

    /// Parses the JSON of one JWK. Members that describe its use (`kid`, `use`, `alg`) are left to the caller.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(text: &[u8]) -> Result<Self, JwkError> {
        strict_json::from_slice::<Map<String, Value>>(text).map_err(JwkError::Malformed)?.try_into()
    }

    /// Computes the RFC 7638 thumbprint with SHA-256, in base64url: this service's `kid`.
    pub fn thumbprint(&self) -> String {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        // RFC 7638 section 3.2: the required members in lexicographic order, no white space
        let canonical = match &self.0 {
            KeyMaterial::Ed25519 { x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, encode(x)),
            KeyMaterial::P256 { x, y } => canonical_ec("P-256", x, y),
            KeyMaterial::P384 { x, y } => canonical_ec("P-384", x, y),
            KeyMaterial::P521 { x, y } => canonical_ec("P-521", x, y),
            KeyMaterial::Rsa { n, e } => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, encode(e), encode(n)),
        };
        encode(digest(&SHA256, canonical.as_bytes()).as_ref())
    }
}

fn canonical_ec(curve: &str, x: &[u8], y: &[u8]) -> String {
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    format!(r#"{{"crv":"{curve}","kty":"EC","x":"{x}","y":"{y}"}}"#)
}

impl TryFrom<Map<String, Value>> for PublicJwk {
    type Error = JwkError;

    fn try_from(jwk: Map<String, Value>) -> Result<Self, JwkError> {
        if let Some(private) = PRIVATE.into_iter().find(|name| jwk.contains_key(*name)) {
            return Err(JwkError::Private(private));
        }
        let text = |name| jwk.get(name).and_then(Value::as_str).ok_or(JwkError::Missing(name));
        let bytes = |name| URL_SAFE_NO_PAD.decode(text(name)?).map_err(|_| JwkError::Encoding(name));
        // RFC 7518 section 6.2.1.2: coordinates have the full length of the curve
        fn whole<const N: usize>(name: &'static str, bytes: Vec<u8>) -> Result<[u8; N], JwkError> {
            bytes.try_into().map_err(|_| JwkError::Encoding(name))
        }
        let key = match text("kty")? {
            "OKP" if text("crv")? == "Ed25519" => Self::ed25519(whole("x", bytes("x")?)?),
            "EC" => match text("crv")? {
                "P-256" => Self::p256(whole("x", bytes("x")?)?, whole("y", bytes("y")?)?),
                "P-384" => Self(KeyMaterial::P384 { x: whole("x", bytes("x")?)?, y: whole("y", bytes("y")?)? }),
                "P-521" => Self(KeyMaterial::P521 { x: whole("x", bytes("x")?)?, y: whole("y", bytes("y")?)? }),
                _ => return Err(JwkError::Unsupported),
            },
            "RSA" => Self::rsa(bytes("n")?, bytes("e")?)?,
            _ => return Err(JwkError::Unsupported),
        };
        // a key that can verify nothing is refused where it is registered, not where it is used
        ParsedKey::parse(&key.0)?;
        Ok(key)
    }
}

impl Serialize for PublicJwk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.0 {
            KeyMaterial::Ed25519 { x } => {
                map.serialize_entry("kty", "OKP")?;
                map.serialize_entry("crv", "Ed25519")?;
                map.serialize_entry("x", &encode(x))?;
            }
            KeyMaterial::P256 { x, y } => serialize_ec(&mut map, "P-256", x, y)?,
            KeyMaterial::P384 { x, y } => serialize_ec(&mut map, "P-384", x, y)?,
            KeyMaterial::P521 { x, y } => serialize_ec(&mut map, "P-521", x, y)?,
            KeyMaterial::Rsa { n, e } => {
                map.serialize_entry("kty", "RSA")?;
                map.serialize_entry("n", &encode(n))?;
                map.serialize_entry("e", &encode(e))?;
            }
        }
        map.end()
    }
}

fn serialize_ec<M: SerializeMap>(map: &mut M, curve: &str, x: &[u8], y: &[u8]) -> Result<(), M::Error> {
    map.serialize_entry("kty", "EC")?;
    map.serialize_entry("crv", curve)?;
    map.serialize_entry("x", &URL_SAFE_NO_PAD.encode(x))?;
    map.serialize_entry("y", &URL_SAFE_NO_PAD.encode(y))
}

#[cfg(test)]
mod tests;
