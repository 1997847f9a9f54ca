//! Authorization codes for login portals: the portal authenticated somebody, jeton makes the code.

use serde::Deserialize;
use serde_json::json;

use super::body::{self, AdminResult};
use crate::grant::authorize::{AuthorizationRequest, IssuedCode, authorize};
use crate::grant::portal::Authentication;
use crate::http::Request;
use crate::issuer::Issuer;
use crate::protocol::numeric_date::NumericDate;
use crate::service::Service;
use crate::user::UserClaims;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeRequest {
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
    claims: UserClaims,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

pub(super) async fn issue(service: &Service, issuer: &Issuer, request: &Request) -> AdminResult {
    let wanted: CodeRequest = body::read(request)?;
    let authentication = Authentication {
        subject: wanted.subject,
        auth_time: wanted.auth_time.map(|date| date.time().as_secs()),
        acr: wanted.acr,
        amr: wanted.amr,
        claims: wanted.claims,
    };
    let request = AuthorizationRequest {
        client_id: wanted.client_id,
        redirect_uri: wanted.redirect_uri,
        scope: wanted.scope.unwrap_or_default(),
        nonce: wanted.nonce,
        code_challenge: wanted.code_challenge,
        code_challenge_method: wanted.code_challenge_method,
        resources: wanted.resource.into_vec(),
        audiences: wanted.audience.into_vec(),
        authentication,
    };
    let IssuedCode { code, expires_in } = authorize(issuer, request, &service.context).await?;
    service.counters.codes.inc();
    Ok(body::json(201, &json!({ "code": code, "expires_in": expires_in.as_secs() })))
}
