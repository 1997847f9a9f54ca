//! The authorities that an https server is trusted by.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::credential::shown_path;
use crate::secret_file;

/// The authorities that an https server is trusted by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ServerTrust<'a> {
    /// None: only http is spoken.
    Nobody,
    /// The PEM certificates in a file.
    File(&'a Path),
    /// The authorities that browsers trust.
    Browsers,
}

/// Certificates that cannot be used to trust a server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrustError {
    #[error("{} holds no usable PEM certificate", shown_path(.0))]
    File(PathBuf),
    #[error("TLS cannot be set up")]
    Setup(#[source] rustls::Error),
}

/// The TLS of every client that names no certificates, in memory once.
static BROWSERS: LazyLock<Result<ClientConfig, rustls::Error>> =
    LazyLock::new(|| trusting(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }));

impl ServerTrust<'_> {
    /// The TLS of a client with this trust, if it has any.
    pub(in crate::http) fn config(self) -> Result<Option<ClientConfig>, TrustError> {
        match self {
            Self::Nobody => Ok(None),
            Self::Browsers => BROWSERS.clone().map(Some).map_err(TrustError::Setup),
            Self::File(file) => {
                let roots = roots_of(file).ok_or_else(|| TrustError::File(file.to_owned()))?;
                trusting(roots).map(Some).map_err(TrustError::Setup)
            }
        }
    }
}

/// The certificates in a PEM file; `None` unless there is one and each can be used.
fn roots_of(file: &Path) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_reader_iter(secret_file::open(file).ok()?) {
        roots.add(certificate.ok()?).ok()?;
    }
    (!roots.is_empty()).then_some(roots)
}

/// The TLS of a client that trusts `roots`.
pub(in crate::http) fn trusting(roots: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
