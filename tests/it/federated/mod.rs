//! Federated client authentication (SEEDS.md 000.1, M2M methods 5 to 7): a cluster, a trust domain, a private CA and a
//! cloud that say who a workload is, and clients whose credentials rest on that.

mod id_token;
mod pkcs7;
pub(crate) mod pki;
mod rules;
mod x509;

use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::assertion::{JWT_BEARER, Signer, encode};
use crate::support::{Answer, Server, merge};

const ID_TOKEN: &str = "urn:cloud:idaas:params:oauth:client-assertion-type:id-token-bearer";
const JWT_SPIFFE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe";
const CLUSTER: &str = "https://kubernetes.default.svc.cluster.local";

/// Providers of `[issuers.main]`; `@DIR@` holds what they publish.
const PROVIDERS: &str = r#"
[[issuers.main.federated_providers]]
type = "oidc"
name = "cluster"
issuer = "https://kubernetes.default.svc.cluster.local"
audiences = ["https://id.example.com", "http://@PUBLIC@"]
jwks_file = "@DIR@/cluster.json"
condition = "Not(Equals(jwt.claims.'kubernetes.io'.namespace, \"kube-system\"))"

[[issuers.main.federated_providers]]
type = "oidc"
name = "mesh"
trust_domain = "prod.example"
jwks_file = "@DIR@/bundle.json"
"#;

/// An issuer with its providers, and their keys.
struct World {
    server: Server,
    cluster: Signer,
    mesh: Signer,
    dir: TempDir,
}

impl World {
    async fn start() -> Self {
        Self::build(async |toml| Server::with(&toml).await).await
    }

    /// The same on sled, so that it can be restarted.
    async fn durable() -> Self {
        Self::build(async |toml| Server::durable(&toml).await).await
    }

    async fn build(start: impl AsyncFnOnce(String) -> Server) -> Self {
        let dir = TempDir::new().unwrap();
        let (cluster, mesh) = (Signer::new("RS256"), Signer::new("ES256"));
        let publish = |file: &str, value: Value| std::fs::write(dir.path().join(file), value.to_string()).unwrap();
        let key = |signer: &Signer, more: Value| {
            let mut jwk = signer.jwk();
            jwk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            jwk
        };
        let jwk = key(&cluster, json!({ "kid": "cluster-1", "use": "sig", "alg": "RS256" }));
        publish("cluster.json", json!({ "keys": [jwk] }));
        // SPIFFE Trust Domain and Bundle, section 4: keys of both kinds of document, and members of its own
        let others = key(&Signer::new("ES256"), json!({ "use": "x509-svid", "x5c": ["MIIB"] }));
        let own = key(&mesh, json!({ "kid": "mesh-1", "use": "jwt-svid" }));
        publish("bundle.json", json!({ "keys": [others, own], "spiffe_sequence": 12, "spiffe_refresh_hint": 300 }));
        let server = start(PROVIDERS.replace("@DIR@", &dir.path().display().to_string())).await;
        Self { server, cluster, mesh, dir }
    }

    /// Registers a client of id_token_bearer.
    async fn client(&self, credentials: Value) -> String {
        self.client_with("id_token_bearer", credentials, json!({})).await
    }

    async fn client_with(&self, method: &str, credentials: Value, more: Value) -> String {
        let mut extension = json!({ "federated_credentials": credentials });
        extension.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let metadata = json!({
            "token_endpoint_auth_method": method, "grant_types": ["client_credentials"], "scope": "api:read",
            "jeton": extension,
        });
        let (id, secret) = self.server.client(metadata).await;
        assert_eq!(secret, "", "a federated client has no secret");
        id
    }

    fn issuer(&self) -> String {
        format!("http://{}", self.server.public)
    }

    /// A token as the API server of a cluster projects it into a pod.
    fn service_account(&self, namespace: &str, name: &str, change: Value) -> String {
        let now = self.server.clock.now().as_secs();
        let mut claims = json!({
            "aud": ["https://id.example.com"], "exp": now + 3600, "iat": now, "nbf": now, "iss": CLUSTER,
            "jti": encode(jeton::Id::random().0),
            "kubernetes.io": {
                "namespace": namespace,
                "node": { "name": "node-7", "uid": "0b4e6a5c-7a0e-4b1f-9c59-7d2a5d0f4f01" },
                "pod": { "name": format!("{name}-5d9f7c6b8-x2x4z"), "uid": "6c2c1f0a-35a5-4a17-8f0e-3d9f6f1b2c02" },
                "serviceaccount": { "name": name, "uid": "9e0f0b1c-1d2e-4f3a-8b4c-5d6e7f8a9b03" },
                "warnafter": now + 3607,
            },
            "sub": format!("system:serviceaccount:{namespace}:{name}"),
        });
        merge(&mut claims, change);
        self.cluster.jws(&json!({ "alg": "RS256", "kid": "cluster-1" }), &claims)
    }

    /// A JWT-SVID as a SPIRE server makes it: no `iss`, no `jti`.
    fn svid(&self, id: &str, change: Value) -> String {
        let now = self.server.clock.now().as_secs();
        let mut claims = json!({ "aud": [self.issuer()], "exp": now + 300, "iat": now, "sub": id });
        merge(&mut claims, change);
        self.mesh.jws(&json!({ "alg": "ES256", "kid": "mesh-1", "typ": "JWT" }), &claims)
    }

    /// A token request as the vendor's SDK makes it.
    async fn ask(&self, client: &str, credential: &str, assertion: &str) -> Answer {
        self.ask_as(ID_TOKEN, client, credential, assertion).await
    }

    /// The same with another type of assertion; an empty name is not sent.
    async fn ask_as(&self, kind: &str, client: &str, credential: &str, assertion: &str) -> Answer {
        let mut fields = vec![
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("client_assertion_type", kind),
            ("client_assertion", assertion),
        ];
        if !credential.is_empty() {
            fields.push(("application_federated_credential_name", credential));
        }
        self.server.token(&fields).await
    }

    #[track_caller]
    fn refused(&self, answer: &Answer, what: &str) {
        refused(&self.server, answer, what);
    }
}

/// Refused as everything is; time goes on, so that the throttle is no part of it.
#[track_caller]
fn refused(server: &Server, answer: &Answer, what: &str) {
    assert_eq!((answer.status, answer.error().as_str()), (401, "invalid_client"), "{what}: {}", answer.text());
    assert!(answer.header("www-authenticate").is_some(), "{what}");
    server.clock.advance(Duration::from_secs(2));
}

#[track_caller]
fn works(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 200, "{what}: {}", answer.text());
}

/// A credential of one condition.
fn credential(name: &str, provider: &str, condition: &str) -> Value {
    json!({ "name": name, "provider": provider, "condition": condition })
}

/// The namespace and name of one service account.
fn account() -> Value {
    let condition = "And(Equals(jwt.claims.'kubernetes.io'.namespace, \"payments\"), \
        Equals(jwt.claims.'kubernetes.io'.serviceaccount.name, \"api\"))";
    credential("pod", "cluster", condition)
}

/// One namespace of a mesh, whatever the workload.
fn namespace() -> Value {
    credential("mesh", "mesh", "StartsWith(jwt.claims.sub, \"spiffe://prod.example/ns/payments/\")")
}
