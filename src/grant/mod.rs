//! Grants: one file per grant type, holding how its request is read and what it decides.
//!
//! A grant declares its type and decides; [`issue`] is the only place that mints tokens, [`error`] the only map to
//! OAuth errors, [`actor`] the only thing that knows about mailboxes. A new grant is one file and one line in
//! [`built_in`], or, outside of this crate, in `Extensions`; one that needs no code is a [`webhook`] of the
//! configuration.

pub(crate) mod accepted;
pub(crate) mod actor;
pub(crate) mod authorization_code;
pub(crate) mod authorize;
pub(crate) mod binding;
pub(crate) mod client_credentials;
mod context;
mod decide;
pub(crate) mod device;
pub(crate) mod device_code;
pub(crate) mod error;
pub(crate) mod issue;
pub(crate) mod jwt_bearer;
pub(crate) mod login;
pub(crate) mod password;
mod poll_intervals;
pub(crate) mod portal;
pub(crate) mod refresh_token;
mod request;
pub(crate) mod token_exchange;
pub(crate) mod webhook;

use std::sync::Arc;

pub use context::Context;
pub use decide::{Deciding, Grant, Starting};
pub(crate) use error::Error;
pub(crate) use issue::{Issue, Lineage};
pub use login::DirectLogin;
pub use request::TokenRequest;

/// The grants that come with jeton.
pub fn built_in() -> Vec<Arc<dyn Grant>> {
    vec![
        Arc::new(authorization_code::AuthorizationCode),
        Arc::new(client_credentials::ClientCredentials),
        Arc::new(refresh_token::RefreshTokenGrant),
        Arc::new(device_code::DeviceCodeGrant::default()),
        Arc::new(token_exchange::TokenExchange),
        Arc::new(jwt_bearer::JwtBearer),
        Arc::new(password::Password),
    ]
}
