//! Scopes and audiences that an issuer grants.

use std::borrow::Cow;

use super::Issuer;
use crate::protocol::error::{BrokenRule, ErrorCause, ErrorCode, OAuthError};
use crate::protocol::form::Form;
use crate::protocol::scope::Scope;

impl Issuer {
    /// Returns the audience of an access token for which no resource was asked.
    pub fn default_audience(&self, client: &str) -> Cow<'_, str> {
        let audience = self.settings.default_audience.as_str();
        if audience.is_empty() {
            Cow::Borrowed(&self.url)
        } else if audience.contains('{') {
            Cow::Owned(audience.replace("{issuer}", &self.url).replace("{client_id}", client))
        } else {
            Cow::Borrowed(audience)
        }
    }

    /// Returns whether the default audience of each client is the client itself.
    pub fn is_audience_of_clients(&self) -> bool {
        self.settings.default_audience == "{client_id}"
    }

    /// Returns whether a login with this scope may have a refresh token.
    pub fn is_offline(&self, scope: &Scope) -> bool {
        self.settings.refresh_without_offline_access || scope.contains(&self.settings.offline_scope)
    }

    /// The scopes that are about a login of a person: never a client's own, and never in a token that is made from
    /// another token.
    pub fn login_scopes(&self) -> [&str; 3] {
        ["openid", "offline_access", self.settings.offline_scope.as_str()]
    }

    /// The scope that a request asks for, `None` if it leaves that open. Where a scope names its resource server,
    /// `orders|.all` is what `may` has of `orders`.
    ///
    /// # Errors
    /// `invalid_scope` if it is malformed.
    pub fn asked_scope(&self, form: &Form<'_>, may: &Scope) -> Result<Option<Scope>, OAuthError> {
        let asked = form.get("scope").map(Scope::parse).transpose()?;
        Ok(asked.map(|asked| if self.parts.style.scope_names_audience { asked.expanded(may) } else { asked }))
    }

    /// Checks that a client that may have `may` may have `scope`.
    ///
    /// # Errors
    /// `invalid_scope`; some vendors tell apart whether the issuer has what the client lacks.
    pub fn check_scope(&self, scope: &Scope, may: &Scope) -> Result<(), OAuthError> {
        if scope.is_within(may) {
            return Ok(());
        }
        let error = OAuthError::new(ErrorCode::InvalidScope, "the client may not have this scope");
        let offered = self.settings.scopes.without(&self.login_scopes());
        let of_others = scope.tokens().all(|token| may.contains(token) || offered.contains(token));
        Err(if of_others { error.because(ErrorCause::Scope(BrokenRule::Registration)) } else { error })
    }
}
