//! Documents that somebody signed in CMS, also called PKCS#7 (RFC 5652 section 5): one signer, the content inside, signed
//! attributes, SHA-2.
//!
//! Pure: bytes in, an answer out. A [`SignedDocument`] has a right signature by the certificate that it names; whether
//! that certificate is to be trusted is asked for apart.

use aws_lc_rs::digest;
use cms::cert::CertificateChoices;
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm};
use webpki::EndEntityCert;
use webpki::aws_lc_rs as algorithms;
use x509_cert::der::asn1::{Any, ObjectIdentifier, OctetString};
use x509_cert::der::{Decode, Encode, Reader, SliceReader};
use x509_cert::ext::pkix::SubjectKeyIdentifier;

use crate::clock::Time;
use crate::x509::{Certificate, MAX_CHAIN};

/// Longest document with everything, in bytes.
pub(crate) const MAX_DOCUMENT: usize = 12 * 1024;

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.5");

/// A document whose signature is right.
#[derive(Debug)]
pub(crate) struct SignedDocument {
    content: Vec<u8>,
    signing_time: Option<Time>,
    signer: Certificate,
    others: Vec<CertificateDer<'static>>,
}

/// A reason why a document is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CmsError {
    #[error("longer than {MAX_DOCUMENT} bytes")]
    TooLong,
    #[error("no CMS with signed data (RFC 5652 section 5.1)")]
    Malformed,
    #[error("the signed content is not in it, or no plain data")]
    Content,
    #[error("not exactly one signer, or more than {MAX_CHAIN} certificates")]
    Signers,
    #[error("the signer's certificate is not known")]
    UnknownSigner,
    #[error("the signed attributes are missing, repeated or of another content")]
    Attributes,
    #[error("an algorithm other than RSA or ECDSA with SHA-256, SHA-384 or SHA-512, or a key that does not fit it")]
    Algorithm,
    #[error("the signature is wrong")]
    Signature,
}

impl SignedDocument {
    /// Reads a document in DER or BER; its signer's certificate is in it or one of `known`.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub(crate) fn open(bytes: &[u8], known: &[Certificate]) -> Result<Self, CmsError> {
        if bytes.len() > MAX_DOCUMENT {
            return Err(CmsError::TooLong);
        }
        let data = signed_data(bytes)?;
        let content =
            data.encap_content_info.econtent.as_ref().filter(|_| data.encap_content_info.econtent_type == DATA);
        let content = content.ok_or(CmsError::Content)?.decode_as::<OctetString>().map_err(|_| CmsError::Content)?;
        let [info] = data.signer_infos.0.as_slice() else { return Err(CmsError::Signers) };
        let others = certificates(&data)?;
        let signer = signer(info, &others, known)?;
        let hash = Hash::of(info.digest_alg.oid).ok_or(CmsError::Algorithm)?;
        let attributes = info.signed_attrs.as_ref().ok_or(CmsError::Attributes)?;
        let attribute = |wanted: ObjectIdentifier| {
            let mut found = attributes.iter().filter(|attribute| attribute.oid == wanted);
            match (found.next().map(|attribute| attribute.values.as_slice()), found.next()) {
                (Some([value]), None) => Ok(Some(value)),
                (None, None) => Ok(None),
                _ => Err(CmsError::Attributes),
            }
        };
        let kind = attribute(CONTENT_TYPE)?.and_then(|value| value.decode_as::<ObjectIdentifier>().ok());
        let hashed = attribute(MESSAGE_DIGEST)?.and_then(|value| value.decode_as::<OctetString>().ok());
        let hashed = hashed.filter(|_| kind == Some(DATA)).ok_or(CmsError::Attributes)?;
        // the parser does not say whether BER had the content in pieces; the digest that was signed does
        let mut readings = [Some(content.as_bytes().to_vec()), pieces(content.as_bytes())].into_iter().flatten();
        let content = readings.find(|content| hash.digest(content).as_ref() == hashed.as_bytes());
        let content = content.ok_or(CmsError::Attributes)?;
        let signing_time = attribute(SIGNING_TIME)?.map(time).transpose()?;
        // RFC 5652 section 5.4: what is signed is their DER as a SET, whatever form and tag they came in
        let signed = attributes.to_der().map_err(|_| CmsError::Malformed)?;
        verify(&signer, hash, info.signature_algorithm.oid, &signed, info.signature.as_bytes())?;
        Ok(Self { content, signing_time, signer, others })
    }

    /// Returns the signed content.
    pub(crate) fn content(&self) -> &[u8] {
        &self.content
    }

    /// Returns the signing time that the signer claims, if any.
    pub(crate) fn signing_time(&self) -> Option<Time> {
        self.signing_time
    }

    /// Returns the certificate of the signer.
    pub(crate) fn signer(&self) -> &Certificate {
        &self.signer
    }

    /// Returns the certificates of the document, in no order.
    pub(crate) fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.others
    }
}

fn signed_data(bytes: &[u8]) -> Result<SignedData, CmsError> {
    let info = ContentInfo::from_ber(bytes).map_err(|_| CmsError::Malformed)?;
    if info.content_type != SIGNED_DATA {
        return Err(CmsError::Malformed);
    }
    let inner = info.content.to_der().map_err(|_| CmsError::Malformed)?;
    SignedData::from_ber(&inner).map_err(|_| CmsError::Malformed)
}

/// Joins the pieces of constructed content, if these are pieces (X.690 section 8.7.3).
fn pieces(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut reader = SliceReader::new(bytes.strip_suffix(&[0, 0]).unwrap_or(bytes)).ok()?;
    let mut content = Vec::new();
    while !reader.is_finished() {
        content.extend_from_slice(OctetString::decode(&mut reader).ok()?.as_bytes());
    }
    Some(content)
}

fn certificates(data: &SignedData) -> Result<Vec<CertificateDer<'static>>, CmsError> {
    let all = data.certificates.iter().flat_map(|set| set.0.iter());
    let mut found = Vec::new();
    for one in all {
        if found.len() == MAX_CHAIN {
            return Err(CmsError::Signers);
        }
        if let CertificateChoices::Certificate(certificate) = one {
            found.push(certificate.to_der().map_err(|_| CmsError::Malformed)?.into());
        }
    }
    Ok(found)
}

/// Finds the certificate that `info` names.
fn signer(
    info: &SignerInfo,
    others: &[CertificateDer<'static>],
    known: &[Certificate],
) -> Result<Certificate, CmsError> {
    let is_named = |der: &[u8]| {
        let Ok(certificate) = x509_cert::Certificate::from_der(der) else { return false };
        let body = certificate.tbs_certificate();
        match &info.sid {
            SignerIdentifier::IssuerAndSerialNumber(named) => {
                &named.issuer == body.issuer() && &named.serial_number == body.serial_number()
            }
            SignerIdentifier::SubjectKeyIdentifier(named) => {
                let own = body.get_extension::<SubjectKeyIdentifier>().ok().flatten();
                own.is_some_and(|(_, own)| own == *named)
            }
        }
    };
    if let Some(inside) = others.iter().find(|der| is_named(der)) {
        return Certificate::from_der(inside).map_err(|_| CmsError::UnknownSigner);
    }
    known.iter().find(|one| is_named(one.der())).cloned().ok_or(CmsError::UnknownSigner)
}

fn time(value: &Any) -> Result<Time, CmsError> {
    let time = value.decode_as::<x509_cert::time::Time>().map_err(|_| CmsError::Attributes)?;
    Ok(Time::ZERO + time.to_unix_duration())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn of(oid: ObjectIdentifier) -> Option<Self> {
        const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
        const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
        const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
        match oid {
            SHA256 => Some(Self::Sha256),
            SHA384 => Some(Self::Sha384),
            SHA512 => Some(Self::Sha512),
            _ => None,
        }
    }

    fn digest(self, content: &[u8]) -> digest::Digest {
        let algorithm = match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, content)
    }
}

/// Checks the signature with the first algorithm of the named kind that fits the signer's key.
fn verify(
    signer: &Certificate,
    hash: Hash,
    kind: ObjectIdentifier,
    signed: &[u8],
    signature: &[u8],
) -> Result<(), CmsError> {
    // RFC 3370 section 3.2: the bare name of RSA goes with the digest algorithm
    const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
    const RSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
    const RSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
    const RSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
    const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
    const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
    const ECDSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");
    let candidates: &[&dyn SignatureVerificationAlgorithm] = match (kind, hash) {
        (RSA | RSA_SHA256, Hash::Sha256) => &[algorithms::RSA_PKCS1_2048_8192_SHA256],
        (RSA | RSA_SHA384, Hash::Sha384) => &[algorithms::RSA_PKCS1_2048_8192_SHA384],
        (RSA | RSA_SHA512, Hash::Sha512) => &[algorithms::RSA_PKCS1_2048_8192_SHA512],
        (ECDSA_SHA256, Hash::Sha256) => &[algorithms::ECDSA_P256_SHA256, algorithms::ECDSA_P384_SHA256],
        (ECDSA_SHA384, Hash::Sha384) => &[algorithms::ECDSA_P256_SHA384, algorithms::ECDSA_P384_SHA384],
        (ECDSA_SHA512, Hash::Sha512) => &[algorithms::ECDSA_P521_SHA512],
        _ => return Err(CmsError::Algorithm),
    };
    let key = EndEntityCert::try_from(signer.der()).map_err(|_| CmsError::UnknownSigner)?;
    for algorithm in candidates {
        match key.verify_signature(*algorithm, signed, signature) {
            Ok(()) => return Ok(()),
            Err(webpki::Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)) => {}
            Err(_) => return Err(CmsError::Signature),
        }
    }
    Err(CmsError::Algorithm)
}

#[cfg(test)]
mod tests;
