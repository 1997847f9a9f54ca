//! The authentication of a person by a login portal, for a code or for a device, and its rules.

use crate::protocol::error::{BrokenRule, ErrorCause, ErrorCode, OAuthError};
use crate::protocol::uri::has_control;
use crate::store::StoreError;
use crate::token::Granted;
use crate::token::access::is_subject;
use crate::token::granted::{MAX_AMR, MAX_TEXT};
use crate::user::UserClaims;

/// The authentication of a person (OpenID Connect Core section 2).
pub(crate) struct Authentication {
    /// `sub`.
    pub subject: String,
    /// `auth_time`, seconds since the epoch.
    pub auth_time: Option<u64>,
    /// `acr`.
    pub acr: Option<String>,
    /// `amr`.
    pub amr: Vec<String>,
    /// Further claims of the tokens.
    pub claims: UserClaims,
}

impl Authentication {
    /// Returns the subject, and the grant of nothing but what is known of the person.
    pub(crate) fn into_grant(self) -> (String, Granted) {
        let Self { subject, auth_time, acr, amr, claims } = self;
        (subject, Granted { auth_time, acr, amr, ..claims.into() })
    }

    /// Checks the authentication, with the `nonce` of its request.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub(crate) fn check(&self, nonce: Option<&str>) -> Result<(), PortalError> {
        check_subject(&self.subject)?;
        let texts = [nonce, self.acr.as_deref()].into_iter().flatten().chain(self.amr.iter().map(String::as_str));
        let wrong = |text: &str| text.len() > MAX_TEXT || has_control(text);
        if self.amr.len() > MAX_AMR || texts.into_iter().any(wrong) {
            let rule = "nonce, acr, amr: at most 512 bytes each without control characters, at most 16 amr";
            return Err(OAuthError::invalid_request(rule).into());
        }
        check_claims(&self.claims)
    }
}

/// Checks a `sub`.
///
/// # Errors
/// `invalid_request` if it is not 1 to 255 printable ASCII characters.
pub(crate) fn check_subject(subject: &str) -> Result<(), PortalError> {
    let rule = "1 to 255 printable ASCII characters (OpenID Connect Core section 2)";
    let error = OAuthError::invalid_request(rule).because(ErrorCause::Parameter("subject", BrokenRule::Syntax));
    if is_subject(subject) { Ok(()) } else { Err(error.into()) }
}

/// Checks further claims.
///
/// # Errors
/// If a claim belongs to the protocol, or they are too long.
pub(crate) fn check_claims(claims: &UserClaims) -> Result<(), PortalError> {
    claims.check().map_err(PortalError::UserClaims)
}

/// The refusal of a login portal's request.
#[derive(Debug)]
pub(crate) enum PortalError {
    /// The request breaks a rule of its protocol.
    Request(OAuthError),
    /// The claims break this rule.
    UserClaims(String),
    /// The store cannot say whether there is such a client.
    Store(StoreError),
}

impl std::fmt::Display for PortalError {
    /// Writes the rule, behind the parameters that it is about.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Request(OAuthError { description, cause: Some(ErrorCause::Parameter(name, _)), .. }) => {
                write!(f, "{name}: {description}")
            }
            Self::Request(OAuthError { code: ErrorCode::InvalidTarget, description, .. }) => {
                write!(f, "resource, audience: {description}")
            }
            Self::Request(OAuthError { description, .. }) => f.write_str(description),
            Self::UserClaims(rule) => f.write_str(rule),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for PortalError {}

impl From<StoreError> for PortalError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<OAuthError> for PortalError {
    fn from(error: OAuthError) -> Self {
        Self::Request(error)
    }
}
