//! JOSE, the part a token service needs: JWK (RFC 7517, 7638, 8037), compact JWS (RFC 7515), four algorithms to sign with
//! and thirteen to verify.
//!
//! Pure: bytes in, bytes out. The algorithm and the key of a verification always come from the caller's own records;
//! what a header says can only disagree with them (RFC 8725 section 3.1).

pub mod alg;
mod error;
pub mod jwk;
pub mod jws;
mod parsed;
pub mod scheme;
mod spki;
pub mod verify;

pub use alg::Algorithm;
pub use error::{JwkError, JwsError, MAX_JWS};
pub use jwk::PublicJwk;
pub use jws::{Header, Jws};
pub use scheme::Scheme;
pub use verify::{Owner, VerifyingKey};
