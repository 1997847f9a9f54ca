//! What both JWT methods share: RFC 7523 section 3 (CHECKLIST 26-30, 34, 35).
//!
//! An assertion names its client by itself, is for this issuer, lives shortly, and is used once: `jti` is remembered
//! durably before the client is let in. A refusal after the signature costs the client nothing else.

use prometheus::IntCounter;
use serde::Deserialize;
use serde_json::Value;

use super::federated::CREDENTIAL;
use super::{Case, Refused};
use crate::client::Client;
use crate::client::metadata::AssertionAudience;
use crate::clock::Time;
use crate::id::Id;
use crate::jose::Jws;
use crate::metrics::Metrics;
use crate::protocol::form::Form;
use crate::protocol::numeric_date::NumericDate;
use crate::protocol::strict_json;
use crate::state::{Key, SpendAssertion};
use std::time::Duration;

/// The `client_assertion_type` of both methods (RFC 7523 section 2.2).
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Longest time until `exp`. SDKs of vendors ask for ten minutes, Authlib for an hour; whoever holds an assertion that
/// nobody has used can use it until then.
const LONGEST: Duration = Duration::from_secs(60 * 60);
/// How far the client's clock may be ahead.
pub(super) const SKEW: Duration = Duration::from_secs(30);
/// How long after `exp` a `jti` is remembered, because clocks of stores differ.
pub(super) const SLACK: Duration = Duration::from_secs(60);
/// Longest `jti`, in bytes.
pub(super) const MAX_JTI: usize = 256;

/// A client assertion; nothing in it is trusted until the signature is checked.
pub(super) struct Assertion<'a> {
    pub(super) jws: Jws<'a>,
    claims: Claims,
}

/// Any JSON, so that a claim of the wrong type is a refusal with a name; a repeated one was refused before.
#[derive(Deserialize)]
struct Claims {
    iss: Option<Value>,
    sub: Option<Value>,
    aud: Option<Value>,
    exp: Option<Value>,
    nbf: Option<Value>,
    iat: Option<Value>,
    jti: Option<Value>,
}

/// The assertion of a request, if there is one of this type.
pub(super) fn of<'a>(form: &'a Form<'_>) -> Option<&'a str> {
    typed(form).filter(|text| !is_foreign(text, form))
}

/// The assertion of a request, if there is one of this type and somebody else than the client made it: it speaks of
/// its own subject, or the request names a federated credential.
pub(super) fn foreign<'a>(form: &'a Form<'_>) -> Option<&'a str> {
    typed(form).filter(|text| is_foreign(text, form))
}

fn typed<'a>(form: &'a Form<'_>) -> Option<&'a str> {
    form.get("client_assertion").filter(|_| form.get("client_assertion_type") == Some(TYPE))
}

/// The client's own assertion has its id as `iss` and `sub` (RFC 7523 section 3); this only finds who is to check it.
fn is_foreign(text: &str, form: &Form<'_>) -> bool {
    if form.get(CREDENTIAL).is_some() {
        return true;
    }
    let Some(client_id) = form.get("client_id") else { return false };
    let Ok(assertion) = Assertion::parse(text) else { return false };
    let issuer = assertion.claims.iss.as_ref().and_then(Value::as_str);
    issuer.is_some() && issuer != assertion.client_id() && assertion.client_id() != Some(client_id)
}

impl<'a> Assertion<'a> {
    /// Reads an assertion. A JWE has five parts and is refused by counting them.
    pub(super) fn parse(text: &'a str) -> Result<Self, &'static str> {
        let jws = Jws::parse(text).map_err(|_| "the assertion is no JWS that is accepted here")?;
        if !jws.payload().trim_ascii_start().starts_with(b"{") {
            return Err("the assertion's payload is no JSON object");
        }
        let claims = strict_json::from_slice(jws.payload());
        let claims = claims.map_err(|_| "the assertion's payload is no JSON object, or repeats a member")?;
        Ok(Self { jws, claims })
    }

    /// Whom it claims to be from.
    pub(super) fn client_id(&self) -> Option<&str> {
        self.claims.sub.as_ref().and_then(Value::as_str)
    }

    /// Everything but the signature; gives what makes it single-use.
    pub(super) fn check(&self, case: &Case<'_>) -> Result<Single<'_>, &'static str> {
        let claims = &self.claims;
        let header = self.jws.header();
        // RFC 8725 section 3.11: an access token, a logout token or a proof is no assertion
        if header.typ.is_some() && !header.is_typ("JWT") && !header.is_typ("client-authentication+jwt") {
            return Err("the assertion's typ is of something else");
        }
        let own = |claim: &Option<Value>| claim.as_ref().and_then(Value::as_str) == Some(case.client_id);
        if !own(&claims.iss) || !own(&claims.sub) {
            return Err("the assertion's iss and sub are not the client");
        }
        let audience = self.audience(case).ok_or("the assertion is not for this issuer")?;
        let exp = claims.exp.as_ref().and_then(instant).ok_or("the assertion's exp is missing or no number")?;
        if exp <= case.now {
            return Err("the assertion has expired");
        }
        if exp > case.now + LONGEST + SKEW {
            return Err("the assertion lives too long");
        }
        for begin in [&claims.nbf, &claims.iat].into_iter().flatten() {
            let begin = instant(begin).ok_or("the assertion's nbf or iat is no number")?;
            if begin > case.now + SKEW {
                return Err("the assertion is from the future");
            }
        }
        let jti = claims.jti.as_ref().and_then(Value::as_str).filter(|jti| !jti.is_empty() && jti.len() <= MAX_JTI);
        let jti = jti.ok_or("the assertion's jti is missing, no text or too long")?;
        Ok(Single { jti, exp, audience })
    }

    /// Which of the accepted forms the audience has (RFC 7523 section 3, draft-ietf-oauth-rfc7523bis).
    fn audience(&self, case: &Case<'_>) -> Option<AudienceForm> {
        let ours = |aud: &Value| match aud.as_str() {
            Some(aud) if aud == case.issuer.url => Some(AudienceForm::Issuer),
            Some(aud) if case.is_endpoint(aud) => Some(AudienceForm::Endpoint),
            Some(_) | None => None,
        };
        let form = match self.claims.aud.as_ref()? {
            // every member must be ours: what is for two servers can be replayed by one at the other (CVE-2025-27370)
            Value::Array(members) if !members.is_empty() && members.iter().all(|member| ours(member).is_some()) => {
                AudienceForm::List
            }
            other => ours(other)?,
        };
        let rule = case.client.as_ref().map(|client| client.settings.assertions.audience).unwrap_or_default();
        match (rule, form) {
            (AssertionAudience::Issuer, AudienceForm::Endpoint | AudienceForm::List) => None,
            (AssertionAudience::Issuer, AudienceForm::Issuer) | (AssertionAudience::Tolerant, _) => Some(form),
        }
    }
}

/// The moment that a claim says.
pub(super) fn instant(value: &Value) -> Option<Time> {
    NumericDate::read(value).map(NumericDate::time)
}

/// How the audience was spelled.
#[derive(Clone, Copy)]
enum AudienceForm {
    Issuer,
    Endpoint,
    List,
}

/// Counts assertions by the form of their audience: who is about to turn to strict looks here first.
pub(super) struct AudienceCounts([IntCounter; 3]);

impl AudienceCounts {
    pub(super) fn new(metrics: &Metrics) -> Self {
        Self(["issuer", "endpoint", "list"].map(|form| metrics.assertion_audiences.with_label_values(&[form])))
    }
}

/// A checked assertion that nobody has asked the store about.
pub(super) struct Single<'a> {
    jti: &'a str,
    exp: Time,
    audience: AudienceForm,
}

impl Single<'_> {
    /// Remembers the assertion until it has expired, on every node and over restarts; refused if it is remembered
    /// already (CHECKLIST 30).
    pub(super) async fn spend(&self, case: &Case<'_>, client: &Client) -> Result<(), Refused> {
        // a client id has no slash
        let name = format!("{}/{}", client.id, self.jti);
        let key = Key::used_assertion(&case.issuer.id, name.as_bytes());
        let spend = SpendAssertion { key, attempt: Id::random(), keep_until: self.exp + SLACK };
        let shards = &case.by.shards;
        match shards.ask(shards.home(&key), spend).await {
            Ok(Ok(())) => {
                case.by.audiences.0[self.audience as usize].inc();
                Ok(())
            }
            Ok(Err(_)) => Err(Refused::Replayed("the assertion was used before")),
            Err(_) => Err(Refused::Later("the store cannot remember the assertion")),
        }
    }
}
