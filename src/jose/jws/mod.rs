//! Compact JWS of others (RFC 7515 sections 5.2, 7.1; RFC 8725).
//!
//! Parsing is strict and bounded: three parts, canonical base64url, a JSON object for a header, nothing critical in
//! it. Keys that a header brings along (`jwk`, `jku`, `x5u`, `x5c`) are never looked at.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::error::MAX_JWS;
use super::{JwsError, Scheme, VerifyingKey};
use crate::strict_json;

/// A parsed JWS whose signature is not verified yet. `Debug` shows the header only, because the whole can be used as a
/// token.
pub(crate) struct Jws<'a> {
    signing_input: &'a str,
    header: Header,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// The members of a header that matter here.
#[derive(Debug)]
pub(crate) struct Header {
    /// Algorithm that the signer claims; compared with our records, never followed.
    pub alg: Scheme,
    /// Id of the key that the signer claims.
    pub kid: Option<String>,
    /// Type of the object (RFC 8725 section 3.11).
    pub typ: Option<String>,
}

#[derive(Deserialize)]
struct RawHeader {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
    #[serde(default, deserialize_with = "present")]
    b64: bool,
}

/// Returns true for any value, `null` included.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl fmt::Debug for Jws<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jws").field("header", &self.header).finish_non_exhaustive()
    }
}

impl<'a> Jws<'a> {
    /// Parses a compact JWS; nothing about it is trusted until [`Jws::verify_with`] agrees.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub(crate) fn parse(compact: &'a str) -> Result<Self, JwsError> {
        if compact.len() > MAX_JWS {
            return Err(JwsError::TooLong);
        }
        let (signing_input, signature) = compact.rsplit_once('.').ok_or(JwsError::Malformed)?;
        let (header, payload) = signing_input.split_once('.').ok_or(JwsError::Malformed)?;
        // a fourth part leaves a dot in the payload, which is no base64url
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| JwsError::Malformed);
        Ok(Self {
            signing_input,
            header: Header::parse(&decode(header)?)?,
            payload: decode(payload)?,
            signature: decode(signature)?,
        })
    }

    /// Parses the header of a compact JWS and nothing else, to find its parser.
    ///
    /// # Errors
    /// If it is too long, or the header breaks a rule.
    pub(crate) fn peek(compact: &str) -> Result<Header, JwsError> {
        let (header, _) = compact.split_once('.').filter(|_| compact.len() <= MAX_JWS).ok_or(JwsError::Malformed)?;
        Header::parse(&URL_SAFE_NO_PAD.decode(header).map_err(|_| JwsError::Malformed)?)
    }

    /// Returns the header, unverified, for finding the key.
    pub(crate) const fn header(&self) -> &Header {
        &self.header
    }

    /// Returns the payload, unverified, for finding the signer.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Checks the signature with a key parsed before and with `alg`, both from our own records.
    ///
    /// # Errors
    /// If the header names another algorithm, the key does not fit, or the signature is wrong.
    pub(crate) fn verify_with(&self, key: &VerifyingKey, alg: impl Into<Scheme>) -> Result<(), JwsError> {
        let alg = self.expect(alg.into())?;
        key.verify(alg, self.signing_input.as_bytes(), &self.signature)
    }

    /// Checks the HMAC with a shared secret of at least the length of its hash (RFC 7518 section 3.2).
    ///
    /// # Errors
    /// If the header names another algorithm, `alg` is no HMAC, the secret is too short, or the HMAC is wrong.
    pub(crate) fn verify_mac(&self, secret: &[u8], alg: Scheme) -> Result<(), JwsError> {
        let hash = self.expect(alg)?.mac().ok_or(JwsError::WrongKey)?;
        if secret.len() < hash.digest_algorithm().output_len() {
            return Err(JwsError::WrongKey);
        }
        let key = hmac::Key::new(hash, secret);
        hmac::verify(&key, self.signing_input.as_bytes(), &self.signature).map_err(|_| JwsError::WrongSignature)
    }

    fn expect(&self, alg: Scheme) -> Result<Scheme, JwsError> {
        if self.header.alg == alg { Ok(alg) } else { Err(JwsError::WrongAlgorithm) }
    }
}

impl Header {
    fn parse(text: &[u8]) -> Result<Self, JwsError> {
        // serde would read a struct from an array as well
        if !text.trim_ascii_start().starts_with(b"{") {
            return Err(JwsError::Header(None));
        }
        let raw: RawHeader = strict_json::from_slice(text).map_err(|error| JwsError::Header(Some(error)))?;
        if raw.crit || raw.b64 {
            return Err(JwsError::Critical);
        }
        let alg = Scheme::parse(&raw.alg).ok_or(JwsError::UnknownAlgorithm)?;
        Ok(Self { alg, kid: raw.kid, typ: raw.typ })
    }

    /// Returns whether `typ` is `expected` (RFC 7515 section 4.1.9: any case, `application/` may be left out).
    pub(crate) fn is_typ(&self, expected: &str) -> bool {
        self.typ.as_deref().is_some_and(|typ| {
            let bare = match typ.get(..12) {
                Some(prefix) if prefix.eq_ignore_ascii_case("application/") => &typ[12..],
                _ => typ,
            };
            bare.eq_ignore_ascii_case(expected)
        })
    }
}

#[cfg(test)]
mod tests;
