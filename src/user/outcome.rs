//! The outcome of a login, and the reasons why it could not be decided.

use std::time::Duration;

use crate::hook::HookError;
use crate::slow_hash::Full;
use crate::store::StoreError;
use crate::token::Granted;

/// The outcome of a login.
pub enum LoginOutcome {
    /// The password was right.
    Admitted {
        /// `sub` of the tokens.
        subject: String,
        /// Everything else about the person; the authentication was now unless it has a time.
        about: Box<Granted>,
    },
    /// Wrong name, wrong password, disabled: nobody is told which.
    Refused {
        /// A message of the user service to the person, for the dialects that pass it on; printable, at most 200 bytes.
        message: Option<String>,
    },
    /// The password was right, and more than a password is needed.
    Partial {
        /// A message as of a refusal: where refusals have one, its absence would tell.
        message: Option<String>,
    },
}

/// The reason why a login could not be decided.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Too many failures; when the next try is welcome.
    #[error("too many failed logins")]
    Throttled(Duration),
    /// Too many passwords wait to be checked.
    #[error(transparent)]
    Full(#[from] Full),
    /// The directory cannot be read.
    #[error("failed to read the directory")]
    Store(#[from] StoreError),
    /// The webhook did not answer.
    #[error("failed to ask the user service")]
    Hook(#[from] HookError),
    /// The webhook's answer decides nothing.
    #[error("the answer of the user service is unusable: {0}")]
    HookAnswer(&'static str),
    /// The issuer has no users.
    #[error("the issuer has no users")]
    NoSource,
}

/// The reason why a new password has no stored form.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// The password breaks a rule.
    #[error("{0}")]
    Rule(String),
    /// Too many passwords wait.
    #[error(transparent)]
    Full(#[from] Full),
}
