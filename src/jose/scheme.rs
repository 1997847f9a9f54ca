//! Algorithms that verify a JWS of others (RFC 7518 section 3.1, RFC 8037, RFC 9864): more than this service signs with
//! ([`Algorithm`]), because clients bring the keys that they have.
//!
//! There is no `none`. The HMACs are here because `client_secret_jwt` needs them; a public key never verifies one,
//! and a shared secret verifies nothing else (RFC 8725 section 3.1).

use std::fmt;

use aws_lc_rs::hmac;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Algorithm;

/// An algorithm that can be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are those of RFC 7518 section 3.1")]
pub enum Scheme {
    EdDsa,
    Es256,
    Es384,
    Es512,
    Ps256,
    Ps384,
    Ps512,
    Rs256,
    Rs384,
    Rs512,
    Hs256,
    Hs384,
    Hs512,
}

impl Scheme {
    /// Algorithms that a public key verifies.
    pub const SIGNATURES: [Self; 10] = [
        Self::EdDsa,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
    ];
    /// Algorithms that a shared secret verifies.
    pub const MACS: [Self; 3] = [Self::Hs256, Self::Hs384, Self::Hs512];

    /// Returns the name on the wire, the first of [`Scheme::names`].
    pub const fn name(self) -> &'static str {
        self.names()[0]
    }

    /// Returns every name on the wire: `Ed25519` (RFC 9864) is another one of `EdDSA`, whose only curve here it is.
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::EdDsa => &["EdDSA", "Ed25519"],
            Self::Es256 => &["ES256"],
            Self::Es384 => &["ES384"],
            Self::Es512 => &["ES512"],
            Self::Ps256 => &["PS256"],
            Self::Ps384 => &["PS384"],
            Self::Ps512 => &["PS512"],
            Self::Rs256 => &["RS256"],
            Self::Rs384 => &["RS384"],
            Self::Rs512 => &["RS512"],
            Self::Hs256 => &["HS256"],
            Self::Hs384 => &["HS384"],
            Self::Hs512 => &["HS512"],
        }
    }

    /// Returns the scheme with this name, byte for byte.
    pub fn parse(name: &str) -> Option<Self> {
        Self::SIGNATURES.into_iter().chain(Self::MACS).find(|scheme| scheme.names().contains(&name))
    }

    /// Returns the HMAC, if it is one.
    pub fn mac(self) -> Option<hmac::Algorithm> {
        match self {
            Self::Hs256 => Some(hmac::HMAC_SHA256),
            Self::Hs384 => Some(hmac::HMAC_SHA384),
            Self::Hs512 => Some(hmac::HMAC_SHA512),
            Self::EdDsa
            | Self::Es256
            | Self::Es384
            | Self::Es512
            | Self::Ps256
            | Self::Ps384
            | Self::Ps512
            | Self::Rs256
            | Self::Rs384
            | Self::Rs512 => None,
        }
    }
}

impl From<Algorithm> for Scheme {
    fn from(alg: Algorithm) -> Self {
        match alg {
            Algorithm::EdDsa => Self::EdDsa,
            Algorithm::Rs256 => Self::Rs256,
            Algorithm::Ps256 => Self::Ps256,
            Algorithm::Es256 => Self::Es256,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Scheme {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Scheme {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::parse(&name)
            .ok_or_else(|| serde::de::Error::custom(format_args!("`{name}` is no algorithm that can be verified here")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_out_and_come_back_and_nothing_else_does() {
        for scheme in Scheme::SIGNATURES.into_iter().chain(Scheme::MACS) {
            assert!(scheme.names().iter().all(|name| Scheme::parse(name) == Some(scheme)));
            assert_eq!(serde_json::from_str::<Scheme>(&serde_json::to_string(&scheme).unwrap()).unwrap(), scheme);
            assert_eq!(scheme.mac().is_some(), Scheme::MACS.contains(&scheme));
        }
        assert!(Algorithm::ALL.into_iter().all(|alg| Scheme::parse(alg.name()) == Some(alg.into())));
        for wrong in ["none", "None", "nOnE", "", "hs256", "Ed448", "ES256K", "RS1", "dir"] {
            assert_eq!(Scheme::parse(wrong), None, "{wrong}");
        }
    }
}
