//! Users, for the password grant only (RFC 6749 section 4.3; RFC 9700 section 2.4 advises against it, so it is off
//! unless an issuer and a client ask for it; CHECKLIST 74).
//!
//! Always true: an unknown name, a wrong password and a disabled user are one answer in one time; a guess is counted
//! before it is looked at; and whoever checks passwords can be slow or broken without holding up anything else.

mod claims;
pub(crate) mod directory;
mod guard;
mod login;
mod outcome;
pub(crate) mod prepared;
mod users;
mod webhook;

pub(crate) use claims::UserClaims;
pub(crate) use login::LoginRequest;
pub(crate) use outcome::{HashError, LoginError, LoginOutcome};
pub(crate) use users::Users;
