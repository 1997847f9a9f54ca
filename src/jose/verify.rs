//! Verification with a key that was parsed once, for paths that verify many signatures with it.
//!
//! Ed25519 refuses small-order keys and malleable signatures (RFC 8032 section 5.1.7), and small-order points in
//! signatures by other people's keys; ECDSA signatures are the fixed `r | s` of RFC 7518 section 3.4; an RSA key checks
//! exactly the padding it is asked for.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaPublicKeyComponents,
};

use super::jwk::Kind;
use super::{Algorithm, JwkError, JwsError, PublicJwk};

/// A public key, ready to verify.
#[derive(Debug)]
pub struct VerifyingKey(Parsed, Owner);

/// Whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// We made it, so it is honest, and a signature by it is honest or wrong: nothing is left for the strict check of
    /// the signature's point, which costs a tenth more.
    Ourselves,
    /// Somebody else's, perhaps made so that verifiers disagree.
    SomebodyElse,
}

#[derive(Debug)]
enum Parsed {
    Ed25519(Box<ed25519_dalek::VerifyingKey>),
    P256(ParsedPublicKey),
    Rsa { pkcs1: ParsedPublicKey, pss: ParsedPublicKey },
}

impl VerifyingKey {
    /// Parses a key of `owner`.
    ///
    /// # Errors
    /// If it is no point of its curve, or an Ed25519 point of small order.
    pub fn new(key: &PublicJwk, owner: Owner) -> Result<Self, JwkError> {
        let parsed = match &key.0 {
            Kind::Ed25519 { x } => {
                let point = ed25519_dalek::VerifyingKey::from_bytes(x).map_err(|_| JwkError::Point)?;
                if point.is_weak() {
                    return Err(JwkError::Point);
                }
                Parsed::Ed25519(Box::new(point))
            }
            Kind::P256 { x, y } => {
                // SEC 1 section 2.3.3: an uncompressed point
                let point = [&[4], &x[..], &y[..]].concat();
                Parsed::P256(ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(|_| JwkError::Point)?)
            }
            Kind::Rsa { n, e } => {
                let key = RsaPublicKeyComponents { n, e };
                let parse = |padding| key.to_parsed_public_key(padding).map_err(|_| JwkError::RsaSize);
                Parsed::Rsa { pkcs1: parse(&RSA_PKCS1_2048_8192_SHA256)?, pss: parse(&RSA_PSS_2048_8192_SHA256)? }
            }
        };
        Ok(Self(parsed, owner))
    }

    /// Checks that `signature` is one of `signing_input` by this key and `alg`.
    ///
    /// # Errors
    /// If the key is of another kind than `alg`, or the signature is wrong.
    pub fn verify(&self, alg: Algorithm, signing_input: &[u8], signature: &[u8]) -> Result<(), JwsError> {
        let key = match (&self.0, alg) {
            (Parsed::Ed25519(key), Algorithm::EdDsa) => {
                let signature =
                    ed25519_dalek::Signature::from_slice(signature).map_err(|_| JwsError::WrongSignature)?;
                let verified = match self.1 {
                    Owner::Ourselves => ed25519_dalek::Verifier::verify(&**key, signing_input, &signature),
                    Owner::SomebodyElse => key.verify_strict(signing_input, &signature),
                };
                return verified.map_err(|_| JwsError::WrongSignature);
            }
            (Parsed::P256(key), Algorithm::Es256) => key,
            (Parsed::Rsa { pkcs1, .. }, Algorithm::Rs256) => pkcs1,
            (Parsed::Rsa { pss, .. }, Algorithm::Ps256) => pss,
            (Parsed::Ed25519(_) | Parsed::P256(_) | Parsed::Rsa { .. }, _) => return Err(JwsError::WrongKey),
        };
        key.verify_sig(signing_input, signature).map_err(|_| JwsError::WrongSignature)
    }
}
