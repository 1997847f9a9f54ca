//! Authorization codes for login portals: the portal authenticated somebody, jeton makes the code. Nothing is written.

use serde::Deserialize;
use serde_json::json;

use super::body::{self, AdminResult};
use super::person::{Claims, check_claims, check_subject, check_texts};
use super::problem::Problem;
use crate::client::Client;
use crate::http::Request;
use crate::issuer::Issuer;
use crate::protocol::grant_type::GrantType;
use crate::protocol::numeric_date::NumericDate;
use crate::protocol::pkce::Challenge;
use crate::protocol::resource;
use crate::protocol::scope::Scope;
use crate::service::Service;
use crate::token::Granted;
use crate::token::code::{self, Code};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    client_id: String,
    redirect_uri: String,
    subject: String,
    #[serde(default)]
    scope: Option<String>,
    nonce: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
    auth_time: Option<NumericDate>,
    acr: Option<String>,
    #[serde(default)]
    amr: Vec<String>,
    #[serde(default)]
    resource: OneOrMany,
    #[serde(default)]
    audience: OneOrMany,
    #[serde(default)]
    claims: Claims,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn iter(&self) -> impl Iterator<Item = &str> {
        let all = match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        };
        all.iter().map(String::as_str)
    }
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

pub(super) fn issue(service: &Service, issuer: &Issuer, request: &Request) -> AdminResult {
    let wanted: Wanted = body::read(request)?;
    let unknown = || Problem::new(400, "client_id: the issuer has no such client");
    let client = service.registry.client(&issuer.id, &wanted.client_id).ok_or_else(unknown)?;
    let challenge = check(&wanted, &client)?;
    let granted = granted(&wanted, &client)?;
    let issued_at = service.context.clock.now();
    let lifetime = issuer.settings.code_lifetime;
    let code = Code {
        client_id: wanted.client_id,
        redirect_uri: wanted.redirect_uri,
        challenge,
        subject: wanted.subject,
        granted,
        issued_at,
        expires_at: issued_at + lifetime,
    };
    let text = code.seal(0, &issuer.id, &service.context.vault);
    if text.len() > code::MAX_LEN {
        return Err(Problem::new(400, "the grant is too long for a code; send fewer claims"));
    }
    service.context.metrics.tokens_issued.with_label_values(&["code"]).inc();
    Ok(body::json(201, &json!({ "code": text, "expires_in": lifetime.as_secs() })))
}

/// What the authorization endpoint must check before it hands out a code (RFC 6749 section 4.1.1, RFC 9700 section 2.1).
fn check(wanted: &Wanted, client: &Client) -> Result<Option<Challenge>, Problem> {
    let refuse = |detail: &str| Err(Problem::new(400, detail));
    if client.settings.disabled {
        return refuse("client_id: the client is disabled");
    }
    if !client.may_use(GrantType::AUTHORIZATION_CODE.as_str()) {
        return refuse("client_id: the client may not use authorization_code");
    }
    if !client.allows_redirect(&wanted.redirect_uri) {
        return refuse("redirect_uri: not one that the client registered");
    }
    check_subject(&wanted.subject)?;
    check_texts([&wanted.nonce, &wanted.acr], &wanted.amr)?;
    check_claims(&wanted.claims)?;
    match (&wanted.code_challenge, &wanted.code_challenge_method) {
        (Some(challenge), method) => {
            Challenge::parse(challenge, method.as_deref()).map(Some).map_err(|rule| Problem::new(400, rule))
        }
        (None, Some(_)) => refuse("code_challenge: missing beside code_challenge_method"),
        (None, None) if client.settings.require_pkce => refuse("code_challenge: this client needs PKCE (S256)"),
        (None, None) => Ok(None),
    }
}

fn granted(wanted: &Wanted, client: &Client) -> Result<Granted, Problem> {
    let scope = Scope::parse(wanted.scope.as_deref().unwrap_or_default())
        .map_err(|error| Problem::new(400, format!("scope: {}", error.description)))?;
    if !scope.is_within(&client.settings.scope) {
        return Err(Problem::new(400, "scope: exceeds what the client registered"));
    }
    let resources = resource::select(wanted.resource.iter(), wanted.audience.iter(), &client.settings.resources)
        .map_err(|error| Problem::new(400, format!("resource, audience: {}", error.description)))?;
    Ok(Granted {
        scope,
        resources,
        nonce: wanted.nonce.clone(),
        auth_time: wanted.auth_time.map(|date| date.time().as_secs()),
        acr: wanted.acr.clone(),
        amr: wanted.amr.clone(),
        access_token_claims: wanted.claims.access_token.clone(),
        id_token_claims: wanted.claims.id_token.clone(),
        // the client is not here yet; its request for tokens binds them
        confirmation: None,
        unidentified: false,
        proven: false,
    })
}
