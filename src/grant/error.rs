//! The failures of token requests, and the one map from them to the error that the client receives. No wildcard arm: a
//! new reason does not compile until somebody decides.

use std::time::Duration;

use crate::hook::HookError;
use crate::keys::KeyError;
use crate::protocol::error::{BrokenRule, ErrorCause, ErrorCode, ExtensionError, OAuthError};
use crate::state::{ConsumeRefusal, NameRefusal, RedeemRefusal, RotateRefusal, SpendRefusal, StartRefusal};
use crate::store::StoreError;
use crate::user::LoginError;

/// The failure of a token request.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request breaks a rule of its protocol.
    #[error("{}", .0.description)]
    Request(OAuthError),
    /// The credential was not issued by the service, or is malformed.
    #[error("the credential is forged, garbled or another issuer's")]
    Forged,
    /// The code belongs to another client.
    #[error("the code was issued to another client")]
    CodeOfAnother,
    /// The code was issued for another redirect URI.
    #[error("the credential does not fit the request: redirect_uri")]
    OtherRedirectUri,
    /// The credential does not fit something else: the verifier, or the current rights of the client.
    #[error("the credential does not fit the request: {0}")]
    Mismatch(&'static str),
    /// The user does not exist, is disabled or has another password.
    #[error("the user name or the password is wrong, or the user is disabled")]
    WrongLogin {
        /// The message of the user service to the person.
        message: Option<String>,
    },
    /// The password was right and not enough.
    #[error("more than a password is needed to log in")]
    PartialLogin {
        /// The message of the user service to the person.
        message: Option<String>,
    },
    /// The password could not be checked.
    #[error("failed to check a password")]
    Login(#[from] LoginError),
    /// The authorization code was not redeemed.
    #[error("refused: {0}")]
    Redeem(#[from] RedeemRefusal),
    /// The refresh token was not exchanged.
    #[error("refused: {0}")]
    Rotate(#[from] RotateRefusal),
    /// The device code was not redeemed.
    #[error("refused: {0}")]
    Consume(#[from] ConsumeRefusal),
    /// The assertion was used before.
    #[error("refused: {0}")]
    Spend(#[from] SpendRefusal),
    /// The device authorization did not begin.
    #[error("refused: {0}")]
    Start(#[from] StartRefusal),
    /// No user code was free for the device.
    #[error("refused: {0}")]
    Name(#[from] NameRefusal),
    /// The store could not do it.
    #[error("failed to reach a decision in the store")]
    Store(#[from] StoreError),
    /// A token could not be signed.
    #[error("failed to sign a token")]
    Key(#[from] KeyError),
    /// A stored grant does not open: the vault lost a key.
    #[error("a stored grant does not open with the master keys at hand")]
    Sealed,
    /// The hook of a custom grant refused, with an error of its own.
    #[error("the custom grant was refused: {}", .0.name())]
    Extension(Box<ExtensionError>),
    /// Too many refusals of a custom grant; the time until the next try is welcome.
    #[error("too many requests of a custom grant were refused")]
    Throttled(Duration),
    /// Too many device authorizations begin at one address; the time until the next one is welcome.
    #[error("too many devices are started from this address")]
    TooManyDevices(Duration),
    /// A hook of the operator's gave no answer.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// A hook of the operator's gave an unusable answer.
    #[error("the hook's answer is unusable: {0}")]
    HookAnswer(&'static str),
    /// A grant decided more than a grant may.
    #[error("the grant gives what it may not: {0}")]
    Excessive(&'static str),
    /// The grant works on as many requests as it may.
    #[error("too many requests of this grant are in flight")]
    Overloaded,
    /// The request waited longer than its deadline.
    #[error("the deadline passed before work began")]
    Late,
    /// The actor that would answer is gone.
    #[error("the grant is restarting")]
    Gone,
}

impl From<OAuthError> for Error {
    fn from(error: OAuthError) -> Self {
        Self::Request(error)
    }
}

/// The answer to temporary failures of the service: "try again".
const UNAVAILABLE: OAuthError =
    OAuthError::new(ErrorCode::TemporarilyUnavailable, "the service cannot answer now; try again");
const TOO_LARGE: OAuthError = OAuthError::invalid_request("the request is larger than the store takes");
const WRONG_LOGIN: OAuthError = OAuthError::new(ErrorCode::InvalidGrant, "the user name or the password is wrong");
const TOO_MANY_LOGINS: OAuthError =
    OAuthError::new(ErrorCode::TooManyRequests, "too many failed logins; try again later");
const TOO_MANY_DEVICES: OAuthError =
    OAuthError::new(ErrorCode::TooManyRequests, "too many devices are started from this address");
const EXPIRED_DEVICE_CODE: OAuthError =
    OAuthError::new(ErrorCode::ExpiredToken, "the device code has expired; begin again");
const OURS: OAuthError = OAuthError::new(ErrorCode::ServerError, "the service failed");

impl Error {
    /// Returns the error that a custom grant defines, which the client receives instead of a standard one.
    pub fn extension(&self) -> Option<&ExtensionError> {
        if let Self::Extension(error) = self { Some(error) } else { None }
    }

    /// Returns the error that the client receives.
    pub fn to_oauth(&self) -> OAuthError {
        match self {
            Self::Request(error) => *error,
            Self::Extension(error) => OAuthError::new(error.code(), "the grant was refused"),
            Self::Forged | Self::Mismatch(_) => OAuthError::INVALID_GRANT,
            Self::CodeOfAnother => {
                OAuthError::INVALID_GRANT.because(ErrorCause::Parameter("code", BrokenRule::Ownership))
            }
            Self::OtherRedirectUri => {
                OAuthError::INVALID_GRANT.because(ErrorCause::Parameter("redirect_uri", BrokenRule::Agreement))
            }
            Self::Redeem(_) | Self::Spend(_) => OAuthError::INVALID_GRANT,
            Self::Rotate(RotateRefusal::WrongClient) | Self::Consume(ConsumeRefusal::WrongClient) => {
                OAuthError::INVALID_GRANT.because(ErrorCause::EarlierGrant(BrokenRule::Ownership))
            }
            Self::Rotate(
                RotateRefusal::Unknown
                | RotateRefusal::WrongSender
                | RotateRefusal::Revoked
                | RotateRefusal::Expired
                | RotateRefusal::Reused
                | RotateRefusal::Regressed,
            ) => OAuthError::INVALID_GRANT,
            Self::Consume(refusal) => match refusal {
                ConsumeRefusal::Unknown
                | ConsumeRefusal::WrongClient
                | ConsumeRefusal::WrongSender
                | ConsumeRefusal::Revoked
                | ConsumeRefusal::Replayed => OAuthError::INVALID_GRANT,
                ConsumeRefusal::Expired => EXPIRED_DEVICE_CODE,
                ConsumeRefusal::Pending => OAuthError::AUTHORIZATION_PENDING,
                ConsumeRefusal::Denied => OAuthError::ACCESS_DENIED,
            },
            // both are random: only a store that mixes rows up gets here
            Self::Start(_) | Self::Name(_) => UNAVAILABLE,
            Self::Store(error) | Self::Login(LoginError::Store(error)) => match error {
                StoreError::Unavailable { .. } | StoreError::Indeterminate { .. } | StoreError::Fatal(_) => UNAVAILABLE,
                StoreError::TooLarge { .. } => TOO_LARGE,
                StoreError::Corrupt(_) => OURS,
            },
            // the same for both: that a password was right is nobody's business
            Self::WrongLogin { .. } | Self::PartialLogin { .. } => WRONG_LOGIN,
            Self::Throttled(_) | Self::Login(LoginError::Throttled(_)) => TOO_MANY_LOGINS,
            Self::TooManyDevices(_) => TOO_MANY_DEVICES,
            Self::Login(LoginError::Full(_) | LoginError::Hook(_) | LoginError::NoSource) => UNAVAILABLE,
            Self::Key(_) | Self::Hook(_) | Self::Overloaded | Self::Late | Self::Gone => UNAVAILABLE,
            Self::Sealed | Self::HookAnswer(_) | Self::Excessive(_) | Self::Login(LoginError::HookAnswer(_)) => OURS,
        }
    }

    /// Returns the time until the next try is welcome, if that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled(wait) | Self::TooManyDevices(wait) | Self::Login(LoginError::Throttled(wait)) => {
                Some(*wait)
            }
            _ => None,
        }
    }

    /// Returns the message of the user service to the person.
    pub fn message(&self) -> Option<&str> {
        if let Self::WrongLogin { message } | Self::PartialLogin { message } = self { message.as_deref() } else { None }
    }
}
