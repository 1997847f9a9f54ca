//! RFC 8693, CHECKLIST 61 and 70: token exchange.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Answer, Server, claims, refused, web_metadata};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const SETTINGS: &str = r#"
    grant_types = ["authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"]
"#;

struct World {
    server: Server,
    web: (String, String),
    gateway: (String, String),
}

impl World {
    async fn start() -> Self {
        Self::with(json!({ "impersonation": true, "delegation": true, "audiences": ["https://files.example", "https://api.example"] })).await
    }

    /// A gateway with this policy, which sees every token.
    async fn with(policy: Value) -> Self {
        let server = Server::with(SETTINGS).await;
        let web = server.web_client().await;
        let gateway = server.client(gateway(policy)).await;
        Self { server, web, gateway }
    }

    async fn login(&self, more: Value) -> Value {
        let mut body =
            json!({ "resource": "https://api.example", "scope": "openid offline_access api:read api:write" });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        self.server.login_with(&self.web, body).await
    }

    async fn subject(&self) -> String {
        self.login(Value::Null).await["access_token"].as_str().unwrap().to_owned()
    }

    /// The gateway's own token.
    async fn own(&self) -> String {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", self.gateway.0.as_str()),
            ("client_secret", self.gateway.1.as_str()),
        ];
        self.server.token(&fields).await.get("access_token")
    }

    async fn exchange(&self, subject: &str, more: &[(&str, &str)]) -> Answer {
        self.exchange_as(&self.gateway, subject, more).await
    }

    async fn exchange_as(&self, client: &(String, String), subject: &str, more: &[(&str, &str)]) -> Answer {
        let mut fields = vec![
            ("grant_type", GRANT),
            ("client_id", client.0.as_str()),
            ("client_secret", client.1.as_str()),
            ("subject_token", subject),
            ("subject_token_type", ACCESS),
        ];
        fields.retain(|(name, _)| !more.iter().any(|(own, _)| own == name));
        fields.extend_from_slice(more);
        self.server.token(&fields).await
    }
}

fn gateway(policy: Value) -> Value {
    json!({
        "token_endpoint_auth_method": "client_secret_post",
        "grant_types": [GRANT, "client_credentials"], "scope": "openid offline_access api:read",
        "jeton": { "introspection": "any", "token_exchange": policy },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_70_impersonation_gives_a_narrower_token_of_the_same_subject_and_never_a_refresh_token() {
    let world = World::start().await;
    let subject = world.subject().await;
    world.server.clock.advance(Duration::from_secs(60));
    let answer = world.exchange(&subject, &[("audience", "https://files.example")]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!((body["issued_token_type"].as_str(), body["token_type"].as_str()), (Some(ACCESS), Some("Bearer")));
    assert_eq!(body["scope"], "api:read", "the client's own limit, and nothing of the login");
    assert!(body.get("refresh_token").is_none() && body.get("id_token").is_none());
    let (old, new) = (claims(&subject), claims(&answer.get("access_token")));
    assert_eq!((&new["sub"], &new["client_id"]), (&json!("alice"), &json!(world.gateway.0)));
    assert_eq!(new["aud"], "https://files.example");
    assert_eq!(
        (&new["exp"], body["expires_in"].as_u64()),
        (&old["exp"], Some(540)),
        "no longer than the subject token"
    );
    assert_eq!(new.get("act"), None);
    assert!(world.server.is_active(&world.gateway, &answer.get("access_token")).await);
    let jwt = world.exchange(&subject, &[("subject_token_type", JWT), ("requested_token_type", JWT)]).await;
    assert_eq!(jwt.json()["issued_token_type"], JWT);
    assert_eq!(claims(&jwt.get("access_token"))["aud"], "https://api.example", "the subject token's own");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_70_delegation_nests_who_acted_before() {
    let world = World::start().await;
    let (subject, own) = (world.subject().await, world.own().await);
    let actor = [("actor_token", own.as_str()), ("actor_token_type", ACCESS)];
    let first = world.exchange(&subject, &actor).await;
    assert_eq!(first.status, 200, "{}", first.text());
    let by = json!({ "iss": format!("http://{}", world.server.public), "sub": world.gateway.0, "client_id": world.gateway.0 });
    assert_eq!(claims(&first.get("access_token"))["act"], by);
    let second = world.exchange(&first.get("access_token"), &actor).await;
    let mut nested = by.clone();
    nested["act"] = by;
    assert_eq!(claims(&second.get("access_token"))["act"], nested);
    let seen = world.server.introspect(&world.gateway, &second.get("access_token")).await;
    assert_eq!(seen["act"], nested);
    // impersonation does not wash the chain off
    let third = world.exchange(&second.get("access_token"), &[]).await;
    assert_eq!(claims(&third.get("access_token"))["act"], nested);
    world.exchange(&third.get("access_token"), &[]).await.refused(400, "invalid_request");
    // half an actor, a type without its token, somebody else's token, an actor who is acted for
    for wrong in [
        vec![("actor_token", own.as_str())],
        vec![("actor_token_type", ACCESS)],
        vec![("actor_token", subject.as_str()), ("actor_token_type", ACCESS)],
    ] {
        world.exchange(&subject, &wrong).await.refused(400, "invalid_request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_70_may_act_names_the_only_one_who_may() {
    let world = World::start().await;
    let own = world.own().await;
    let actor = [("actor_token", own.as_str()), ("actor_token_type", ACCESS)];
    for (may, status) in [
        (json!({ "sub": world.gateway.0 }), 200),
        (json!({ "sub": "somebody" }), 400),
        (json!({ "sub": world.gateway.0, "email": "a@b" }), 400),
        (json!({}), 400),
        (json!("anybody"), 400),
    ] {
        let login = world.login(json!({ "claims": { "access_token": { "may_act": may } } })).await;
        let subject = login["access_token"].as_str().unwrap();
        assert_eq!(world.exchange(subject, &actor).await.status, status, "{may}");
        let impersonated = world.exchange(subject, &[]).await;
        assert_eq!(impersonated.status, status, "{may}");
        if status == 200 {
            assert_eq!(claims(&impersonated.get("access_token"))["may_act"], may);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_61_an_unknown_audience_or_resource_is_invalid_target_and_scope_only_narrows() {
    let world = World::start().await;
    let subject = world.subject().await;
    for target in
        [("audience", "https://elsewhere.example"), ("resource", "https://elsewhere.example"), ("resource", "x")]
    {
        world.exchange(&subject, &[target]).await.refused(400, "invalid_target");
    }
    for scope in ["api:write", "api:read profile", "openid", "offline_access"] {
        world.exchange(&subject, &[("scope", scope)]).await.refused(400, "invalid_scope");
    }
    // without audiences in its policy a client gets what the subject token has, and no more
    let world = World::with(json!({ "impersonation": true })).await;
    let subject = world.subject().await;
    world.exchange(&subject, &[("audience", "https://files.example")]).await.refused(400, "invalid_target");
    assert_eq!(world.exchange(&subject, &[("resource", "https://api.example")]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_70_what_is_revoked_expired_forged_or_no_access_token_is_not_exchanged() {
    let world = World::start().await;
    let login = world.login(Value::Null).await;
    let text = |name: &str| login[name].as_str().unwrap().to_owned();
    let subject = text("access_token");
    let mut bent = subject.clone();
    bent.replace_range(
        subject.len() - 5..subject.len() - 4,
        if &subject[subject.len() - 5..subject.len() - 4] == "A" { "B" } else { "A" },
    );
    for wrong in [text("id_token"), text("refresh_token"), bent, "x".to_owned()] {
        world.exchange(&wrong, &[]).await.refused(400, "invalid_request");
    }
    for kind in
        ["urn:ietf:params:oauth:token-type:refresh_token", "urn:ietf:params:oauth:token-type:id_token", "access_token"]
    {
        world.exchange(&subject, &[("subject_token_type", kind)]).await.refused(400, "invalid_request");
        world.exchange(&subject, &[("requested_token_type", kind)]).await.refused(400, "invalid_request");
    }
    world.server.revoke_by_operator(json!({ "token": subject })).await;
    world.exchange(&subject, &[]).await.refused(400, "invalid_request");
    let late = world.subject().await;
    world.server.clock.advance(Duration::from_secs(600));
    world.exchange(&late, &[]).await.refused(400, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_70_an_actor_is_validated_as_the_subject_is() {
    let world = World::start().await;
    let (subject, own) = (world.subject().await, world.own().await);
    let acting = async |subject: &str, actor: &str| {
        world.exchange(subject, &[("actor_token", actor), ("actor_token_type", ACCESS)]).await
    };
    assert_eq!(acting(&subject, &own).await.status, 200);
    let (head, signature) = own.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
    for wrong in [forged.as_str(), "x"] {
        acting(&subject, wrong).await.refused(400, "invalid_request");
    }
    world.server.revoke_by_operator(json!({ "token": own })).await;
    acting(&subject, &own).await.refused(400, "invalid_request");
    let late = world.own().await;
    world.server.clock.advance(Duration::from_secs(600));
    acting(&world.subject().await, &late).await.refused(400, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_70_a_token_of_another_issuer_is_neither_subject_nor_actor() {
    let other = "[issuers.other]\nurl = \"http://@PUBLIC@/other\"\nalgorithms = [\"EdDSA\"]\nid_token_alg = \"EdDSA\"\n\
                 scopes = \"api:read\"";
    let server = Server::with(&format!("{SETTINGS}\n{other}")).await;
    let web = server.web_client().await;
    let gateway = server.client(gateway(json!({ "impersonation": true, "delegation": true }))).await;
    let world = World { server, web, gateway };
    let metadata = json!({
        "client_id": world.gateway.0, "client_secret": "of-the-other-issuer-0123456789", "scope": "api:read",
        "token_endpoint_auth_method": "client_secret_post", "grant_types": ["client_credentials"],
    });
    assert_eq!(world.server.admin("POST", "/issuers/other/clients", metadata).await.status, 201);
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", world.gateway.0.as_str()),
        ("client_secret", "of-the-other-issuer-0123456789"),
    ];
    let foreign = world.server.post("/other/oauth2/token", &[], &fields).await.get("access_token");
    world.exchange(&foreign, &[]).await.refused(400, "invalid_request");
    let (subject, own) = (world.subject().await, world.own().await);
    let actor = |token| [("actor_token", token), ("actor_token_type", ACCESS)];
    world.exchange(&subject, &actor(foreign.as_str())).await.refused(400, "invalid_request");
    assert_eq!(world.exchange(&subject, &actor(own.as_str())).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_70_revoking_the_family_kills_what_was_exchanged_from_it() {
    let world = World::start().await;
    let login = world.login(Value::Null).await;
    let exchanged = world.exchange(login["access_token"].as_str().unwrap(), &[]).await.get("access_token");
    assert!(world.server.is_active(&world.gateway, &exchanged).await);
    let token = login["refresh_token"].as_str().unwrap();
    let fields = [("token", token), ("client_id", &world.web.0), ("client_secret", &world.web.1)];
    world.server.post("/oauth2/revoke", &[], &fields).await;
    assert!(!world.server.is_active(&world.gateway, &exchanged).await);
    world.exchange(&exchanged, &[]).await.refused(400, "invalid_request");
    // and so do fences: of the client it came from, of the client that has it
    for client in [&world.web.0, &world.gateway.0] {
        world.server.clock.advance(Duration::from_secs(1));
        let exchanged = world.exchange(&world.subject().await, &[]).await.get("access_token");
        assert!(world.server.is_active(&world.gateway, &exchanged).await);
        world.server.clock.advance(Duration::from_secs(1));
        world.server.revoke_by_operator(json!({ "client_id": client })).await;
        assert!(!world.server.is_active(&world.gateway, &exchanged).await, "{client}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_70_what_is_exchanged_dies_with_each_token_and_client_that_it_comes_from() {
    let policy = || gateway(json!({ "impersonation": true, "audiences": ["https://api.example"] }));
    for ended in
        ["first revoked", "first deleted", "first disabled", "first's tokens void", "middle revoked", "middle deleted"]
    {
        let world = World::start().await;
        let server = &world.server;
        let (first, middle) = (server.client(policy()).await, server.client(policy()).await);
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", first.0.as_str()),
            ("client_secret", first.1.as_str()),
        ];
        // of a client itself: there is no family that could be revoked
        let own = server.token(&fields).await.get("access_token");
        server.clock.advance(Duration::from_secs(1));
        let to = [("resource", "https://api.example")];
        let once = world.exchange_as(&middle, &own, &to).await.get("access_token");
        server.clock.advance(Duration::from_secs(1));
        let twice = world.exchange_as(&world.gateway, &once, &to).await.get("access_token");
        assert!(server.is_active(&world.gateway, &twice).await, "{ended}");
        server.clock.advance(Duration::from_secs(1));
        let client = |id: &str| format!("/issuers/main/clients/{id}");
        let status = match ended {
            "first revoked" => server.admin("POST", "/issuers/main/revocations", json!({ "token": own })).await.status,
            "middle revoked" => {
                server.admin("POST", "/issuers/main/revocations", json!({ "token": once })).await.status
            }
            "first's tokens void" => {
                server.admin("POST", "/issuers/main/revocations", json!({ "client_id": first.0 })).await.status
            }
            "first deleted" => server.admin("DELETE", &client(&first.0), Value::Null).await.status,
            "middle deleted" => server.admin("DELETE", &client(&middle.0), Value::Null).await.status,
            _ => {
                let mut disabled = policy();
                disabled["jeton"]["disabled"] = json!(true);
                server.replace(&first.0, disabled).await.status
            }
        };
        assert!((200..300).contains(&status), "{ended}: {status}");
        assert!(!server.is_active(&world.gateway, &twice).await, "{ended}");
        world.exchange(&twice, &to).await.refused(400, "invalid_request");
        let alive = server.is_active(&world.gateway, &own).await;
        assert_eq!(alive, ended.starts_with("middle"), "{ended}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_70_the_policy_of_the_client_decides_and_none_is_no() {
    let world = World::with(json!({ "impersonation": true })).await;
    let (subject, own) = (world.subject().await, world.own().await);
    let actor = [("actor_token", own.as_str()), ("actor_token_type", ACCESS)];
    world.exchange(&subject, &actor).await.refused(400, "unauthorized_client");
    assert_eq!(world.exchange(&subject, &[]).await.status, 200);
    let none = world.server.client(gateway(Value::Null)).await;
    world.exchange_as(&none, &subject, &[]).await.refused(400, "unauthorized_client");
    // a client that may not see the token may not exchange it
    let mut metadata = gateway(json!({ "impersonation": true }));
    metadata["jeton"]["introspection"] = json!("own");
    let stranger = world.server.client(metadata).await;
    world.exchange_as(&stranger, &subject, &[]).await.refused(400, "invalid_request");
    refused(&world.exchange_as(&world.web, &subject, &[]).await, "unauthorized_client");
    let mut public = web_metadata();
    (public["token_endpoint_auth_method"], public["grant_types"]) = (json!("none"), json!([GRANT]));
    let answer = world.server.admin("POST", "/issuers/main/clients", public).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
}

/// The actor may be anybody: its token, the login of its subject, its client and what it was exchanged from count.
#[tokio::test(flavor = "multi_thread")]
async fn rfc8693_1_1_a_delegated_token_dies_with_its_actor_token() {
    for ended in ["token revoked", "what it was exchanged from revoked", "its subject logged out", "nothing"] {
        let world = World::start().await;
        let server = &world.server;
        let mut agent = gateway(json!({ "impersonation": true, "delegation": true }));
        agent["grant_types"] = json!([GRANT, "authorization_code", "client_credentials"]);
        agent["redirect_uris"] = json!([crate::support::CALLBACK]);
        let agent = server.client(agent).await;
        let subject = world.subject().await;
        // somebody logged in at the agent, and the agent made a token of its own of that
        let code = json!({ "subject": "bob", "scope": "openid api:read", "resource": "https://api.example" });
        let login = server.login_with(&agent, code).await["access_token"].as_str().unwrap().to_owned();
        let own = world.exchange_as(&agent, &login, &[]).await.get("access_token");
        server.clock.advance(Duration::from_secs(1));
        let acting = [("actor_token", own.as_str()), ("actor_token_type", ACCESS)];
        let delegated = world.exchange_as(&agent, &subject, &acting).await;
        assert_eq!(delegated.status, 200, "{}", delegated.text());
        let delegated = delegated.get("access_token");
        let impersonated = world.exchange_as(&agent, &subject, &[]).await.get("access_token");
        let again = world.exchange_as(&world.gateway, &delegated, &[]).await.get("access_token");
        server.clock.advance(Duration::from_secs(1));
        match ended {
            "token revoked" => server.revoke_by_operator(json!({ "token": own })).await,
            "what it was exchanged from revoked" => server.revoke_by_operator(json!({ "token": login })).await,
            "its subject logged out" => server.revoke_by_operator(json!({ "subject": "bob" })).await,
            _ => {}
        }
        for token in [&delegated, &again] {
            assert_eq!(server.is_active(&world.gateway, token).await, ended == "nothing", "{ended}");
        }
        assert!(server.is_active(&world.gateway, &impersonated).await, "{ended}");
        assert!(server.is_active(&world.gateway, &subject).await, "{ended}");
    }
}

/// An actor's tokens are no exchanges of the subject's, and do not use up how many of those may follow each other.
#[tokio::test(flavor = "multi_thread")]
async fn checklist_70_actors_do_not_count_as_exchanges() {
    let world = World::start().await;
    let (mut token, own) = (world.subject().await, world.own().await);
    let actor = [("actor_token", own.as_str()), ("actor_token_type", ACCESS)];
    for _ in 0..3 {
        let answer = world.exchange(&token, &actor).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        token = answer.get("access_token");
    }
    world.exchange(&token, &actor).await.refused(400, "invalid_request");
}
