//! CHECKLIST 37: the keys behind a `jwks_uri`, from a real https server in this process. That inner addresses are never
//! connected to is tested beside the code (`http::fetch`); here the network is the test's.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jeton::internals::{Dial, Dialling, Fetch, Fetcher, Fetching, Metrics, RemoteError, RemoteKeys, Scheme};
use jeton::{Id, Time};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use url::{Host, Url};

use crate::support::assertion::{JWT_BEARER, Signer, encode};
use crate::support::{Answer, Server};

/// A server of a client's keys: `/jwks` has them, the other paths misbehave.
struct Keys {
    address: SocketAddr,
    roots: rustls::RootCertStore,
    hits: AtomicUsize,
    jwks: Mutex<Value>,
}

impl Keys {
    async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["keys.example".to_owned()]).unwrap();
        let certificate = made.cert.der().clone();
        let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
        let address = listener.local_addr().unwrap();
        let keys = Arc::new(Self { address, roots, hits: AtomicUsize::new(0), jwks: Mutex::default() });
        let own = keys.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (own, acceptor) = (own.clone(), acceptor.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        own.answer(stream).await;
                    }
                });
            }
        });
        keys
    }

    async fn answer(&self, mut stream: tokio_rustls::server::TlsStream<TcpStream>) {
        let mut head = vec![0; 4096];
        let read = stream.read(&mut head).await.unwrap_or_default();
        self.hits.fetch_add(1, Ordering::Relaxed);
        let head = String::from_utf8_lossy(&head[..read]).into_owned();
        let ok = "HTTP/1.1 200 OK\r\n";
        let (answer, more) = match head.split(' ').nth(1).unwrap_or_default() {
            "/jwks" => {
                let body = self.jwks.lock().unwrap().to_string();
                (format!("{ok}Content-Length: {}\r\n\r\n{body}", body.len()), false)
            }
            "/redirect" => ("HTTP/1.1 302 Found\r\nLocation: /jwks\r\nContent-Length: 0\r\n\r\n".to_owned(), false),
            "/big" => (format!("{ok}Content-Length: 70000\r\n\r\n{}", " ".repeat(70_000)), false),
            "/endless" => (format!("{ok}Transfer-Encoding: chunked\r\n\r\n"), true),
            // the head never ends
            _ => return self.hang(stream).await,
        };
        let _ = stream.write_all(answer.as_bytes()).await;
        while more && stream.write_all(b"1\r\n \r\n").await.is_ok() {
            tokio::task::yield_now().await;
        }
        let _ = stream.shutdown().await;
    }

    /// Says nothing until the other side gives up.
    async fn hang(&self, mut stream: tokio_rustls::server::TlsStream<TcpStream>) {
        let _ = stream.read(&mut [0; 1]).await;
    }

    fn fetcher(&self) -> Fetcher {
        Fetcher::with(Arc::new(ToKeys(self.address)), self.roots.clone())
    }

    fn publish(&self, keys: &[(&str, &Signer)]) {
        let named = |(kid, key): &(&str, &Signer)| {
            let mut jwk = key.jwk();
            jwk["kid"] = json!(kid);
            jwk
        };
        *self.jwks.lock().unwrap() = json!({ "keys": keys.iter().map(named).collect::<Vec<_>>() });
    }

    fn hits(&self) -> usize {
        self.hits.load(Ordering::Relaxed)
    }
}

/// Every name leads to the server of keys.
struct ToKeys(SocketAddr);

impl Dial for ToKeys {
    fn dial<'a>(&'a self, _host: Host<&'a str>, _port: u16) -> Dialling<'a> {
        Box::pin(async move { TcpStream::connect(self.0).await.map_err(|error| error.to_string()) })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_37_a_fetch_follows_nothing_and_is_bounded_in_size_and_time() {
    let keys = Keys::start().await;
    let fetcher = keys.fetcher();
    let get = async |url: &str| fetcher.fetch(&Url::parse(url).unwrap()).await;
    assert!(get("https://keys.example/jwks").await.is_ok());
    for (url, why) in [
        ("https://keys.example/redirect", "redirects"),
        ("https://keys.example/big", "too long"),
        ("https://other.example/jwks", "TLS"),
        ("http://keys.example/jwks", "not https"),
    ] {
        let error = get(url).await.unwrap_err();
        assert!(error.contains(why), "{url}: {error}");
    }
    for url in ["https://keys.example/endless", "https://keys.example/slow"] {
        let since = jeton::internals::Stopwatch::start();
        assert!(get(url).await.is_err(), "{url}");
        assert!(since.elapsed() < Duration::from_secs(10), "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_37_keys_are_kept_and_an_unknown_kid_is_looked_for_once_a_minute() {
    let keys = Keys::start().await;
    let (first, second) = (Signer::new("ES256"), Signer::new("ES256"));
    keys.publish(&[("one", &first)]);
    let server = Server::fetching(Arc::new(keys.fetcher())).await;
    let id = remote_client(&server).await;
    let ask = async |kid: &str, key: &Signer| authenticate(&server, &assertion(&server, &id, kid, key)).await.status;
    for _ in 0..5 {
        assert_eq!(ask("one", &first).await, 200);
    }
    assert_eq!(keys.hits(), 1, "kept");
    keys.publish(&[("one", &first), ("two", &second)]);
    assert_eq!((ask("two", &second).await, keys.hits()), (401, 1), "not a minute yet");
    server.clock.advance(Duration::from_secs(60));
    assert_eq!((ask("two", &second).await, keys.hits()), (200, 2));
    for n in 0..10 {
        assert_eq!(ask(&format!("unknown {n}"), &second).await, 401);
    }
    assert_eq!((ask("one", &first).await, keys.hits()), (200, 2), "a guesser makes us fetch nothing");
    // old keys are used while the server is broken, for a day
    *keys.jwks.lock().unwrap() = json!("broken");
    server.clock.advance(Duration::from_secs(3600));
    assert_eq!((ask("one", &first).await, keys.hits()), (200, 3));
    server.clock.advance(Duration::from_secs(86_400));
    assert_eq!((ask("one", &first).await, keys.hits()), (503, 4), "nothing known is no wrong signature");
}

/// Key sets that are given out when the test says so, each once.
struct Gate {
    open: Semaphore,
    hits: AtomicUsize,
    /// `None` fails.
    jwks: Mutex<Option<Value>>,
}

impl Gate {
    fn new(open: usize) -> Arc<Self> {
        Arc::new(Self { open: Semaphore::new(open), hits: AtomicUsize::new(0), jwks: Mutex::default() })
    }

    fn publish(&self, kid: &str, key: &Signer) {
        let mut jwk = key.jwk();
        jwk["kid"] = json!(kid);
        *self.jwks.lock().unwrap() = Some(json!({ "keys": [jwk] }));
    }

    fn hits(&self) -> usize {
        self.hits.load(Ordering::Relaxed)
    }
}

impl Fetch for Gate {
    fn fetch<'a>(&'a self, _url: &'a Url) -> Fetching<'a> {
        Box::pin(async move {
            self.hits.fetch_add(1, Ordering::Relaxed);
            self.open.acquire().await.map_err(|error| error.to_string())?.forget();
            let jwks = self.jwks.lock().unwrap().clone();
            jwks.map(|jwks| jwks.to_string().into()).ok_or_else(|| "broken".to_owned())
        })
    }
}

/// Until `done`, but not for ever.
async fn until(done: impl Fn() -> bool) {
    let wait = async {
        while !done() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.unwrap();
}

const URL: &str = "https://keys.example/jwks";

#[tokio::test(flavor = "multi_thread")]
async fn checklist_37_hanging_up_does_not_use_up_the_fetch_of_a_minute() {
    let gate = Gate::new(0);
    gate.publish("new", &Signer::new("ES256"));
    let (remote, url, now) =
        (RemoteKeys::new(gate.clone(), &Metrics::new()), Url::parse(URL).unwrap(), Time::from_secs(1_900_000_000));
    let hung_up = remote.keys(&url, Some("unknown"), Scheme::Es256, now);
    let limit = tokio::time::timeout(Duration::from_secs(10), async {
        tokio::select! {
            _ = hung_up => panic!("the gate is shut"),
            () = until(|| gate.hits() == 1) => {}
        }
    });
    limit.await.unwrap();
    gate.open.add_permits(1);
    let next = tokio::time::timeout(Duration::from_secs(10), remote.keys(&url, Some("new"), Scheme::Es256, now));
    assert!(next.await.unwrap().unwrap().has(Some("new"), Scheme::Es256));
    assert_eq!(gate.hits(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_37_few_sets_are_fetched_at_once_and_meanwhile_old_keys_that_fit_will_do() {
    let gate = Gate::new(2);
    gate.publish("one", &Signer::new("ES256"));
    let remote = Arc::new(RemoteKeys::new(gate.clone(), &Metrics::new()));
    let mut now = Time::from_secs(1_900_000_000);
    let url = |n: usize| Url::parse(&format!("https://keys{n}.example/jwks")).unwrap();
    let ask = |n: usize, kid: &'static str, now: Time| {
        let (remote, url) = (remote.clone(), url(n));
        async move {
            let asked = remote.keys(&url, Some(kid), Scheme::Es256, now);
            tokio::time::timeout(Duration::from_secs(10), asked)
                .await
                .unwrap()
                .map(|keys| keys.has(Some(kid), Scheme::Es256))
        }
    };
    assert_eq!((ask(0, "one", now).await, ask(9, "one", now).await), (Ok(true), Ok(true)));
    now = now + Duration::from_secs(3600);
    let others: Vec<_> = (0..8).map(|n| tokio::spawn(ask(n, "one", now))).collect();
    until(|| gate.hits() == 10).await;
    assert_eq!(ask(0, "one", now).await, Ok(true), "old ones, while they are read again");
    assert_eq!(ask(8, "one", now).await, Err(RemoteError::Busy), "a ninth");
    assert_eq!(ask(9, "one", now).await, Ok(true), "a ninth with old ones");
    assert_eq!(ask(9, "two", now).await, Err(RemoteError::Busy), "not looked for, so not unknown");
    gate.open.add_permits(8);
    for other in others {
        assert_eq!(other.await.unwrap(), Ok(true));
    }
    assert_eq!(gate.hits(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_37_all_first_requests_at_once_succeed_by_one_fetch() {
    let (gate, key) = (Gate::new(0), Signer::new("ES256"));
    gate.publish("one", &key);
    let server = Arc::new(Server::fetching(gate.clone()).await);
    let id = remote_client(&server).await;
    let asked: Vec<_> = (0..30)
        .map(|_| {
            let (server, assertion) = (server.clone(), assertion(&server, &id, "one", &key));
            tokio::spawn(async move { authenticate(&server, &assertion).await.status })
        })
        .collect();
    until(|| gate.hits() == 1).await;
    gate.open.add_permits(30);
    for answer in asked {
        assert_eq!(answer.await.unwrap(), 200);
    }
    assert_eq!(gate.hits(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_24_37_a_server_of_keys_that_fails_is_no_failed_authentication() {
    let (gate, key) = (Gate::new(10), Signer::new("ES256"));
    let server = Server::fetching(gate.clone()).await;
    let id = remote_client(&server).await;
    for _ in 0..30 {
        let answer = authenticate(&server, &assertion(&server, &id, "one", &key)).await;
        assert_eq!((answer.status, answer.error().as_str()), (503, "temporarily_unavailable"));
    }
    assert_eq!(gate.hits(), 1, "once in ten seconds");
    gate.publish("one", &key);
    server.clock.advance(Duration::from_secs(10));
    assert_eq!(authenticate(&server, &assertion(&server, &id, "one", &key)).await.status, 200);
}

async fn remote_client(server: &Server) -> String {
    let metadata = json!({
        "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": URL,
        "grant_types": ["client_credentials"], "scope": "api:read",
    });
    server.client(metadata).await.0
}

fn assertion(server: &Server, id: &str, kid: &str, key: &Signer) -> String {
    let claims = json!({
        "iss": id, "sub": id, "aud": format!("http://{}", server.public), "jti": encode(Id::random().0),
        "exp": server.clock.now().as_secs() + 60,
    });
    key.jws(&json!({ "alg": "ES256", "kid": kid }), &claims)
}

async fn authenticate(server: &Server, assertion: &str) -> Answer {
    let fields =
        [("grant_type", "client_credentials"), ("client_assertion_type", JWT_BEARER), ("client_assertion", assertion)];
    server.token(&fields).await
}

/// RFC 7517 section 5: what cannot be used is ignored, not the set.
#[tokio::test(flavor = "multi_thread")]
async fn rfc7517_5_one_unusable_key_behind_a_jwks_uri_does_not_spoil_the_set() {
    let key = Signer::new("ES256");
    let mut good = key.jwk();
    good["kid"] = json!("one");
    let mut private = Signer::new("ES256").jwk();
    private["d"] = json!("AQ");
    let mut twin = Signer::new("ES256").jwk();
    twin["kid"] = json!("one");
    let many: Vec<Value> = (0..17).map(|_| Signer::new("EdDSA").jwk()).collect();
    let cases = [
        ("RSA-1024", vec![json!({ "kty": "RSA", "n": encode([0xff; 128]), "e": "AQAB" }), good.clone()], 1),
        ("x5c only", vec![json!({ "kty": "RSA", "x5c": ["MIIB"] }), good.clone()], 1),
        ("an unknown kty", vec![json!({ "kty": "XYZ" }), good.clone()], 1),
        ("no object", vec![json!("key"), json!(null), good.clone()], 2),
        ("a private part", vec![private, good.clone()], 1),
        ("a point of no curve", vec![json!({ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA" }), good.clone()], 1),
        (
            "a kid that is too long",
            vec![
                json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "k".repeat(257) }),
                good.clone(),
            ],
            1,
        ),
        ("the same kid twice", vec![twin, good.clone()], 0),
        ("the 17th", [vec![good.clone()], many].concat(), 2),
    ];
    for (what, jwks, skipped) in cases {
        let gate = Gate::new(10);
        *gate.jwks.lock().unwrap() = Some(json!({ "keys": jwks }));
        let server = Server::fetching(gate.clone()).await;
        let id = remote_client(&server).await;
        let answer = authenticate(&server, &assertion(&server, &id, "one", &key)).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.text());
        let counted = format!("jeton_jwks_keys_skipped_total {skipped}");
        assert!(server.metrics().await.contains(&counted), "{what}: {counted}");
    }
    // a set without any key that can be used is none
    let gate = Gate::new(10);
    *gate.jwks.lock().unwrap() = Some(json!({ "keys": [{ "kty": "XYZ" }] }));
    let server = Server::fetching(gate).await;
    let id = remote_client(&server).await;
    assert_eq!(authenticate(&server, &assertion(&server, &id, "one", &key)).await.status, 503);
}

/// Two readers may take different ones of the two.
#[tokio::test(flavor = "multi_thread")]
async fn rfc7517_4_a_key_set_with_a_repeated_member_is_none() {
    struct Doubled(String);
    impl Fetch for Doubled {
        fn fetch<'a>(&'a self, _url: &'a Url) -> Fetching<'a> {
            Box::pin(std::future::ready(Ok(self.0.clone().into())))
        }
    }
    let key = Signer::new("ES256");
    let mut jwk = key.jwk();
    jwk["kid"] = json!("one");
    let mut text = json!({ "keys": [jwk] }).to_string();
    for (doubled, status) in [(false, 200), (true, 503)] {
        if doubled {
            text = text.replace("\"kty\":", "\"kid\":\"two\",\"kty\":");
        }
        let server = Server::fetching(Arc::new(Doubled(text.clone()))).await;
        let id = remote_client(&server).await;
        assert_eq!(authenticate(&server, &assertion(&server, &id, "one", &key)).await.status, status, "{text}");
    }
}
