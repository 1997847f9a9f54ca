//! Outbound HTTP/1.1, the only place of it: one request, one connection, one answer, each within its limits. Redirects
//! are not followed: whoever is named in the URL gets the credential, nobody else.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
pub use hyper::Method;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HOST, HeaderValue};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

use crate::credential::shown_path;
use crate::secret_file;

/// How long a call may take, with everything.
const LIMIT: Duration = Duration::from_secs(30);
/// Longest answer, in bytes.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// A request to be sent.
pub struct Call<'a> {
    /// The method.
    pub method: Method,
    /// An absolute http or https URL.
    pub url: &'a Url,
    /// The whole `Authorization` header.
    pub authorization: Option<&'a str>,
    /// Content type and content.
    pub body: Option<(&'static str, String)>,
    /// By what an https server is trusted.
    pub trust: Trust<'a>,
}

/// By what an https server is trusted.
#[derive(Clone, Copy, Debug)]
pub enum Trust<'a> {
    /// By nothing: only http is spoken.
    Nobody,
    /// By the PEM certificates in a file.
    File(&'a Path),
    /// By the authorities that browsers trust.
    Browsers,
}

/// An answer, complete.
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The content.
    pub body: Bytes,
    /// When it was sent, as it says (RFC 9110 section 6.6.1).
    pub date: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ClientError {
    #[error("the URL must be http://HOST[:PORT] or https://HOST[:PORT]")]
    Url,
    #[error("https needs the certificate authority of the server")]
    NoTrust,
    #[error("{} holds no usable PEM certificate", shown_path(.0))]
    Trust(PathBuf),
    #[error("cannot connect to {address}")]
    Connect { address: String, source: std::io::Error },
    #[error("the TLS handshake with {address} failed")]
    Handshake { address: String, source: std::io::Error },
    #[error("the authorization has characters that no header can carry")]
    Authorization,
    #[error("the connection broke")]
    Broken(#[source] hyper::Error),
    #[error("the answer was cut off or too long")]
    Answer,
    #[error("no answer within {} seconds", LIMIT.as_secs())]
    Late,
}

/// Sends `call` and reads the whole answer.
///
/// # Errors
/// Why there is none. A refusal is an answer.
pub async fn send(call: Call<'_>) -> Result<Reply, ClientError> {
    timeout(LIMIT, exchange(call)).await.unwrap_or(Err(ClientError::Late))
}

async fn exchange(call: Call<'_>) -> Result<Reply, ClientError> {
    let (host, port) = call.url.host_str().zip(call.url.port_or_known_default()).ok_or(ClientError::Url)?;
    let address = format!("{host}:{port}");
    let tls = match call.url.scheme() {
        "http" => None,
        "https" => Some(connector(call.trust)?),
        _ => return Err(ClientError::Url),
    };
    let request = request(&call, &address)?;
    let stream = TcpStream::connect(&address)
        .await
        .map_err(|source| ClientError::Connect { address: address.clone(), source })?;
    match tls {
        None => over(stream, request, MAX_ANSWER).await,
        Some(tls) => {
            // an IPv6 address stands in brackets in a URL and without them in a certificate
            let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
            let name = ServerName::try_from(name).map_err(|_| ClientError::Url)?;
            let stream =
                tls.connect(name, stream).await.map_err(|source| ClientError::Handshake { address, source })?;
            over(stream, request, MAX_ANSWER).await
        }
    }
}

pub(super) fn request(call: &Call<'_>, host: &str) -> Result<hyper::Request<Full<Bytes>>, ClientError> {
    let target = match call.url.query() {
        Some(query) => format!("{}?{query}", call.url.path()),
        None => call.url.path().to_owned(),
    };
    let mut request = hyper::Request::builder()
        .method(call.method.clone())
        .uri(target)
        .header(HOST, host)
        .header(ACCEPT, "application/json");
    if let Some(authorization) = call.authorization {
        let mut value = HeaderValue::from_str(authorization).map_err(|_| ClientError::Authorization)?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    if let Some((kind, _)) = call.body {
        request = request.header(CONTENT_TYPE, kind);
    }
    let body = call.body.as_ref().map(|(_, text)| Bytes::from(text.clone())).unwrap_or_default();
    request.body(Full::new(body)).map_err(|_| ClientError::Url)
}

pub(super) async fn over<S>(
    stream: S,
    request: hyper::Request<Full<Bytes>>,
    longest: usize,
) -> Result<Reply, ClientError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(ClientError::Broken)?;
    // ends with the call, however that ends
    let mut running = tokio::task::JoinSet::new();
    running.spawn(connection);
    let answer = sender.send_request(request).await.map_err(ClientError::Broken)?;
    let status = answer.status().as_u16();
    let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok()).map(str::to_owned);
    let body = Limited::new(answer.into_body(), longest).collect().await.map_err(|_| ClientError::Answer)?;
    Ok(Reply { status, body: body.to_bytes(), date })
}

fn connector(trust: Trust<'_>) -> Result<tokio_rustls::TlsConnector, ClientError> {
    match trust {
        Trust::Nobody => Err(ClientError::NoTrust),
        Trust::Browsers => trusting(browsers()).map_err(|_| ClientError::NoTrust),
        Trust::File(file) => {
            let unusable = || ClientError::Trust(file.to_owned());
            trusting(roots_of(file).ok_or_else(unusable)?).map_err(|_| unusable())
        }
    }
}

/// The authorities that browsers trust.
pub(super) fn browsers() -> rustls::RootCertStore {
    rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

/// The certificates in a PEM file, if each of them can be used and there is one.
pub(super) fn roots_of(file: &Path) -> Option<rustls::RootCertStore> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_reader_iter(secret_file::open(file).ok()?) {
        roots.add(certificate.ok()?).ok()?;
    }
    (!roots.is_empty()).then_some(roots)
}

/// The TLS of a client that trusts `roots`.
pub(super) fn trusting(roots: rustls::RootCertStore) -> Result<tokio_rustls::TlsConnector, rustls::Error> {
    Ok(Arc::new(client_tls(roots)?).into())
}

/// The same before it is used.
pub(super) fn client_tls(roots: rustls::RootCertStore) -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
