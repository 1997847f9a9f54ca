//! The service behind the vendors' custom grants: Tencent's one-time passwords and IdentityServer3's grant validators.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::hook::{HookServer, Reply};

pub(super) async fn start() -> Arc<HookServer> {
    HookServer::start(|question| match question["grant_type"].as_str() {
        // for errors of ours: an answer that nobody can use, and none
        Some("urn:example:broken") => Reply::Json(200, json!([])),
        Some("urn:example:away") => Reply::Json(500, json!({})),
        Some("custom") => validate(&question["parameters"]),
        Some(_) | None => one_time_password(&question["parameters"]),
    })
    .await
}

/// One password is right, for whoever asked for it.
fn one_time_password(parameters: &Value) -> Reply {
    let person = parameters["phone_number"].as_str().or(parameters["email"].as_str());
    match person {
        Some(_) if parameters["otp"] == "123456" && parameters["auto_signup"] == "true" => {
            Reply::Json(200, json!({ "subject": "alice", "amr": ["otp"] }))
        }
        Some(_) | None => {
            Reply::Json(200, json!({ "error": "invalid_grant", "error_description": "no such password" }))
        }
    }
}

/// `custom_credential` decides, as the vendor's own tests have it.
fn validate(parameters: &Value) -> Reply {
    match parameters["custom_credential"].as_str() {
        Some("bob") => Reply::Json(200, json!({ "subject": "bob" })),
        Some("nobody") => Reply::Json(200, json!({ "scope": "read" })),
        Some(_) => Reply::Json(400, json!({ "error": "invalid_grant" })),
        None => Reply::Json(400, json!({ "error": "invalid_custom_credential" })),
    }
}
