//! The question to the hook of a custom grant, and its answer: pure, and strict, because a member that is not
//! understood could change who gets what.

use std::net::IpAddr;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::protocol::error::ExtensionError;
use crate::protocol::numeric_date::NumericDate;
use crate::protocol::scope::Scope;
use crate::strict_json;
use crate::token::Granted;
use crate::token::access::is_subject;
use crate::user::UserClaims;

/// The question. No `Debug`: its parameters are secrets.
#[derive(Serialize)]
pub(super) struct GrantQuestion<'a> {
    /// The issuer's URL.
    pub(super) issuer: &'a str,
    /// The authenticated client.
    pub(super) client_id: &'a str,
    /// The address that the request came from, for whoever counts guesses.
    pub(super) peer: IpAddr,
    /// The name of the grant.
    pub(super) grant_type: &'a str,
    /// The declared parameters that the request has.
    #[serde(serialize_with = "object")]
    pub(super) parameters: Vec<(&'a str, &'a str)>,
    /// The largest scope that can be granted: the requested one, or all that the client may have except a refresh
    /// token.
    pub(super) scope: &'a str,
}

fn object<S: Serializer>(pairs: &[(&str, &str)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(pairs.len()))?;
    for (name, value) in pairs {
        map.serialize_entry(name, value)?;
    }
    map.end()
}

impl GrantQuestion<'_> {
    /// Encodes the question as JSON.
    pub(super) fn encode(&self) -> Vec<u8> {
        // strings always serialise
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// A usable answer that grants something.
pub(super) struct GrantAnswer {
    /// Subject of the tokens; `None` is the client itself.
    pub(super) subject: Option<String>,
    /// The granted scope; `None` is the whole requested one.
    scope: Option<Scope>,
    /// The rest of the grant, without scope and resources.
    pub(super) granted: Granted,
}

/// The body of an answer. A repeated member, or one that neither variant has, is an error.
#[derive(Deserialize)]
#[serde(untagged)]
enum HookBody {
    Refused(RefusalBody),
    Granted(Box<GrantBody>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusalBody {
    error: String,
    #[serde(default)]
    error_description: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantBody {
    subject: Option<String>,
    scope: Option<String>,
    #[serde(default)]
    claims: UserClaims,
    #[serde(default)]
    amr: Vec<String>,
    acr: Option<String>,
    auth_time: Option<NumericDate>,
}

impl GrantAnswer {
    /// Reads an answer: 200 with a grant or a refusal, or 400 with a refusal.
    ///
    /// # Errors
    /// Outside, the rule that the answer breaks; inside, the refusal.
    pub(super) fn read(status: u16, body: &[u8]) -> Result<Result<Self, ExtensionError>, &'static str> {
        if status != 200 && status != 400 {
            return Err("its status is neither 200 nor 400");
        }
        match strict_json::from_slice(body).map_err(|_| "neither a grant nor a refusal in JSON")? {
            HookBody::Refused(RefusalBody { error, error_description }) => {
                let extension = ExtensionError::new(&error, &error_description);
                extension.map(Err).ok_or("an error code or description that no client may see")
            }
            HookBody::Granted(_) if status == 400 => Err("status 400 without an error"),
            HookBody::Granted(grants) => Self::grants(*grants).map(Ok),
        }
    }

    fn grants(grants: GrantBody) -> Result<Self, &'static str> {
        let GrantBody { subject, scope, claims, amr, acr, auth_time } = grants;
        let scope = scope.as_deref().map(Scope::parse).transpose().map_err(|_| "a malformed scope")?;
        let auth_time = auth_time.map(|date| date.time().as_secs());
        let granted = Granted { auth_time, acr, amr, ..claims.into() };
        granted.check()?;
        match &subject {
            Some(subject) if !is_subject(subject) => return Err("a subject that is none"),
            Some(_) => {}
            // an empty object of some other service must not be a grant
            None if scope.is_none() => return Err("neither subject nor scope"),
            None => {
                let about_nobody =
                    Granted { access_token_claims: granted.access_token_claims.clone(), ..Granted::default() };
                if granted != about_nobody {
                    return Err("something about a person, and no subject");
                }
            }
        }
        Ok(Self { subject, scope, granted })
    }

    /// Narrows `offered` to the granted scope; returns `None` if nothing is left, although both named something.
    pub(super) fn narrow(&self, offered: &Scope) -> Option<Scope> {
        let Some(scope) = &self.scope else { return Some(offered.clone()) };
        let left = offered.common(scope);
        (!left.is_empty() || scope.is_empty() || offered.is_empty()).then_some(left)
    }
}

#[cfg(test)]
mod tests;
