//! A private signing key, parsed once: Ed25519 by ed25519-dalek, P-256 and RSA-2048 by aws-lc-rs.
//!
//! The private part leaves only as PKCS#8 for the vault, in memory that is wiped; no formatting shows it.

use std::fmt;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signer as _;
use ed25519_dalek::pkcs8::DecodePrivateKey as _;
use zeroize::Zeroizing;

use crate::id::random_bytes;
use crate::jose::{Algorithm, PublicJwk};

/// A private key of one algorithm.
pub(crate) struct Signer {
    alg: Algorithm,
    private: Private,
}

enum Private {
    Ed25519(Box<ed25519_dalek::SigningKey>),
    P256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

/// RFC 8410 section 7: all of an Ed25519 private key in PKCS#8 (version 1) but the 32 bytes of the seed, which follow.
const ED25519_PKCS8: [u8; 16] = *b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";

/// A failure of an operation with a private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    #[error("failed to generate a key")]
    Generate,
    #[error("not a PKCS#8 key of the algorithm")]
    Pkcs8,
    #[error("failed to sign")]
    Sign,
}

impl Signer {
    /// Generates a new key. RSA takes a tenth of a second or more: not to be called on an async worker.
    ///
    /// # Errors
    /// If the cryptographic library fails.
    pub(crate) fn generate(alg: Algorithm) -> Result<Self, SignerError> {
        let private = match alg {
            Algorithm::EdDsa => {
                let seed = Zeroizing::new(random_bytes::<32>());
                Private::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(&seed)))
            }
            Algorithm::Es256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
                .map(Private::P256)
                .map_err(|_| SignerError::Generate)?,
            Algorithm::Rs256 | Algorithm::Ps256 => {
                RsaKeyPair::generate(KeySize::Rsa2048).map(Private::Rsa).map_err(|_| SignerError::Generate)?
            }
        };
        Ok(Self { alg, private })
    }

    /// Returns whether generating a key of `alg` takes so long (RSA: two prime numbers, 0.1 s and more) that no request
    /// should wait for it.
    pub(crate) const fn is_made_slowly(alg: Algorithm) -> bool {
        match alg {
            Algorithm::EdDsa | Algorithm::Es256 => false,
            Algorithm::Rs256 | Algorithm::Ps256 => true,
        }
    }

    /// Parses the key in `pkcs8`, which must be of `alg`.
    ///
    /// # Errors
    /// If it is not.
    pub(crate) fn from_pkcs8(alg: Algorithm, pkcs8: &[u8]) -> Result<Self, SignerError> {
        let private = match alg {
            Algorithm::EdDsa => ed25519_dalek::SigningKey::from_pkcs8_der(pkcs8)
                .map(|key| Private::Ed25519(Box::new(key)))
                .map_err(|_| SignerError::Pkcs8)?,
            Algorithm::Es256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
                .map(Private::P256)
                .map_err(|_| SignerError::Pkcs8)?,
            Algorithm::Rs256 | Algorithm::Ps256 => {
                RsaKeyPair::from_pkcs8(pkcs8).map(Private::Rsa).map_err(|_| SignerError::Pkcs8)?
            }
        };
        Ok(Self { alg, private })
    }

    /// Returns the private key as PKCS#8 DER.
    ///
    /// # Errors
    /// If the cryptographic library fails.
    pub(crate) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, SignerError> {
        Ok(Zeroizing::new(match &self.private {
            Private::Ed25519(key) => [&ED25519_PKCS8, &key.as_bytes()[..]].concat(),
            Private::P256(key) => key.to_pkcs8v1().map_err(|_| SignerError::Pkcs8)?.as_ref().to_vec(),
            Private::Rsa(key) => key.as_der().map_err(|_| SignerError::Pkcs8)?.as_ref().to_vec(),
        }))
    }

    /// Returns the public key.
    ///
    /// # Errors
    /// If an RSA key is too short, which only a key from elsewhere can be.
    pub(crate) fn public(&self) -> Result<PublicJwk, SignerError> {
        match &self.private {
            Private::Ed25519(key) => Ok(PublicJwk::ed25519(key.verifying_key().to_bytes())),
            Private::P256(key) => {
                // SEC 1 section 2.3.3: 4, x, y
                let point: &[u8; 65] = key.public_key().as_ref().try_into().map_err(|_| SignerError::Pkcs8)?;
                let (mut x, mut y) = ([0; 32], [0; 32]);
                x.copy_from_slice(&point[1..33]);
                y.copy_from_slice(&point[33..]);
                Ok(PublicJwk::p256(x, y))
            }
            Private::Rsa(key) => PublicJwk::from_rsa_der(key.public_key().as_ref()).map_err(|_| SignerError::Pkcs8),
        }
    }

    /// Returns the key's algorithm.
    pub(crate) const fn algorithm(&self) -> Algorithm {
        self.alg
    }

    /// Returns whether a signature takes so long (RSA, 400 us) that it belongs on a thread of its own.
    pub(crate) const fn is_slow(&self) -> bool {
        matches!(self.private, Private::Rsa(_))
    }

    /// Returns the length of a signature in base64url, in bytes.
    pub(super) fn encoded_len(&self) -> usize {
        let bytes = match &self.private {
            Private::Ed25519(_) | Private::P256(_) => 64,
            Private::Rsa(key) => key.public_modulus_len(),
        };
        (bytes * 4).div_ceil(3)
    }

    /// Signs `input`.
    #[cfg(test)]
    pub(crate) fn sign(&self, input: &[u8]) -> Result<Vec<u8>, SignerError> {
        self.sign_then(input, <[u8]>::to_vec)
    }

    /// Appends the signature to the signing input in `jws`, which completes a compact JWS.
    pub(super) fn complete(&self, jws: &mut String) -> Result<(), SignerError> {
        // one stack buffer for every signature that occurs: RSA of 8192 bits is 1366 characters
        let mut encoded = [0; 1366];
        let encode = |signature: &[u8]| URL_SAFE_NO_PAD.encode_slice(signature, &mut encoded);
        let len = self.sign_then(jws.as_bytes(), encode)?.map_err(|_| SignerError::Sign)?;
        jws.push('.');
        jws.push_str(std::str::from_utf8(&encoded[..len]).map_err(|_| SignerError::Sign)?);
        Ok(())
    }

    fn sign_then<T>(&self, input: &[u8], then: impl FnOnce(&[u8]) -> T) -> Result<T, SignerError> {
        let rng = SystemRandom::new();
        match &self.private {
            Private::Ed25519(key) => Ok(then(&key.sign(input).to_bytes())),
            Private::P256(key) => Ok(then(key.sign(&rng, input).map_err(|_| SignerError::Sign)?.as_ref())),
            Private::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                let padding = if self.alg == Algorithm::Ps256 { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                key.sign(padding, &rng, input, &mut signature).map_err(|_| SignerError::Sign)?;
                Ok(then(&signature))
            }
        }
    }
}

/// Shows the algorithm, never the key.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("alg", &self.alg).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::{Jws, VerifyingKey};

    #[test]
    fn every_algorithm_signs_what_its_public_key_verifies_before_and_after_storage() {
        for alg in Algorithm::ALL {
            let signer = Signer::generate(alg).unwrap();
            let public = signer.public().unwrap();
            let stored = Signer::from_pkcs8(alg, &signer.to_pkcs8().unwrap()).unwrap();
            assert_eq!(stored.public().unwrap(), public);
            let key = VerifyingKey::new(&public, crate::jose::Owner::Ourselves).unwrap();
            let signature = stored.sign(b"input").unwrap();
            key.verify(alg.into(), b"input", &signature).unwrap();
            assert!(key.verify(alg.into(), b"other", &signature).is_err());
            assert_eq!(signer.encoded_len(), URL_SAFE_NO_PAD.encode(&signature).len());
            let mut jws = format!("{}.e30", URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{alg}"}}"#)));
            signer.complete(&mut jws).unwrap();
            Jws::parse(&jws).unwrap().verify(&public, alg).unwrap();
        }
    }

    #[test]
    fn a_key_of_another_algorithm_or_garbage_is_refused() {
        let pkcs8 = Signer::generate(Algorithm::EdDsa).unwrap().to_pkcs8().unwrap();
        for alg in [Algorithm::Es256, Algorithm::Rs256, Algorithm::Ps256] {
            assert_eq!(Signer::from_pkcs8(alg, &pkcs8).unwrap_err(), SignerError::Pkcs8);
        }
        assert!(Signer::from_pkcs8(Algorithm::EdDsa, b"garbage").is_err());
    }

    #[test]
    fn the_key_is_never_shown() {
        assert_eq!(format!("{:?}", Signer::generate(Algorithm::EdDsa).unwrap()), "Signer { alg: EdDsa, .. }");
    }
}
