//! Devices for login portals (RFC 8628 section 3.3): the portal shows the person what a user code stands for, and says
//! what the person decided.

use serde::Deserialize;
use serde_json::json;

use super::body::{self, AdminResult};
use super::problem::Problem;
use crate::grant::device;
use crate::grant::portal::Authentication;
use crate::http::{Request, respond};
use crate::id::Id;
use crate::issuer::Issuer;
use crate::protocol::numeric_date::NumericDate;
use crate::protocol::scope::Scope;
use crate::service::Service;
use crate::state::{DecideRefusal, Decision, Device, DeviceDecision, Placed, Row};
use crate::token::Granted;
use crate::token::user_code::UserCode;
use crate::user::UserClaims;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Approval {
    subject: String,
    scope: Option<String>,
    auth_time: Option<NumericDate>,
    acr: Option<String>,
    #[serde(default)]
    amr: Vec<String>,
    #[serde(default)]
    claims: UserClaims,
}

pub(super) async fn show(service: &Service, issuer: &Issuer, typed: &str) -> AdminResult {
    let (id, row) = find(service, issuer, typed).await?;
    let Row::Device(device) = row else { return Err(over()) };
    let now = service.context.clock.now();
    let status = match &device.decision {
        Decision::Pending => "pending",
        Decision::Approved { .. } => "approved",
        Decision::Denied => "denied",
    };
    let granted = open(service, issuer, id.of, &device)?;
    let client = service.registry.client(&issuer.id, &device.client);
    let name = client.as_ref().and_then(|client| client.metadata.client_name.as_deref());
    Ok(body::json(
        200,
        &json!({
            "user_code": UserCode::parse(typed).map(|code| code.to_string()),
            "client_id": device.client,
            "client_name": name,
            "scope": granted.scope.as_str(),
            "resource": granted.resources,
            "status": status,
            "expires_in": device.expires_at.since(now).as_secs(),
        }),
    ))
}

pub(super) async fn approve(service: &Service, issuer: &Issuer, typed: &str, request: &Request) -> AdminResult {
    let approval: Approval = body::read(request)?;
    let authentication = Authentication {
        subject: approval.subject,
        auth_time: approval.auth_time.map(|date| date.time().as_secs()),
        acr: approval.acr,
        amr: approval.amr,
        claims: approval.claims,
    };
    authentication.check(None)?;
    let (id, row) = find(service, issuer, typed).await?;
    let Row::Device(device) = row else { return Err(over()) };
    // once it is approved this is what was granted: a retry says the same again, and the store compares
    let asked = open(service, issuer, id.of, &device)?;
    let scope = match &approval.scope {
        Some(scope) => {
            Scope::parse(scope).map_err(|error| Problem::new(400, format!("scope: {}", error.description)))?
        }
        None => asked.scope.clone(),
    };
    // everything or nothing: a person who ticked no box must not be taken for one who was shown none
    if approval.scope.is_some() && scope.is_empty() {
        let rule = "scope: names nothing; leave it out for everything the device asked for, or deny the device";
        return Err(Problem::new(400, rule));
    }
    if !scope.is_within(&asked.scope) {
        return Err(Problem::new(400, "scope: exceeds what the device asked for"));
    }
    let (subject, about) = authentication.into_grant();
    let Granted { resources, confirmation, proven, .. } = asked;
    let granted = Granted { scope, resources, confirmation, proven, ..about };
    let grant = granted.seal(&id.of, &issuer.id, &service.context.vault);
    decide(service, issuer, id, DeviceDecision::Approve { subject: subject.into(), grant }).await
}

pub(super) async fn deny(service: &Service, issuer: &Issuer, typed: &str) -> AdminResult {
    let (id, _) = find(service, issuer, typed).await?;
    decide(service, issuer, id, DeviceDecision::Deny).await
}

async fn decide(service: &Service, issuer: &Issuer, id: Placed<Id>, decision: DeviceDecision) -> AdminResult {
    match device::decide(issuer, id, decision, &service.context).await? {
        Ok(()) => Ok(respond::json(204, "")),
        Err(DecideRefusal::Decided) => Err(over()),
        Err(DecideRefusal::Unknown | DecideRefusal::Expired | DecideRefusal::Revoked) => Err(unknown()),
    }
}

async fn find(service: &Service, issuer: &Issuer, typed: &str) -> Result<(Placed<Id>, Row), Problem> {
    device::find(issuer, typed, &service.context).await?.ok_or_else(unknown)
}

fn open(service: &Service, issuer: &Issuer, id: Id, device: &Device) -> Result<Granted, Problem> {
    Granted::open(&device.grant, &id, &issuer.id, &service.context.vault)
        .ok_or_else(|| Problem::new(503, "the grant does not open with the master keys at hand"))
}

fn unknown() -> Problem {
    Problem::new(404, "there is no such user code, or it has expired")
}

fn over() -> Problem {
    Problem::new(409, "this user code was decided before")
}
