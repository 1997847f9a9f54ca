//! X.509 certificates of others (RFC 5280): what they say, and whether a trusted authority says so.
//!
//! Pure: bytes and the time in, an answer out. A [`Certificate`] was parsed when it was made and is bounded; having one
//! proves nothing. Trust is asked for apart ([`Chain::verify`]), and so is possession of the key, which only a
//! handshake or a signature shows.

mod alt_name;
mod certificate;
mod chain;
mod name;

pub(crate) use alt_name::AltName;
pub(crate) use certificate::{Certificate, MAX_CERTIFICATE, Thumbprint};
pub use chain::Chain;
pub(crate) use chain::{Anchors, MAX_CHAIN, Usage};
pub(crate) use name::DistinguishedName;

/// A reason why a certificate, a chain or the anchors are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum X509Error {
    #[error("a certificate has at most {MAX_CERTIFICATE} bytes")]
    TooLarge,
    #[error("no DER encoded X.509 certificate")]
    Der,
    #[error("no PEM with certificates only")]
    Pem,
    #[error("a subject alternative name is malformed")]
    AltName,
    #[error("no certificate")]
    Empty,
    #[error("a chain has at most {MAX_CHAIN} certificates")]
    TooMany,
    #[error("more than two certificates of a chain are about one subject")]
    Crowded,
    #[error("the certificate has expired, or is not valid yet")]
    Expired,
    #[error("no trusted authority issued the certificate")]
    Untrusted,
    #[error("the certificate is not for client authentication")]
    Usage,
}

#[cfg(test)]
mod tests;
