//! Introspection (RFC 7662) and revocation (RFC 7009) of everything that the service issues.
//!
//! A token is active if it verifies, has not expired, its client exists and is not disabled, its family is alive, it
//! has not been revoked by itself, and no not-before moment is later than its issue. For every other token, for
//! whatever reason, the answer is exactly `{"active":false}` (CHECKLIST 66).

use serde_json::Value;

use crate::client::Client;
use crate::clock::Time;
use crate::grant::accepted::{self, Accepted};
use crate::grant::{Context, Error};
use crate::id::Id;
use crate::issuer::Issuer;
use crate::protocol::introspection::{ActiveToken, Introspection};
use crate::state::family::SLACK;
use crate::state::{Family, Key, NotBeforeOf, RaiseNotBefore, RevokeFamily, RevokeRefusal, RevokeToken, Row};
use crate::store::StoreError;
use crate::token::Granted;
use crate::token::access::{AccessClaims, Confirmation};
use crate::token::refresh::RefreshToken;

/// The `token_type` of a refresh token.
const REFRESH: &str = "refresh_token";

/// The outcome of a revocation, for metrics and the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revoked {
    /// A family, by its refresh token.
    Family,
    /// One access token.
    Token,
    /// Nothing: the token is unknown or no longer alive (RFC 7009 section 2.2 asks for 200 all the same).
    Nothing,
    /// Nothing: the token belongs to another client.
    OfAnother,
}

/// A token that verifies as the service's own; says nothing yet about revocation.
enum Ours {
    Access(Accepted),
    Refresh(RefreshToken),
}

/// Introspects `token` for `caller` (RFC 7662 section 2.2).
///
/// # Errors
/// Only if the store fails; a token that is not active is an answer.
pub async fn introspect(
    issuer: &Issuer,
    caller: &Client,
    token: &str,
    context: &Context,
) -> Result<Introspection, Error> {
    let now = context.clock.now();
    let answer = match recognise(issuer, token, now, context) {
        Some(Ours::Access(access)) if access.is_alive(issuer, context).await? => Some(describe_access(*access.claims)),
        Some(Ours::Refresh(refresh)) => introspect_refresh(issuer, refresh, now, context).await?,
        Some(Ours::Access(_)) | None => None,
    };
    // a refresh token is nobody's but its client's: a resource server that looks at `active` alone must not take it
    let entitled = answer.filter(|token| match token.token_type {
        REFRESH => token.client_id == caller.id,
        _ => accepted::concerns(caller, &token.client_id, &token.aud),
    });
    Ok(entitled.map_or(Introspection::INACTIVE, |token| Introspection::Active(Box::new(token))))
}

/// Revokes `token` if it belongs to `client`: a refresh token with its whole family, an access token by itself.
///
/// # Errors
/// Only if the store fails.
pub(crate) async fn revoke(issuer: &Issuer, client: &Client, token: &str, context: &Context) -> Result<Revoked, Error> {
    revoke_as(issuer, Some(&client.id), token, context).await
}

/// Revokes `token`, whichever client it belongs to if `client` is `None`: an operator's call.
///
/// # Errors
/// Only if the store fails.
pub(crate) async fn revoke_as(
    issuer: &Issuer,
    client: Option<&str>,
    token: &str,
    context: &Context,
) -> Result<Revoked, Error> {
    match recognise(issuer, token, context.clock.now(), context) {
        Some(Ours::Refresh(refresh)) => {
            let (family, issuer) = (refresh.head.family, issuer.id.as_str().into());
            let revoke = RevokeFamily { family, issuer, client: client.map(Into::into) };
            Ok(match context.shards.ask(refresh.head.cell, revoke).await? {
                Ok(()) => Revoked::Family,
                Err(RevokeRefusal::WrongClient) => Revoked::OfAnother,
            })
        }
        Some(Ours::Access(Accepted { claims, jti })) if client.is_none_or(|client| client == claims.client_id) => {
            let revoke = RevokeToken {
                issuer: issuer.id.as_str().into(),
                client: claims.client_id.as_str().into(),
                jti: claims.jti.as_str().into(),
                attempt: Id::random(),
                // a store whose clock is ahead must not forget it while the token still counts here
                keep_until: Time::from_secs(claims.exp) + SLACK,
            };
            let Ok(()) = context.shards.ask(jti.cell, revoke).await?;
            Ok(Revoked::Token)
        }
        Some(Ours::Access(_)) => Ok(Revoked::OfAnother),
        None => Ok(Revoked::Nothing),
    }
}

/// Voids everything issued to `of` until now, in every cell.
///
/// # Errors
/// If the store fails; the moment may then be missing in some cells, and the caller repeats the call.
pub(crate) async fn raise_not_before(
    issuer: &Issuer,
    of: NotBeforeOf<&str>,
    context: &Context,
) -> Result<(), StoreError> {
    raise_only(issuer, of, context).await?;
    // what is issued after the answer must not be void, and another node's clock may be behind
    context.shards.wait_for_clocks().await;
    Ok(())
}

/// Does the same as [`raise_not_before`], without the wait for other nodes' clocks: for whoever has more to do.
pub(crate) async fn raise_only(issuer: &Issuer, of: NotBeforeOf<&str>, context: &Context) -> Result<(), StoreError> {
    let of = match of {
        NotBeforeOf::Issuer => NotBeforeOf::Issuer,
        NotBeforeOf::Client(client) => NotBeforeOf::Client(client.into()),
        NotBeforeOf::Subject(subject) => NotBeforeOf::Subject(subject.into()),
    };
    let raise = RaiseNotBefore { issuer: issuer.id.as_str().into(), of, keep_for: issuer.longest_lifetime() };
    for cell in context.shards.cells() {
        let Ok(()) = context.shards.ask(cell, raise.clone()).await?;
    }
    Ok(())
}

/// Classifies a token that the service issued; performs no I/O.
fn recognise(issuer: &Issuer, token: &str, now: Time, context: &Context) -> Option<Ours> {
    if let Some(refresh) = RefreshToken::parse(token, &issuer.id, &context.vault) {
        return Some(Ours::Refresh(refresh));
    }
    accepted::accept(issuer, token, now, context).map(Ours::Access)
}

fn describe_access(claims: AccessClaims) -> ActiveToken {
    let AccessClaims {
        iss,
        sub,
        aud,
        client_id,
        exp,
        iat,
        jti,
        scope,
        auth_time,
        acr,
        amr,
        cnf,
        origins: _,
        mut extra,
    } = claims;
    let token_type = Confirmation::token_type(cnf.as_ref());
    let also = [
        ("auth_time", auth_time.map(Value::from)),
        ("acr", acr.map(Value::from)),
        ("amr", (!amr.is_empty()).then(|| Value::from(amr))),
        ("cnf", cnf.and_then(|cnf| serde_json::to_value(cnf).ok())),
    ];
    extra.extend(also.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    ActiveToken {
        active: true,
        token_type,
        client_id,
        sub,
        iss,
        scope: scope.into_text(),
        exp,
        iat,
        aud,
        jti: Some(jti),
        extra,
    }
}

async fn introspect_refresh(
    issuer: &Issuer,
    refresh: RefreshToken,
    now: Time,
    context: &Context,
) -> Result<Option<ActiveToken>, Error> {
    let (id, cell) = (refresh.head.family, refresh.head.cell);
    let Some(Row::Family(family)) = context.shards.peek_one(refresh.head.row()).await? else {
        return Ok(None);
    };
    // a refresh token does not say whose it is, so these names are known only now
    let moments = Key::all_not_before(&family.issuer, &family.client, &family.subject).map(|key| cell.place(key));
    let rows = context.shards.peek(&moments).await?;
    let not_before = rows.iter().map(|row| Row::not_before(row.as_ref())).max().unwrap_or_default();
    let Family { generation, idle_until, expires_at, .. } = *family;
    let current = generation == refresh.generation && now < idle_until && now < expires_at;
    let served = context.registry.serves(&issuer.id, &family.client).await?;
    if !current || !served || *family.issuer != *issuer.id || !family.is_alive(not_before) {
        return Ok(None);
    }
    let granted = Granted::open(&family.grant, &id, &issuer.id, &context.vault).ok_or(Error::Sealed)?;
    Ok(Some(ActiveToken {
        active: true,
        token_type: REFRESH,
        client_id: family.client.into(),
        sub: family.subject.into(),
        iss: issuer.url.clone(),
        scope: granted.scope.into(),
        exp: idle_until.min(expires_at).as_secs(),
        iat: family.rotated_at.as_secs(),
        aud: Value::Null,
        jti: None,
        extra: serde_json::Map::new(),
    }))
}
