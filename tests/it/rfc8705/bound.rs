//! RFC 8705 sections 3 and 4: tokens that only the holder of a certificate may use.

use serde_json::json;

use super::{World, credentials};
use crate::support::hook::{HookServer, Reply};
use crate::support::http::Answer;
use crate::support::tls::{Caller, Identity, subject};
use crate::support::{CALLBACK, VERIFIER, claims, refused, spa_metadata};

fn identity() -> Identity {
    Identity::self_signed(&subject("anybody"))
}

impl World {
    /// A public client whose tokens are bound.
    async fn bound_spa(&self) -> (String, String) {
        let mut metadata = spa_metadata();
        metadata["tls_client_certificate_bound_access_tokens"] = json!(true);
        self.server.client(metadata).await
    }

    async fn redeem_as(&self, caller: &Caller, client: &str, code: &str) -> Answer {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
            ("client_id", client),
        ];
        caller.token(self.server.public, &fields).await
    }

    async fn refresh_as(&self, caller: &Caller, client: &str, token: &str) -> Answer {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", client)];
        caller.token(self.server.public, &fields).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_65_rfc8705_3_1_the_token_and_its_introspection_name_the_certificate() {
    let world = World::start().await;
    let (identity, public) = (identity(), world.server.public);
    let caller = world.caller(&identity);
    let metadata = json!({
        "token_endpoint_auth_method": "client_secret_post", "grant_types": ["client_credentials"],
        "scope": "api:read", "tls_client_certificate_bound_access_tokens": true,
    });
    let (id, secret) = world.server.client(metadata).await;
    let fields = [&credentials(&id)[..], &[("client_secret", &secret)]].concat();
    let answer = caller.token(public, &fields).await;
    let token = answer.get("access_token");
    let cnf = json!({ "x5t#S256": identity.thumbprint() });
    assert_eq!(claims(&token)["cnf"], cnf);
    assert_eq!(answer.json()["token_type"], "Bearer");
    let asked = [("token", token.as_str()), ("client_id", &id), ("client_secret", &secret)];
    let told = Caller::new(&world.roots, None).exchange(public, "/oauth2/introspect", &[], &asked).await.0.json();
    assert_eq!((&told["active"], &told["cnf"]), (&json!(true), &cnf));
    // without a certificate there is nothing to bind to
    refused(&Caller::new(&world.roots, None).token(public, &fields).await, "invalid_request");
    // who did not ask for it gets plain ones, certificate or not
    let (id, secret) = world.server.service_client().await;
    let answer = caller.token(public, &[&credentials(&id)[..], &[("client_secret", &secret)]].concat()).await;
    assert_eq!(claims(&answer.get("access_token")).get("cnf"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_54_rfc8705_4_a_public_clients_refresh_token_works_with_its_certificate_only() {
    let world = World::start().await;
    let (id, _) = world.bound_spa().await;
    let (own, thief) = (identity(), identity());
    let (caller, stranger, bare) = (world.caller(&own), world.caller(&thief), Caller::new(&world.roots, None));
    let code = world.server.code(&id, json!({})).await;
    refused(&world.redeem_as(&bare, &id, &code).await, "invalid_request");
    let tokens = world.redeem_as(&caller, &id, &code).await;
    assert_eq!(claims(&tokens.get("access_token"))["cnf"]["x5t#S256"], own.thumbprint());
    let refresh = tokens.get("refresh_token");
    refused(&world.refresh_as(&stranger, &id, &refresh).await, "invalid_grant");
    refused(&world.refresh_as(&bare, &id, &refresh).await, "invalid_request");
    // the thief spent nothing: long after the grace the owner's first use is still the first
    world.server.clock.advance(std::time::Duration::from_secs(3600));
    let next = world.refresh_as(&caller, &id, &refresh).await;
    assert_eq!(next.status, 200, "{}", next.text());
    assert_eq!(claims(&next.get("access_token"))["cnf"]["x5t#S256"], own.thumbprint());
    refused(&world.refresh_as(&stranger, &id, &next.get("refresh_token")).await, "invalid_grant");
    // the binding outlives the setting
    assert_eq!(world.server.replace(&id, spa_metadata()).await.status, 200);
    refused(&world.refresh_as(&bare, &id, &next.get("refresh_token")).await, "invalid_grant");
    // and who tried without it spent nothing then either
    world.server.clock.advance(std::time::Duration::from_secs(3600));
    let last = world.refresh_as(&caller, &id, &next.get("refresh_token")).await;
    assert_eq!(last.status, 200, "{}", last.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8705_4_a_confidential_client_may_change_its_certificate() {
    let world = World::start().await;
    let (first, second) = (identity(), identity());
    let mut metadata = spa_metadata();
    metadata["token_endpoint_auth_method"] = json!("self_signed_tls_client_auth");
    metadata["tls_client_certificate_bound_access_tokens"] = json!(true);
    metadata["jwks"] = json!({ "keys": [first.jwk(), second.jwk()] });
    let (id, _) = world.server.client(metadata).await;
    let code = world.server.code(&id, json!({})).await;
    let tokens = world.redeem_as(&world.caller(&first), &id, &code).await;
    let next = world.refresh_as(&world.caller(&second), &id, &tokens.get("refresh_token")).await;
    assert_eq!(claims(&next.get("access_token"))["cnf"]["x5t#S256"], second.thumbprint());
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8705_4_a_public_clients_device_code_is_bound_to_the_certificate_that_began_it() {
    const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
    let more = format!(
        "grant_types = [\"refresh_token\", \"{DEVICE}\"]\nverification_uri = \"https://portal.example/device\"\n"
    );
    let world = World::with(&more).await;
    let (id, _) = world
        .server
        .client(json!({
            "token_endpoint_auth_method": "none", "grant_types": [DEVICE, "refresh_token"],
            "scope": "openid offline_access", "tls_client_certificate_bound_access_tokens": true,
        }))
        .await;
    let (own, thief) = (identity(), identity());
    let (caller, stranger) = (world.caller(&own), world.caller(&thief));
    let begun = caller.exchange(world.server.public, "/oauth2/device_authorization", &[], &[("client_id", &id)]).await;
    let codes = begun.0.json();
    let approve = format!("/issuers/main/device/{}/approve", codes["user_code"].as_str().unwrap());
    assert_eq!(world.server.admin("POST", &approve, json!({ "subject": "alice" })).await.status, 204);
    let fields =
        [("grant_type", DEVICE), ("device_code", codes["device_code"].as_str().unwrap()), ("client_id", id.as_str())];
    refused(&stranger.token(world.server.public, &fields).await, "invalid_grant");
    let tokens = caller.token(world.server.public, &fields).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text());
    refused(&world.refresh_as(&stranger, &id, &tokens.get("refresh_token")).await, "invalid_grant");
    assert_eq!(world.refresh_as(&caller, &id, &tokens.get("refresh_token")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8705_4_a_login_by_a_custom_grant_is_bound_too() {
    const GRANT: &str = "https://bank.example/grants/otp";
    let hook = HookServer::start(|_| Reply::Json(200, json!({ "subject": "alice" }))).await;
    let more = format!(
        "[[issuers.main.custom_grants]]\ngrant_type = \"{GRANT}\"\nparameters = []\nhook = {{ url = \"{}\" }}\n",
        hook.url()
    );
    let world = World::with(&more).await;
    let mut metadata = spa_metadata();
    metadata["grant_types"] = json!([GRANT, "refresh_token"]);
    metadata["tls_client_certificate_bound_access_tokens"] = json!(true);
    let (id, _) = world.server.client(metadata).await;
    let (own, thief) = (identity(), identity());
    let fields = [("grant_type", GRANT), ("client_id", id.as_str()), ("scope", "openid offline_access")];
    let tokens = world.caller(&own).token(world.server.public, &fields).await;
    assert_eq!(claims(&tokens.get("access_token"))["cnf"]["x5t#S256"], own.thumbprint());
    let refresh = tokens.get("refresh_token");
    refused(&world.refresh_as(&world.caller(&thief), &id, &refresh).await, "invalid_grant");
    assert_eq!(world.refresh_as(&world.caller(&own), &id, &refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_65_70_what_comes_of_a_bound_token_by_exchange_is_bound_too() {
    const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
    const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
    let more = format!("grant_types = [\"client_credentials\", \"{EXCHANGE}\"]\n");
    let world = World::with(&more).await;
    let register = async |bound: bool| {
        let metadata = json!({
            "token_endpoint_auth_method": "client_secret_post", "grant_types": [EXCHANGE, "client_credentials"],
            "scope": "api:read", "tls_client_certificate_bound_access_tokens": bound,
            "jeton": { "introspection": "any", "token_exchange": { "impersonation": true, "delegation": true } },
        });
        world.server.client(metadata).await
    };
    let (own, gateways) = (identity(), identity());
    let (caller, gateway) = (world.caller(&own), world.caller(&gateways));
    let token = async |caller: &Caller, client: &(String, String)| {
        let fields = [&credentials(&client.0)[..], &[("client_secret", client.1.as_str())]].concat();
        caller.token(world.server.public, &fields).await.get("access_token")
    };
    let exchange = async |caller: &Caller, client: &(String, String), subject: &str, actor: Option<&str>| {
        let mut fields = vec![
            ("grant_type", EXCHANGE),
            ("client_id", client.0.as_str()),
            ("client_secret", client.1.as_str()),
            ("subject_token", subject),
            ("subject_token_type", ACCESS),
        ];
        fields.extend(actor.into_iter().flat_map(|actor| [("actor_token", actor), ("actor_token_type", ACCESS)]));
        caller.token(world.server.public, &fields).await
    };
    let (bound, plain) = (register(true).await, register(false).await);
    let (subject, free) = (token(&caller, &bound).await, token(&caller, &plain).await);
    // a client whose tokens anybody may use, whatever certificate it shows
    for caller in [&caller, &gateway] {
        refused(&exchange(caller, &plain, &subject, None).await, "invalid_request");
    }
    assert_eq!(exchange(&gateway, &plain, &free, None).await.status, 200);
    let answer = exchange(&gateway, &bound, &subject, None).await;
    assert_eq!(claims(&answer.get("access_token"))["cnf"]["x5t#S256"], gateways.thumbprint());
    refused(&exchange(&Caller::new(&world.roots, None), &bound, &subject, None).await, "invalid_request");
}
