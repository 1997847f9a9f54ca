use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

use bytes::Bytes;

use super::*;

/// A server that answers by path; it counts connections and keeps what it was sent.
#[derive(Default)]
struct Other {
    connections: AtomicUsize,
    seen: std::sync::Mutex<String>,
}

impl Other {
    async fn start(tls: Option<tokio_rustls::TlsAcceptor>) -> (SocketAddr, Arc<Self>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, other) = (listener.local_addr().unwrap(), Arc::new(Self::default()));
        let own = other.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                own.connections.fetch_add(1, Relaxed);
                let (own, tls) = (own.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => own.serve(stream).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                own.serve(stream).await;
                            }
                        }
                    }
                });
            }
        });
        (address, other)
    }

    async fn serve(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        loop {
            let mut text = String::new();
            // the bodies here end with `}` and nothing else does
            while !text.ends_with('}') {
                let mut part = [0; 4096];
                match stream.read(&mut part).await {
                    Ok(read @ 1..) => text.push_str(&String::from_utf8_lossy(&part[..read])),
                    _ => return,
                }
            }
            let path = text.split(' ').nth(1).unwrap().to_owned();
            *self.seen.lock().unwrap() = text;
            let answer = match path.as_str() {
                "/big" => format!("HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n{}", " ".repeat(65_537)),
                "/redirect" => "HTTP/1.1 307 See\r\nLocation: /\r\nContent-Length: 0\r\n\r\n".to_owned(),
                "/cut" => "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}".to_owned(),
                _ => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_owned(),
            };
            let _ = stream.write_all(answer.as_bytes()).await;
            if path == "/cut" || path == "/close" {
                let _ = stream.shutdown().await;
                return;
            }
        }
    }
}

fn poster(url: &str) -> Poster {
    Poster::new(&Url::parse(url).unwrap(), Some("hook-token"), None, 4).unwrap()
}

#[tokio::test]
async fn a_connection_is_kept_and_the_token_is_sent() {
    let (address, other) = Other::start(None).await;
    let hook = poster(&format!("http://{address}/x?y=1"));
    for _ in 0..5 {
        assert_eq!(hook.post(b"{\"a\":1}".to_vec()).await, Ok((200, Bytes::from_static(b"{}"))));
        tokio::task::yield_now().await;
    }
    assert_eq!(other.connections.load(Relaxed), 1);
    let seen = other.seen.lock().unwrap().to_ascii_lowercase();
    assert!(seen.starts_with("post /x?y=1 http/1.1\r\n") && seen.ends_with("\r\n\r\n{\"a\":1}"), "{seen}");
    assert!(seen.contains("\r\nauthorization: bearer hook-token\r\n"), "{seen}");
    assert!(seen.contains("\r\ncontent-type: application/json\r\n"), "{seen}");
    // one that the other side closed is not used again
    let hook = poster(&format!("http://{address}/close"));
    for _ in 0..3 {
        assert!(hook.post(b"{}".to_vec()).await.is_ok());
        tokio::time::timeout(Duration::from_millis(20), std::future::pending::<()>()).await.unwrap_err();
    }
    assert_eq!(other.connections.load(Relaxed), 4);
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_a_long_or_short_answer_is_none() {
    let (address, other) = Other::start(None).await;
    let to = |path: &str| poster(&format!("http://{address}{path}"));
    assert_eq!(to("/redirect").post(b"{}".to_vec()).await.unwrap().0, 307);
    assert_eq!(other.connections.load(Relaxed), 1);
    for path in ["/big", "/cut"] {
        let error = to(path).post(b"{}".to_vec()).await.unwrap_err();
        assert!(error.contains("cut off or too long"), "{error}");
    }
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = poster(&format!("http://{nobody}/")).post(b"{}".to_vec()).await.unwrap_err();
    assert!(error.contains("onnect") && !error.contains("hook-token"), "{error}");
}

#[tokio::test]
async fn an_https_hook_is_trusted_by_the_named_certificates_only() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let (address, _) = Other::start(Some(Arc::new(tls).into())).await;
    let dir = tempfile::tempdir().unwrap();
    let (file, none) = (dir.path().join("ca.pem"), dir.path().join("none.pem"));
    std::fs::write(&file, made.cert.pem()).unwrap();
    std::fs::write(&none, "nothing").unwrap();
    let to = |url: String, trust: Option<&Path>| Poster::new(&Url::parse(&url).unwrap(), None, trust, 4);
    let url = format!("https://localhost:{}/", address.port());
    assert!(to(url.clone(), Some(&file)).unwrap().post(b"{}".to_vec()).await.is_ok());
    assert!(to(url.clone(), None).unwrap().post(b"{}".to_vec()).await.is_err());
    assert!(to(format!("https://{address}/"), Some(&file)).unwrap().post(b"{}".to_vec()).await.is_err());
    assert!(matches!(to(url, Some(&none)), Err(PosterError::Trust(TrustError::File(_)))));
}
