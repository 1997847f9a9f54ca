//! JOSE, the part a token service needs: JWK (RFC 7517, 7638, 8037), compact JWS (RFC 7515), four algorithms to sign with
//! and thirteen to verify.
//!
//! Pure: bytes in, bytes out. The algorithm and the key of a verification always come from the caller's own records;
//! what a header says can only disagree with them (RFC 8725 section 3.1).

pub(crate) mod alg;
mod error;
pub(crate) mod jwk;
pub(crate) mod jws;
mod parsed;
pub(crate) mod scheme;
mod spki;
pub(crate) mod verify;

pub use alg::Algorithm;
pub(crate) use error::{JwkError, JwsError, MAX_JWS};
pub use jwk::PublicJwk;
pub(crate) use jws::Jws;
pub use scheme::Scheme;
pub use verify::{Owner, VerifyingKey};
