//! Revocation by an operator: of a token, or in O(1) of everything that a subject, a client or the issuer ever got.

use serde::Deserialize;

use super::body::{self, AdminResult};
use super::problem::Problem;
use super::target::ACTOR;
use crate::grant::portal::check_subject;
use crate::http::{Request, respond};
use crate::inspect;
use crate::issuer::Issuer;
use crate::service::Service;
use crate::state::NotBeforeOf;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RevocationRequest {
    subject: Option<String>,
    client_id: Option<String>,
    token: Option<String>,
    all: Option<bool>,
}

pub(super) async fn revoke(service: &Service, issuer: &Issuer, request: &Request) -> AdminResult {
    let (context, revocations) = (&service.context, &service.counters.revocations);
    let (what, counter) = match body::read(request)? {
        RevocationRequest { subject: Some(subject), client_id: None, token: None, all: None } => {
            check_subject(&subject)?;
            inspect::raise_not_before(issuer, NotBeforeOf::Subject(&subject), context).await?;
            ("subject", &revocations.subject)
        }
        RevocationRequest { subject: None, client_id: Some(client), token: None, all: None } => {
            // a client that was deleted took everything with it
            service.registry.client(&issuer.id, &client).ok_or_else(Problem::no_such_client)?;
            inspect::raise_not_before(issuer, NotBeforeOf::Client(&client), context).await?;
            ("client", &revocations.client)
        }
        RevocationRequest { subject: None, client_id: None, token: Some(token), all: None } => {
            inspect::revoke_as(issuer, None, &token, context).await?;
            ("token", &revocations.token)
        }
        RevocationRequest { subject: None, client_id: None, token: None, all: Some(true) } => {
            inspect::raise_not_before(issuer, NotBeforeOf::Issuer, context).await?;
            ("issuer", &revocations.issuer)
        }
        RevocationRequest { .. } => {
            return Err(Problem::new(400, r#"send exactly one of "subject", "client_id", "token" and "all": true"#));
        }
    };
    counter.inc();
    tracing::info!(target: "audit", event = "revoked_by_operator", actor = ACTOR, peer = %request.peer, what, issuer = issuer.id);
    Ok(respond::json(204, ""))
}
