//! Chains and whom they are trusted by (RFC 5280 section 6); webpki does the work.

use std::fmt;

use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, Error, ExtendedKeyUsageValidator, KeyPurposeIdIter, KeyUsage};

use super::certificate::from_pem;
use super::{Certificate, MAX_CERTIFICATE, X509Error};
use crate::clock::Time;

/// Most certificates of a chain, the leaf included.
pub(crate) const MAX_CHAIN: usize = 8;
/// Most authorities that are trusted for one purpose.
const MAX_ANCHORS: usize = 256;

/// A certificate and what its holder sent to prove where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    leaf: Certificate,
    others: Vec<CertificateDer<'static>>,
}

/// The purpose that a chain must serve (extended key usage).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Client authentication, if the leaf restricts its use at all (RFC 5280 section 4.2.1.12).
    ClientAuth,
    /// Any purpose.
    Any,
}

/// The authorities that are trusted.
#[derive(Clone)]
pub struct Anchors(Vec<TrustAnchor<'static>>);

impl Anchors {
    /// Reads the certificates of authorities in PEM.
    ///
    /// # Errors
    /// If there is none, too many, or something else.
    pub fn from_pem(pem: &[u8]) -> Result<Self, X509Error> {
        let anchor = |der: &CertificateDer<'_>| webpki::anchor_from_trusted_cert(der).map(|anchor| anchor.to_owned());
        let found = from_pem(pem, MAX_ANCHORS)?;
        found.iter().map(anchor).collect::<Result<_, _>>().map(Self).map_err(|_| X509Error::Der)
    }
}

impl fmt::Debug for Anchors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Anchors({})", self.0.len())
    }
}

impl Chain {
    /// Makes a chain of a leaf and others, in any order, at most two about one subject (an authority and its
    /// cross-signed self): a sender cannot make us verify signatures along every order of certificates that all fit
    /// each other.
    ///
    /// # Errors
    /// If they are too many, one is too large or none at all, or too many are about one subject.
    pub fn new(leaf: Certificate, others: Vec<CertificateDer<'static>>) -> Result<Self, X509Error> {
        if others.len() >= MAX_CHAIN {
            Err(X509Error::TooMany)
        } else if others.iter().any(|other| other.len() > MAX_CERTIFICATE) {
            Err(X509Error::TooLarge)
        } else if crowded(&others)? {
            Err(X509Error::Crowded)
        } else {
            Ok(Self { leaf, others })
        }
    }

    /// Reads DER, leaf first.
    ///
    /// # Errors
    /// If there is none, too many, one too large, or the first is no certificate.
    pub fn from_der(chain: &[CertificateDer<'_>]) -> Result<Self, X509Error> {
        let (leaf, others) = chain.split_first().ok_or(X509Error::Empty)?;
        if chain.len() > MAX_CHAIN {
            return Err(X509Error::TooMany);
        }
        Self::new(Certificate::from_der(leaf)?, others.iter().map(|der| der.clone().into_owned()).collect())
    }

    /// Reads PEM, leaf first.
    ///
    /// # Errors
    /// Like [`Chain::from_der`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, X509Error> {
        Self::from_der(&from_pem(pem, MAX_CHAIN)?)
    }

    /// Returns the leaf.
    pub fn leaf(&self) -> &Certificate {
        &self.leaf
    }

    /// Checks that one of `anchors` vouches, perhaps through the others of the chain, for the leaf and its `usage` at
    /// `now`. Revocation lists are not consulted.
    ///
    /// # Errors
    /// The reason why none does.
    pub fn verify(&self, anchors: &Anchors, usage: Usage, now: Time) -> Result<(), X509Error> {
        let leaf = EndEntityCert::try_from(self.leaf.der()).map_err(|_| X509Error::Der)?;
        let time = UnixTime::since_unix_epoch(now.since(Time::ZERO));
        let algorithms = webpki::ALL_VERIFICATION_ALGS;
        match leaf.verify_for_usage(algorithms, &anchors.0, &self.others, time, usage, None, None) {
            Ok(_) => Ok(()),
            Err(Error::CertExpired { .. } | Error::CertNotValidYet { .. }) => Err(X509Error::Expired),
            Err(Error::RequiredEkuNotFoundContext(_)) => Err(X509Error::Usage),
            Err(_) => Err(X509Error::Untrusted),
        }
    }
}

/// Returns whether more than two are about one subject.
fn crowded(others: &[CertificateDer<'_>]) -> Result<bool, X509Error> {
    let subject = |der| webpki::anchor_from_trusted_cert(der).map(|anchor| anchor.subject.to_vec());
    let subjects: Vec<_> = others.iter().map(subject).collect::<Result<_, _>>().map_err(|_| X509Error::Der)?;
    Ok(subjects.iter().any(|one| subjects.iter().filter(|other| *other == one).count() > 2))
}

impl ExtendedKeyUsageValidator for Usage {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        match self {
            Self::ClientAuth => KeyUsage::client_auth().validate(purposes),
            Self::Any => Ok(()),
        }
    }
}
