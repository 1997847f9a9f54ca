//! Clients and values of the rows that need more than a secret and a code: assertions, devices, exchanged and opaque
//! tokens.

use std::sync::LazyLock;
use std::time::Duration;

use jeton::extend::Endpoint;
use jeton::internals::{DEVICE_AUTHORIZATION, IssuerSettings};
use serde_json::{Value, json};

use super::{World, secret};
use crate::support::assertion::{Signer, encode};
use crate::support::tls::{Identity, subject};
use crate::support::{CALLBACK, VERIFIER};

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// Of the client `key`.
static KEY: LazyLock<Signer> = LazyLock::new(|| Signer::new("RS256"));

/// Of the client `machine`, and of somebody who calls itself the same.
static MACHINE: LazyLock<Identity> = LazyLock::new(|| Identity::self_signed(&subject("machine")));
static IMPOSTOR: LazyLock<Identity> = LazyLock::new(|| Identity::self_signed(&subject("machine")));

impl World {
    /// The metadata of clients that not every table needs: `(id, method, metadata)`.
    pub(super) fn cast(&self) -> Vec<(&'static str, &'static str, Value)> {
        let vendor = self.vendor;
        let service = json!({ "grant_types": ["client_credentials"], "scope": vendor.service_scope });
        let mut key = service.clone();
        key["jwks"] = json!({ "keys": [KEY.jwk()] });
        let mut cast = vec![("hmac", "client_secret_jwt", service), ("key", "private_key_jwt", key)];
        let reference = json!({
            "redirect_uris": [CALLBACK], "scope": vendor.scope, "grant_types": ["authorization_code", "refresh_token"],
            "jeton": { "access_token_format": "opaque" },
        });
        cast.push(("reference", "client_secret_post", reference));
        if matches!(vendor.issuer, "ids3" | "tencent") {
            cast.extend(self.cast_of_states());
        }
        let mut plain = json!({ "redirect_uris": [CALLBACK], "scope": vendor.scope });
        cast.push(("plain", "client_secret_post", plain.clone()));
        plain["scope"] = json!(self.single_scope());
        plain["grant_types"] = json!(["authorization_code", "refresh_token"]);
        plain["jeton"] = json!({ "code_redirect_uri": "optional" });
        cast.push(("single", "client_secret_post", plain));
        let mut hasty = json!({ "grant_types": ["client_credentials"], "scope": vendor.service_scope });
        hasty["jeton"] = json!({ "rate_limit": 1 });
        cast.push(("hasty", "client_secret_post", hasty));
        if vendor.issuer == "xsolla" {
            let oidc =
                json!({ "redirect_uris": [CALLBACK], "scope": "openid email", "grant_types": ["authorization_code"] });
            cast.push(("oidc", "client_secret_post", oidc));
        }
        // may have more than its logins grant
        if vendor.issuer == "tencent" {
            let wide = json!({
                "redirect_uris": [CALLBACK], "scope": "openid email", "grant_types": ["authorization_code", "refresh_token"],
            });
            cast.push(("wide", "client_secret_post", wide));
        }
        if vendor.toml.contains("client_certificate_header") {
            let mut jwk = MACHINE.jwk();
            jwk["x5c"] = json!([MACHINE.base64()]);
            let machine = json!({
                "grant_types": ["client_credentials"], "scope": vendor.service_scope, "jwks": { "keys": [jwk] },
            });
            cast.push(("machine", "self_signed_tls_client_auth", machine));
        }
        if vendor.toml.contains(DEVICE) {
            let scope = format!("{} {} orders|list billing|read", vendor.scope, vendor.service_scope);
            let tv = json!({ "scope": scope, "grant_types": [DEVICE, "refresh_token"] });
            cast.push(("tv", "none", tv));
        }
        if vendor.toml.contains(EXCHANGE) {
            let mut policy = json!({ "impersonation": true, "delegation": true });
            let mut scope = format!("{} {}", vendor.scope, vendor.service_scope);
            if vendor.issuer == "alibaba" {
                policy["audiences"] = json!(["orders", "billing"]);
                scope.push_str(" orders|write");
                let both = json!({ "grant_types": ["client_credentials"], "scope": "orders|read billing|read" });
                cast.push(("broker", "client_secret_post", both));
            }
            let gateway = json!({
                "scope": scope,
                "grant_types": [EXCHANGE, "client_credentials"],
                "jeton": { "introspection": "any", "token_exchange": policy },
            });
            cast.push(("gateway", "client_secret_post", gateway));
        }
        cast
    }

    /// Scope of the client that has one redirect URI and may leave it out; at Huawei the application that is none of
    /// OpenID Connect.
    fn single_scope(&self) -> &'static str {
        if self.vendor.issuer == "huawei" { "get_user_info" } else { self.vendor.scope }
    }

    /// What a blank of such a row stands for.
    pub(super) async fn prop(&self, name: &str) -> Option<String> {
        Some(match name {
            "certificate" => MACHINE.escaped(),
            "other certificate" => IMPOSTOR.escaped(),
            "user token" => {
                let code = self.value("code").await;
                self.redeem("web", &code).await.get("access_token")
            }
            "expired user token" => {
                let token = Box::pin(self.value("user token")).await;
                self.server.advance(self.settings().access_token_lifetime).await;
                token
            }
            "foreign token" => self.foreign(),
            "expired token" => {
                let token = self.value("token of service").await;
                self.server.advance(self.settings().access_token_lifetime).await;
                token
            }
            "exchanged token" => {
                let mut token = self.value("token of service").await;
                for _ in 0..self.settings().token_exchange_depth {
                    let kind = "urn:ietf:params:oauth:token-type:access_token";
                    let fields = [("grant_type", EXCHANGE), ("subject_token", &token), ("subject_token_type", kind)];
                    token = self.token("gateway", &fields).await.get("access_token");
                }
                token
            }
            "revoked refresh" => {
                let token = self.refresh_token("web").await;
                let secret = secret("web");
                let fields = [("token", token.as_str()), ("client_id", "web"), ("client_secret", secret.as_str())];
                assert_eq!(self.server.post(&self.path(Endpoint::Revocation), &[], &fields).await.status, 200);
                token
            }
            "expired refresh" => {
                let token = self.refresh_token("web").await;
                self.server.advance(self.settings().refresh_token_idle_lifetime).await;
                token
            }
            "refresh of spa" => {
                let code = self.value("code of spa").await;
                let fields = [
                    ("grant_type", "authorization_code"),
                    ("client_id", "spa"),
                    ("code", code.as_str()),
                    ("redirect_uri", CALLBACK),
                    ("code_verifier", VERIFIER),
                ];
                self.server.post(&self.path(Endpoint::Token), &[], &fields).await.get("refresh_token")
            }
            "refresh of keeper" => self.refresh_token("keeper").await,
            "refresh of wide" => {
                let code = self.value("code of wide").await;
                self.redeem("wide", &code).await.get("refresh_token")
            }
            "refresh after a day" => {
                let token = self.refresh_token("web").await;
                self.server.advance(Duration::from_secs(86_400)).await;
                token
            }
            "refresh after an hour" => {
                let token = self.refresh_token("web").await;
                self.server.advance(Duration::from_secs(3600)).await;
                token
            }
            "refresh of single" => {
                let code = self.value("code of single").await;
                self.redeem("single", &code).await.get("refresh_token")
            }
            // the one request of this second is spent
            "hasty secret" => {
                assert_eq!(self.token("hasty", &[("grant_type", "client_credentials")]).await.status, 200);
                secret("hasty")
            }
            "device code" => self.device(self.vendor.scope, None).await,
            "approved device" => self.device(self.vendor.scope, Some("approve")).await,
            "approved device with an API" => {
                let scope = format!("{} {}", self.vendor.scope, self.vendor.service_scope);
                self.device(&scope, Some("approve")).await
            }
            "approved device with all" => self.device("orders|.all", Some("approve")).await,
            "refresh of tv" => {
                let code = self.device("offline_access orders|read", Some("approve")).await;
                let fields = [("grant_type", DEVICE), ("device_code", code.as_str()), ("client_id", "tv")];
                self.server.post(&self.path(Endpoint::Token), &[], &fields).await.get("refresh_token")
            }
            "id token of web" => {
                let code = self.value("code").await;
                self.redeem("web", &code).await.get("id_token")
            }
            "denied device" => self.device(self.vendor.scope, Some("deny")).await,
            "hasty device" => {
                let code = self.device(self.vendor.scope, None).await;
                let fields = [("grant_type", DEVICE), ("device_code", &code), ("client_id", "tv")];
                let first = self.server.post(&self.path(Endpoint::Token), &[], &fields).await;
                assert_eq!(first.error(), "authorization_pending");
                code
            }
            "expired device" => {
                let code = self.device(self.vendor.scope, None).await;
                self.server.advance(Duration::from_secs(1200)).await;
                code
            }
            other => match other.split_once(" of ") {
                Some(("assertion", client)) => self.assertion(client),
                Some(("unsigned", client)) => {
                    let signed = self.assertion(client);
                    format!("{}.{}.", encode(r#"{"alg":"none"}"#), signed.split('.').nth(1).unwrap())
                }
                Some(("code", client)) => {
                    let mut plain = json!({ "code_challenge": null, "code_challenge_method": null });
                    match client {
                        "single" => plain["scope"] = json!(self.single_scope()),
                        "oidc" => plain["scope"] = json!("openid email"),
                        _ => {}
                    }
                    self.code(client, plain).await
                }
                Some(("token", client)) => {
                    let fields = [("grant_type", "client_credentials"), ("scope", self.vendor.service_scope)];
                    self.token(client, &fields).await.get("access_token")
                }
                Some(_) | None => return self.past(other).await,
            },
        })
    }

    /// As the vendors' SDKs make them: for the URL of the token endpoint, good for ten minutes.
    fn assertion(&self, client: &str) -> String {
        let now = self.server.clock.now().as_secs();
        let claims = json!({
            "iss": client, "sub": client, "aud": format!("http://{}{}", self.server.public, self.path(Endpoint::Token)),
            "jti": encode(jeton::Id::random().0), "iat": now, "exp": now + 600,
        });
        if client == "key" {
            KEY.jws(&json!({ "alg": "RS256", "typ": "JWT" }), &claims)
        } else {
            Signer::Secret(secret(client).into_bytes()).jws(&json!({ "alg": "HS256", "typ": "JWT" }), &claims)
        }
    }

    /// An access token that another authorization server signed.
    fn foreign(&self) -> String {
        let now = self.server.clock.now().as_secs();
        let claims = json!({
            "iss": "https://other.example", "sub": "service", "aud": "orders", "client_id": "service",
            "scope": self.vendor.service_scope, "jti": encode(jeton::Id::random().0), "iat": now, "exp": now + 600,
        });
        KEY.jws(&json!({ "alg": "RS256", "typ": "at+jwt" }), &claims)
    }

    fn settings(&self) -> IssuerSettings {
        self.server.daemon().service().registry.issuer(self.vendor.issuer).unwrap().settings.clone()
    }

    /// A device code of the client `tv` for `scope`, about which a person decided if `verdict` says so.
    async fn device(&self, scope: &str, verdict: Option<&str>) -> String {
        let path = self.path(Endpoint::OfGrant(DEVICE_AUTHORIZATION));
        let codes = self.server.post(&path, &[], &[("client_id", "tv"), ("scope", scope)]).await;
        assert_eq!(codes.status, 200, "{}", codes.text());
        if let Some(verdict) = verdict {
            let body = if verdict == "approve" { json!({ "subject": "alice" }) } else { Value::Null };
            let answer = self.admin(&format!("device/{}/{verdict}", codes.get("user_code")), body).await;
            assert_eq!(answer.status, 204, "{}", answer.text());
        }
        codes.get("device_code")
    }
}
