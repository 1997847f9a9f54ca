//! The floor that ratios are taken against: bare hyper that reads a form, makes (or checks) one Ed25519 signature and
//! answers as many bytes as jeton would. Nobody can issue signed tokens over HTTP with less.

use std::convert::Infallible;
use std::hint::black_box;
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use ed25519_dalek::{Signature, Signer as _, SigningKey, Verifier as _};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// How the floor is to behave.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct LimitOptions {
    /// Where to listen.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8090")]
    pub(crate) listen: SocketAddr,
    /// Check one signature a request (the floor of introspection) instead of making one.
    #[arg(long)]
    pub(crate) verify: bool,
    /// Bytes of the answer's body.
    #[arg(long, value_name = "N", default_value_t = 640)]
    pub(crate) answer_bytes: usize,
    /// Bytes that are signed: the header and payload of the token in base64url.
    #[arg(long, value_name = "N", default_value_t = 420)]
    pub(crate) sign_bytes: usize,
    /// End when standard input ends, so that it does not outlive who started it.
    #[arg(long)]
    pub(crate) end_with_stdin: bool,
}

/// What a request needs.
struct Floor {
    key: SigningKey,
    message: Vec<u8>,
    signature: Signature,
    /// `{"access_token":"xxx..."}`, as long as the answer; the signature goes to its end.
    answer: Vec<u8>,
    verify: bool,
}

/// Serves until the process is ended.
pub(crate) fn serve(options: &LimitOptions) -> anyhow::Result<()> {
    if options.end_with_stdin {
        std::thread::spawn(|| {
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            std::process::exit(0);
        });
    }
    let floor = Arc::new(Floor::new(options));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(options.listen)
            .await
            .with_context(|| format!("failed to listen on {}: choose another --listen", options.listen))?;
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let _ = stream.set_nodelay(true);
            let floor = floor.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| floor.clone().answer(request));
                // a client that goes away is no news
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    })
}

impl Floor {
    fn new(options: &LimitOptions) -> Self {
        let key = SigningKey::from_bytes(&[7; 32]);
        let message = vec![b'a'; options.sign_bytes];
        let frame = (&b"{\"access_token\":\""[..], &b"\"}"[..]);
        let filler = options.answer_bytes.saturating_sub(frame.0.len() + frame.1.len()).max(SIGNATURE_TEXT);
        let answer = [frame.0, &vec![b'x'; filler], frame.1].concat();
        Self { signature: key.sign(&message), key, message, answer, verify: options.verify }
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        // a body that breaks off breaks the connection, too
        let _ = black_box(request.into_body().collect().await.map(|body| body.to_bytes()));
        let body = if self.verify { self.verified() } else { self.signed() };
        let mut response = Response::new(Full::new(Bytes::from(body)));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }

    fn signed(&self) -> Vec<u8> {
        let signature = self.key.sign(black_box(&self.message));
        let mut body = self.answer.clone();
        let end = body.len() - 2;
        // the buffer has exactly the length of the text
        let _ = URL_SAFE_NO_PAD.encode_slice(signature.to_bytes(), &mut body[end - SIGNATURE_TEXT..end]);
        body
    }

    fn verified(&self) -> Vec<u8> {
        let _ = black_box(self.key.verifying_key().verify(black_box(&self.message), &self.signature));
        self.answer.clone()
    }
}

/// Characters of an Ed25519 signature in base64url.
const SIGNATURE_TEXT: usize = 86;
