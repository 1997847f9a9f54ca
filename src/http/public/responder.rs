//! Reads the parameters of a request and writes its answers in the issuer's dialect.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;

use super::form;
use crate::auth::AuthFailure;
use crate::dialect::{Carrier, Dialect, Refused};
use crate::grant::Error;
use crate::http::access::RequestLog;
use crate::http::{Request, Response, respond};
use crate::issuer::Issuer;
use crate::protocol::endpoint::Endpoint;
use crate::protocol::error::{ErrorCode, ExtensionError, OAuthError};
use crate::protocol::form::Form;
use crate::protocol::response::TokenResponse;
use crate::registry::route::Route;

/// The endpoint of a request, resolved once from its path.
pub(crate) struct ResolvedEndpoint {
    pub(super) route: Route,
    pub(super) dialect: &'static dyn Dialect,
}

/// The reason for which an endpoint refuses a request.
pub(super) enum Refusal {
    /// The client is not authenticated.
    Unknown(AuthFailure),
    /// The request breaks a rule; the time to wait, if that helps.
    Request(OAuthError, Option<Duration>),
    /// The grant refused, perhaps with an error of its own, or the service failed.
    NotGranted(Error),
}

impl From<AuthFailure> for Refusal {
    fn from(failure: AuthFailure) -> Self {
        Self::Unknown(failure)
    }
}

impl From<OAuthError> for Refusal {
    fn from(error: OAuthError) -> Self {
        Self::Request(error, None)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::NotGranted(error)
    }
}

/// Reads a request at its endpoint and writes the answers, both as the issuer's dialect has them.
#[derive(Clone, Copy)]
pub(super) struct Responder<'a> {
    pub(super) issuer: &'a Arc<Issuer>,
    pub(super) endpoint: Endpoint,
    pub(super) path: &'a str,
    pub(super) dialect: &'static dyn Dialect,
    /// The client that the path names.
    client: Option<&'a str>,
}

impl<'a> Responder<'a> {
    pub(super) fn new(target: &'a ResolvedEndpoint, path: &'a str) -> Self {
        let ResolvedEndpoint { route: Route { issuer, endpoint, client }, dialect } = target;
        Self { issuer, endpoint: *endpoint, path, dialect: *dialect, client: client.as_deref() }
    }

    /// Returns whether the dialect takes the parameters of this request although it is no form.
    pub(super) fn takes(&self, head: &Parts) -> bool {
        match self.carrier() {
            Carrier::Form => false,
            Carrier::FormOrQuery => head.uri.query().is_some() && !form::is_json(&head.headers),
            Carrier::FormOrJson => form::is_json(&head.headers),
        }
    }

    /// Parses the parameters from where the dialect lets them arrive.
    pub(super) fn parameters<'r>(&self, request: &'r Request) -> Result<Form<'r>, OAuthError> {
        let form = match self.carrier() {
            Carrier::FormOrQuery if request.body.is_empty() => {
                Form::parse(request.query().unwrap_or_default().as_bytes())
            }
            Carrier::FormOrJson if form::is_json(&request.headers) => Form::from_json(&request.body),
            Carrier::Form | Carrier::FormOrQuery | Carrier::FormOrJson => Form::parse(&request.body),
        }?;
        match self.client {
            Some(client) => form.with("client_id", client),
            None => Ok(form),
        }
    }

    fn carrier(&self) -> Carrier {
        self.dialect.carrier(self.endpoint)
    }

    /// Writes an error as the dialect does.
    pub(super) fn write(&self, error: &OAuthError, log: &mut RequestLog) -> Response {
        self.write_in(error, None, log)
    }

    fn write_in(&self, error: &OAuthError, extension: Option<&ExtensionError>, log: &mut RequestLog) -> Response {
        let dialect = self.dialect;
        log.request_id = dialect.request_id();
        let (endpoint, path, grant) = (self.endpoint, self.path, &*log.grant);
        let (request_id, message) = (log.request_id.as_deref(), log.message.as_deref());
        let refused = Refused { error, endpoint, path, grant, request_id, extension, message };
        let (status, body) = dialect.error(&refused);
        let response = respond::json(status, body);
        let response = respond::with(response, CONTENT_TYPE, HeaderValue::from_static(dialect.headers().content_type));
        if status == 401 { respond::challenge(response, r#"Basic realm="jeton", charset="UTF-8""#) } else { response }
    }

    /// Writes a refusal as the dialect does, and notes it.
    pub(super) fn refuse(&self, log: &mut RequestLog, refusal: Refusal) -> Response {
        let (error, wait) = match &refusal {
            Refusal::Unknown(failure) => {
                log.fail(failure);
                (failure.error, failure.retry_after)
            }
            Refusal::Request(error, wait) => (*error, *wait),
            Refusal::NotGranted(error) => {
                log.explain(error);
                (error.to_oauth(), error.retry_after())
            }
        };
        log.error = Some(error);
        let extension = if let Refusal::NotGranted(error) = &refusal { error.extension() } else { None };
        let response = self.write_in(&error, extension, log);
        let is_known = !matches!(refusal, Refusal::Unknown(_));
        let again_soon = is_known && error.code == ErrorCode::TemporarilyUnavailable;
        match wait.or(again_soon.then_some(Duration::from_secs(1))) {
            Some(wait) => respond::retry_after(response, wait),
            None => response,
        }
    }

    /// A token response as the dialect writes it.
    pub(super) fn granted(&self, tokens: &TokenResponse) -> Response {
        self.success(self.dialect.success(tokens))
    }

    /// The answer to a revocation. The content type stays: some clients parse even an empty answer (CHECKLIST,
    /// interoperability facts).
    pub(super) fn revoked(&self) -> Response {
        self.success(self.dialect.revoked())
    }

    /// A success with the dialect's headers.
    pub(super) fn success(&self, body: impl Into<Bytes>) -> Response {
        let headers = self.dialect.headers();
        let response = respond::json(200, body);
        let response = respond::with(response, CONTENT_TYPE, HeaderValue::from_static(headers.content_type));
        respond::with(response, CACHE_CONTROL, HeaderValue::from_static(headers.cache_control))
    }
}
