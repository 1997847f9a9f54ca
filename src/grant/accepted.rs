//! The service's own access tokens as somebody presents them: for introspection, revocation and token exchange.
//!
//! A JWT and an opaque token are the same claims, signed or sealed; whichever form the client gets now, both are
//! accepted. A token is alive if it verifies, has not expired, its client exists and is not disabled, its family is
//! alive, it has not been revoked by itself, no not-before moment is later than its issue, and the same is true of each
//! token that it was exchanged from.

use serde_json::Value;

use super::Context;
use crate::client::Client;
use crate::client::metadata::IntrospectionReach;
use crate::clock::Time;
use crate::issuer::Issuer;
use crate::jose::jws::Jws;
use crate::state::{Key, Placed, Row};
use crate::store::StoreError;
use crate::token::access::{AccessClaims, Jti, Origin};
use crate::token::opaque;

/// An access token that verified as the issuer's and has not expired; says nothing yet about revocation.
pub(crate) struct Accepted {
    /// The token's claims.
    pub claims: Box<AccessClaims>,
    /// The token's `jti`, parsed.
    pub jti: Jti,
}

/// Returns the verified token if `token` is an access token of the issuer that has not expired; performs no I/O.
pub(crate) fn accept(issuer: &Issuer, token: &str, now: Time, context: &Context) -> Option<Accepted> {
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

/// Returns the claims of a JWT access token.
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
    /// Returns whether the token has not been revoked: one read, because the token names every row that can revoke it.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) async fn is_alive(&self, issuer: &Issuer, context: &Context) -> Result<bool, StoreError> {
        let Some(tokens) = self.tokens() else { return Ok(false) };
        for token in &tokens {
            if !context.registry.serves(&issuer.id, token.client).await? {
                return Ok(false);
            }
        }
        let keys: Vec<Placed<Key>> = tokens.iter().flat_map(|token| token.keys(&issuer.id)).collect();
        let rows = context.shards.peek(&keys).await?;
        let mut rows = rows.iter().map(Option::as_ref);
        Ok(tokens.iter().all(|token| token.is_alive(&mut rows)))
    }

    /// Returns the token and all tokens that it was exchanged from; `None` if the service did not issue one of those.
    fn tokens(&self) -> Option<Vec<Named<'_>>> {
        let claims = &self.claims;
        let own = Named { client: &claims.client_id, subject: &claims.sub, id: &claims.jti, jti: self.jti };
        let mut tokens = vec![own];
        for origin in &claims.origins {
            let subject = origin.sub.as_ref().unwrap_or(&claims.sub);
            tokens.push(Named { client: &origin.client_id, subject, id: &origin.jti, jti: Jti::parse(&origin.jti)? });
        }
        Some(tokens)
    }

    /// Returns the tokens that this one was exchanged from, followed by this one, as the tokens of an actor.
    pub(crate) fn as_actor(&self) -> impl Iterator<Item = Origin> {
        let own = Origin { client_id: self.claims.client_id.clone(), jti: self.claims.jti.clone(), sub: None };
        let named = |origin: Origin| Origin { sub: origin.sub.or_else(|| Some(self.claims.sub.clone())), ..origin };
        self.claims.origins.iter().cloned().chain([own]).map(named)
    }

    /// Returns the number of exchanges that led to the token.
    pub(crate) fn depth(&self) -> usize {
        self.claims.origins.iter().filter(|origin| origin.sub.is_none()).count()
    }
}

/// A token, identified by its own claims.
struct Named<'a> {
    client: &'a str,
    subject: &'a str,
    id: &'a str,
    jti: Jti,
}

impl Named<'_> {
    /// Returns the keys of the rows that can revoke the token: its mark, three not-before moments, and its family.
    fn keys(&self, issuer: &str) -> impl Iterator<Item = Placed<Key>> + use<> {
        let cell = self.jti.cell;
        let moments = Key::all_not_before(issuer, self.client, self.subject);
        let mark = Key::revoked_token(issuer, self.id);
        [mark].into_iter().chain(moments).map(move |key| cell.place(key)).chain(self.jti.family_row())
    }

    /// Returns whether nothing revoked the token, according to the rows of [`Named::keys`].
    fn is_alive<'r>(&self, rows: &mut impl Iterator<Item = Option<&'r Row>>) -> bool {
        let is_marked = rows.next().flatten().is_some();
        let not_before = rows.by_ref().take(3).map(Row::not_before).max().unwrap_or_default();
        let issued_since = self.jti.issued_at > not_before;
        let belongs = self.jti.family.is_none_or(|_| match rows.next().flatten() {
            // a login's own tokens count from the login, what another client made of them from its own issue
            Some(Row::Family(family)) if *family.client == *self.client => family.is_alive(not_before),
            Some(Row::Family(family)) => family.revoked.is_none() && issued_since,
            _ => false,
        });
        !is_marked && belongs && (self.jti.family.is_some() || issued_since)
    }
}

/// Returns whether `client` may introspect, or use, a token of `owner` for `aud`: its own, one that is for it, or any
/// if the client may introspect any (RFC 7662 section 4).
pub(crate) fn concerns(client: &Client, owner: &str, aud: &Value) -> bool {
    client.settings.introspection == IntrospectionReach::Any
        || owner == client.id
        || audience(aud).any(|one| one == client.id)
}

/// Returns the audience, whether it is a string or an array.
pub(crate) fn audience(aud: &Value) -> impl Iterator<Item = &str> {
    let one = aud.as_str().into_iter();
    one.chain(aud.as_array().into_iter().flatten().filter_map(Value::as_str))
}
