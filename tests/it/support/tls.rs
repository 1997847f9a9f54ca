//! Authorities, certificates of clients, and HTTP over TLS with one.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::http::{Answer, form, parse_all};
use super::secret;

/// An authority.
pub(crate) struct Authority {
    pub(crate) pem: String,
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key, and what is sent with it.
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) pem: String,
    pub(crate) key: KeyPair,
}

/// A subject of `O=Example` and a common name.
pub(crate) fn subject(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Example");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let (mut params, key) = (subject(name), KeyPair::generate().unwrap());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let made = params.self_signed(&key).unwrap();
        Self { pem: made.pem(), der: made.der().clone(), issuer: Issuer::new(params, key) }
    }

    /// An authority below this one.
    pub(crate) fn below(&self, name: &str) -> Self {
        let (mut params, key) = (subject(name), KeyPair::generate().unwrap());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let made = params.signed_by(&key, &self.issuer).unwrap();
        Self { pem: made.pem(), der: made.der().clone(), issuer: Issuer::new(params, key) }
    }

    /// A certificate of it.
    pub(crate) fn issue(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let made = params.signed_by(&key, &self.issuer).unwrap();
        Identity { chain: vec![made.der().clone()], pem: made.pem(), key }
    }
}

impl Identity {
    pub(crate) fn self_signed(params: &CertificateParams) -> Self {
        Self::renewed(params, KeyPair::generate().unwrap())
    }

    /// A self-signed certificate for a key.
    pub(crate) fn renewed(params: &CertificateParams, key: KeyPair) -> Self {
        let made = params.self_signed(&key).unwrap();
        Self { chain: vec![made.der().clone()], pem: made.pem(), key }
    }

    /// The same, sent with the certificate of an authority.
    pub(crate) fn with(mut self, authority: &Authority) -> Self {
        self.chain.push(authority.der.clone());
        self
    }

    /// `x5t#S256`.
    pub(crate) fn thumbprint(&self) -> String {
        URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.chain[0]))
    }

    /// The certificate as nginx writes it into a header.
    pub(crate) fn escaped(&self) -> String {
        percent_encoding::utf8_percent_encode(&self.pem, percent_encoding::NON_ALPHANUMERIC).to_string()
    }

    /// The certificate in base64.
    pub(crate) fn base64(&self) -> String {
        STANDARD.encode(&self.chain[0])
    }

    /// The P-256 key as a JWK.
    pub(crate) fn jwk(&self) -> Value {
        // an uncompressed point
        let point = self.key.public_key_raw();
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({ "kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..]) })
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.serialize_der()).unwrap()
    }
}

/// A server's certificate in `dir`: `tls.pem`, `tls.key`; gives who trusts it.
pub(crate) fn server_certificate(dir: &Path) -> rustls::RootCertStore {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    std::fs::write(dir.join("tls.pem"), made.cert.pem()).unwrap();
    secret(&dir.join("tls.key"), &made.signing_key.serialize_pem());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    roots
}

/// A TLS client, perhaps with a certificate; it remembers its sessions.
#[derive(Clone)]
pub(crate) struct Caller(tokio_rustls::TlsConnector);

impl Caller {
    pub(crate) fn new(roots: &rustls::RootCertStore, identity: Option<&Identity>) -> Self {
        Self::speaking(&[&rustls::version::TLS13, &rustls::version::TLS12], roots, identity)
    }

    pub(crate) fn speaking(
        versions: &[&'static rustls::SupportedProtocolVersion],
        roots: &rustls::RootCertStore,
        identity: Option<&Identity>,
    ) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots.clone());
        let config = match identity {
            Some(identity) => builder.with_client_auth_cert(identity.chain.clone(), identity.key()).unwrap(),
            None => builder.with_no_client_auth(),
        };
        Self(Arc::new(config).into())
    }

    /// A client that shows certificates whose key it does not have.
    pub(crate) fn thief(
        version: &'static rustls::SupportedProtocolVersion,
        roots: &rustls::RootCertStore,
        shown: &Identity,
        own: &Identity,
    ) -> Self {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let key = provider.key_provider.load_private_key(own.key()).unwrap();
        let stolen = rustls::sign::CertifiedKey::new(shown.chain.clone(), key);
        let config = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(stolen)));
        Self(Arc::new(config).into())
    }

    /// Shakes hands over a connection.
    pub(crate) async fn connect(&self, stream: TcpStream) -> tokio_rustls::client::TlsStream<TcpStream> {
        self.0.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap()
    }

    /// A form POST on a connection of its own; and whether the session was resumed.
    pub(crate) async fn exchange(
        &self,
        to: SocketAddr,
        path: &str,
        headers: &[(&str, &str)],
        fields: &[(&str, &str)],
    ) -> (Answer, bool) {
        self.attempt(to, path, headers, fields).await.unwrap()
    }

    /// The same, if there is an answer.
    pub(crate) async fn attempt(
        &self,
        to: SocketAddr,
        path: &str,
        headers: &[(&str, &str)],
        fields: &[(&str, &str)],
    ) -> std::io::Result<(Answer, bool)> {
        let stream = TcpStream::connect(to).await?;
        let mut stream = self.0.connect(ServerName::try_from("localhost").unwrap(), stream).await?;
        let body = form(fields);
        let mut request = format!("POST {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("Content-Type: application/x-www-form-urlencoded\r\n");
        request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        stream.write_all(request.as_bytes()).await?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await?;
        let resumed = stream.get_ref().1.handshake_kind() == Some(rustls::HandshakeKind::Resumed);
        let mut answers = parse_all(&bytes, false);
        assert_eq!(answers.len(), 1);
        Ok((answers.remove(0), resumed))
    }

    pub(crate) async fn token(&self, to: SocketAddr, fields: &[(&str, &str)]) -> Answer {
        self.exchange(to, "/oauth2/token", &[], fields).await.0
    }
}
