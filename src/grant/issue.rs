//! The only place that mints tokens: from a grant's decision to the token response.
//!
//! Invariants: an access token carries no more scope and audience than its grant, and an ID token is only made for a
//! person who granted `openid`, for a request that did not narrow it away, and not if the grant excludes ID tokens.

use serde_json::Value;

use super::binding::Binding;
use super::{Context, Error, TokenRequest, accepted};
use crate::clock::Time;
use crate::id::Id;
use crate::jose::MAX_JWS;
use crate::jose::alg::Algorithm;
use crate::keys::{IssuerKeys, KeyError, Typ};
use crate::protocol::error::OAuthError;
use crate::protocol::response::TokenResponse;
use crate::protocol::scope::Scope;
use crate::state::{Cell, Placed};
use crate::token::access::{
    AccessClaims, AccessTokenFormat, AccessTokenTyp, Confirmation, Jti, Origin, PROTOCOL_CLAIMS,
};
use crate::token::id_token::{IdClaims, at_hash};
use crate::token::refresh::RefreshToken;
use crate::token::{Granted, opaque};

/// The error for an access token that is too long. Claims are bounded where they enter, each by itself, so only their
/// sum can be too much.
const TOO_LONG: OAuthError = OAuthError::invalid_request("the access token would be too long");

/// The decision of a grant: the tokens to issue.
pub struct Issue {
    /// Subject of the tokens.
    pub subject: String,
    /// Scope of the access token, within the grant's.
    pub access_scope: Scope,
    /// Resources of the access token; none means the issuer's default audience.
    pub access_resources: Vec<String>,
    /// The whole grant.
    pub granted: Granted,
    /// Origin of the tokens.
    pub lineage: Lineage,
}

/// The origin of tokens, which decides what is issued besides the access token.
pub enum Lineage {
    /// The client itself, or an assertion: only an access token is issued.
    Client,
    /// A login: the first refresh token of a family may be issued.
    Login {
        /// The family that the redemption created.
        family: Placed<Id>,
        /// The family's first refresh token, if the grant is offline.
        refresh: Option<RefreshToken>,
    },
    /// A refresh token: its successor is issued.
    Refresh {
        /// The family.
        family: Placed<Id>,
        /// The successor.
        refresh: RefreshToken,
    },
    /// Another access token (RFC 8693): only an access token of the same family is issued.
    Exchange {
        /// Cell of the exchanged token.
        cell: Cell,
        /// Family of the exchanged token, if it has one.
        family: Option<Id>,
        /// The tokens that the new one is exchanged from, the exchanged token last.
        origins: Vec<Origin>,
        /// Time at which the exchanged token expires, in seconds since the epoch: the new one expires no later.
        until: u64,
        /// `issued_token_type` of the new token.
        issued_type: &'static str,
    },
}

impl Lineage {
    fn family(&self) -> Option<Id> {
        match self {
            Self::Client => None,
            Self::Login { family, .. } | Self::Refresh { family, .. } => Some(family.of),
            Self::Exchange { family, .. } => *family,
        }
    }

    /// Returns the cell of the issued tokens; `None` if any cell will do.
    fn cell(&self) -> Option<Cell> {
        match self {
            Self::Client => None,
            Self::Login { family, .. } | Self::Refresh { family, .. } => Some(family.cell),
            Self::Exchange { cell, .. } => Some(*cell),
        }
    }

    fn refresh(&self) -> Option<&RefreshToken> {
        match self {
            Self::Client | Self::Exchange { .. } => None,
            Self::Login { refresh, .. } => refresh.as_ref(),
            Self::Refresh { refresh, .. } => Some(refresh),
        }
    }

    /// Returns the lifetime, in seconds, of an access token that is issued `now` and could live for `own` seconds.
    fn lifetime(&self, own: u64, now: Time) -> u64 {
        match self {
            Self::Client | Self::Login { .. } | Self::Refresh { .. } => own,
            Self::Exchange { until, .. } => own.min(until.saturating_sub(now.as_secs())),
        }
    }

    fn origins(&self) -> Vec<Origin> {
        if let Self::Exchange { origins, .. } = self { origins.clone() } else { Vec::new() }
    }

    fn issued_token_type(&self) -> Option<&'static str> {
        if let Self::Exchange { issued_type, .. } = self { Some(issued_type) } else { None }
    }
}

impl Issue {
    /// Checks a grant's decision before tokens are minted, because a grant may come from outside the crate.
    fn check(&self, request: &TokenRequest) -> Result<(), Error> {
        let claims = &self.granted.access_token_claims;
        let exchanged = matches!(self.lineage, Lineage::Exchange { .. });
        let reserved = |claim: &String| PROTOCOL_CLAIMS.contains(&claim.as_str());
        if !self.access_scope.is_within(&request.client.settings.scope) {
            Err(Error::Excessive("a scope that the client may not have"))
        } else if !exchanged && claims.keys().chain(self.granted.id_token_claims.keys()).any(reserved) {
            Err(Error::Excessive("a claim that belongs to the protocol"))
        } else {
            Ok(())
        }
    }
}

/// Mints the tokens of a decision, signed by `keys`.
///
/// # Errors
/// If a grant decided more than it may, there is no key to sign with, or the access token would be too long to be
/// parsed again.
pub(crate) async fn issue(
    request: &TokenRequest,
    issue: Issue,
    binding: Binding,
    keys: &IssuerKeys,
    context: &Context,
) -> Result<TokenResponse, Error> {
    issue.check(request)?;
    let now = context.clock.now();
    let bound = binding.confirmation();
    let token_type = Confirmation::token_type(bound.as_ref());
    let access_token = access_token(request, &issue, keys, bound, context, now).await?;
    let granted = &issue.granted;
    let openid = granted.scope.contains("openid") && issue.access_scope.contains("openid");
    let openid = openid && issue.lineage.family().is_some() && !granted.unidentified;
    let id_token = if openid { Some(id_token(request, &issue, &access_token, keys, now).await?) } else { None };
    let refresh_token = match issue.lineage.refresh() {
        Some(token) => Some(token.encode(&request.issuer.id, &context.vault).ok_or(Error::Sealed)?),
        None => None,
    };
    Ok(TokenResponse {
        access_token,
        token_type,
        alg: binding.proof_key.and_then(|proof| proof.alg),
        expires_in: issue.lineage.lifetime(request.client.settings.lifetimes.access.as_secs(), now),
        expires_at: now.as_secs() + issue.lineage.lifetime(request.client.settings.lifetimes.access.as_secs(), now),
        issued_token_type: issue.lineage.issued_token_type(),
        refresh_token,
        id_token,
        scope: issue.access_scope.into(),
    })
}

async fn access_token(
    request: &TokenRequest,
    issue: &Issue,
    keys: &IssuerKeys,
    cnf: Option<Confirmation>,
    context: &Context,
    now: Time,
) -> Result<String, Error> {
    let settings = &request.client.settings;
    let granted = &issue.granted;
    let cell = issue.lineage.cell().unwrap_or_else(|| context.shards.place());
    let claims = AccessClaims {
        iss: request.issuer.url.clone(),
        sub: issue.subject.clone(),
        aud: audience(request, issue),
        client_id: request.client.id.clone(),
        exp: now.as_secs() + issue.lineage.lifetime(settings.lifetimes.access.as_secs(), now),
        iat: now.as_secs(),
        jti: Jti::new(now, cell, issue.lineage.family()).encode(),
        scope: request.issuer.parts.style.scope.claim(&issue.access_scope),
        auth_time: granted.auth_time,
        acr: granted.acr.clone(),
        amr: granted.amr.clone(),
        cnf,
        origins: issue.lineage.origins(),
        extra: request.issuer.parts.style.extra(&granted.access_token_claims, now),
    };
    if settings.access_token_format == AccessTokenFormat::Opaque {
        return opaque::seal(&claims, cell, &request.issuer.id, &context.vault).ok_or(TOO_LONG.into());
    }
    let typ = match settings.access_token_typ {
        AccessTokenTyp::Jwt if !accepted::audience(&claims.aud).any(|aud| reads_id_tokens(request, aud, context)) => {
            Typ::Jwt
        }
        // for a client that reads ID tokens it would look like one
        AccessTokenTyp::Jwt | AccessTokenTyp::AtJwt => Typ::AtJwt,
    };
    let claims = serde_json::to_vec(&claims).map_err(|_| Error::Sealed)?;
    let token = sign(request, keys, settings.access_token_alg, typ, &claims, now).await?;
    // nobody could introspect, revoke or exchange it
    if token.len() > MAX_JWS { Err(TOO_LONG.into()) } else { Ok(token) }
}

/// Returns whether an audience is a client that may take a token for an ID token: the requesting client, or another one
/// whose users log in.
fn reads_id_tokens(request: &TokenRequest, audience: &str, context: &Context) -> bool {
    let other = || context.registry.client(&request.issuer.id, audience);
    audience == request.client.id || other().is_some_and(|other| other.settings.scope.contains("openid"))
}

async fn id_token(
    request: &TokenRequest,
    issue: &Issue,
    access_token: &str,
    keys: &IssuerKeys,
    now: Time,
) -> Result<String, Error> {
    let settings = &request.client.settings;
    let granted = &issue.granted;
    let claims = IdClaims {
        iss: &request.issuer.url,
        sub: &issue.subject,
        aud: &request.client.id,
        azp: &request.client.id,
        exp: now.as_secs() + settings.id_token_lifetime.as_secs(),
        iat: now.as_secs(),
        auth_time: granted.auth_time,
        nonce: granted.nonce.as_deref(),
        acr: granted.acr.as_deref(),
        amr: &granted.amr,
        at_hash: at_hash(access_token, settings.id_token_alg),
        extra: &granted.id_token_claims,
    };
    let claims = serde_json::to_vec(&claims).map_err(|_| Error::Sealed)?;
    sign(request, keys, settings.id_token_alg, Typ::Jwt, &claims, now).await
}

async fn sign(
    request: &TokenRequest,
    keys: &IssuerKeys,
    alg: Algorithm,
    typ: Typ,
    claims: &[u8],
    now: Time,
) -> Result<String, Error> {
    let unknown = || KeyError::UnknownAlgorithm { issuer: request.issuer.id.clone(), alg };
    let signer = keys.signer(alg, now).ok_or_else(unknown)?;
    Ok(signer.sign(typ, claims).await?)
}

/// Returns the `aud` claim: the requested resources; else those that the scope names, in dialects where it does; else
/// the issuer's default. One audience is a string, several are an array (RFC 7519 section 4.1.3).
fn audience(request: &TokenRequest, issue: &Issue) -> Value {
    let mut audiences = issue.access_resources.clone();
    if audiences.is_empty() {
        audiences = request.issuer.parts.style.audiences(&issue.access_scope);
    }
    match audiences.len() {
        0 => Value::from(request.issuer.default_audience(&request.client.id)),
        1 => Value::from(audiences.remove(0)),
        _ => Value::from(audiences),
    }
}
