//! The key ring of an issuer: looking at it and rotating it.

use serde::Deserialize;
use serde_json::json;

use super::body::{self, AdminResult};
use super::problem::Problem;
use super::target::ACTOR;
use crate::http::Request;
use crate::issuer::Issuer;
use crate::jose::alg::Algorithm;
use crate::keys::RotationKind;
use crate::service::Service;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RotationRequest {
    alg: Option<Algorithm>,
    /// Sign with the new key at once.
    #[serde(default)]
    emergency: bool,
    /// The same, and publish the old ones no longer: what they signed is void, for whoever stole one of them.
    #[serde(default)]
    withdraw: bool,
}

pub(super) async fn list(service: &Service, issuer: &Issuer) -> AdminResult {
    let keys = service.context.keys.whole(&issuer.id).await;
    let keys = keys.ok_or_else(|| Problem::new(503, "the keys are not ready"))?;
    Ok(body::json(200, &json!({ "keys": keys.views(service.context.clock.now()) })))
}

pub(super) async fn rotate(service: &Service, issuer: &Issuer, request: &Request) -> AdminResult {
    let wanted: RotationRequest = body::read(request)?;
    let kind = match (wanted.withdraw, wanted.emergency) {
        (true, _) => RotationKind::Withdrawal,
        (false, true) => RotationKind::Emergency,
        (false, false) => RotationKind::Planned,
    };
    let keys = service.context.keys.rotate(&issuer.id, wanted.alg, kind).await?;
    tracing::warn!(target: "audit", event = "keys_rotated", actor = ACTOR, peer = %request.peer, issuer = issuer.id, ?kind);
    Ok(body::json(200, &json!({ "keys": keys })))
}
