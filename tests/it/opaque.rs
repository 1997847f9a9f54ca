//! Opaque access tokens (RFC 6749 section 1.4, RFC 7662, CHECKLIST 66, 67, 70, 76): the same claims as a JWT's, sealed.

use std::time::Duration;

use jeton::internals::Vault;
use serde_json::{Value, json};

use crate::support::verify::at_hash;
use crate::support::{Server, claims, refused, secret, web_metadata};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const MINUTE: Duration = Duration::from_secs(60);

type Client = (String, String);

/// A confidential client of the code flow whose access tokens are opaque.
async fn web(server: &Server) -> Client {
    let mut metadata = web_metadata();
    metadata["jeton"] = json!({ "access_token_format": "opaque" });
    server.client(metadata).await
}

fn text(tokens: &Value, name: &str) -> String {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name} in {tokens}")).to_owned()
}

async fn access(server: &Server, client: &Client) -> String {
    text(&server.login(client).await, "access_token")
}

async fn revoke(server: &Server, client: &Client, token: &str) {
    let fields = [("token", token), ("client_id", &client.0), ("client_secret", &client.1)];
    assert_eq!(server.post("/oauth2/revoke", &[], &fields).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7662_an_opaque_token_is_described_as_the_same_token_in_the_form_of_a_jwt_is() {
    let server = Server::start().await;
    let (sealed, signed) = (web(&server).await, server.web_client().await);
    let more = json!({
        "auth_time": 1_899_999_000, "acr": "gold", "amr": ["pwd"], "resource": ["https://api.example", "https://files.example"],
        "claims": { "access_token": { "tenant": "t1" } },
    });
    let (opaque, jwt) = (server.login_with(&sealed, more.clone()).await, server.login_with(&signed, more).await);
    let (token, other) = (text(&opaque, "access_token"), text(&jwt, "access_token"));
    assert!(token.starts_with("jat_") && !token.contains('.'), "{token}");
    assert_eq!((opaque["token_type"].as_str(), opaque["expires_in"].as_u64()), (Some("Bearer"), Some(600)));
    let (mut theirs, mut ours) = (server.introspect(&sealed, &token).await, server.introspect(&signed, &other).await);
    assert_eq!(theirs["active"], true);
    for answer in [&mut theirs, &mut ours] {
        for own in ["jti", "client_id"] {
            assert!(answer.as_object_mut().unwrap().remove(own).is_some());
        }
    }
    assert_eq!(theirs, ours);
    // the ID token of the same answer is bound to it (OpenID Connect Core section 3.1.3.6)
    assert_eq!(claims(&text(&opaque, "id_token"))["at_hash"], at_hash(&token, "ES256"));
    // nobody reads anything out of it, and two tokens of one login do not look related
    let again = server.refresh(&sealed, &text(&opaque, "refresh_token")).await.get("access_token");
    assert_eq!(token[..9], again[..9], "version, key and cell");
    assert_ne!(token[12..32], again[12..32]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_decides_and_else_the_issuer() {
    let server = Server::with("access_token_format = \"opaque\"").await;
    let mut metadata = web_metadata();
    let own = server.client(metadata.clone()).await;
    assert!(access(&server, &own).await.starts_with("jat_"));
    metadata["jeton"] = json!({ "access_token_format": "jwt" });
    let signed = server.client(metadata.clone()).await;
    assert!(access(&server, &signed).await.starts_with("eyJ"));
    // what was issued before a change stays good after it
    let (before, mut changed) = (access(&server, &own).await, web_metadata());
    changed["jeton"] = json!({ "access_token_format": "jwt" });
    assert_eq!(server.replace(&own.0, changed).await.status, 200);
    assert!(access(&server, &own).await.starts_with("eyJ"));
    assert!(server.is_active(&own, &before).await);
    for wrong in ["JWT", "reference", ""] {
        metadata["jeton"] = json!({ "access_token_format": wrong });
        let answer = server.admin("POST", "/issuers/main/clients", metadata.clone()).await;
        assert_eq!(answer.status, 400, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_66_an_opaque_token_that_is_bent_expired_or_anothers_is_inactive() {
    let server = Server::with(
        "[issuers.other]\nurl = \"http://@PUBLIC@/other\"\nalgorithms = [\"EdDSA\"]\nid_token_alg = \"EdDSA\"\n\
         scopes = \"openid offline_access api:read api:write profile\"\n",
    )
    .await;
    let (client, gateway) = (web(&server).await, server.gateway().await);
    let token = access(&server, &client).await;
    assert!(server.is_active(&gateway, &token).await);
    for at in (4..token.len()).step_by(7).chain([token.len() - 1]) {
        let mut bent = token.clone().into_bytes();
        bent[at] = if bent[at] == b'A' { b'B' } else { b'A' };
        assert!(!server.is_active(&gateway, std::str::from_utf8(&bent).unwrap()).await, "character {at}");
    }
    for wrong in [
        token[..token.len() - 4].to_owned(),
        format!("{token}AAAA"),
        token.replace("jat_", "jrt_"),
        token.replace("jat_", "jac_"),
        token.replace("jat_", ""),
        "jat_".to_owned(),
        format!("jat_{}", "A".repeat(16_000)),
    ] {
        assert!(!server.is_active(&gateway, &wrong).await, "{wrong}");
    }
    // another issuer of this process, and one with other master keys
    let mut metadata = web_metadata();
    (metadata["grant_types"], metadata["redirect_uris"]) = (json!(["client_credentials"]), json!([]));
    metadata["jeton"] = json!({ "access_token_format": "opaque", "introspection": "any" });
    let answer = server.admin("POST", "/issuers/other/clients", metadata).await;
    let (id, password) = (answer.get("client_id"), answer.get("client_secret"));
    let fields =
        [("grant_type", "client_credentials"), ("scope", "api:read"), ("client_id", &id), ("client_secret", &password)];
    let theirs = server.post("/other/oauth2/token", &[], &fields).await.get("access_token");
    assert!(theirs.starts_with("jat_") && !server.is_active(&gateway, &theirs).await);
    let stranger = Server::start().await;
    let strange = access(&stranger, &web(&stranger).await).await;
    assert!(!server.is_active(&gateway, &strange).await);
    // only its own client, or whom it concerns, hears of it
    let nobody = server.web_client().await;
    assert!(!server.is_active(&nobody, &token).await);
    server.clock.advance(Duration::from_secs(599));
    assert!(server.is_active(&gateway, &token).await);
    server.clock.advance(Duration::from_secs(1));
    assert!(!server.is_active(&gateway, &token).await, "it expires to the second");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opaque_access_token_is_neither_a_code_nor_a_refresh_token_nor_an_assertion() {
    let server = Server::start().await;
    let client = web(&server).await;
    let token = access(&server, &client).await;
    refused(&server.redeem(&client, &token).await, "invalid_grant");
    refused(&server.refresh(&client, &token).await, "invalid_grant");
    for (kind, as_other) in [("jac_", "code"), ("jrt_", "refresh token")] {
        let dressed = token.replace("jat_", kind);
        refused(&server.redeem(&client, &dressed).await, "invalid_grant");
        refused(&server.refresh(&client, &dressed).await, "invalid_grant");
        assert!(!server.is_active(&client, &dressed).await, "{as_other}");
    }
    // and a code is no access token
    let code = server.code(&client.0, Value::Null).await;
    assert!(!server.is_active(&client, &code.replace("jac_", "jat_")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_67_an_opaque_token_is_revoked_by_itself_with_its_family_and_by_fences() {
    let server = Server::start().await;
    let (client, other) = (web(&server).await, web(&server).await);
    let login = server.login(&client).await;
    let (first, token) = (text(&login, "access_token"), text(&login, "refresh_token"));
    let second = server.refresh(&client, &token).await.get("access_token");
    revoke(&server, &other, &first).await;
    assert!(server.is_active(&client, &first).await, "not the other's to revoke");
    revoke(&server, &client, &first).await;
    assert!(!server.is_active(&client, &first).await);
    assert!(server.is_active(&client, &second).await, "one token is one token");
    revoke(&server, &client, &token).await;
    assert!(!server.is_active(&client, &second).await, "the family takes its access tokens with it");
    // a replayed code revokes what came from it (CHECKLIST 38)
    let code = server.code(&client.0, Value::Null).await;
    let replayed = server.redeem(&client, &code).await.get("access_token");
    refused(&server.redeem(&client, &code).await, "invalid_grant");
    assert!(!server.is_active(&client, &replayed).await);
    for what in [json!({ "subject": "alice" }), json!({ "client_id": client.0 }), json!({ "all": true })] {
        server.clock.advance(MINUTE);
        let token = access(&server, &client).await;
        assert!(server.is_active(&client, &token).await);
        server.clock.advance(MINUTE);
        server.revoke_by_operator(what.clone()).await;
        assert!(!server.is_active(&client, &token).await, "{what}");
    }
    server.clock.advance(MINUTE);
    let token = access(&server, &client).await;
    server.revoke_by_operator(json!({ "token": token })).await;
    assert!(!server.is_active(&client, &token).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_70_opaque_tokens_are_exchanged_as_subject_and_as_actor() {
    let server = Server::with(&format!(
        "grant_types = [\"authorization_code\", \"refresh_token\", \"client_credentials\", \"{EXCHANGE}\"]\n"
    ))
    .await;
    let subject = access(&server, &web(&server).await).await;
    let gateway = async |format: &str| {
        let metadata = json!({
            "token_endpoint_auth_method": "client_secret_post", "grant_types": [EXCHANGE, "client_credentials"],
            "scope": "api:read", "jeton": {
                "introspection": "any", "access_token_format": format,
                "token_exchange": { "impersonation": true, "delegation": true },
            },
        });
        server.client(metadata).await
    };
    for format in ["opaque", "jwt"] {
        let client = gateway(format).await;
        let who = [("client_id", client.0.as_str()), ("client_secret", client.1.as_str())];
        let own = [("grant_type", "client_credentials"), who[0], who[1]];
        let actor = server.token(&own).await.get("access_token");
        let exchange = async |more: &[(&str, &str)]| {
            let mut fields = vec![("grant_type", EXCHANGE), ("subject_token", subject.as_str()), who[0], who[1]];
            if !more.iter().any(|(name, _)| *name == "subject_token_type") {
                fields.push(("subject_token_type", ACCESS));
            }
            fields.extend_from_slice(more);
            server.token(&fields).await
        };
        let answer = exchange(&[("actor_token", &actor), ("actor_token_type", ACCESS)]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["issued_token_type"], ACCESS);
        let token = answer.get("access_token");
        assert_eq!(token.starts_with("jat_"), format == "opaque");
        let seen = server.introspect(&client, &token).await;
        assert_eq!((&seen["sub"], &seen["act"]["sub"]), (&json!("alice"), &json!(client.0)));
        // RFC 8693 section 3: what is not a JWT is not called one
        exchange(&[("subject_token_type", JWT)]).await.refused(400, "invalid_request");
        let jwt = exchange(&[("requested_token_type", JWT)]).await;
        if format == "jwt" {
            assert_eq!((jwt.status, &jwt.json()["issued_token_type"]), (200, &json!(JWT)));
        } else {
            jwt.refused(400, "invalid_request");
            exchange(&[("actor_token", &actor), ("actor_token_type", JWT)]).await.refused(400, "invalid_request");
        }
    }
    server.revoke_by_operator(json!({ "token": subject })).await;
    let client = gateway("opaque").await;
    let fields = [
        ("grant_type", EXCHANGE),
        ("subject_token", subject.as_str()),
        ("subject_token_type", ACCESS),
        ("client_id", &client.0),
        ("client_secret", &client.1),
    ];
    server.token(&fields).await.refused(400, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_76_opaque_tokens_outlive_a_rotation_of_the_master_key_and_die_with_their_entry() {
    let mut server = Server::durable("").await;
    let client = web(&server).await;
    let old = access(&server, &client).await;
    let ring = server.file("master.key");
    let first = std::fs::read_to_string(&ring).unwrap();
    let line = first.lines().last().unwrap().to_owned();
    let newer = Vault::generate().lines().last().unwrap().replacen("1 ", "2 ", 1);
    secret(&ring, &format!("{newer}\n{line}\n"));
    server.restart().await;
    assert!(server.is_active(&client, &old).await, "an older entry stays valid");
    let new = access(&server, &client).await;
    assert!(server.is_active(&client, &new).await);
    assert_ne!(old[..8], new[..8], "the key id is in the head");
    // the ring without the newer entry: what was sealed by it is nobody's
    secret(&ring, &format!("{line}\n"));
    server.restart().await;
    assert!(server.is_active(&client, &old).await);
    assert!(!server.is_active(&client, &new).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn issuing_an_opaque_token_costs_no_store_operation() {
    let server = Server::start().await;
    let mut metadata = web_metadata();
    (metadata["grant_types"], metadata["redirect_uris"]) = (json!(["client_credentials"]), json!([]));
    metadata["jeton"] = json!({ "access_token_format": "opaque" });
    let client = server.client(metadata).await;
    let fields = [
        ("grant_type", "client_credentials"),
        ("scope", "api:read"),
        ("client_id", client.0.as_str()),
        ("client_secret", client.1.as_str()),
    ];
    let operations = async || {
        let metrics = server.metrics().await;
        let lines = metrics.lines().filter(|line| line.starts_with("jeton_store_operations_total"));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum::<f64>()
    };
    let before = operations().await;
    assert!(server.token(&fields).await.get("access_token").starts_with("jat_"));
    assert_eq!(operations().await, before);
    // so that the comparison means something
    let _login = server.login(&web(&server).await).await;
    assert!(operations().await > before);
}
