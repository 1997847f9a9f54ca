//! Outbound HTTP/1.1, the only place of it: each answer within its limits. Redirects are not followed: the host that the
//! URL names gets the credential, no other.

mod connect;
mod trust;

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
pub(crate) use hyper::Method;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderValue};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::timeout;
use url::Url;

pub(crate) use connect::ConnectError;
pub(super) use connect::Connector;
use connect::SystemDial;
pub use connect::{Dial, Dialling};
pub(super) use trust::trusting;
pub(crate) use trust::{ServerTrust, TrustError};

/// Longest duration of a call, with everything.
const LIMIT: Duration = Duration::from_secs(30);
/// Time an idle connection is kept: shorter than servers keep theirs.
const KEEP: Duration = Duration::from_secs(15);
/// Longest answer to [`send`], in bytes.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// An outbound request.
pub(crate) struct Call<'a> {
    /// The method.
    pub method: Method,
    /// An absolute http or https URL.
    pub url: &'a Url,
    /// The whole `Authorization` header.
    pub authorization: Option<&'a str>,
    /// Content type and content.
    pub body: Option<(&'static str, Bytes)>,
}

/// The answer to a [`Call`], complete.
pub(crate) struct Reply {
    /// The status.
    pub status: u16,
    /// The content.
    pub body: Bytes,
    /// The `Date` header (RFC 9110 section 6.6.1).
    pub date: Option<String>,
}

/// The failure to get an answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error(transparent)]
    Connect(ConnectError),
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error("the authorization has characters that no header can carry")]
    Authorization,
    #[error("the connection broke")]
    Broken(#[source] hyper_util::client::legacy::Error),
    #[error("the answer was cut off or too long")]
    Answer,
    #[error("no answer within {} seconds", LIMIT.as_secs())]
    Late,
}

/// Sends `call` over a connection of its own to a server that is trusted by `trust`.
///
/// # Errors
/// The reason why there is no answer. A refusal is an answer.
pub(crate) async fn send(call: Call<'_>, trust: ServerTrust<'_>) -> Result<Reply, ClientError> {
    // a file of certificates is read only if it is needed
    let trust = if call.url.scheme() == "https" { trust } else { ServerTrust::Nobody };
    HttpClient::direct(trust, MAX_ANSWER, 0)?.send(call).await
}

/// Sends requests and reads whole answers.
pub(super) struct HttpClient {
    pool: Client<Connector, Full<Bytes>>,
    longest: usize,
}

impl HttpClient {
    /// A client that reads answers of at most `longest` bytes and keeps at most `kept` idle connections.
    pub(super) fn new(connector: Connector, longest: usize, kept: usize) -> Self {
        let pool = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(KEEP)
            .pool_max_idle_per_host(kept)
            .build(connector);
        Self { pool, longest }
    }

    /// A client that connects to any address.
    pub(super) fn direct(trust: ServerTrust<'_>, longest: usize, kept: usize) -> Result<Self, TrustError> {
        Ok(Self::new(Connector::new(Arc::new(SystemDial), trust.config()?), longest, kept))
    }

    /// Sends `call` and reads the whole answer.
    ///
    /// # Errors
    /// The reason why there is no answer. A refusal is an answer.
    pub(super) async fn send(&self, call: Call<'_>) -> Result<Reply, ClientError> {
        timeout(LIMIT, self.exchange(call)).await.unwrap_or(Err(ClientError::Late))
    }

    async fn exchange(&self, call: Call<'_>) -> Result<Reply, ClientError> {
        let mut request =
            hyper::Request::builder().method(call.method).uri(call.url.as_str()).header(ACCEPT, "application/json");
        if let Some(authorization) = call.authorization {
            let mut value = HeaderValue::from_str(authorization).map_err(|_| ClientError::Authorization)?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let (kind, content) = call.body.unzip();
        if let Some(kind) = kind {
            request = request.header(CONTENT_TYPE, kind);
        }
        let request = request.body(Full::new(content.unwrap_or_default()));
        let request = request.map_err(|_| ClientError::Connect(ConnectError::Url))?;
        let answer = self.pool.request(request).await.map_err(failed)?;
        let status = answer.status().as_u16();
        let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok()).map(str::to_owned);
        let body = Limited::new(answer.into_body(), self.longest).collect().await.map_err(|_| ClientError::Answer)?;
        Ok(Reply { status, body: body.to_bytes(), date })
    }
}

fn failed(error: hyper_util::client::legacy::Error) -> ClientError {
    match error.source().and_then(|source| source.downcast_ref::<ConnectError>()) {
        Some(connect) => ClientError::Connect(connect.clone()),
        None => ClientError::Broken(error),
    }
}
