//! Reasons for refusing keys and signatures.

/// Longest accepted compact JWS, in bytes.
pub(crate) const MAX_JWS: usize = 16 * 1024;

/// A reason why a JWK is refused.
#[derive(Debug, thiserror::Error)]
pub enum JwkError {
    #[error("the key is not a JSON object")]
    Malformed(#[source] serde_json::Error),
    #[error("the key holds the private member `{0}`; register the public key only")]
    Private(&'static str),
    #[error("the key's `{0}` is missing or is not text")]
    Missing(&'static str),
    #[error("the key's `kty` and `crv` are not one of OKP Ed25519, EC P-256, P-384, P-521, RSA")]
    Unsupported,
    #[error("the key's `{0}` is not canonical base64url of the right length")]
    Encoding(&'static str),
    #[error("an RSA key must have 2048 to 8192 bits and an odd exponent of 3 or more")]
    RsaSize,
    #[error("the key is no SubjectPublicKeyInfo in DER")]
    Spki,
    #[error("the key is no point of its curve, or a weak one")]
    Point,
}

/// A reason why a JWS is refused.
#[derive(Debug, thiserror::Error)]
pub enum JwsError {
    #[error("longer than {MAX_JWS} bytes")]
    TooLong,
    #[error("not three parts of canonical base64url")]
    Malformed,
    #[error("the header is not a JSON object with the members it needs")]
    Header(#[source] Option<serde_json::Error>),
    #[error("the header's algorithm is not supported")]
    UnknownAlgorithm,
    #[error("the header has `crit` or `b64`, which are not supported")]
    Critical,
    #[error("the header's algorithm is not the expected one")]
    WrongAlgorithm,
    #[error("the key does not fit the algorithm")]
    WrongKey,
    #[error("the key cannot be used")]
    Key(#[source] JwkError),
    #[error("the signature is wrong")]
    WrongSignature,
}
