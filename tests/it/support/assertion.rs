//! Keys of clients and what they sign, made with aws-lc-rs, DER and JSON only.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaKeyPair,
};
use aws_lc_rs::{hmac, rsa};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use x509_cert::der::asn1::{AnyRef, UintRef};
use x509_cert::der::{self, Decode as _};

pub(crate) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A key that signs.
pub(crate) enum Signer {
    Ed25519(Ed25519KeyPair),
    Ec(&'static str, EcdsaKeyPair),
    Rsa(Box<RsaKeyPair>),
    Secret(Vec<u8>),
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Signer {
    /// A new key for `alg`.
    pub(crate) fn new(alg: &str) -> Self {
        match alg {
            "EdDSA" | "Ed25519" => Self::Ed25519(Ed25519KeyPair::generate().unwrap()),
            "ES256" => Self::Ec("P-256", EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()),
            "ES384" => Self::Ec("P-384", EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap()),
            "ES512" => Self::Ec("P-521", EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).unwrap()),
            _ => Self::Rsa(Box::new(RsaKeyPair::generate(rsa::KeySize::Rsa2048).unwrap())),
        }
    }

    /// The public key, as it is registered.
    pub(crate) fn jwk(&self) -> Value {
        match self {
            Self::Ed25519(key) => json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(key.public_key()) }),
            Self::Ec(curve, key) => {
                let (x, y) = key.public_key().as_ref()[1..].split_at((key.public_key().as_ref().len() - 1) / 2);
                json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) })
            }
            Self::Rsa(key) => {
                // RFC 8017 appendix A.1.1: an RSAPublicKey in DER
                let numbers: der::Result<_> = AnyRef::from_der(key.public_key().as_ref()).unwrap().sequence(|reader| {
                    let (n, e) = (UintRef::decode(reader)?, UintRef::decode(reader)?);
                    Ok((encode(n.as_bytes()), encode(e.as_bytes())))
                });
                let (n, e) = numbers.unwrap();
                json!({ "kty": "RSA", "n": n, "e": e })
            }
            Self::Secret(_) => panic!("a secret is not published"),
        }
    }

    fn sign(&self, alg: &str, input: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Ed25519(key) => key.sign(input).as_ref().to_vec(),
            Self::Ec(_, key) => key.sign(&random, input).unwrap().as_ref().to_vec(),
            Self::Rsa(key) => {
                let padding: &'static dyn aws_lc_rs::signature::RsaEncoding = match alg {
                    "RS384" => &RSA_PKCS1_SHA384,
                    "RS512" => &RSA_PKCS1_SHA512,
                    "PS256" => &RSA_PSS_SHA256,
                    "PS384" => &RSA_PSS_SHA384,
                    "PS512" => &RSA_PSS_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(padding, &random, input, &mut signature).unwrap();
                signature
            }
            Self::Secret(secret) => {
                let hash = match alg {
                    "HS384" => hmac::HMAC_SHA384,
                    "HS512" => hmac::HMAC_SHA512,
                    _ => hmac::HMAC_SHA256,
                };
                hmac::sign(&hmac::Key::new(hash, secret), input).as_ref().to_vec()
            }
        }
    }

    /// A compact JWS with this header, whose `alg` says how to sign.
    pub(crate) fn jws(&self, header: &Value, payload: &Value) -> String {
        let alg = header["alg"].as_str().unwrap_or_default();
        self.jws_text(alg, &header.to_string(), &payload.to_string())
    }

    /// A compact JWS of exactly these bytes.
    pub(crate) fn jws_text(&self, alg: &str, header: &str, payload: &str) -> String {
        let input = format!("{}.{}", encode(header), encode(payload));
        format!("{input}.{}", encode(self.sign(alg, input.as_bytes())))
    }
}
