//! TLS 1.2 and 1.3 from PEM files that can be replaced while serving (RFC 9325, CHECKLIST 15).

pub(super) mod peer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use serde::{Deserialize, Serialize};
use tokio_rustls::TlsAcceptor;

use crate::credential::shown_path;
use crate::secret_file::{self, SecretFileError};

/// A certificate and key that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The key file cannot be read, or others could read it.
    #[error("the TLS key {0}")]
    Key(SecretFileError),
    /// A file is not PEM, or holds nothing of its kind.
    #[error("{path} holds no usable PEM {what}", path = shown_path(.path))]
    Pem {
        /// The file.
        path: PathBuf,
        /// The kind of item that is missing.
        what: &'static str,
        /// The parser's error.
        source: pem::Error,
    },
    /// The certificate and the key do not go together, or the key is of an unsupported kind.
    #[error("the certificate {cert} and the key {key} do not go together", cert = shown_path(.cert), key = shown_path(.key))]
    Mismatch {
        /// The certificate file.
        cert: PathBuf,
        /// The key file.
        key: PathBuf,
        /// The error of rustls.
        source: rustls::Error,
    },
    /// The provider lacks what TLS needs; cannot happen with the one built in.
    #[error("failed to set up TLS")]
    Setup(#[source] rustls::Error),
}

/// Client certificates on a listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientCertificates {
    /// Never asked for.
    #[default]
    Off,
    /// Asked for and not required. The client authentication method decides which certificates it trusts.
    Optional,
}

impl ClientCertificates {
    /// Returns whether certificates are never asked for.
    pub fn is_off(&self) -> bool {
        *self == Self::Off
    }
}

/// A certificate chain with its key, from files, in use by a listener. Clones share what [`Tls::replace`] swaps.
#[derive(Debug, Clone)]
pub struct Tls {
    cert: PathBuf,
    key: PathBuf,
    current: Arc<CurrentCertificate>,
    config: Arc<rustls::ServerConfig>,
}

/// A certificate chain with its key that was read and is not in use yet.
#[derive(Debug)]
pub struct Renewed(Arc<CertifiedKey>);

#[derive(Debug)]
struct CurrentCertificate(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for CurrentCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl Tls {
    /// Reads a PEM certificate chain (leaf first) and its PEM key, which only its owner may read.
    pub fn load(cert: &Path, key: &Path, clients: ClientCertificates) -> Result<Self, TlsError> {
        let current = Arc::new(CurrentCertificate(ArcSwap::from_pointee(read(cert, key)?)));
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(TlsError::Setup)?;
        let builder = match clients {
            ClientCertificates::Off => builder.with_no_client_auth(),
            ClientCertificates::Optional => builder.with_client_cert_verifier(Arc::new(peer::AnyPeer::new(&provider))),
        };
        let mut config = builder.with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { cert: cert.to_owned(), key: key.to_owned(), current, config: Arc::new(config) })
    }

    /// Reads the files again, for [`Tls::replace`]; nothing changes yet.
    ///
    /// # Errors
    /// If they are unusable.
    pub fn read_again(&self) -> Result<Renewed, TlsError> {
        read(&self.cert, &self.key).map(|key| Renewed(Arc::new(key)))
    }

    /// New handshakes use `renewed` from now on.
    pub fn replace(&self, renewed: Renewed) {
        self.current.0.store(renewed.0);
    }

    /// The acceptor of handshakes.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }
}

fn read(cert: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let unusable = |path: &Path, what| {
        let path = path.to_owned();
        move |source| TlsError::Pem { path, what, source }
    };
    let chain = secret_file::open(cert)
        .map_err(pem::Error::Io)
        .and_then(|file| CertificateDer::pem_reader_iter(file).collect::<Result<Vec<_>, _>>())
        .and_then(|chain| if chain.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(chain) })
        .map_err(unusable(cert, "certificate"))?;
    let pem = secret_file::read(key).map_err(TlsError::Key)?;
    let secret = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(unusable(key, "private key"))?;
    CertifiedKey::from_der(chain, secret, &aws_lc_rs::default_provider()).map_err(|source| TlsError::Mismatch {
        cert: cert.to_owned(),
        key: key.to_owned(),
        source,
    })
}
