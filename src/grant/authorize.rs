//! The rules of an authorization endpoint for login portals: the portal authenticates the person, jeton checks for
//! which client, redirect URI and scope a code may be issued (RFC 6749 section 4.1.1, RFC 7636 section 4.3, RFC 9700
//! section 2.1). Nothing is written: the code carries the grant.

use std::time::Duration;

use super::Context;
use super::portal::{Authentication, PortalError};
use crate::client::Client;
use crate::issuer::Issuer;
use crate::protocol::error::{BrokenRule, ErrorCause, ErrorCode, OAuthError};
use crate::protocol::grant_type::GrantType;
use crate::protocol::pkce::Challenge;
use crate::protocol::resource;
use crate::protocol::scope::Scope;
use crate::token::Granted;
use crate::token::code::{self, Code};

/// An authorization request, with the authentication that answers it.
pub(crate) struct AuthorizationRequest {
    /// `client_id`.
    pub client_id: String,
    /// `redirect_uri`.
    pub redirect_uri: String,
    /// The scope that the person granted.
    pub scope: String,
    /// `nonce` (OpenID Connect Core section 3.1.2.1).
    pub nonce: Option<String>,
    /// `code_challenge` (RFC 7636).
    pub code_challenge: Option<String>,
    /// `code_challenge_method`; only `S256` is taken.
    pub code_challenge_method: Option<String>,
    /// `resource` (RFC 8707).
    pub resources: Vec<String>,
    /// `audience`.
    pub audiences: Vec<String>,
    /// The authentication of the person.
    pub authentication: Authentication,
}

/// A code as it goes back to the client.
pub(crate) struct IssuedCode {
    /// The code.
    pub code: String,
    /// Lifetime of the code.
    pub expires_in: Duration,
}

/// Issues an authorization code.
///
/// # Errors
/// The first rule that the request breaks.
pub(crate) async fn authorize(
    issuer: &Issuer,
    request: AuthorizationRequest,
    context: &Context,
) -> Result<IssuedCode, PortalError> {
    let client = context.registry.find(&issuer.id, &request.client_id).await?;
    let client = client.ok_or_else(|| of_client("the issuer has no such client"))?;
    let challenge = check(&request, &client)?;
    let (scope, resources) = (granted_scope(&request.scope, &client)?, targets(&request, &client)?);
    let AuthorizationRequest { client_id, redirect_uri, nonce, authentication, .. } = request;
    let (subject, about) = authentication.into_grant();
    // the client is not here yet; its request for tokens binds them
    let granted = Granted { scope, resources, nonce, ..about };
    let issued_at = context.clock.now();
    let expires_in = issuer.settings.code_lifetime;
    let expires_at = issued_at + expires_in;
    let code = Code { client_id, redirect_uri, challenge, subject, granted, issued_at, expires_at };
    let code = code.seal(context.shards.place(), &issuer.id, &context.vault);
    if code.len() > code::MAX_LEN {
        return Err(OAuthError::invalid_request("the grant is too long for a code; send fewer claims").into());
    }
    Ok(IssuedCode { code, expires_in })
}

fn check(request: &AuthorizationRequest, client: &Client) -> Result<Option<Challenge>, PortalError> {
    if client.settings.disabled {
        return Err(of_client("the client is disabled"));
    }
    if !client.may_use(GrantType::AUTHORIZATION_CODE.as_str()) {
        return Err(of_client("the client may not use authorization_code"));
    }
    if !client.allows_redirect(&request.redirect_uri) {
        let cause = ErrorCause::Parameter("redirect_uri", BrokenRule::Registration);
        return Err(OAuthError::invalid_request("not one that the client registered").because(cause).into());
    }
    request.authentication.check(request.nonce.as_deref())?;
    let required = |description| {
        let cause = ErrorCause::Parameter("code_challenge", BrokenRule::Required);
        Err(OAuthError::invalid_request(description).because(cause).into())
    };
    match (&request.code_challenge, &request.code_challenge_method) {
        (Some(challenge), method) => {
            let parsed = Challenge::parse(challenge, method.as_deref());
            parsed.map(Some).map_err(|rule| OAuthError::invalid_request(rule).into())
        }
        (None, Some(_)) => required("missing beside code_challenge_method"),
        (None, None) if client.settings.require_pkce => required("this client needs PKCE (S256)"),
        (None, None) => Ok(None),
    }
}

fn granted_scope(text: &str, client: &Client) -> Result<Scope, PortalError> {
    let about_scope = |error: OAuthError, rule| PortalError::from(error.because(ErrorCause::Parameter("scope", rule)));
    let scope = Scope::parse(text).map_err(|error| about_scope(error, BrokenRule::Syntax))?;
    if scope.is_within(&client.settings.scope) {
        return Ok(scope);
    }
    let error = OAuthError::new(ErrorCode::InvalidScope, "exceeds what the client registered");
    Err(about_scope(error, BrokenRule::Registration))
}

fn targets(request: &AuthorizationRequest, client: &Client) -> Result<Vec<String>, PortalError> {
    let (resources, audiences) = (request.resources.iter(), request.audiences.iter());
    let allowed = &client.settings.resources;
    Ok(resource::select(resources.map(String::as_str), audiences.map(String::as_str), allowed)?)
}

fn of_client(description: &'static str) -> PortalError {
    let error = OAuthError::new(ErrorCode::UnauthorizedClient, description);
    error.because(ErrorCause::Parameter("client_id", BrokenRule::Registration)).into()
}
