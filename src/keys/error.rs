//! The failures of signing keys.

use super::signer::SignerError;
use crate::ask::AskError;
use crate::jose::Algorithm;
use crate::store::StoreError;

/// A failure of signing keys. Each message says what to do, where something can be done.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("cannot read or write the stored signing keys; the known keys go on signing")]
    Store(#[source] StoreError),
    #[error("the store did not answer a question about signing keys in time; the known keys go on signing")]
    StoreLate,
    #[error("the stored key {kid} was sealed with another master key; restore the master key file it was made with")]
    Sealed { kid: String },
    #[error("the stored key {kid} of {ring} is damaged; restore the store from a backup, or rotate and wait it out")]
    Corrupt { ring: String, kid: String },
    #[error("the ring {ring} has no key")]
    Empty { ring: String },
    #[error("the first {alg} key of {issuer} is still being made; try again in a second")]
    Unfinished { issuer: String, alg: Algorithm },
    #[error("too many key rotations at once; try again in a minute")]
    Contended,
    #[error("the cryptographic library failed ({alg})")]
    Signer { alg: Algorithm, source: SignerError },
    #[error("cannot serialise the JWK Set")]
    Jwks(#[source] serde_json::Error),
    #[error("too many RSA signatures wait already; sign with EdDSA or ES256, or add nodes")]
    Overloaded,
    #[error("there is no issuer {issuer}")]
    UnknownIssuer { issuer: String },
    #[error("the issuer {issuer} does not sign with {alg}; add it to its algorithms")]
    UnknownAlgorithm { issuer: String, alg: Algorithm },
    #[error("a task of the key rotation died")]
    Worker(#[source] tokio::task::JoinError),
    #[error("the key rotation does not answer; the known keys go on signing")]
    Rotation(#[source] AskError),
}
