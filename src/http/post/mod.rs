//! Calls of hooks: one POST of JSON to the operator's own service, over connections that are kept. Unlike `fetch`, whose
//! URLs clients choose, an inner address is what one expects here.

use std::path::Path;

use hyper::header::HeaderValue;
use url::Url;
use zeroize::Zeroizing;

use super::client::{Call, HttpClient, Method, ServerTrust, TrustError};
use crate::cause::chain;
use crate::hook::{MAX_ANSWER, Post, Posting};

/// Posts to one URL.
pub(crate) struct Poster {
    client: HttpClient,
    url: Url,
    authorization: Option<Zeroizing<String>>,
}

/// The setting of a hook that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PosterError {
    #[error("the token has characters that no header can carry")]
    Token,
    #[error(transparent)]
    Trust(#[from] TrustError),
}

impl Poster {
    /// Posts to `url` with `token` as the bearer token, trusting the certificates in `trust` or else those that
    /// browsers trust; keeps at most `connections` idle ones.
    ///
    /// # Errors
    /// The setting that cannot be used.
    pub(crate) fn new(
        url: &Url,
        token: Option<&str>,
        trust: Option<&Path>,
        connections: usize,
    ) -> Result<Self, PosterError> {
        let client =
            HttpClient::direct(trust.map_or(ServerTrust::Browsers, ServerTrust::File), MAX_ANSWER, connections)?;
        let authorization = token.map(|token| Zeroizing::new(format!("Bearer {token}")));
        if authorization.as_ref().is_some_and(|text| HeaderValue::from_str(text).is_err()) {
            return Err(PosterError::Token);
        }
        Ok(Self { client, url: url.clone(), authorization })
    }
}

impl Post for Poster {
    fn post(&self, body: Vec<u8>) -> Posting<'_> {
        let authorization = self.authorization.as_ref().map(|text| text.as_str());
        let body = Some(("application/json", body.into()));
        let call = Call { method: Method::POST, url: &self.url, authorization, body };
        Box::pin(async move {
            let reply = self.client.send(call).await.map_err(|error| chain(&error))?;
            Ok((reply.status, reply.body))
        })
    }
}

#[cfg(test)]
mod tests;
