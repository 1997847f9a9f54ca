//! A token request, and the rules that several grants share.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::Error;
use crate::auth::AuthenticatedClient;
use crate::issuer::Issuer;
use crate::protocol::error::OAuthError;
use crate::protocol::form::Form;
use crate::protocol::grant_type::GrantType;
use crate::protocol::scope::Scope;
use crate::slow_hash::Waiting;
use crate::state::Lifetimes;
use crate::token::Granted;
use crate::token::access::Confirmation;

/// A token request, or one to the endpoint of a grant, whose client is authenticated and may use the grant.
pub struct TokenRequest {
    /// The issuer that is asked.
    pub issuer: Arc<Issuer>,
    /// The authenticated client.
    pub client: AuthenticatedClient,
    /// The parameters.
    pub form: Form<'static>,
    /// The address it came from.
    pub peer: IpAddr,
    /// Alive as long as somebody waits for the answer; the router's.
    pub waiting: Waiting,
}

impl TokenRequest {
    /// Returns the scope that a login by this request may have: the requested one, if the client may have all of it;
    /// without a request, all that the client may have except `offline_access`, because a refresh token must be asked
    /// for.
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

    /// Limits an earlier grant to what the client may still have.
    pub(super) fn still_granted(&self, granted: Granted) -> Result<Granted, Error> {
        let settings = &self.client.settings;
        granted.limited_to(&settings.scope, &settings.resources).ok_or(Error::Mismatch("what the client may have now"))
    }

    /// Checks that the client of this request may use the refresh tokens and device codes of `granted`, by what it
    /// proved: with the same certificate (RFC 8705 section 4), and not without any proof if there was one.
    pub(super) fn confirms(&self, granted: &Granted) -> Result<(), Error> {
        if granted.proven && self.client.is_public() {
            return Err(Error::Mismatch("the client, which has become public since"));
        }
        // of grants that were stored before the row itself named the key, which the store checks now
        let shown = Confirmation::of(self.client.shown(), None);
        let right = granted.confirmation.is_none() || granted.confirmation == shown;
        if right { Ok(()) } else { Err(Error::Mismatch("the client's certificate")) }
    }

    /// Notes in `granted`, for its refresh tokens, whether the client proved who it is.
    pub(super) fn kept(&self, granted: Granted) -> Granted {
        Granted { proven: !self.client.is_public(), ..granted }
    }

    /// Returns whether the family of `granted` gets a refresh token, and the lifetimes of the family's tokens.
    pub(super) fn lifetimes(&self, granted: &Granted) -> (bool, Lifetimes) {
        let own = self.client.settings.lifetimes;
        let offline = self.issuer.is_offline(&granted.scope) && self.client.may_use(GrantType::REFRESH_TOKEN.as_str());
        if offline { (true, own) } else { (false, Lifetimes { idle: Duration::ZERO, absolute: Duration::ZERO, ..own }) }
    }
}
