//! The JWT bearer grant (RFC 7523 sections 2.1 and 3): an assertion of an issuer that the operator trusts, for an
//! access token about its subject (CHECKLIST 26-33).
//!
//! Keys and algorithms come from the settings, never from the assertion. Any other error in a request is reported
//! before the assertion is used up; the use is durable before anything is issued.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Context, Deciding, Error, Grant, Issue, Lineage, TokenRequest};
use crate::clock::Time;
use crate::federation::trust::Trusted;
use crate::jose::Jws;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::grant_type::GrantType;
use crate::protocol::numeric_date::NumericDate;
use crate::protocol::resource;
use crate::protocol::scope::Scope;
use crate::strict_json;
use crate::token::Granted;
use crate::token::access::{is_access_token, is_subject};

/// Largest permitted lead of a trusted issuer's clock.
const AHEAD: Duration = Duration::from_secs(30);
/// Longest `jti`, in bytes.
const MAX_JTI: usize = 256;

/// `urn:ietf:params:oauth:grant-type:jwt-bearer`.
pub(crate) struct JwtBearer;

impl Grant for JwtBearer {
    fn grant_type(&self) -> GrantType {
        GrantType::JWT_BEARER
    }

    fn decide<'a>(&'a self, request: &'a TokenRequest, context: &'a Context) -> Deciding<'a> {
        Box::pin(decide(request, context))
    }
}

/// The claims of an assertion; one that is missing or of another type does not parse.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    exp: NumericDate,
    nbf: Option<NumericDate>,
    iat: Option<NumericDate>,
    jti: String,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// One audience; an assertion for several could be used at each of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    Bare(String),
    Listed([String; 1]),
}

async fn decide(request: &TokenRequest, context: &Context) -> Result<Issue, Error> {
    let assertion = request.form.require("assertion", "assertion is missing")?;
    let (trusted, claims) = verify(request, assertion, context.clock.now())?;
    let subject = claims.rest.get(&trusted.subject_claim).and_then(Value::as_str).filter(|subject| is_subject(subject));
    let subject = subject.ok_or(Error::Mismatch("subject of the assertion"))?.to_owned();
    let access_scope = scope(request, trusted)?;
    let access_resources = resource::asked(&request.form, &request.client.settings.resources)?;
    let name = format!("jwt-bearer\n{}\n{}", claims.iss, claims.jti);
    context.shards.spend(&request.issuer.id, name.as_bytes(), claims.exp.time()).await??;
    Ok(Issue { subject, access_scope, access_resources, granted: Granted::default(), lineage: Lineage::Client })
}

fn verify<'a>(request: &'a TokenRequest, assertion: &str, now: Time) -> Result<(&'a Trusted, Claims), Error> {
    let jws = Jws::parse(assertion).map_err(|_| Error::Forged)?;
    // an access token of somebody's is no assertion (RFC 8725 section 3.11)
    if jws.header().typ.is_some() && !jws.header().is_typ("jwt") {
        return Err(Error::Forged);
    }
    // a repeated member does not parse, and neither does a number that is a text
    let claims: Claims = strict_json::from_slice(jws.payload()).map_err(|_| Error::Forged)?;
    let issuer = &request.issuer;
    let trusted = issuer.trusted.iter().find(|trusted| trusted.issuer == claims.iss);
    let trusted = trusted.ok_or(Error::Mismatch("issuer of the assertion"))?;
    let (kid, alg) = (jws.header().kid.as_deref(), jws.header().alg);
    if !trusted.keys.has(kid, alg) {
        return Err(Error::Mismatch("key of the assertion"));
    }
    if !trusted.keys.candidates(kid, alg).any(|key| jws.verify_with(key, alg).is_ok()) {
        return Err(Error::Forged);
    }
    if is_access_token(Some(&claims.jti), &claims.rest) {
        return Err(Error::Forged);
    }
    let (Audience::Bare(aud) | Audience::Listed([aud])) = &claims.aud;
    if aud != trusted.audience.as_ref().unwrap_or(&issuer.url) {
        return Err(Error::Mismatch("audience of the assertion"));
    }
    let begun = |date: Option<NumericDate>| date.is_none_or(|date| date.time() <= now + AHEAD);
    let exp = claims.exp.time();
    let timely = exp > now
        && exp <= now + trusted.longest_lifetime
        && begun(claims.nbf)
        && begun(claims.iat)
        && (1..=MAX_JTI).contains(&claims.jti.len());
    if timely { Ok((trusted, claims)) } else { Err(Error::Mismatch("times or jti of the assertion")) }
}

/// Determines the scope: within the scope that the assertion's issuer may grant and the client may have, and without
/// any scope that belongs to a login here.
fn scope(request: &TokenRequest, trusted: &Trusted) -> Result<Scope, OAuthError> {
    let may = trusted.scopes.common(&request.client.settings.scope).without(&request.issuer.login_scopes());
    let asked = request.issuer.asked_scope(&request.form, &may)?.unwrap_or_else(|| may.clone());
    let exceeds = OAuthError::new(ErrorCode::InvalidScope, "the scope exceeds what the assertion's issuer may grant");
    if asked.is_within(&may) { Ok(asked) } else { Err(exceeds) }
}
