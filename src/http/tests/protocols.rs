//! HTTP/2 with prior knowledge, and both protocols over TLS.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use http_body_util::BodyExt;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::http::tls::ClientCertificates;

type Sender = http2::SendRequest<Full<Bytes>>;

async fn http2<S>(stream: S) -> (Sender, JoinHandle<hyper::Result<()>>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    (sender, tokio::spawn(connection))
}

fn request(path: &str, body: &str) -> hyper::Request<Full<Bytes>> {
    hyper::Request::post(format!("http://a{path}")).body(Full::new(Bytes::from(body.to_owned()))).unwrap()
}

async fn ask(sender: &mut Sender, path: &str, body: &str) -> (u16, String) {
    sender.ready().await.unwrap();
    let answer = timeout(PATIENCE, sender.send_request(request(path, body))).await.unwrap().unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn http2_with_prior_knowledge() {
    let server = Server::start(Limits::default());
    let (mut sender, _connection) = http2(server.connect().await.0).await;
    assert_eq!(ask(&mut sender, "/echo", "one").await, (200, "one".into()));
    assert_eq!(ask(&mut sender, "/panic", "").await.0, 500);
    assert_eq!(ask(&mut sender, "/nowhere", "two").await.0, 404);
    assert_eq!(ask(&mut sender, "/echo", &"x".repeat(1001)).await.0, 413);
    let mut other = sender.clone();
    let (one, two) = tokio::join!(ask(&mut sender, "/echo", "three"), ask(&mut other, "/echo", "four"));
    assert_eq!((one.1, two.1), ("three".into(), "four".into()));
    assert_eq!(server.metrics.http_in_flight.get(), 0);
}

#[tokio::test]
async fn http2_idle_and_old_connections_end() {
    for limits in [
        Limits { idle_timeout: SOON, ..Limits::default() },
        Limits { max_age: SOON, ..Limits::default() },
        Limits { max_requests: Some(1), ..Limits::default() },
    ] {
        let server = Server::start(limits.clone());
        let (mut sender, connection) = http2(server.connect().await.0).await;
        assert_eq!(ask(&mut sender, "/echo", "one").await.0, 200, "{limits:?}");
        timeout(PATIENCE, connection).await.expect("the server says goodbye").unwrap().unwrap();
    }
}

#[tokio::test]
async fn http2_drains() {
    let server = Server::start(Limits::default());
    let (mut sender, connection) = http2(server.connect().await.0).await;
    let waiting = tokio::spawn(async move { ask(&mut sender, "/wait", "one").await });
    server.until(|server| server.metrics.http_in_flight.get() == 1).await;
    server.stop.drain(PATIENCE * 10);
    server.handler.go.add_permits(1);
    assert_eq!(waiting.await.unwrap(), (200, "one".into()));
    connection.await.unwrap().unwrap();
    assert_eq!(server.drained(PATIENCE * 10).await, Drained { finished: 1, cut: 0 });
}

#[tokio::test]
async fn http2_rapid_reset_is_stopped() {
    let server = Server::start(Limits::default());
    let (mut sender, connection) = http2(server.connect().await.0).await;
    // each request is begun and taken back, and never more than one is open
    for _ in 0..1000 {
        if sender.ready().await.is_err() {
            break;
        }
        tokio::select! {
            _ = sender.send_request(request("/wait", "")) => {}
            () = server.until(|server| server.metrics.http_in_flight.get() == 1) => {}
        }
        server.until(|server| server.metrics.http_in_flight.get() == 0).await;
    }
    let _ = timeout(PATIENCE, connection).await.expect("the connection ends");
    assert_eq!(server.cut("resets"), 1);
}

fn certificate(dir: &Path) -> Vec<u8> {
    let made = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap();
    std::fs::write(dir.join("cert"), made.cert.pem()).unwrap();
    std::fs::write(dir.join("key"), made.signing_key.serialize_pem()).unwrap();
    mode(&dir.join("key"), 0o600);
    made.cert.der().to_vec()
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

async fn shake(server: &Server, cert: &Path, alpn: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(cert).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let name = ServerName::try_from("a").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, server.connect().await.0).await
}

#[tokio::test]
async fn tls_speaks_both_and_reloads() {
    let dir = tempfile::tempdir().unwrap();
    let (cert, key) = (dir.path().join("cert"), dir.path().join("key"));
    let first = certificate(dir.path());
    let tls = Tls::load(&cert, &key, ClientCertificates::Off).unwrap();
    let server = Server::start_with(Limits::default(), Some(tls.clone()));

    let stream = shake(&server, &cert, &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, _connection) = http2(stream).await;
    assert_eq!(ask(&mut sender, "/echo", "one").await, (200, "one".into()));

    let stream = shake(&server, &cert, &[b"http/1.1"]).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut asked = request("/echo", "two");
    asked.headers_mut().insert("host", "a".parse().unwrap());
    assert_eq!(sender.send_request(asked).await.unwrap().status(), 200);

    // an unusable pair changes nothing
    std::fs::write(&key, "").unwrap();
    assert!(tls.read_again().unwrap_err().to_string().contains("holds no usable PEM private key"));
    let stream = shake(&server, &cert, &[]).await.unwrap();
    assert_eq!(stream.get_ref().1.peer_certificates().unwrap()[0].as_ref(), &first[..]);
    let second = certificate(dir.path());
    tls.replace(tls.read_again().unwrap());
    let stream = shake(&server, &cert, &[]).await.unwrap();
    assert_eq!(stream.get_ref().1.peer_certificates().unwrap()[0].as_ref(), &second[..]);
}

#[tokio::test]
async fn tls_refuses_silence_and_plain_text() {
    let dir = tempfile::tempdir().unwrap();
    certificate(dir.path());
    let tls = Tls::load(&dir.path().join("cert"), &dir.path().join("key"), ClientCertificates::Off).unwrap();
    let server = Server::start_with(Limits { handshake_timeout: SOON, ..Limits::default() }, Some(tls));
    assert_eq!(server.ask(b"").await, "");
    assert_eq!(server.cut("handshake"), 1);
    let mut plain = server.connect().await;
    plain.send(&post("/echo", "one")).await;
    let mut bytes = Vec::new();
    let _ = timeout(PATIENCE, plain.0.read_to_end(&mut bytes)).await.expect("the server closes");
    assert!(!bytes.starts_with(b"HTTP"));
    assert_eq!(server.cut("tls"), 1);
}

#[test]
fn tls_refuses_an_exposed_key_and_a_stranger() {
    let dir = tempfile::tempdir().unwrap();
    let (cert, key) = (dir.path().join("cert"), dir.path().join("key"));
    certificate(dir.path());
    mode(&key, 0o644);
    let error = Tls::load(&cert, &key, ClientCertificates::Off).unwrap_err().to_string();
    assert!(error.contains("mode 644") && error.contains("chmod 600"), "{error}");
    mode(&key, 0o600);
    let other = tempfile::tempdir().unwrap();
    certificate(other.path());
    let error = Tls::load(&other.path().join("cert"), &key, ClientCertificates::Off).unwrap_err().to_string();
    assert!(error.contains("do not go together"), "{error}");
}
