//! One certificate, parsed.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::SubjectAltName;

use super::{AltName, DistinguishedName, X509Error};
use crate::clock::Time;
use crate::jose::{JwkError, PublicJwk};

/// Most bytes of a certificate in DER.
pub(crate) const MAX_CERTIFICATE: usize = 16 * 1024;

/// A certificate. Two are equal if they are byte for byte.
#[derive(Clone)]
pub struct Certificate {
    der: CertificateDer<'static>,
    subject: DistinguishedName,
    issuer: DistinguishedName,
    serial: Vec<u8>,
    not_before: Time,
    not_after: Time,
    alt_names: Vec<AltName>,
    spki: Vec<u8>,
}

/// The SHA-256 of a certificate in DER: `x5t#S256` (RFC 7515 section 4.1.8, RFC 8705 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// Encodes the thumbprint as in tokens: base64url without padding, 43 characters.
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Reads it back; `None` if it is nothing of the kind.
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self(URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?))
    }
}

impl Certificate {
    /// Reads DER.
    ///
    /// # Errors
    /// If it is longer than [`MAX_CERTIFICATE`] or no certificate.
    pub fn from_der(der: &[u8]) -> Result<Self, X509Error> {
        if der.len() > MAX_CERTIFICATE {
            return Err(X509Error::TooLarge);
        }
        let parsed = x509_cert::Certificate::from_der(der).map_err(|_| X509Error::Der)?;
        let body = parsed.tbs_certificate();
        let listed = body.get_extension::<SubjectAltName>().map_err(|_| X509Error::AltName)?;
        let names = listed.iter().flat_map(|(_, names)| &names.0).map(AltName::read);
        let time = |time: x509_cert::time::Time| Time::ZERO + time.to_unix_duration();
        Ok(Self {
            subject: DistinguishedName::read(body.subject()),
            issuer: DistinguishedName::read(body.issuer()),
            serial: body.serial_number().as_bytes().to_vec(),
            not_before: time(body.validity().not_before),
            not_after: time(body.validity().not_after),
            alt_names: names.filter_map(Result::transpose).collect::<Result<_, _>>()?,
            spki: body.subject_public_key_info().to_der().map_err(|_| X509Error::Der)?,
            der: CertificateDer::from(der.to_vec()),
        })
    }

    /// Reads one certificate in PEM.
    ///
    /// # Errors
    /// If it is not exactly one, longer than [`MAX_CERTIFICATE`] or no certificate.
    pub fn from_pem(pem: &[u8]) -> Result<Self, X509Error> {
        match &from_pem(pem, 1)?[..] {
            [one] => Self::from_der(one),
            _ => Err(X509Error::Empty),
        }
    }

    /// Reads certificates in PEM.
    ///
    /// # Errors
    /// If there is none, more than 64, or something else.
    pub fn all_from_pem(pem: &[u8]) -> Result<Vec<Self>, X509Error> {
        from_pem(pem, 64)?.iter().map(|der| Self::from_der(der)).collect()
    }

    /// Returns the certificate in DER.
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// Returns the SHA-256 of the certificate.
    pub fn thumbprint(&self) -> Thumbprint {
        let mut thumbprint = [0; 32];
        thumbprint.copy_from_slice(digest(&SHA256, &self.der).as_ref());
        Thumbprint(thumbprint)
    }

    /// Returns the subject of the certificate.
    pub fn subject(&self) -> &DistinguishedName {
        &self.subject
    }

    /// Returns the name of the issuer.
    pub fn issuer(&self) -> &DistinguishedName {
        &self.issuer
    }

    /// Returns the serial number as it stands in DER, in lower-case hexadecimal: two digits a byte, `00` first if the
    /// high bit of the next is set.
    pub fn serial(&self) -> String {
        let sign: &[u8] = if self.serial.first().is_some_and(|&top| top >= 0x80) { &[0] } else { &[] };
        sign.iter().chain(&self.serial).map(|byte| format!("{byte:02x}")).collect()
    }

    /// From when it counts.
    pub fn not_before(&self) -> Time {
        self.not_before
    }

    /// Until when it counts, that second included.
    pub fn not_after(&self) -> Time {
        self.not_after
    }

    /// Returns whether the certificate is within its validity at `now`.
    pub fn is_current(&self, now: Time) -> bool {
        self.not_before.as_secs() <= now.as_secs() && now.as_secs() <= self.not_after.as_secs()
    }

    /// Returns the subject alternative names of the kinds known here.
    pub fn alt_names(&self) -> &[AltName] {
        &self.alt_names
    }

    /// Returns the public key.
    ///
    /// # Errors
    /// If it is of a kind that verifies nothing here, or weak.
    pub fn public_key(&self) -> Result<PublicJwk, JwkError> {
        PublicJwk::from_spki(&self.spki)
    }
}

/// Reads the certificates in PEM, at most `most`; anything else in it is refused.
pub(super) fn from_pem(pem: &[u8], most: usize) -> Result<Vec<CertificateDer<'static>>, X509Error> {
    // base64 makes four bytes of three, and each certificate has its lines around it
    if pem.len() > most * (MAX_CERTIFICATE * 3 / 2 + 128) {
        return Err(X509Error::TooLarge);
    }
    let begins = pem.windows(11).filter(|window| window == b"-----BEGIN ").count();
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_| X509Error::Pem)?;
    if begins != found.len() {
        Err(X509Error::Pem)
    } else if found.is_empty() {
        Err(X509Error::Empty)
    } else if found.len() > most {
        Err(X509Error::TooMany)
    } else if found.iter().any(|one| one.len() > MAX_CERTIFICATE) {
        Err(X509Error::TooLarge)
    } else {
        Ok(found)
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("subject", &self.subject.to_string())
            .field("thumbprint", &self.thumbprint().encode())
            .finish_non_exhaustive()
    }
}
