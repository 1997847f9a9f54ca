//! Certificates of peers: anybody's is taken whose key the peer has, self-signed ones too. The handshake proves
//! possession; whether a certificate names a client is decided per request (RFC 8705 sections 2.1 and 2.2).

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConnection, SignatureScheme};

use crate::x509::{Chain, MAX_CERTIFICATE, MAX_CHAIN};

/// Asks for a certificate, requires none, and checks that the peer has its key.
#[derive(Debug)]
pub(super) struct AnyPeer(WebPkiSupportedAlgorithms);

impl AnyPeer {
    pub(super) fn new(provider: &CryptoProvider) -> Self {
        Self(provider.signature_verification_algorithms)
    }
}

/// The certificates that the peer showed and has the key of, if any.
pub(in crate::http) fn chain(connection: &ServerConnection) -> Option<Arc<Chain>> {
    Chain::from_der(connection.peer_certificates()?).ok().map(Arc::new)
}

impl ClientCertVerifier for AnyPeer {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// None: a hint would keep clients from sending a self-signed certificate.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    /// Bounds only; not for a moment is anything trusted here.
    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let large = others.iter().any(|other| other.len() > MAX_CERTIFICATE);
        if others.len() >= MAX_CHAIN || large || Chain::from_der(std::slice::from_ref(leaf)).is_err() {
            return Err(CertificateError::BadEncoding.into());
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
