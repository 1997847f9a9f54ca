//! TLS to the servers, by rustls, with the channel binding that SCRAM-SHA-256-PLUS asks for (RFC 5929 section 4).

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use aws_lc_rs::digest;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect};
use tokio_rustls::client::TlsStream;
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::any_name::AnyName;
use super::config::{PostgresCell, PostgresTls};
use crate::credential::shown_path;
use crate::secret_file;

/// Makes the TLS of new connections.
#[derive(Clone)]
pub(super) struct TlsConnector(Arc<ClientConfig>);

/// Reads the files of a cell for the TLS of one connection.
///
/// # Errors
/// The file that cannot be used, and why.
pub(super) fn connector(cell: &PostgresCell) -> Result<TlsConnector, String> {
    let setup = |error: rustls::Error| format!("TLS cannot be set up: {error}");
    let roots = match &cell.root_certificate_file {
        Some(file) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(file)? {
                roots.add(certificate).map_err(|error| format!("{}: {error}", shown_path(file)))?;
            }
            roots
        }
        None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(setup)?;
    let builder = if cell.tls == PostgresTls::VerifyCa {
        let verifier = AnyName::new(roots, provider).map_err(|error| format!("TLS cannot be set up: {error}"))?;
        builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
    } else {
        builder.with_root_certificates(roots)
    };
    let config = match (&cell.client_certificate_file, &cell.client_key_file) {
        (Some(certificate), Some(key)) => {
            let chain = certificates(certificate)?;
            let text = secret_file::read(key).map_err(|error| error.to_string())?;
            let unusable = || format!("{} holds no usable PEM private key", shown_path(key));
            let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| unusable())?;
            builder.with_client_auth_cert(chain, key).map_err(setup)?
        }
        _ => builder.with_no_client_auth(),
    };
    Ok(TlsConnector(Arc::new(config)))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let opened = secret_file::open(file).map_err(|error| format!("cannot read {}: {error}", shown_path(file)))?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_reader_iter(opened).collect();
    let read = read.ok().filter(|read| !read.is_empty());
    read.ok_or_else(|| format!("{} holds no usable PEM certificate", shown_path(file)))
}

impl<S> MakeTlsConnect<S> for TlsConnector
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = EncryptedStream<S>;
    type TlsConnect = NamedConnector;
    type Error = rustls::pki_types::InvalidDnsNameError;

    fn make_tls_connect(&mut self, host: &str) -> Result<NamedConnector, Self::Error> {
        Ok(NamedConnector { config: Arc::clone(&self.0), name: ServerName::try_from(host.to_owned())? })
    }
}

/// Makes the TLS of one connection to a server of this name.
pub(super) struct NamedConnector {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl<S> TlsConnect<S> for NamedConnector
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = EncryptedStream<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<EncryptedStream<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        let connect = tokio_rustls::TlsConnector::from(self.config).connect(self.name, stream);
        Box::pin(async move { connect.await.map(EncryptedStream) })
    }
}

/// A connection under TLS.
pub(super) struct EncryptedStream<S>(TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> tokio_postgres::tls::TlsStream for EncryptedStream<S> {
    fn channel_binding(&self) -> ChannelBinding {
        let certificate = self.0.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        match certificate.and_then(|certificate| server_end_point(certificate)) {
            Some(digest) => ChannelBinding::tls_server_end_point(digest),
            None => ChannelBinding::none(),
        }
    }
}

/// Returns the digest of a certificate by the hash of its signature, with SHA-256 instead of MD5 and SHA-1 (RFC 5929
/// section 4.1); `None` for signatures that name no hash.
fn server_end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let parsed = Certificate::from_der(certificate).ok()?;
    let algorithm = match parsed.signature_algorithm().oid.to_string().as_str() {
        // sha1WithRSAEncryption, sha256WithRSAEncryption, ecdsa-with-SHA1, ecdsa-with-SHA256
        "1.2.840.113549.1.1.5" | "1.2.840.113549.1.1.11" | "1.2.840.10045.4.1" | "1.2.840.10045.4.3.2" => {
            &digest::SHA256
        }
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => &digest::SHA384,
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => &digest::SHA512,
        _ => return None,
    };
    Some(digest::digest(algorithm, certificate).as_ref().to_vec())
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for EncryptedStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, into)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for EncryptedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
