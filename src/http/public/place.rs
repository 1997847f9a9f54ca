//! Where a request arrived, and how its answers are written there: by the issuer's dialect.

use std::sync::Arc;
use std::time::Duration;

use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;

use super::form;
use crate::client::Issuer;
use crate::client::auth::Failure;
use crate::client::registry::Route;
use crate::dialect::{Carrier, Dialect, Dialects, Refused};
use crate::grant::Error;
use crate::http::access::Told;
use crate::http::{Response, respond};
use crate::protocol::endpoint::Endpoint;
use crate::protocol::error::{ErrorCode, OAuthError, Worded};
use crate::protocol::response::TokenResponse;

/// Where a request arrived: whose dialect answers, and what it needs to know of the request.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) issuer: &'a Arc<Issuer>,
    pub(super) endpoint: Endpoint,
    pub(super) path: &'a str,
    pub(super) dialect: &'static dyn Dialect,
}

impl<'a> Place<'a> {
    pub(super) fn new(route: &'a Route, path: &'a str, dialects: &Dialects) -> Self {
        Self { issuer: &route.issuer, endpoint: route.endpoint, path, dialect: dialects.of(&route.issuer) }
    }

    /// Whether the dialect takes the parameters of this request although it is no form.
    pub(super) fn takes(&self, head: &Parts) -> bool {
        self.endpoint == Endpoint::Token
            && match self.dialect.carrier() {
                Carrier::Form => false,
                Carrier::FormOrQuery => head.uri.query().is_some() && !form::is_json(&head.headers),
                Carrier::FormOrJson => form::is_json(&head.headers),
            }
    }

    /// An error as the dialect writes it.
    pub(super) fn write(&self, error: &OAuthError, told: &mut Told) -> Response {
        self.write_in(error, None, told)
    }

    fn write_in(&self, error: &OAuthError, worded: Option<&Worded>, told: &mut Told) -> Response {
        let dialect = self.dialect;
        told.request_id = dialect.request_id();
        let (endpoint, path, grant) = (self.endpoint, self.path, told.grant.as_str());
        let refused = Refused { error, endpoint, path, grant, request_id: told.request_id.as_deref(), worded };
        let (status, body) = dialect.error(&refused);
        let response = respond::json(status, body);
        let response = respond::with(response, CONTENT_TYPE, HeaderValue::from_static(dialect.headers().content_type));
        if status == 401 { respond::challenge(response, r#"Basic realm="jeton", charset="UTF-8""#) } else { response }
    }

    /// The answer to a failed client authentication.
    pub(super) fn unknown(&self, told: &mut Told, failure: &Failure) -> Response {
        told.fail(failure);
        let response = self.write(&failure.error, told);
        match failure.retry_after {
            Some(wait) => respond::retry_after(response, wait),
            None => response,
        }
    }

    /// The answer to an error after authentication.
    pub(super) fn refused(&self, told: &mut Told, error: OAuthError, wait: Option<Duration>) -> Response {
        self.refused_in(None, told, error, wait)
    }

    /// What a grant refused, in its own words if it has some.
    pub(super) fn not_granted(&self, told: &mut Told, error: &Error) -> Response {
        self.refused_in(error.worded(), told, error.to_oauth(), None)
    }

    fn refused_in(
        &self,
        worded: Option<&Worded>,
        told: &mut Told,
        error: OAuthError,
        wait: Option<Duration>,
    ) -> Response {
        told.error = Some(error);
        let response = self.write_in(&error, worded, told);
        let again_soon = matches!(error.code, ErrorCode::TemporarilyUnavailable).then_some(Duration::from_secs(1));
        match wait.or(again_soon) {
            Some(wait) => respond::retry_after(response, wait),
            None => response,
        }
    }

    /// A token response as the dialect writes it.
    pub(super) fn granted(&self, tokens: &TokenResponse) -> Response {
        let dialect = self.dialect;
        let headers = dialect.headers();
        let response = respond::json(200, dialect.success(tokens));
        let response = respond::with(response, CONTENT_TYPE, HeaderValue::from_static(headers.content_type));
        respond::with(response, CACHE_CONTROL, HeaderValue::from_static(headers.cache_control))
    }
}
