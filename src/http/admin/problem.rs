//! Errors of the admin surface: RFC 9457 problem documents.

use std::time::Duration;

use hyper::Method;
use hyper::header::{ALLOW, HeaderValue};
use serde_json::json;

use crate::grant::portal::PortalError;
use crate::http::{Response, respond};
use crate::keys::KeyError;
use crate::registry::RegistryError;
use crate::slow_hash::Full;
use crate::store::StoreError;
use crate::user::HashError;
use crate::user::directory::DirectoryError;

/// The refusal of an admin call.
#[derive(Debug)]
pub(super) struct Problem {
    status: u16,
    detail: String,
    /// The `Allow` header of a 405.
    allow: Option<HeaderValue>,
}

impl Problem {
    pub(super) fn new(status: u16, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), allow: None }
    }

    /// 405, with the methods that the resource has.
    pub(super) fn method_not_allowed(allowed: &[Method]) -> Self {
        let names = allowed.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        Self { allow: HeaderValue::from_str(&names).ok(), ..Self::new(405, format!("use {names}")) }
    }

    /// 404 for a client that the issuer does not have.
    pub(super) fn no_such_client() -> Self {
        Self::new(404, "there is no such client")
    }
}

impl From<Problem> for Response {
    fn from(problem: Problem) -> Self {
        let title = match problem.status {
            400 => "bad request",
            401 => "not authenticated",
            404 => "not found",
            405 => "method not allowed",
            408 => "request timeout",
            409 => "conflict",
            413 => "content too large",
            415 => "unsupported media type",
            417 => "expectation failed",
            431 => "request header fields too large",
            503 => "unavailable",
            _ => "failed",
        };
        let body = json!({ "type": "about:blank", "title": title, "status": problem.status, "detail": problem.detail });
        let response = respond::answer(problem.status, "application/problem+json", body.to_string());
        let response = match problem.status {
            503 => respond::retry_after(response, Duration::from_secs(1)),
            _ => response,
        };
        match problem.allow {
            Some(methods) => respond::with(response, ALLOW, methods),
            None => response,
        }
    }
}

impl From<RegistryError> for Problem {
    fn from(error: RegistryError) -> Self {
        let status = match &error {
            RegistryError::Metadata(_) => 400,
            RegistryError::Exists | RegistryError::Conflict | RegistryError::InFile | RegistryError::TooManySecrets => {
                409
            }
            RegistryError::NotFound | RegistryError::NoSecret => 404,
            RegistryError::Store(error) => of_store(error),
        };
        Self::new(status, error.to_string())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::new(of_store(&error), error.to_string())
    }
}

/// The status of a store failure: 400 for a document that is too large, however often it is sent, else 503.
fn of_store(error: &StoreError) -> u16 {
    match error {
        StoreError::TooLarge { .. } => 400,
        StoreError::Unavailable { .. }
        | StoreError::Indeterminate { .. }
        | StoreError::Corrupt(_)
        | StoreError::Fatal(_) => 503,
    }
}

impl From<Full> for Problem {
    fn from(full: Full) -> Self {
        Self::new(503, format!("{full}; try again"))
    }
}

impl From<PortalError> for Problem {
    fn from(error: PortalError) -> Self {
        match error {
            PortalError::Store(error) => error.into(),
            PortalError::Request(_) | PortalError::UserClaims(_) => Self::new(400, error.to_string()),
        }
    }
}

impl From<crate::grant::Error> for Problem {
    fn from(error: crate::grant::Error) -> Self {
        let status = match &error {
            crate::grant::Error::Store(error) => of_store(error),
            _ => 503,
        };
        Self::new(status, error.to_string())
    }
}

impl From<DirectoryError> for Problem {
    fn from(error: DirectoryError) -> Self {
        let status = match &error {
            DirectoryError::Rule(_) => 400,
            DirectoryError::NotFound => 404,
            DirectoryError::Conflict => 409,
            DirectoryError::Store(error) => of_store(error),
        };
        Self::new(status, error.to_string())
    }
}

impl From<HashError> for Problem {
    fn from(error: HashError) -> Self {
        let status = match &error {
            HashError::Rule(_) => 400,
            HashError::Full(_) => 503,
        };
        Self::new(status, error.to_string())
    }
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::UnknownAlgorithm { .. } => Self::new(400, format!("alg: {error}")),
            other => Self::new(503, other.to_string()),
        }
    }
}
