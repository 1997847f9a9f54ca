//! Trust in certificates and attested documents.

use std::time::Duration;

use super::settings::{DocumentProvider, Verification};
use crate::protocol::uri;
use crate::x509::{Anchors, Certificate, X509Error};

/// The longest an attested document may be good for.
const LONGEST: Duration = Duration::from_secs(86_400);

/// Trust in attested documents, and their form.
#[derive(Debug)]
pub struct DocumentTrust {
    /// The signers.
    pub signers: Signers,
    /// `aud` of what was attested.
    pub audience: String,
    /// Time after its `signingTime` for which a document is good.
    pub effective_time: Duration,
    /// The member with what was attested, if it is not the document itself.
    pub statement: Option<String>,
}

/// The signers of documents.
#[derive(Debug)]
pub enum Signers {
    /// Whoever one of these authorities gave a certificate.
    Of(Anchors),
    /// The holders of these certificates.
    Are(Vec<Certificate>),
}

impl DocumentTrust {
    /// Checks the settings of a provider of documents.
    pub(super) fn new(own: &DocumentProvider) -> Result<Self, String> {
        let pem = certificates(&own.certificates, own.certificates_file.is_some())?;
        if own.audience.is_empty() {
            return Err("audience: the `aud` of what is attested, such as the instance id of the vendor".to_owned());
        }
        for (name, text) in [("audience", &own.audience), ("statement", &own.statement)] {
            uri::identifier(text).map_err(|error| format!("{name} {error}"))?;
        }
        if own.signature_effective_time.is_zero() || own.signature_effective_time > LONGEST {
            return Err("signature_effective_time: 1s to 1d".to_owned());
        }
        let signers = match own.verification {
            Verification::CertChain => Signers::Of(anchors(pem)?),
            Verification::Cert => Signers::Are(Certificate::all_from_pem(pem.as_bytes()).map_err(about_certificates)?),
        };
        Ok(Self {
            signers,
            audience: own.audience.clone(),
            effective_time: own.signature_effective_time,
            statement: Some(own.statement.clone()).filter(|statement| !statement.is_empty()),
        })
    }
}

/// The PEM of a provider.
pub(super) fn certificates(pem: &Option<String>, has_file: bool) -> Result<&str, String> {
    let rule = || "exactly one of certificates and certificates_file".to_owned();
    pem.as_deref().filter(|_| !has_file).ok_or_else(rule)
}

/// Authorities from the PEM of a provider.
pub(super) fn anchors(pem: &str) -> Result<Anchors, String> {
    Anchors::from_pem(pem.as_bytes()).map_err(about_certificates)
}

fn about_certificates(error: X509Error) -> String {
    format!("certificates: {error}")
}
