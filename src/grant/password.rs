//! The resource owner password credentials grant (RFC 6749 section 4.3), for clients that cannot be moved to another
//! one yet: off unless the issuer and the client ask for it (CHECKLIST 74, RFC 9700 section 2.4).
//!
//! What a request gets wrong besides the password is refused before the password is looked at. The login counts from
//! before the user was looked up, so that a fence raised when the user is disabled is never too early for it.

use std::time::Duration;

use super::{Context, Deciding, Error, Grant, Issue, Lineage, TokenRequest};
use crate::clock::Time;
use crate::id::Id;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::grant_type::GrantType;
use crate::protocol::resource;
use crate::protocol::scope::Scope;
use crate::token::refresh::RefreshToken;
use crate::token::wire::Head;
use crate::token::{Granted, Op, Redeem};
use crate::user::{Login, User, Verdict};

/// How long the store may take to begin the family.
const BEGINNING: Duration = Duration::from_secs(60);

/// `password`.
pub struct Password;

impl Grant for Password {
    fn grant_type(&self) -> GrantType {
        GrantType::PASSWORD
    }

    fn decide<'a>(&'a self, request: &'a TokenRequest, context: &'a Context) -> Deciding<'a> {
        Box::pin(decide(request, context))
    }
}

async fn decide(request: &TokenRequest, context: &Context) -> Result<Issue, Error> {
    let started = context.clock.now();
    let issuer = &request.issuer;
    let scope = scope(request)?;
    let resources = resource::select(request.form.all("resource"), &request.client.settings.resources)?;
    let login = Login::read(&request.form, &issuer.settings.users)?;
    match context.users.check(issuer, &request.client.id, &login, request.peer).await? {
        Verdict::Admitted(user) => begin(request, context, started, *user, scope, resources).await,
        Verdict::Refused { message } => {
            tracing::info!(target: "audit", event = "login_refused", issuer = issuer.id, client = request.client.id, peer = %request.peer);
            Err(Error::WrongLogin { message })
        }
        Verdict::Partial => Err(Error::PartialLogin),
    }
}

/// What was asked for, within what the client may have; a refresh token only if it was asked for by its scope.
fn scope(request: &TokenRequest) -> Result<Scope, OAuthError> {
    let may = &request.client.settings.scope;
    let asked = request.form.get("scope").map(Scope::parse).transpose()?;
    let scope = asked.unwrap_or_else(|| may.without(&[request.issuer.settings.offline_scope.as_str()]));
    let exceeds = OAuthError::new(ErrorCode::InvalidScope, "the client may not have this scope");
    if scope.is_within(may) { Ok(scope) } else { Err(exceeds) }
}

/// Begins a family, as a code does when it is redeemed: refresh, revocation and fences are the same from here on.
async fn begin(
    request: &TokenRequest,
    context: &Context,
    started: Time,
    user: User,
    scope: Scope,
    resources: Vec<String>,
) -> Result<Issue, Error> {
    let (issuer, client) = (&request.issuer, &request.client);
    let User { subject, claims, auth_time, acr, amr } = user;
    let now = context.clock.now();
    let granted = Granted {
        scope,
        resources,
        nonce: None,
        auth_time: Some(auth_time.map_or(now.as_secs(), |time| time.min(now.as_secs()))),
        acr,
        amr,
        access_token_claims: claims.access_token,
        id_token_claims: claims.id_token,
    };
    let (offline, lifetimes) = request.lifetimes(&granted);
    let head = Head { key: context.vault.current(), cell: 0, family: Id::random() };
    let redeem = Redeem {
        family: head.family,
        issuer: issuer.id.as_str().into(),
        client: client.id.as_str().into(),
        subject: subject.as_str().into(),
        grant: granted.seal(&head.family, &issuer.id, &context.vault),
        key: head.key,
        attempt: Id::random(),
        code_issued_at: started,
        code_expires_at: now + BEGINNING,
        lifetimes,
    };
    context.shards.apply(Op::Redeem(Box::new(redeem))).await??;
    Ok(Issue {
        subject,
        access_scope: granted.scope.clone(),
        access_resources: granted.resources.clone(),
        granted,
        lineage: Lineage::Login {
            family: head.family,
            refresh: offline.then_some(RefreshToken { head, generation: 0 }),
            id_token: issuer.settings.users.id_token,
        },
    })
}
