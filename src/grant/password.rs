//! The resource owner password credentials grant (RFC 6749 section 4.3), for clients that cannot be moved to another
//! grant yet: off unless the issuer and the client enable it (CHECKLIST 74, RFC 9700 section 2.4).
//!
//! Any other error in a request is reported before the password is looked at. The login counts from before the user was
//! looked up, so that a not-before moment raised when the user is disabled is never too early for it.

use super::{Context, Deciding, Error, Grant, Issue, TokenRequest};
use crate::protocol::grant_type::GrantType;
use crate::protocol::resource;
use crate::token::Granted;
use crate::user::{LoginOutcome, LoginRequest};

/// `password`.
pub(crate) struct Password;

impl Grant for Password {
    fn grant_type(&self) -> GrantType {
        GrantType::PASSWORD
    }

    fn decide<'a>(&'a self, request: &'a TokenRequest, context: &'a Context) -> Deciding<'a> {
        Box::pin(decide(request, context))
    }
}

async fn decide(request: &TokenRequest, context: &Context) -> Result<Issue, Error> {
    let since = context.clock.now();
    let issuer = &request.issuer;
    let scope = request.scope()?;
    let resources = resource::asked(&request.form, &request.client.settings.resources)?;
    let login = LoginRequest::read(&request.form, &issuer.settings.users)?;
    match context.users.check(issuer, &request.client.id, &login, request.peer, &request.waiting).await? {
        LoginOutcome::Admitted { subject, about } => {
            let auth_time = Some(about.auth_time.unwrap_or(context.clock.now().as_secs()));
            let unidentified = !issuer.settings.users.id_token;
            let granted = Granted { scope, resources, auth_time, unidentified, ..*about };
            super::DirectLogin { subject, granted, since }.begin(request, context).await
        }
        LoginOutcome::Refused { message } => {
            tracing::info!(target: "audit", event = "login_refused", issuer = issuer.id, client = request.client.id, peer = %request.peer);
            Err(Error::WrongLogin { message })
        }
        LoginOutcome::Partial { message } => Err(Error::PartialLogin { message }),
    }
}
