//! Calls of hooks: one POST of JSON to the operator's own service, over connections that are kept (the client of
//! `hyper-util`). Unlike `fetch`, whose URLs clients choose, an inner address is what one expects here. No redirect is
//! followed: it comes back as the answer that it is.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use url::Url;
use zeroize::Zeroizing;

use super::client::{browsers, client_tls, roots_of};
use crate::cause::chain;
use crate::hook::{MAX_ANSWER, Post, Posting};

/// How long a connection is kept that nothing is sent on: shorter than servers keep theirs.
const KEEP: Duration = Duration::from_secs(15);

/// The TLS of every hook that names no certificates: the authorities that browsers trust, in memory once.
static BROWSERS: LazyLock<Result<rustls::ClientConfig, rustls::Error>> = LazyLock::new(|| client_tls(browsers()));

/// Posts to one URL.
pub struct Poster {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    uri: Uri,
    authorization: Option<HeaderValue>,
}

/// Why nothing can be posted there.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum PosterError {
    #[error("must be an https or http URL")]
    Url,
    #[error("the token has characters that no header can carry")]
    Token,
    #[error("{} holds no usable PEM certificate", crate::credential::shown_path(.0))]
    Trust(PathBuf),
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

impl Poster {
    /// To `url`, with `token` as the bearer token, trusting the certificates in `trust` or else those that browsers
    /// trust; at most `connections` of them are kept.
    ///
    /// # Errors
    /// What cannot be used.
    pub fn new(url: &Url, token: Option<&str>, trust: Option<&Path>, connections: usize) -> Result<Self, PosterError> {
        let uri: Uri = url.as_str().parse().map_err(|_| PosterError::Url)?;
        let tls = match trust {
            Some(file) => client_tls(roots_of(file).ok_or_else(|| PosterError::Trust(file.to_owned()))?),
            None => BROWSERS.clone(),
        };
        let tls = tls.map_err(PosterError::Tls)?;
        let authorization = token.map(bearer).transpose()?;
        let connector =
            hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(KEEP)
            .pool_max_idle_per_host(connections)
            .build(connector);
        Ok(Self { client, uri, authorization })
    }

    async fn send(&self, body: Vec<u8>) -> Result<(u16, Bytes), String> {
        let mut request = hyper::Request::builder()
            .method(Method::POST)
            .uri(self.uri.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(|error| error.to_string())?;
        let answer = self.client.request(request).await.map_err(|error| chain(&error))?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
        Ok((status, body.map_err(|_| "the answer was cut off or too long".to_owned())?.to_bytes()))
    }
}

impl Post for Poster {
    fn post(&self, body: Vec<u8>) -> Posting<'_> {
        Box::pin(self.send(body))
    }
}

fn bearer(token: &str) -> Result<HeaderValue, PosterError> {
    let text = Zeroizing::new(format!("Bearer {token}"));
    let mut value = HeaderValue::from_str(&text).map_err(|_| PosterError::Token)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
#[path = "post_tests.rs"]
mod tests;
