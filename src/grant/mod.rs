//! Grants: one file per grant type, holding how its request is read and what it decides.
//!
//! A grant declares its type and decides; [`issue`] is the only place that mints tokens, [`error`] the only map to
//! OAuth errors, [`actor`] the only thing that knows about mailboxes. A new grant is one file and one line in
//! [`built_in`], or, outside of this crate, in `Extensions`; one that needs no code is a
//! [`webhook`] of the configuration.

pub mod accepted;
pub mod actor;
pub mod authorization_code;
pub mod binding;
pub mod client_credentials;
pub mod device;
pub mod device_code;
pub mod error;
pub mod issue;
pub mod jwt_bearer;
pub mod login;
pub mod password;
mod poll_intervals;
pub mod refresh_token;
pub mod token_exchange;
pub mod webhook;

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub use error::Error;
pub use issue::{Issue, Lineage};
pub use login::Login;

use crate::auth::AuthenticatedClient;
use crate::clock::Clock;
use crate::issuer::Issuer;
use crate::keys::Keys;
use crate::metrics::Metrics;
use crate::protocol::error::OAuthError;
use crate::protocol::form::Form;
use crate::protocol::grant_type::GrantType;
use crate::protocol::scope::Scope;
use crate::registry::Registry;
use crate::slow_hash::Waiting;
use crate::state::family::Lifetimes;
use crate::store::Shards;
use crate::token::Granted;
use crate::token::access::Confirmation;
use crate::user::Users;
use crate::vault::Vault;

/// A token request whose client is authenticated and may use the grant.
pub struct TokenRequest {
    /// The issuer that is asked.
    pub issuer: Arc<Issuer>,
    /// Who asks.
    pub client: AuthenticatedClient,
    /// What is asked.
    pub form: Form<'static>,
    /// The address it came from.
    pub peer: IpAddr,
    /// Alive as long as somebody waits for the answer; the router's.
    pub waiting: Waiting,
}

impl TokenRequest {
    /// The scope that a login by this request may have: what was asked for, if the client may have all of it; else all
    /// that the client may have but `offline_access`, because a refresh token is for who asked for it.
    ///
    /// # Errors
    /// `invalid_scope`.
    pub fn scope(&self) -> Result<Scope, OAuthError> {
        let may = &self.client.settings.scope;
        let asked = self.issuer.asked_scope(&self.form, may)?;
        let scope = asked.unwrap_or_else(|| may.without(&[self.issuer.settings.offline_scope.as_str()]));
        self.issuer.check_scope(&scope, may)?;
        Ok(scope)
    }

    /// What the client may still have of a grant that it got earlier.
    fn still_granted(&self, granted: Granted) -> Result<Granted, Error> {
        let settings = &self.client.settings;
        granted.limited_to(&settings.scope, &settings.resources).ok_or(Error::Mismatch("what the client may have now"))
    }

    /// Whether the refresh tokens and device codes of `granted` may be used by a client that has proven as much as that of
    /// this request: with the same certificate (RFC 8705 section 4), and not without any proof if there was one.
    fn confirms(&self, granted: &Granted) -> Result<(), Error> {
        if granted.proven && self.client.is_public() {
            return Err(Error::Mismatch("the client, which has become public since"));
        }
        let shown = self.client.certificate().map(Confirmation::certificate);
        let right = granted.confirmation.is_none() || granted.confirmation == shown;
        if right { Ok(()) } else { Err(Error::Mismatch("the client's certificate")) }
    }

    /// `granted` as it is kept for refresh tokens of this request's client.
    fn bound(&self, granted: Granted) -> Result<Granted, Error> {
        let confirmation = self.client.refresh_binding()?.map(Confirmation::certificate);
        Ok(Granted { confirmation, proven: !self.client.is_public(), ..granted })
    }

    /// Whether the family of `granted` gets a refresh token, and how long what comes from it lives.
    fn lifetimes(&self, granted: &Granted) -> (bool, Lifetimes) {
        let own = self.client.settings.lifetimes;
        let offline = self.issuer.is_offline(&granted.scope) && self.client.may_use(GrantType::REFRESH_TOKEN.as_str());
        if offline { (true, own) } else { (false, Lifetimes { idle: Duration::ZERO, absolute: Duration::ZERO, ..own }) }
    }
}

/// What a grant may use.
#[derive(Clone)]
pub struct Context {
    /// The store.
    pub shards: Shards,
    /// The signing keys.
    pub keys: Keys,
    /// The master keys.
    pub vault: Arc<Vault>,
    /// The time.
    pub clock: Clock,
    /// The metrics.
    pub metrics: Metrics,
    /// The users, for the password grant.
    pub users: Users,
    /// Issuers and clients.
    pub registry: Arc<Registry>,
}

/// A decision on its way.
pub type Deciding<'a> = Pin<Box<dyn Future<Output = Result<Issue, Error>> + Send + 'a>>;

/// A grant type.
pub trait Grant: Send + Sync + 'static {
    /// Its name in `grant_type`.
    fn grant_type(&self) -> GrantType;

    /// Decides what the request gets.
    fn decide<'a>(&'a self, request: &'a TokenRequest, context: &'a Context) -> Deciding<'a>;
}

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
