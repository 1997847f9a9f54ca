//! The client credentials grant (RFC 6749 section 4.4): no refresh token, no ID token, and not one store operation.

use super::{Context, Deciding, Error, Grant, Issue, Lineage, TokenRequest};
use crate::protocol::grant_type::GrantType;
use crate::protocol::resource;
use crate::token::Granted;

/// `client_credentials`.
pub(crate) struct ClientCredentials;

impl Grant for ClientCredentials {
    fn grant_type(&self) -> GrantType {
        GrantType::CLIENT_CREDENTIALS
    }

    fn decide<'a>(&'a self, request: &'a TokenRequest, _context: &'a Context) -> Deciding<'a> {
        Box::pin(async move { decide(request) })
    }
}

fn decide(request: &TokenRequest) -> Result<Issue, Error> {
    let client = &request.client;
    let may = client.settings.scope.without(&request.issuer.login_scopes());
    let scope = request.issuer.asked_scope(&request.form, &may)?.unwrap_or_else(|| may.clone());
    request.issuer.check_scope(&scope, &may)?;
    let resources = resource::asked(&request.form, &client.settings.resources)?;
    Ok(Issue {
        subject: client.id.clone(),
        access_scope: scope,
        access_resources: resources,
        granted: Granted::default(),
        lineage: Lineage::Client,
    })
}
