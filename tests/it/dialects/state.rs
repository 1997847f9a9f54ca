//! Values of rows about what happened before: a secret that expired, a scope that a client lost, a revoked neighbour.

use std::sync::LazyLock;
use std::time::Duration;

use jeton::extend::Endpoint;
use serde_json::{Value, json};

use super::{World, secret};
use crate::support::CALLBACK;
use crate::support::assertion::{Signer, encode};

/// What a client wants its access tokens bound to.
static PROOF_KEY: LazyLock<Signer> = LazyLock::new(|| Signer::new("ES256"));

/// The public half, as access tokens carry it.
pub(super) fn proof_key() -> Value {
    PROOF_KEY.jwk()
}

impl World {
    /// Clients that such rows need: `(id, method, metadata)`.
    pub(super) fn cast_of_states(&self) -> Vec<(&'static str, &'static str, Value)> {
        let login = json!({
            "redirect_uris": [CALLBACK], "scope": self.vendor.scope, "grant_types": ["authorization_code", "refresh_token"],
        });
        let (mut keeper, mut disabled) = (login.clone(), login.clone());
        keeper["jeton"] = json!({ "refresh_token_rotation": false });
        disabled["jeton"] = json!({ "disabled": true });
        let all = [("fickle", login), ("keeper", keeper), ("disabled", disabled)];
        all.map(|(id, metadata)| (id, "client_secret_post", metadata)).to_vec()
    }

    /// What a blank of such a row stands for.
    pub(super) async fn past(&self, name: &str) -> Option<String> {
        let plain = json!({ "code_challenge": null, "code_challenge_method": null });
        let scoped = |scope: Value| {
            let mut more = plain.clone();
            more["scope"] = scope;
            more
        };
        Some(match name {
            "expired secret" => {
                let answer = self.admin("clients/service/secrets", json!({ "expires_in": 1 })).await;
                self.server.advance(Duration::from_secs(1)).await;
                answer.get("client_secret")
            }
            "code without scope" => self.code("web", scoped(Value::Null)).await,
            "refresh without openid" => {
                let code = self.code("web", scoped(json!("offline_access read"))).await;
                self.redeem("web", &code).await.get("refresh_token")
            }
            "refresh after the loss of offline_access" => self.lost("openid read").await,
            "refresh after the loss of read" => self.lost("openid offline_access").await,
            "kept refresh" => {
                let token = self.refresh_token("keeper").await;
                let grant = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
                assert_eq!(self.token("keeper", &grant).await.get("refresh_token"), token);
                token
            }
            "refresh beside a revoked one" => {
                let (revoked, other) = (self.refresh_token("web").await, self.refresh_token("web").await);
                let secret = secret("web");
                let fields = [("token", revoked.as_str()), ("client_id", "web"), ("client_secret", secret.as_str())];
                assert_eq!(self.server.post(&self.path(Endpoint::Revocation), &[], &fields).await.status, 200);
                let grant = [("grant_type", "refresh_token"), ("refresh_token", revoked.as_str())];
                assert_eq!(self.token("web", &grant).await.error(), "invalid_grant");
                other
            }
            "proof key" => encode(proof_key().to_string()),
            "private key" => {
                let mut key = proof_key();
                key["d"] = key["x"].clone();
                encode(key.to_string())
            }
            _ => return None,
        })
    }

    /// A refresh token of a client that may only have the scope `left` since.
    async fn lost(&self, left: &str) -> String {
        self.register_fickle(self.vendor.scope).await;
        let token = self.refresh_token("fickle").await;
        self.register_fickle(left).await;
        token
    }

    async fn register_fickle(&self, scope: &str) {
        let metadata = json!({
            "token_endpoint_auth_method": "client_secret_post", "redirect_uris": [CALLBACK], "scope": scope,
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let path = format!("/issuers/{}/clients/fickle", self.vendor.issuer);
        let answer = self.server.admin("PUT", &path, metadata).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}
