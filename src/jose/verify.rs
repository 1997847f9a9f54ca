//! Verification with a key that was parsed once, for paths that verify many signatures with it.
//!
//! Ed25519 refuses small-order keys and malleable signatures (RFC 8032 section 5.1.7), and small-order points in
//! signatures by other people's keys; ECDSA signatures are the fixed `r | s` of RFC 7518 section 3.4; an RSA key checks
//! exactly the padding it is asked for.

use std::sync::OnceLock;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};

use super::jwk::Kind;
use super::{JwkError, JwsError, PublicJwk, Scheme};

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
    Ec(Scheme, ParsedPublicKey),
    Rsa(Box<Rsa>),
}

/// An RSA key, which is parsed once for each padding and hash that it is asked for.
#[derive(Debug)]
struct Rsa {
    n: Vec<u8>,
    e: Vec<u8>,
    parsed: [OnceLock<ParsedPublicKey>; 6],
}

impl Rsa {
    fn get(&self, alg: Scheme) -> Option<Result<&ParsedPublicKey, JwkError>> {
        let (place, parameters): (usize, &'static RsaParameters) = match alg {
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
        let place = &self.parsed[place];
        if let Some(key) = place.get() {
            return Some(Ok(key));
        }
        let key = RsaPublicKeyComponents { n: &self.n, e: &self.e };
        let parsed = key.to_parsed_public_key(parameters).map_err(|_| JwkError::RsaSize);
        Some(parsed.map(|key| place.get_or_init(|| key)))
    }
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
            Kind::P256 { x, y } => ec(Scheme::Es256, &ECDSA_P256_SHA256_FIXED, x, y)?,
            Kind::P384 { x, y } => ec(Scheme::Es384, &ECDSA_P384_SHA384_FIXED, x, y)?,
            Kind::P521 { x, y } => ec(Scheme::Es512, &ECDSA_P521_SHA512_FIXED, x, y)?,
            Kind::Rsa { n, e } => {
                let rsa = Rsa { n: n.clone(), e: e.clone(), parsed: Default::default() };
                rsa.get(Scheme::Rs256).transpose()?;
                Parsed::Rsa(Box::new(rsa))
            }
        };
        Ok(Self(parsed, owner))
    }

    /// Whether the key is of the kind that `alg` needs.
    pub fn fits(&self, alg: Scheme) -> bool {
        match &self.0 {
            Parsed::Ed25519(_) => alg == Scheme::EdDsa,
            Parsed::Ec(own, _) => alg == *own,
            Parsed::Rsa(rsa) => rsa.get(alg).is_some(),
        }
    }

    /// Checks that `signature` is one of `signing_input` by this key and `alg`.
    ///
    /// # Errors
    /// If the key is of another kind than `alg`, or the signature is wrong.
    pub fn verify(&self, alg: Scheme, signing_input: &[u8], signature: &[u8]) -> Result<(), JwsError> {
        let key = match (&self.0, alg) {
            (Parsed::Ed25519(key), Scheme::EdDsa) => {
                let signature =
                    ed25519_dalek::Signature::from_slice(signature).map_err(|_| JwsError::WrongSignature)?;
                let verified = match self.1 {
                    Owner::Ourselves => ed25519_dalek::Verifier::verify(&**key, signing_input, &signature),
                    Owner::SomebodyElse => key.verify_strict(signing_input, &signature),
                };
                return verified.map_err(|_| JwsError::WrongSignature);
            }
            (Parsed::Ec(own, key), alg) if *own == alg => key,
            (Parsed::Rsa(rsa), alg) => rsa.get(alg).ok_or(JwsError::WrongKey)?.map_err(JwsError::Key)?,
            (Parsed::Ed25519(_) | Parsed::Ec(..), _) => return Err(JwsError::WrongKey),
        };
        key.verify_sig(signing_input, signature).map_err(|_| JwsError::WrongSignature)
    }
}

fn ec(scheme: Scheme, parameters: &'static dyn VerificationAlgorithm, x: &[u8], y: &[u8]) -> Result<Parsed, JwkError> {
    // SEC 1 section 2.3.3: an uncompressed point
    let point = [&[4], x, y].concat();
    Ok(Parsed::Ec(scheme, ParsedPublicKey::new(parameters, point).map_err(|_| JwkError::Point)?))
}
