//! Public keys as certificates have them: SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7; RFC 3279, 5480, 8410).

use x509_cert::der::Decode;
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier, UintRef};
use x509_cert::spki::SubjectPublicKeyInfoRef;

use super::parsed::{KeyMaterial, ParsedKey};
use super::{JwkError, PublicJwk};

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

impl PublicJwk {
    /// Reads a SubjectPublicKeyInfo in DER.
    ///
    /// # Errors
    /// If it is no key, of a kind that verifies nothing here, or weak.
    pub fn from_spki(der: &[u8]) -> Result<Self, JwkError> {
        let info = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| JwkError::Spki)?;
        let bytes = info.subject_public_key.as_bytes().ok_or(JwkError::Spki)?;
        let curve = || info.algorithm.parameters_oid().map_err(|_| JwkError::Unsupported);
        let key = match info.algorithm.oid {
            ED25519 => Self::ed25519(bytes.try_into().map_err(|_| JwkError::Spki)?),
            RSA => Self::from_rsa_der(bytes)?,
            EC => Self(match curve()? {
                P256 => point(bytes).map(|(x, y)| KeyMaterial::P256 { x, y })?,
                P384 => point(bytes).map(|(x, y)| KeyMaterial::P384 { x, y })?,
                P521 => point(bytes).map(|(x, y)| KeyMaterial::P521 { x, y })?,
                _ => return Err(JwkError::Unsupported),
            }),
            _ => return Err(JwkError::Unsupported),
        };
        ParsedKey::parse(&key.0)?;
        Ok(key)
    }

    /// Reads an RSAPublicKey in DER (RFC 8017 appendix A.1.1).
    ///
    /// # Errors
    /// If it is no such key, or breaks the rules of [`PublicJwk::rsa`].
    pub fn from_rsa_der(der: &[u8]) -> Result<Self, JwkError> {
        let (n, e) = rsa(der).map_err(|_| JwkError::Spki)?;
        Self::rsa(n, e)
    }
}

/// Reads modulus and exponent of an RSAPublicKey in DER (RFC 8017 appendix A.1.1).
fn rsa(der: &[u8]) -> x509_cert::der::Result<(Vec<u8>, Vec<u8>)> {
    AnyRef::from_der(der)?.sequence(|reader| {
        let (n, e) = (UintRef::decode(reader)?, UintRef::decode(reader)?);
        Ok((n.as_bytes().to_vec(), e.as_bytes().to_vec()))
    })
}

/// Returns the coordinates of an uncompressed point (SEC 1 section 2.3.3), which certificates have (RFC 5480 section 2.2).
fn point<const N: usize>(bytes: &[u8]) -> Result<([u8; N], [u8; N]), JwkError> {
    let (x, y) = bytes.strip_prefix(&[4]).and_then(|point| point.split_at_checked(N)).ok_or(JwkError::Spki)?;
    Ok((x.try_into().map_err(|_| JwkError::Spki)?, y.try_into().map_err(|_| JwkError::Spki)?))
}
