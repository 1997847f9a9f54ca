//! Token exchange (RFC 8693): the service's own access tokens in, a narrower one out, by the client's policy (CHECKLIST
//! 61, 70).
//!
//! Invariants: the new token has no scope that the subject token lacks, expires no later, is revoked with each token
//! that it was exchanged from and with the actor's token, and never brings a refresh token. An audience beyond the
//! subject token's own is only for a client whose policy names it. A token exchanged from one that is bound to a
//! certificate is bound to one too.

use serde_json::{Map, Value, json};

use super::accepted::{self, Accepted};
use super::{Context, Deciding, Error, Grant, Issue, Lineage, TokenRequest};
use crate::client::metadata::ExchangePolicy;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::grant_type::GrantType;
use crate::protocol::resource::{self, INVALID_TARGET};
use crate::protocol::scope::Scope;
use crate::token::access::{AccessTokenFormat, MAX_ORIGINS, Origin};
use crate::token::{Granted, opaque};

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// RFC 8693 section 2.2.2: a token that is not acceptable, for whatever reason, is an `invalid_request`.
const UNACCEPTABLE: OAuthError = OAuthError::invalid_request("the subject or actor token is not acceptable");
const TYPE: OAuthError =
    OAuthError::invalid_request("only access tokens of this issuer are exchanged, for access tokens");
const POLICY: OAuthError =
    OAuthError::new(ErrorCode::UnauthorizedClient, "the client may not exchange tokens in this way");
const UNBOUND: OAuthError = OAuthError::invalid_request(
    "a token that is bound to a certificate is exchanged only by a client whose own tokens are bound",
);
const SCOPE: OAuthError = OAuthError::new(ErrorCode::InvalidScope, "the scope exceeds the subject token or the client");

/// `urn:ietf:params:oauth:grant-type:token-exchange`.
pub(crate) struct TokenExchange;

impl Grant for TokenExchange {
    fn grant_type(&self) -> GrantType {
        GrantType::TOKEN_EXCHANGE
    }

    fn decide<'a>(&'a self, request: &'a TokenRequest, context: &'a Context) -> Deciding<'a> {
        Box::pin(decide(request, context))
    }
}

async fn decide(request: &TokenRequest, context: &Context) -> Result<Issue, Error> {
    let form = &request.form;
    let token = form.require("subject_token", "subject_token is missing")?;
    check_type(form.require("subject_token_type", "subject_token_type is missing")?, opaque::is_opaque(token))?;
    let issues_opaque = request.client.settings.access_token_format == AccessTokenFormat::Opaque;
    let issued_type =
        form.get("requested_token_type").map_or(Ok(ACCESS_TOKEN), |kind| check_type(kind, issues_opaque))?;
    let acting = match (form.get("actor_token"), form.get("actor_token_type")) {
        (Some(token), Some(kind)) => check_type(kind, opaque::is_opaque(token)).map(|_| Some(token))?,
        (None, None) => None,
        _ => return Err(OAuthError::invalid_request("actor_token and actor_token_type come together").into()),
    };
    let policy = request.client.metadata.jeton.token_exchange.as_ref().ok_or(POLICY)?;
    if !(if acting.is_some() { policy.delegation } else { policy.impersonation }) {
        return Err(POLICY.into());
    }
    let subject = alive(request, context, token).await?;
    if !accepted::concerns(&request.client, &subject.claims.client_id, &subject.claims.aud)
        || subject.depth() >= usize::from(request.issuer.settings.token_exchange_depth)
    {
        return Err(UNACCEPTABLE.into());
    }
    let actor = match acting {
        Some(token) => Some(actor(request, context, token).await?),
        None => None,
    };
    check_binding(request, [Some(&subject), actor.as_ref()])?;
    let claims = actor_claims(request, &subject, actor.as_ref())?;
    let access_scope = scope(request, &subject)?;
    let access_resources = targets(request, policy, &subject)?;
    let origin = Origin { client_id: subject.claims.client_id.clone(), jti: subject.claims.jti.clone(), sub: None };
    let mut origins: Vec<Origin> = subject.claims.origins.iter().cloned().chain([origin]).collect();
    for acting in actor.iter().flat_map(Accepted::as_actor) {
        // who acts again with the same token is one
        if !origins.contains(&acting) {
            origins.push(acting);
        }
    }
    if origins.len() > MAX_ORIGINS {
        return Err(UNACCEPTABLE.into());
    }
    let until = actor.map_or(subject.claims.exp, |actor| actor.claims.exp.min(subject.claims.exp));
    Ok(Issue {
        access_scope,
        access_resources,
        granted: Granted {
            auth_time: subject.claims.auth_time,
            acr: subject.claims.acr.clone(),
            amr: subject.claims.amr.clone(),
            access_token_claims: claims,
            ..Granted::default()
        },
        lineage: Lineage::Exchange { cell: subject.jti.cell, family: subject.jti.family, origins, until, issued_type },
        subject: subject.claims.sub.clone(),
    })
}

/// Returns the known token type that `name` is, if the token has it. Each access token of the service is an access
/// token, and one that is not opaque is a JWT too (RFC 8693 section 3).
fn check_type(name: &str, opaque: bool) -> Result<&'static str, OAuthError> {
    [ACCESS_TOKEN, JWT].into_iter().find(|known| *known == name && !(opaque && *known == JWT)).ok_or(TYPE)
}

async fn alive(request: &TokenRequest, context: &Context, token: &str) -> Result<Accepted, Error> {
    let accepted = accepted::accept(&request.issuer, token, context.clock.now(), context).ok_or(UNACCEPTABLE)?;
    // whether who sends it has the key that it is bound to can only be checked where it is used
    let bound_to_key = accepted.claims.cnf.as_ref().is_some_and(|cnf| cnf.jwk.is_some());
    let good = !bound_to_key && accepted.is_alive(&request.issuer, context).await?;
    if good { Ok(accepted) } else { Err(UNACCEPTABLE.into()) }
}

/// Accepts the actor token: it must be the client's own, and must not itself have an actor, who would drop out of the
/// chain.
async fn actor(request: &TokenRequest, context: &Context, token: &str) -> Result<Accepted, Error> {
    let actor = alive(request, context, token).await?;
    let own = actor.claims.client_id == request.client.id && !actor.claims.extra.contains_key("act");
    if own { Ok(actor) } else { Err(UNACCEPTABLE.into()) }
}

/// Checks that a token that only the holder of a certificate may use (RFC 8705 section 3) does not become one that
/// anybody may use: the new token is the exchanging client's, bound to the certificate that it presents now, if its
/// tokens are bound.
fn check_binding(request: &TokenRequest, given: [Option<&Accepted>; 2]) -> Result<(), OAuthError> {
    let bound = given.into_iter().flatten().any(|token| token.claims.cnf.is_some());
    if bound && request.client.binding()?.is_none() { Err(UNBOUND) } else { Ok(()) }
}

/// Returns `act` and `may_act` of the new token (RFC 8693 sections 4.1 and 4.4): the newest actor outermost, earlier
/// ones nested; `may_act` does not change.
fn actor_claims(
    request: &TokenRequest,
    subject: &Accepted,
    actor: Option<&Accepted>,
) -> Result<Map<String, Value>, OAuthError> {
    let given = &subject.claims.extra;
    let mut claims: Map<String, Value> = given
        .iter()
        .filter(|(name, _)| *name == "act" || *name == "may_act")
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect();
    let who = actor.map_or(request.client.id.as_str(), |actor| actor.claims.sub.as_str());
    let acting = json!({ "iss": request.issuer.url, "sub": who, "client_id": request.client.id });
    if let Some(may) = given.get("may_act") {
        let named = may.as_object().filter(|named| !named.is_empty()).ok_or(UNACCEPTABLE)?;
        if named.iter().any(|(name, value)| acting.get(name) != Some(value)) {
            return Err(UNACCEPTABLE);
        }
    }
    if actor.is_some() {
        let mut act = acting;
        if let Some(before) = claims.remove("act") {
            act["act"] = before;
        }
        claims.insert("act".to_owned(), act);
    }
    Ok(claims)
}

/// Determines the scope: within the subject token's and the client's, and never one that belongs to a login.
fn scope(request: &TokenRequest, subject: &Accepted) -> Result<Scope, OAuthError> {
    let had = Scope::parse(&subject.claims.scope.clone().into_text())?;
    let client = &request.client.settings.scope;
    let may = had.common(client).without(&request.issuer.login_scopes());
    let scope = request.issuer.asked_scope(&request.form, &may)?.unwrap_or_else(|| may.clone());
    request.issuer.check_scope(&scope, client)?;
    let lost = scope.is_empty() && !had.is_empty();
    if scope.is_within(&may) && !lost { Ok(scope) } else { Err(SCOPE) }
}

/// Returns the targets that were requested by `resource` and `audience`, if the client may have them; without a
/// request, those audiences of the subject token that the client may have.
fn targets(request: &TokenRequest, policy: &ExchangePolicy, subject: &Accepted) -> Result<Vec<String>, OAuthError> {
    let had: Vec<String> = accepted::audience(&subject.claims.aud).map(str::to_owned).collect();
    let may = policy.audiences.as_ref().unwrap_or(&had);
    let mut targets = resource::asked(&request.form, may)?;
    if targets.is_empty() {
        targets = had.iter().filter(|one| may.contains(one)).cloned().collect();
    }
    if targets.is_empty() { Err(INVALID_TARGET) } else { Ok(targets) }
}
