//! The client's own assertion (RFC 7523 section 3), as it is read (CHECKLIST 26-30).

use serde::Deserialize;
use serde_json::Value;

use super::evidence::{CREDENTIAL, typed_assertion};
use crate::jose::Jws;
use crate::protocol::form::Form;
use crate::strict_json;

/// The `client_assertion_type` of both methods (RFC 7523 section 2.2).
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A client assertion; nothing in it is trusted until the signature is checked.
pub(super) struct Assertion<'a> {
    pub(super) jws: Jws<'a>,
    pub(super) claims: AssertionClaims,
}

/// Any JSON, so that a claim of the wrong type is a refusal with a name; a repeated one was refused before.
#[derive(Deserialize)]
pub(super) struct AssertionClaims {
    pub(super) iss: Option<Value>,
    pub(super) sub: Option<Value>,
    pub(super) aud: Option<Value>,
    pub(super) exp: Option<Value>,
    pub(super) nbf: Option<Value>,
    pub(super) iat: Option<Value>,
    pub(super) jti: Option<Value>,
}

/// The assertion of a request, if there is one of this type.
pub(super) fn of<'a>(form: &'a Form<'_>) -> Option<&'a str> {
    typed_assertion(form, &[TYPE]).filter(|text| !is_foreign(text, form))
}

/// The assertion of a request, if there is one of this type and somebody else than the client made it: it speaks of
/// its own subject, or the request names a federated credential.
pub(super) fn foreign<'a>(form: &'a Form<'_>) -> Option<&'a str> {
    typed_assertion(form, &[TYPE]).filter(|text| is_foreign(text, form))
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

    /// Returns the client id that the assertion claims as its subject.
    pub(super) fn client_id(&self) -> Option<&str> {
        self.claims.sub.as_ref().and_then(Value::as_str)
    }
}
