//! The rules of RFC 7523 section 3 for a client assertion (CHECKLIST 26-30, 34, 35).
//!
//! An assertion names its client by itself, is for this issuer, lives shortly, and is used once: `jti` is remembered
//! durably before the client is let in. A refusal after the signature costs the client nothing else.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::assertion::Assertion;
use super::attempt::AuthAttempt;
use super::audience::AudienceForm;
use super::failure::ClaimError;
use super::jwt::{MAX_JTI, SKEW, instant};
use crate::client::Client;
use crate::client::metadata::AssertionAudience;
use crate::clock::Time;

/// Longest time until `exp`. SDKs of vendors ask for ten minutes, Authlib for an hour; whoever holds an assertion that
/// nobody has used can use it until then.
const LONGEST: Duration = Duration::from_secs(60 * 60);

impl Assertion<'_> {
    /// Checks everything but the signature.
    pub(super) fn check(&self, attempt: &AuthAttempt<'_>) -> Result<SingleUse<'_>, &'static str> {
        let claims = &self.claims;
        let header = self.jws.header();
        // RFC 8725 section 3.11: an access token, a logout token or a proof is no assertion
        if header.typ.is_some() && !header.is_typ("JWT") && !header.is_typ("client-authentication+jwt") {
            return Err("the assertion's typ is of something else");
        }
        let own = |claim: &Option<Value>| claim.as_ref().and_then(Value::as_str) == Some(attempt.client_id);
        if !own(&claims.iss) || !own(&claims.sub) {
            return Err("the assertion's iss and sub are not the client");
        }
        let audience = self.audience(attempt).ok_or("the assertion is not for this issuer")?;
        let exp = claims.exp.as_ref().and_then(instant).ok_or("the assertion's exp is missing or no number")?;
        if exp <= attempt.now {
            return Err("the assertion has expired");
        }
        if exp > attempt.now + LONGEST + SKEW {
            return Err("the assertion lives too long");
        }
        for begin in [&claims.nbf, &claims.iat].into_iter().flatten() {
            let begin = instant(begin).ok_or("the assertion's nbf or iat is no number")?;
            if begin > attempt.now + SKEW {
                return Err("the assertion is from the future");
            }
        }
        let jti = claims.jti.as_ref().and_then(Value::as_str).filter(|jti| !jti.is_empty() && jti.len() <= MAX_JTI);
        let jti = jti.ok_or("the assertion's jti is missing, no text or too long")?;
        Ok(SingleUse { jti, exp, audience })
    }

    /// Returns the accepted form that the audience has (RFC 7523 section 3, draft-ietf-oauth-rfc7523bis).
    fn audience(&self, attempt: &AuthAttempt<'_>) -> Option<AudienceForm> {
        let ours = |aud: &Value| match aud.as_str() {
            Some(aud) if aud == attempt.issuer.url => Some(AudienceForm::Issuer),
            Some(aud) if attempt.is_endpoint(aud) => Some(AudienceForm::Endpoint),
            Some(_) | None => None,
        };
        let form = match self.claims.aud.as_ref()? {
            // every member must be ours: what is for two servers can be replayed by one at the other (CVE-2025-27370)
            Value::Array(members) if !members.is_empty() && members.iter().all(|member| ours(member).is_some()) => {
                AudienceForm::List
            }
            other => ours(other)?,
        };
        let rule = attempt.client.as_ref().map(|client| client.settings.assertions.audience).unwrap_or_default();
        match (rule, form) {
            (AssertionAudience::Issuer, AudienceForm::Endpoint | AudienceForm::List) => None,
            (AssertionAudience::Issuer, AudienceForm::Issuer) | (AssertionAudience::Tolerant, _) => Some(form),
        }
    }
}

/// Lets in the client whose assertion was checked, once the assertion is remembered.
pub(super) async fn accept(
    attempt: &AuthAttempt<'_>,
    checked: Result<SingleUse<'_>, &'static str>,
) -> Result<Arc<Client>, ClaimError> {
    let (client, single) = attempt.judge_with(checked)?;
    single.spend(attempt, &client).await?;
    Ok(client)
}

/// A checked assertion that may have been used before.
pub(super) struct SingleUse<'a> {
    jti: &'a str,
    exp: Time,
    audience: AudienceForm,
}

impl SingleUse<'_> {
    /// Remembers the assertion until it has expired, on every node and over restarts; refused if it is remembered
    /// already (CHECKLIST 30).
    async fn spend(&self, attempt: &AuthAttempt<'_>, client: &Client) -> Result<(), ClaimError> {
        // a client id has no slash
        let name = format!("{}/{}", client.id, self.jti);
        match attempt.services.shards.spend(&attempt.issuer.id, name.as_bytes(), self.exp).await {
            Ok(Ok(())) => {
                attempt.services.audiences.count(self.audience);
                Ok(())
            }
            Ok(Err(_)) => Err(ClaimError::Replayed("the assertion was used before")),
            Err(_) => Err(ClaimError::Unavailable("the store cannot remember the assertion")),
        }
    }
}
