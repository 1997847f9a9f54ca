//! Key material, and the parsed form that verifies signatures.
//!
//! ECDSA signatures are the fixed `r | s` of RFC 7518 section 3.4; an RSA key checks exactly the padding it is asked for.

use std::sync::OnceLock;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};

use super::{JwkError, Scheme};

/// The numbers of a public key, big-endian; an RSA modulus and exponent without leading zeros.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum KeyMaterial {
    Ed25519 { x: [u8; 32] },
    P256 { x: [u8; 32], y: [u8; 32] },
    P384 { x: [u8; 48], y: [u8; 48] },
    P521 { x: [u8; 66], y: [u8; 66] },
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

/// A public key as the cryptographic libraries take it.
#[derive(Debug)]
pub(super) enum ParsedKey {
    Ed25519(Box<ed25519_dalek::VerifyingKey>),
    Ec(Scheme, ParsedPublicKey),
    Rsa(Box<RsaKey>),
}

/// An RSA key, parsed once for each padding and hash that it is asked for.
#[derive(Debug)]
pub(super) struct RsaKey {
    n: Vec<u8>,
    e: Vec<u8>,
    parsed: [OnceLock<ParsedPublicKey>; 6],
}

impl ParsedKey {
    /// Parses a key.
    ///
    /// # Errors
    /// If it is not a point of its curve, or is an Ed25519 point of small order.
    pub(super) fn parse(key: &KeyMaterial) -> Result<Self, JwkError> {
        Ok(match key {
            KeyMaterial::Ed25519 { x } => {
                let point = ed25519_dalek::VerifyingKey::from_bytes(x).map_err(|_| JwkError::Point)?;
                if point.is_weak() {
                    return Err(JwkError::Point);
                }
                Self::Ed25519(Box::new(point))
            }
            KeyMaterial::P256 { x, y } => ec(Scheme::Es256, &ECDSA_P256_SHA256_FIXED, x, y)?,
            KeyMaterial::P384 { x, y } => ec(Scheme::Es384, &ECDSA_P384_SHA384_FIXED, x, y)?,
            KeyMaterial::P521 { x, y } => ec(Scheme::Es512, &ECDSA_P521_SHA512_FIXED, x, y)?,
            KeyMaterial::Rsa { n, e } => {
                let rsa = RsaKey { n: n.clone(), e: e.clone(), parsed: Default::default() };
                rsa.parsed_for(Scheme::Rs256).transpose()?;
                Self::Rsa(Box::new(rsa))
            }
        })
    }
}

fn ec(
    scheme: Scheme,
    parameters: &'static dyn VerificationAlgorithm,
    x: &[u8],
    y: &[u8],
) -> Result<ParsedKey, JwkError> {
    // SEC 1 section 2.3.3: an uncompressed point
    let point = [&[4], x, y].concat();
    Ok(ParsedKey::Ec(scheme, ParsedPublicKey::new(parameters, point).map_err(|_| JwkError::Point)?))
}

impl RsaKey {
    /// Returns the key parsed for `alg`, or `None` if `alg` is not an RSA algorithm.
    pub(super) fn parsed_for(&self, alg: Scheme) -> Option<Result<&ParsedPublicKey, JwkError>> {
        let (index, parameters): (usize, &'static RsaParameters) = match alg {
            Scheme::Rs256 => (0, &RSA_PKCS1_2048_8192_SHA256),
            Scheme::Rs384 => (1, &RSA_PKCS1_2048_8192_SHA384),
            Scheme::Rs512 => (2, &RSA_PKCS1_2048_8192_SHA512),
            Scheme::Ps256 => (3, &RSA_PSS_2048_8192_SHA256),
            Scheme::Ps384 => (4, &RSA_PSS_2048_8192_SHA384),
            Scheme::Ps512 => (5, &RSA_PSS_2048_8192_SHA512),
            Scheme::EdDsa
            | Scheme::Es256
            | Scheme::Es384
            | Scheme::Es512
            | Scheme::Hs256
            | Scheme::Hs384
            | Scheme::Hs512 => return None,
        };
        let slot = &self.parsed[index];
        if let Some(key) = slot.get() {
            return Some(Ok(key));
        }
        let key = RsaPublicKeyComponents { n: &self.n, e: &self.e };
        let parsed = key.to_parsed_public_key(parameters).map_err(|_| JwkError::RsaSize);
        Some(parsed.map(|key| slot.get_or_init(|| key)))
    }
}
