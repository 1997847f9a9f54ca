//! The five vendors of SEEDS.md, each as a table: literal requests, and what a client of that vendor must see. config/README.md
//! says how many, and `readme` sees to it.

mod alibaba;
mod cast;
mod federation;
mod hook;
mod huawei;
mod identityserver3;
mod readme;
mod state;
mod tencent;
mod together;
mod xsolla;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jeton::Clock;
use jeton::extend::Endpoint;
use jeton::internals::UserSource;
use serde_json::{Value, json};

use self::federation::Federation;
use crate::support::hook::HookServer;
use crate::support::http::{parse_all, raw};
use crate::support::service::Service;
use crate::support::tools::{program, skip};
use crate::support::{Answer, CALLBACK, CHALLENGE, Server, VERIFIER, claims, header};

/// One line of a vendor's table.
enum Entry {
    /// A page, the seed or public source code says so.
    Documented(Row),
    /// SEEDS.md infers it, or says nothing and RFC 6749 stands.
    Inferred(Row),
    /// The vendor does something that CHECKLIST.md or an RFC forbids, or that a decision of ours rules out, as the row says;
    /// this is what is answered instead.
    Kept(Row),
}

/// A request and its answer.
struct Row {
    what: &'static str,
    /// Head and body; `<name>` is filled in, see [`World::value`].
    request: &'static str,
    status: u16,
    /// Exactly these members; `<jwt>`, `<opaque>`, `<refresh>`, `<new refresh>`, `<same refresh>`, `<device>`, `<text>` and `<in N>` (seconds from now)
    /// stand for values.
    body: &'static str,
}

/// A vendor: its issuer and its table.
struct Vendor {
    /// The issuer's id.
    issuer: &'static str,
    /// Its section of the configuration; `@HOOK@` is where its custom grants are decided.
    toml: &'static str,
    /// The custom grants that the client `web` may use.
    custom_grants: &'static [&'static str],
    /// Scope of codes: what a login of that vendor asks for.
    scope: &'static str,
    /// Scope of the service client.
    service_scope: &'static str,
    content_type: &'static str,
    /// `Cache-Control` of a success.
    cache_control: &'static str,
    table: &'static [Entry],
    /// Whether it has the federated methods.
    federated: bool,
}

const VENDORS: [&Vendor; 5] =
    [&alibaba::VENDOR, &xsolla::VENDOR, &identityserver3::VENDOR, &huawei::VENDOR, &tencent::VENDOR];

/// A server with the issuer of one vendor, its clients and a user: alice with the password horse.
struct World {
    server: Server,
    vendor: &'static Vendor,
    users: Service,
    federation: Option<Federation>,
    _hook: Arc<HookServer>,
}

/// A user service as vendors let their customers write one.
fn check_user(question: &Value) -> (u16, String) {
    let answer = match (question["username"].as_str(), question["password"].as_str()) {
        (Some("alice"), Some("horse")) => json!({ "verdict": "admitted", "subject": "alice", "amr": ["pwd"] }),
        (Some("alice"), Some("half")) => json!({ "verdict": "partial" }),
        _ => json!({ "verdict": "refused", "message": "Invalid username or password" }),
    };
    (200, answer.to_string())
}

impl World {
    async fn start(vendor: &'static Vendor) -> Self {
        let users = Service::start(check_user).await;
        let (hook, federation) = (hook::start().await, vendor.federated.then(Federation::new));
        let toml = vendor.toml.replace("@USERS@", &users.address.to_string()).replace("@HOOK@", &hook.url());
        let server = match &federation {
            Some(federation) => {
                let toml = format!("{toml}\n{}", federation.toml(vendor.issuer));
                Server::starting_at(Clock::system().now(), &toml).await
            }
            None => Server::with(&toml).await,
        };
        let world = Self { server, vendor, users, federation, _hook: hook };
        for (id, method, credentials) in Federation::clients().into_iter().filter(|_| vendor.federated) {
            let metadata = json!({
                "client_id": id, "token_endpoint_auth_method": method, "grant_types": ["client_credentials"],
                "scope": vendor.service_scope, "jeton": { "federated_credentials": credentials },
            });
            let answer = world.admin("clients", metadata).await;
            assert_eq!(answer.status, 201, "{}", answer.text());
        }
        let login = json!({
            "redirect_uris": [CALLBACK, "https://client.example/other"], "scope": vendor.scope,
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let mut service = json!({ "grant_types": ["client_credentials"], "scope": vendor.service_scope });
        if vendor.issuer == "huawei" {
            service["jeton"] = json!({ "access_token_lifetime": 1800 });
        }
        let common = [
            ("web", "client_secret_post", &login),
            ("other", "client_secret_post", &login),
            ("basic", "client_secret_basic", &login),
            ("spa", "none", &login),
            ("service", "client_secret_post", &service),
            ("robot", "client_secret_basic", &service),
        ];
        let common = common.into_iter().map(|(id, method, metadata)| (id, method, metadata.clone()));
        for (id, method, mut metadata) in common.chain(world.cast()) {
            metadata["client_id"] = json!(id);
            metadata["token_endpoint_auth_method"] = json!(method);
            if id == "web" {
                let grants = metadata["grant_types"].as_array_mut().unwrap();
                grants.extend(vendor.custom_grants.iter().map(|name| json!(name)));
            }
            if method.starts_with("client_secret") {
                metadata["client_secret"] = json!(secret(id));
            }
            let answer = world.admin("clients", metadata).await;
            assert_eq!(answer.status, 201, "{}", answer.text());
        }
        world.add_logins().await;
        if vendor.toml.contains("[issuers.ids3-closed]") {
            let app = json!({
                "client_id": "app", "client_secret": secret("app"), "token_endpoint_auth_method": "client_secret_post",
                "grant_types": ["authorization_code"], "redirect_uris": [CALLBACK],
            });
            let answer = world.server.admin("POST", "/issuers/ids3-closed/clients", app).await;
            assert_eq!(answer.status, 201, "{}", answer.text());
        }
        world
    }

    /// The clients that log people in and a user of the directory, if the vendor has the grant.
    async fn add_logins(&self) {
        let issuer = self.server.daemon().service().registry.issuer(self.vendor.issuer).unwrap();
        let settings = &issuer.settings;
        if !settings.grant_types.iter().any(|grant| grant.as_str() == "password") {
            return;
        }
        for (id, method) in [("login", "client_secret_post"), ("mobile", "none")] {
            let mut metadata = json!({
                "client_id": id, "token_endpoint_auth_method": method, "scope": self.vendor.scope,
                "grant_types": ["password", "refresh_token"],
            });
            if method != "none" {
                metadata["client_secret"] = json!(secret(id));
            }
            let answer = self.admin("clients", metadata).await;
            assert_eq!(answer.status, 201, "{}", answer.text());
        }
        if settings.users.source == UserSource::Directory {
            let user = json!({ "password": "horse", "subject": "alice" });
            let path = format!("/issuers/{}/users/alice", self.vendor.issuer);
            assert_eq!(self.server.admin("PUT", &path, user).await.status, 201);
        }
    }

    async fn admin(&self, what: &str, body: Value) -> Answer {
        self.server.admin("POST", &format!("/issuers/{}/{what}", self.vendor.issuer), body).await
    }

    /// Replays every row of the table.
    async fn replay(&self) {
        let mut replayed = 0;
        for entry in self.vendor.table {
            match entry {
                Entry::Documented(row) if row.request.contains("<document>") && program("openssl").is_none() => {
                    skip("openssl");
                }
                Entry::Documented(row) | Entry::Inferred(row) | Entry::Kept(row) => {
                    self.check(row).await;
                    replayed += 1;
                }
            }
        }
        assert!(replayed >= 12, "{}: {replayed} rows", self.vendor.issuer);
        self.check_header(&self.value("user token").await);
    }

    /// The JOSE header of an access token that is a JWT (RFC 9068 section 2.1).
    fn check_header(&self, token: &str) {
        if !token.starts_with("jat_") {
            let header = header(token);
            assert_eq!(pick(&header, &["alg", "typ"]), [json!("RS256"), json!("at+jwt")], "{}", self.vendor.issuer);
            assert!(header["kid"].is_string(), "{}: {header}", self.vendor.issuer);
        }
    }

    async fn check(&self, row: &Row) {
        let request = self.fill(row.request).await;
        let answer = self.deliver(&request).await;
        let context = format!("{}: {}: {} {}", self.vendor.issuer, row.what, answer.status, answer.text());
        assert_eq!(answer.status, row.status, "{context}");
        assert_eq!(answer.header("content-type"), Some(self.vendor.content_type), "{context}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{context}");
        let cache = if answer.status == 200 { self.vendor.cache_control } else { "no-store" };
        assert_eq!(answer.header("cache-control"), Some(cache), "{context}");
        assert_eq!(answer.header("pragma"), Some("no-cache"), "{context}");
        let challenge = (answer.status == 401).then_some(r#"Basic realm="jeton", charset="UTF-8""#);
        assert_eq!(answer.header("www-authenticate"), challenge, "{context}");
        assert_eq!(answer.header("retry-after").is_some(), matches!(answer.status, 429 | 503), "{context}");
        assert_eq!(answer.header("allow"), (answer.status == 405).then_some("POST"), "{context}");
        if row.body.is_empty() {
            assert!(answer.body.is_empty(), "{context}");
        } else {
            self.compare(&request, &answer.json(), &serde_json::from_str(row.body).unwrap(), &context);
        }
    }

    fn compare(&self, request: &str, real: &Value, wanted: &Value, context: &str) {
        if let (Value::Object(real), Value::Object(wanted)) = (real, wanted) {
            let names = |members: &serde_json::Map<String, Value>| members.keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(real), names(wanted), "{context}");
            wanted.iter().for_each(|(name, wanted)| self.compare(request, &real[name], wanted, context));
            return;
        }
        let text = real.as_str().unwrap_or_default();
        let fits = match wanted.as_str() {
            Some("<jwt>") => text.starts_with("eyJ") && text.split('.').count() == 3,
            Some("<opaque>") => text.starts_with("jat_"),
            Some("<refresh>") => text.starts_with("jrt_"),
            Some("<new refresh>") => text.starts_with("jrt_") && !request.contains(text),
            Some("<same refresh>") => text.starts_with("jrt_") && request.contains(text),
            Some("<device>") => text.starts_with("jdc_"),
            Some("<text>") => !text.is_empty(),
            Some(time) if time.starts_with("<in ") => {
                let seconds: u64 = time.trim_start_matches("<in ").trim_end_matches('>').parse().unwrap();
                real.as_u64() == Some(self.server.clock.now().as_secs() + seconds)
            }
            _ => real == wanted,
        };
        assert!(fits, "{real} is not {wanted}: {context}");
    }

    /// Sends a request whose blanks are filled in.
    async fn send(&self, template: &str) -> Answer {
        self.deliver(&self.fill(template).await).await
    }

    async fn fill(&self, template: &str) -> String {
        let mut request = String::new();
        let mut parts = template.split('<');
        request.push_str(parts.next().unwrap());
        for part in parts {
            let (name, rest) = part.split_once('>').unwrap();
            request.push_str(&self.value(name).await);
            request.push_str(rest);
        }
        request
    }

    async fn deliver(&self, request: &str) -> Answer {
        let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
        let (line, fields) = head.split_once('\n').unwrap_or((head, ""));
        let mut bytes =
            format!("{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        fields.lines().for_each(|field| bytes.push_str(&format!("{field}\r\n")));
        bytes.push_str(&format!("\r\n{body}"));
        let answers = parse_all(&raw(self.server.public, bytes.as_bytes()).await, false);
        assert_eq!(answers.len(), 1, "{request}");
        answers.into_iter().next().unwrap()
    }

    /// What a blank stands for; codes and refresh tokens are made when they are needed.
    async fn value(&self, name: &str) -> String {
        let plain = json!({ "code_challenge": null, "code_challenge_method": null });
        match name {
            "redirect" => url::form_urlencoded::byte_serialize(CALLBACK.as_bytes()).collect(),
            "other redirect" => "https%3A%2F%2Fclient.example%2Fother".to_owned(),
            "domain" => "https%3A%2F%2Fclient.example".to_owned(),
            "verifier" => VERIFIER.to_owned(),
            "wrong verifier" => VERIFIER.replace('d', "e"),
            "long" => "x".repeat(4096),
            "code" => self.code("web", plain).await,
            "code of other" => self.code("other", plain).await,
            "code of basic" => self.code("basic", plain).await,
            "code of spa" => self.code("spa", Value::Null).await,
            "code with challenge" => self.code("web", Value::Null).await,
            "expired code" => {
                let code = self.code("web", plain).await;
                self.server.advance(Duration::from_secs(61)).await;
                code
            }
            "used code" => {
                let code = self.code("web", plain).await;
                assert_eq!(self.redeem("web", &code).await.status, 200);
                code
            }
            "refresh" => self.refresh_token("web").await,
            "refresh of other" => self.refresh_token("other").await,
            "code of disabled" => self.of_disabled("code").await,
            "refresh of disabled" => self.of_disabled("refresh").await,
            "reused refresh" => {
                let token = self.refresh_token("web").await;
                let grant = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
                assert_eq!(self.token("web", &grant).await.status, 200);
                self.server.advance(Duration::from_secs(11)).await;
                token
            }
            "id token" | "document" | "assertion" | "leaf" | "chain" => self.federated(name).await,
            other => match other.split_once(' ') {
                Some(("secret", id)) => secret(id),
                Some(("credentials", id)) => STANDARD.encode(format!("{id}:{}", secret(id))),
                Some(_) | None => Box::pin(self.prop(other)).await.unwrap_or_else(|| panic!("<{other}>")),
            },
        }
    }

    /// Proofs of the federated methods, as they stand in a form.
    async fn federated(&self, name: &str) -> String {
        let (federation, now) = (self.federation.as_ref().unwrap(), self.server.clock.now().as_secs());
        let endpoint = format!("http://{}{}", self.server.public, self.path(Endpoint::Token));
        let proof = match name {
            "id token" => federation.id_token(&endpoint, now),
            "document" => federation.document(now).await,
            "assertion" => federation.assertion("machine", &endpoint, now),
            "leaf" => federation.certificates().0.to_owned(),
            _ => federation.certificates().1.to_owned(),
        };
        url::form_urlencoded::byte_serialize(proof.as_bytes()).collect()
    }

    async fn code(&self, client: &str, more: Value) -> String {
        let mut body = json!({
            "client_id": client, "redirect_uri": CALLBACK, "subject": "alice", "scope": self.vendor.scope,
            "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            body.as_object_mut().unwrap().remove(name);
            if !value.is_null() {
                body[name] = value.clone();
            }
        }
        let answer = self.admin("codes", body).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.get("code")
    }

    /// A code or a refresh token of somebody who may do nothing any more.
    async fn of_disabled(&self, what: &str) -> String {
        let plain = json!({ "code_challenge": null, "code_challenge_method": null, "subject": "mallory" });
        let code = self.code("web", plain).await;
        let token = if what == "code" { code } else { self.redeem("web", &code).await.get("refresh_token") };
        self.server.advance(Duration::from_millis(1)).await;
        assert_eq!(self.admin("revocations", json!({ "subject": "mallory" })).await.status, 204);
        self.server.advance(Duration::from_millis(1)).await;
        token
    }

    /// The path of an endpoint, as discovery has it.
    fn path(&self, endpoint: Endpoint) -> String {
        let service = self.server.daemon().service();
        let issuer = &service.registry.snapshot().issuers[self.vendor.issuer];
        jeton::internals::full_paths(service.dialects.of(issuer), &issuer.settings, endpoint).remove(0)
    }

    async fn token(&self, client: &str, fields: &[(&str, &str)]) -> Answer {
        let secret = secret(client);
        let mut fields = fields.to_vec();
        fields.extend([("client_id", client), ("client_secret", secret.as_str())]);
        self.server.post(&self.path(Endpoint::Token), &[], &fields).await
    }

    async fn redeem(&self, client: &str, code: &str) -> Answer {
        let fields = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
        self.token(client, &fields).await
    }

    async fn refresh_token(&self, client: &str) -> String {
        let plain = json!({ "code_challenge": null, "code_challenge_method": null });
        let code = self.code(client, plain).await;
        self.redeem(client, &code).await.get("refresh_token")
    }

    /// The claims of the access token and of the ID token of a login.
    async fn login(&self) -> (Value, Value) {
        let tokens = self.redeem("web", &self.value("code").await).await;
        (claims(&tokens.get("access_token")), claims(&tokens.get("id_token")))
    }

    /// The claims of a token of the service client.
    async fn service(&self) -> Value {
        let fields = [("grant_type", "client_credentials"), ("scope", self.vendor.service_scope)];
        claims(&self.token("service", &fields).await.get("access_token"))
    }
}

/// The secret of a client of these tests.
fn secret(client: &str) -> String {
    format!("{client}-secret-that-is-long-enough-0123456789")
}

/// `what` of `claims`, for a comparison of several at once.
fn pick(claims: &Value, what: &[&str]) -> Vec<Value> {
    what.iter().map(|name| claims[*name].clone()).collect()
}
