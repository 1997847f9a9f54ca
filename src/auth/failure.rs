//! Why a claim does not hold, for the methods, for the client and for operators.

use std::borrow::Cow;
use std::time::Duration;

use crate::client::metadata::check_client_id;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::slow_hash::{Full, QueueRefusal};
use crate::token::wire;

/// Why a claim does not hold, or cannot be decided now.
#[derive(Clone, Copy)]
pub(super) enum Refused {
    /// Something it takes is not there for the moment; what.
    Later(&'static str),
    /// Too many were wrong; when the next try is welcome.
    Throttled(Duration),
    /// It is wrong.
    Because(&'static str),
    /// The same, and it counted before anybody looked at it.
    Counted(&'static str),
    /// It is right, but was used before.
    Replayed(&'static str),
}

impl From<Full> for Refused {
    fn from(_: Full) -> Self {
        Self::Later("too many secrets are being hashed")
    }
}

impl From<QueueRefusal> for Refused {
    fn from(refusal: QueueRefusal) -> Self {
        match refusal {
            QueueRefusal::Full => Full.into(),
            QueueRefusal::OverShare => Self::Throttled(Duration::from_secs(1)),
        }
    }
}

/// A failed authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What the client is told.
    pub error: OAuthError,
    /// When the next try is welcome, if there were too many.
    pub retry_after: Option<Duration>,
    /// For the log, not for the client.
    pub reason: &'static str,
    /// Who the request says it is from, if it says so.
    pub claimed: Option<ClaimedName>,
}

impl Failure {
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
    pub(super) fn later(reason: &'static str, claimed: Option<ClaimedName>) -> Self {
        let text = "the client cannot be authenticated now; try again";
        let error = OAuthError::new(ErrorCode::TemporarilyUnavailable, text);
        Self { error, retry_after: Some(Duration::from_secs(1)), reason, claimed }
    }
}

/// The client that a request says it is from, as a log may repeat it: whoever sends it chooses it. What cannot be a
/// client id, and what looks like a credential that stands in its place, is not repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedName(Cow<'static, str>);

impl ClaimedName {
    /// Of what was sent.
    pub fn new(sent: &str) -> Self {
        // RFC 7515 section 3.1: a JWS begins with a JSON object in base64url
        let credential = wire::is_credential(sent) || sent.starts_with("eyJ");
        let fit = check_client_id(sent).is_ok() && !credential;
        Self(if fit { Cow::Owned(sent.to_owned()) } else { Cow::Borrowed("(not a client id)") })
    }

    /// As it may be written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checklist_75_what_is_no_client_id_is_not_repeated() {
        for fit in ["web", "a:b%c+d", &"x".repeat(128)] {
            assert_eq!(ClaimedName::new(fit).as_str(), fit);
        }
        let long = "x".repeat(129);
        for unfit in ["", "a b", "a\nb", "a/b", "\u{202e}a", "jcs_AAAA", "jrt_AAAA", "eyJhbGciOiJub25lIn0.e30.", &long]
        {
            assert_eq!(ClaimedName::new(unfit).as_str(), "(not a client id)", "{unfit:?}");
        }
    }
}
