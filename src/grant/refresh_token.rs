//! The refresh token grant (RFC 6749 section 6, RFC 9700 section 4.14.2): one atomic rotation in the store, a derived
//! successor, and a scope that only narrows (CHECKLIST 50-55).

use super::{Context, Deciding, Error, Grant, Issue, Lineage, TokenRequest};
use crate::id::Id;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::grant_type::GrantType;
use crate::protocol::resource;
use crate::protocol::scope::Scope;
use crate::state::{Rotate, Rotated, Row};
use crate::token::Granted;
use crate::token::refresh::RefreshToken;
use crate::token::wire::Head;

/// `refresh_token`.
pub(crate) struct RefreshTokenGrant;

impl Grant for RefreshTokenGrant {
    fn grant_type(&self) -> GrantType {
        GrantType::REFRESH_TOKEN
    }

    fn decide<'a>(&'a self, request: &'a TokenRequest, context: &'a Context) -> Deciding<'a> {
        Box::pin(decide(request, context))
    }
}

async fn decide(request: &TokenRequest, context: &Context) -> Result<Issue, Error> {
    let text = request.form.require("refresh_token", "refresh_token is missing")?;
    // malformed is malformed, whatever the token
    let asked = request.issuer.asked_scope(&request.form, &Scope::default())?;
    let presented = RefreshToken::parse(text, &request.issuer.id, &context.vault).ok_or(Error::Forged)?;
    if asked.is_some() || resource::is_asked(&request.form) {
        check_narrowing(request, context, &presented).await?;
    }
    let rotated = rotate(request, context, &presented).await?;
    let family = presented.head.family;
    let granted = open(&rotated.grant, &presented, request, context)?;
    let scope = narrowed_scope(request, &granted)?;
    let resources = resource::asked(&request.form, &granted.resources)?;
    Ok(Issue {
        subject: rotated.subject.into(),
        access_scope: scope,
        access_resources: if resources.is_empty() { granted.resources.clone() } else { resources },
        granted: Granted { nonce: None, ..granted },
        lineage: Lineage::Refresh {
            family: presented.head.cell.place(family),
            refresh: RefreshToken { head: Head { key: rotated.key, ..presented.head }, generation: rotated.generation },
        },
    })
}

/// Refuses a request that asks for too much *before* its token is spent: a mistake must not cost a login. Nothing else
/// is decided here; the rotation decides whether the token is valid.
async fn check_narrowing(request: &TokenRequest, context: &Context, presented: &RefreshToken) -> Result<(), Error> {
    let row = context.shards.peek_one(presented.head.row()).await?;
    let Some(Row::Family(family)) = row else { return Ok(()) };
    if *family.client != *request.client.id {
        return Ok(());
    }
    let granted = open(&family.grant, presented, request, context)?;
    narrowed_scope(request, &granted)?;
    resource::asked(&request.form, &granted.resources)?;
    Ok(())
}

/// Opens the stored grant and limits it to what the client may still have.
fn open(sealed: &[u8], presented: &RefreshToken, request: &TokenRequest, context: &Context) -> Result<Granted, Error> {
    let granted = Granted::open(sealed, &presented.head.family, &request.issuer.id, &context.vault);
    let granted = granted.ok_or(Error::Sealed)?;
    request.confirms(&granted)?;
    if request.issuer.settings.refresh_needs_whole_scope && !granted.scope.is_within(&request.client.settings.scope) {
        return Err(Error::Mismatch("a scope, which the client lost"));
    }
    let left = request.still_granted(granted)?;
    if request.issuer.is_offline(&left.scope) {
        Ok(left)
    } else {
        Err(Error::Mismatch("offline_access, which the client lost"))
    }
}

fn narrowed_scope(request: &TokenRequest, granted: &Granted) -> Result<Scope, Error> {
    let asked = request.issuer.asked_scope(&request.form, &granted.scope)?;
    let scope = asked.unwrap_or_else(|| granted.scope.clone());
    if !scope.is_within(&granted.scope) {
        return Err(OAuthError::new(ErrorCode::InvalidScope, "the scope exceeds what was granted").into());
    }
    Ok(scope)
}

async fn rotate(request: &TokenRequest, context: &Context, presented: &RefreshToken) -> Result<Rotated, Error> {
    let (issuer, client) = (&request.issuer, &request.client);
    let rotate = Rotate {
        family: presented.head.family,
        generation: presented.generation,
        issuer: issuer.id.as_str().into(),
        client: client.id.as_str().into(),
        key: context.vault.current(),
        attempt: Id::random(),
        policy: client.settings.rotation,
        lifetimes: client.settings.lifetimes,
        shown: client.shown(),
    };
    let rotated = context.shards.ask(presented.head.cell, rotate).await??;
    if rotated.replayed {
        context.metrics.refresh_races.inc();
    }
    Ok(*rotated)
}
