//! RFC 8707, CHECKLIST 61: `resource` and `audience` mean the same at every grant, and an unknown one is `invalid_target`.

use serde_json::{Value, json};

use crate::support::assertion::{Signer, encode};
use crate::support::{Answer, CALLBACK, Server, VERIFIER, claims, refused};

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
const API: (&str, &str) = ("resource", "https://api.example");
const ORDERS: (&str, &str) = ("audience", "orders");

/// A grant, and whether what it may name was decided before (by a person, in a token) or is all that the client may have.
const GRANTS: [(&str, bool); 6] = [
    ("authorization_code", true),
    ("refresh_token", true),
    ("client_credentials", false),
    (DEVICE, true),
    (EXCHANGE, true),
    (JWT_BEARER, false),
];

struct World {
    server: Server,
    client: (String, String),
    partner: Signer,
}

impl World {
    async fn start() -> Self {
        let partner = Signer::new("EdDSA");
        let mut key = partner.jwk();
        key["alg"] = json!("EdDSA");
        let server = Server::with(&format!(
            r#"
            grant_types = ["authorization_code", "refresh_token", "client_credentials", "{DEVICE}", "{EXCHANGE}", "{JWT_BEARER}"]
            verification_uri = "https://portal.example/device"
            audiences = ["orders", "store.example.com", "billing"]
            [[issuers.main.trusted_issuers]]
            issuer = "https://partner.example"
            scopes = "api:read"
            jwks = {{ keys = [{{ kty = "OKP", crv = "Ed25519", alg = "EdDSA", x = {x} }}] }}
            "#,
            x = key["x"],
        ))
        .await;
        let grants: Vec<&str> = GRANTS.iter().map(|(grant, _)| *grant).collect();
        let client = server
            .client(json!({
                "token_endpoint_auth_method": "client_secret_post", "grant_types": grants, "redirect_uris": [CALLBACK],
                "scope": "openid offline_access api:read",
                "jeton": {
                    "audiences": ["orders", "store.example.com"], "introspection": "any",
                    "token_exchange": { "impersonation": true },
                },
            }))
            .await;
        Self { server, client, partner }
    }

    /// What was granted to the login, the device and the subject token of [`World::ask`].
    fn granted() -> Value {
        json!({ "resource": API.1, "audience": ORDERS.1 })
    }

    async fn ask(&self, grant: &str, more: &[(&str, &str)]) -> Answer {
        let login = async || self.server.login_with(&self.client, Self::granted()).await;
        let text = |tokens: &Value, name: &str| tokens[name].as_str().unwrap().to_owned();
        let own: Vec<(&str, String)> = match grant {
            "authorization_code" => vec![
                ("code", self.server.code(&self.client.0, Self::granted()).await),
                ("redirect_uri", CALLBACK.to_owned()),
                ("code_verifier", VERIFIER.to_owned()),
            ],
            "refresh_token" => vec![("refresh_token", text(&login().await, "refresh_token"))],
            EXCHANGE => {
                vec![("subject_token", text(&login().await, "access_token")), ("subject_token_type", ACCESS.to_owned())]
            }
            DEVICE => vec![("device_code", self.device().await)],
            JWT_BEARER => vec![("assertion", self.assertion())],
            _ => vec![],
        };
        let mut fields: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.extend([("grant_type", grant), ("client_id", &self.client.0), ("client_secret", &self.client.1)]);
        fields.extend_from_slice(more);
        self.server.token(&fields).await
    }

    /// A device code for [`World::granted`] that a person approved.
    async fn device(&self) -> String {
        let codes = self.begin(&[API, ORDERS]).await;
        assert_eq!(codes.status, 200, "{}", codes.text());
        let path = format!("/issuers/main/device/{}", codes.get("user_code"));
        let shown = self.server.admin("GET", &path, Value::Null).await.json();
        assert_eq!(shown["resource"], json!([API.1, ORDERS.1]), "the portal shows what the person decides about");
        let approved = self.server.admin("POST", &format!("{path}/approve"), json!({ "subject": "alice" })).await;
        assert_eq!(approved.status, 204, "{}", approved.text());
        codes.get("device_code")
    }

    async fn begin(&self, more: &[(&str, &str)]) -> Answer {
        let mut fields = vec![("client_id", self.client.0.as_str()), ("client_secret", self.client.1.as_str())];
        fields.extend_from_slice(more);
        self.server.post("/oauth2/device_authorization", &[], &fields).await
    }

    fn assertion(&self) -> String {
        let now = self.server.clock.now().as_secs();
        let claims = json!({
            "iss": "https://partner.example", "sub": "alice", "aud": format!("http://{}", self.server.public),
            "exp": now + 60, "jti": encode(jeton::Id::random().0),
        });
        self.partner.jws(&json!({ "alg": "EdDSA" }), &claims)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_61_every_grant_takes_resource_and_audience() {
    let world = World::start().await;
    for (grant, _) in GRANTS {
        for (asked, aud) in [
            (&[ORDERS][..], json!("orders")),
            (&[API], json!("https://api.example")),
            (&[ORDERS, API, ORDERS], json!(["https://api.example", "orders"])),
            (&[("audience", "https://api.example")], json!("https://api.example")),
        ] {
            let answer = world.ask(grant, asked).await;
            assert_eq!(answer.status, 200, "{grant} {asked:?}: {}", answer.text());
            assert_eq!(claims(&answer.get("access_token"))["aud"], aud, "{grant} {asked:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_61_every_grant_answers_an_unknown_resource_or_audience_with_invalid_target() {
    let world = World::start().await;
    for (grant, decided) in GRANTS {
        let mut wrong = vec![
            ("audience", "unknown"),
            ("audience", "ORDERS"),
            ("audience", "orders store.example.com"),
            ("audience", "billing"),
            ("resource", "orders"),
            ("resource", "https://unknown.example"),
        ];
        // the client may have it, this grant may not
        if decided {
            wrong.extend([("audience", "store.example.com"), ("resource", "https://files.example")]);
        }
        for bad in wrong {
            refused(&world.ask(grant, &[bad]).await, "invalid_target");
            refused(&world.ask(grant, &[API, ORDERS, bad]).await, "invalid_target");
        }
    }
    for bad in [("audience", "billing"), ("audience", "unknown"), ("resource", "orders")] {
        refused(&world.begin(&[bad]).await, "invalid_target");
        let answer = world.server.code_answer(&world.client.0, json!({ bad.0: bad.1 })).await;
        assert_eq!(answer.status, 400, "{bad:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_61_a_refused_audience_does_not_cost_the_refresh_token() {
    let world = World::start().await;
    let login = world.server.login_with(&world.client, World::granted()).await;
    let token = login["refresh_token"].as_str().unwrap();
    for _ in 0..3 {
        refused(&world.server.refresh_with(&world.client, token, &[("audience", "unknown")]).await, "invalid_target");
    }
    world.server.clock.advance(std::time::Duration::from_secs(60));
    let answer = world.server.refresh_with(&world.client, token, &[ORDERS]).await;
    assert_eq!(claims(&answer.get("access_token"))["aud"], "orders");
    // and the next one is for all of the grant again (RFC 8707 section 2.2)
    let next = world.server.refresh(&world.client, &answer.get("refresh_token")).await;
    assert_eq!(claims(&next.get("access_token"))["aud"], json!(["https://api.example", "orders"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_61_a_client_may_have_audiences_of_its_issuer_only() {
    let world = World::start().await;
    let metadata = |audience: &str| {
        json!({
            "token_endpoint_auth_method": "client_secret_post", "grant_types": ["client_credentials"],
            "jeton": { "audiences": [audience] },
        })
    };
    assert_eq!(world.server.admin("POST", "/issuers/main/clients", metadata("billing")).await.status, 201);
    let answer = world.server.admin("POST", "/issuers/main/clients", metadata("https://api.example")).await;
    assert_eq!(answer.status, 400, "a resource of the issuer is not one of its audiences");
    assert!(answer.text().contains("jeton.audiences"), "{}", answer.text());
    for bad in ["two words", "", "\u{e9}", "quo\\\"te"] {
        let preset = format!("[issuers.a]\nurl = \"https://id.example\"\naudiences = [\"{bad}\"]\n");
        let source = jeton::Source { preset: Some(preset), ..Default::default() };
        let config = jeton::internals::load(&source).unwrap().config;
        let error =
            jeton::internals::snapshot(&config, &jeton::internals::Vault::ephemeral(), &jeton::Extensions::default())
                .err()
                .unwrap()
                .to_string();
        assert!(error.contains("issuers.a.audiences"), "{error}");
    }
}
