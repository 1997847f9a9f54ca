//! Why a claim does not hold, for the methods, for the client and for operators.

use std::time::Duration;

use super::claimed_name::ClaimedName;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::slow_hash::{Full, QueueRefusal};

/// Why a claim does not hold, or cannot be decided now.
#[derive(Clone, Copy)]
pub(super) enum ClaimError {
    /// Something it takes is not there for the moment; what.
    Unavailable(&'static str),
    /// Too many were wrong; when the next try is welcome.
    Throttled(Duration),
    /// It is wrong.
    Wrong(&'static str),
    /// The same, and it counted before anybody looked at it.
    Counted(&'static str),
    /// It is right, but was used before.
    Replayed(&'static str),
}

impl From<Full> for ClaimError {
    fn from(_: Full) -> Self {
        Self::Unavailable("too many secrets are being hashed")
    }
}

impl From<QueueRefusal> for ClaimError {
    fn from(refusal: QueueRefusal) -> Self {
        match refusal {
            QueueRefusal::Full => Full.into(),
            QueueRefusal::OverShare => Self::Throttled(Duration::from_secs(1)),
        }
    }
}

/// A failed authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthFailure {
    /// What the client is told.
    pub error: OAuthError,
    /// When the next try is welcome, if there were too many.
    pub retry_after: Option<Duration>,
    /// For the log, not for the client.
    pub reason: &'static str,
    /// Who the request says it is from, if it says so.
    pub claimed: Option<ClaimedName>,
}

impl AuthFailure {
    /// It was looked at and is wrong, and perhaps one too many.
    pub(super) fn decided(reason: &'static str, open: Result<(), Duration>, claimed: Option<ClaimedName>) -> Self {
        match open {
            Ok(()) => Self { error: OAuthError::INVALID_CLIENT, retry_after: None, reason, claimed },
            Err(wait) => {
                let error = OAuthError::new(ErrorCode::TooManyRequests, "too many failed client authentications");
                Self { error, retry_after: Some(wait), reason: "throttled", claimed }
            }
        }
    }

    /// It cannot be decided now.
    pub(super) fn unavailable(reason: &'static str, claimed: Option<ClaimedName>) -> Self {
        let text = "the client cannot be authenticated now; try again";
        let error = OAuthError::new(ErrorCode::TemporarilyUnavailable, text);
        Self { error, retry_after: Some(Duration::from_secs(1)), reason, claimed }
    }
}
