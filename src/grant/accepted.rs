//! Our own access tokens as somebody presents them: for introspection, revocation and token exchange.
//!
//! A JWT and an opaque token are the same claims, signed or sealed; whichever the client gets now, both are accepted.
//! A token is alive if it verifies, has not expired, its client is there and not disabled, its family is alive, it is not
//! revoked by itself, no fence stands after its issue, and the same is true of each token that it was exchanged from.

use serde_json::Value;

use super::Context;
use crate::client::Client;
use crate::client::metadata::IntrospectionReach;
use crate::clock::Time;
use crate::issuer::Issuer;
use crate::jose::jws::Jws;
use crate::state::key::Key;
use crate::state::key::MarkKind;
use crate::state::step::Row;
use crate::store::StoreError;
use crate::token::access::{AccessClaims, Jti, Origin};
use crate::token::opaque;

/// An access token that verified as the issuer's and has not expired; says nothing yet about revocation.
pub struct Accepted {
    /// What it says.
    pub claims: Box<AccessClaims>,
    /// Its name, read.
    pub jti: Jti,
}

/// Whether `token` is an access token of the issuer that has not expired: no I/O.
pub fn accept(issuer: &Issuer, token: &str, now: Time, context: &Context) -> Option<Accepted> {
    let claims = Box::new(if opaque::is_opaque(token) {
        opaque::open(token, &issuer.id, &context.vault)?
    } else {
        signed(issuer, token, context)?
    });
    if claims.iss != issuer.url || now >= Time::from_secs(claims.exp) {
        return None;
    }
    let jti = Jti::parse(&claims.jti)?;
    Some(Accepted { claims, jti })
}

/// The claims of a JWT access token.
fn signed(issuer: &Issuer, token: &str, context: &Context) -> Option<AccessClaims> {
    let jws = Jws::parse(token).ok()?;
    let keys = context.keys.issuer(&issuer.id)?;
    let (key, alg) = keys.verifier(jws.header().kid.as_deref()?)?;
    if jws.verify_with(key, alg).is_err() {
        return None;
    }
    let claims: AccessClaims = serde_json::from_slice(jws.payload()).ok()?;
    // an ID token is not an access token (RFC 9068 section 4), whichever of its two forms ours have now
    let is_access_token = jws.header().is_typ("at+jwt") || jws.header().is_typ("JWT") && claims.are_unmistakable();
    is_access_token.then_some(claims)
}

impl Accepted {
    /// Whether nothing revoked it.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn is_alive(&self, issuer: &Issuer, context: &Context) -> Result<bool, StoreError> {
        for origin in &self.claims.origins {
            let Some(jti) = Jti::parse(&origin.jti) else { return Ok(false) };
            let subject = origin.sub.as_ref().unwrap_or(&self.claims.sub);
            if !lives(issuer, (&origin.client_id, subject), &origin.jti, jti, context).await? {
                return Ok(false);
            }
        }
        lives(issuer, (&self.claims.client_id, &self.claims.sub), &self.claims.jti, self.jti, context).await
    }

    /// The tokens that this one comes from, itself the last, as those of an actor.
    pub fn as_actor(&self) -> impl Iterator<Item = Origin> {
        let own = Origin { client_id: self.claims.client_id.clone(), jti: self.claims.jti.clone(), sub: None };
        let named = |origin: Origin| Origin { sub: origin.sub.or_else(|| Some(self.claims.sub.clone())), ..origin };
        self.claims.origins.iter().cloned().chain([own]).map(named)
    }

    /// How many exchanges lie behind it.
    pub fn depth(&self) -> usize {
        self.claims.origins.iter().filter(|origin| origin.sub.is_none()).count()
    }
}

/// Whether nothing revoked the token `id` of a client about a subject.
async fn lives(
    issuer: &Issuer,
    (client, subject): (&str, &str),
    id: &str,
    jti: Jti,
    context: &Context,
) -> Result<bool, StoreError> {
    let shards = &context.shards;
    if !context.registry.serves(&issuer.id, client) {
        return Ok(false);
    }
    let fence = shards.fence(&issuer.id, client, subject).await?;
    let mark = Key::mark(MarkKind::RevokedToken, &issuer.id, id.as_bytes());
    let Some(family) = jti.family else {
        return Ok(shards.peek(&[mark]).await?[0].is_none() && jti.issued_at > fence);
    };
    let rows = shards.peek(&[mark, Key::Family(family)]).await?;
    let (None, Some(Row::Family(family))) = (&rows[0], &rows[1]) else { return Ok(false) };
    // a login's own tokens count from the login, what another client made of them from its own issue
    Ok(if *family.client == *client {
        family.is_alive(fence)
    } else {
        family.revoked.is_none() && jti.issued_at > fence
    })
}

/// Whether `client` may learn of, or use, a token of `owner` for `aud`: its own, one that is for it, or any if it may
/// introspect any (RFC 7662 section 4).
pub fn concerns(client: &Client, owner: &str, aud: &Value) -> bool {
    client.settings.introspection == IntrospectionReach::Any
        || owner == client.id
        || audience(aud).any(|one| one == client.id)
}

/// The audience, whether it is a string or an array.
pub fn audience(aud: &Value) -> impl Iterator<Item = &str> {
    let one = aud.as_str().into_iter();
    one.chain(aud.as_array().into_iter().flatten().filter_map(Value::as_str))
}
