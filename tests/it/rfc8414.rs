//! RFC 8414, OpenID Connect Discovery, CHECKLIST 73, 74: metadata says what works and nothing else. The tests are made
//! from the document: what it lists must work, what could be listed and is not must fail.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::assertion::{JWT_BEARER, Signer, encode};
use crate::support::http::request;
use crate::support::verify::verify;
use crate::support::{CALLBACK, Server, VERIFIER, header, refused, web_metadata};

const OAUTH: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ASSERTION: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// Every grant type in the registry of RFC 7591, and a few that never should be.
const GRANTS: [&str; 11] = [
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "implicit",
    "password",
    DEVICE,
    ASSERTION,
    "urn:ietf:params:oauth:grant-type:saml2-bearer",
    EXCHANGE,
    "urn:openid:params:grant-type:ciba",
    "Authorization_Code",
];
const METHODS: [&str; 7] = [
    "none",
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
];
const ALGORITHMS: [&str; 14] = [
    "none", "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "EdDSA",
    "ES256K",
];

fn list(document: &Value, name: &str) -> Vec<String> {
    let values = document[name].as_array().unwrap_or_else(|| panic!("no {name}"));
    values.iter().map(|value| value.as_str().unwrap().to_owned()).collect()
}

/// The path of an absolute URL of this server.
fn path(server: &Server, document: &Value, name: &str) -> String {
    let url = document[name].as_str().unwrap_or_else(|| panic!("no {name}"));
    url.strip_prefix(&format!("http://{}", server.public)).unwrap_or_else(|| panic!("{url}")).to_owned()
}

async fn document(server: &Server) -> Value {
    let answer = server.get(OAUTH).await;
    assert_eq!((answer.status, answer.header("Content-Type")), (200, Some("application/json")));
    answer.json()
}

/// Of each client with a key.
static KEY: LazyLock<Signer> = LazyLock::new(|| Signer::new("ES256"));

/// A client that authenticates by `method`, and its request of what it may have.
async fn client_by(server: &Server, method: &str) -> (String, String) {
    let mut metadata = web_metadata();
    metadata["token_endpoint_auth_method"] = json!(method);
    if method == "private_key_jwt" {
        metadata["jwks"] = json!({ "keys": [KEY.jwk()] });
    }
    server.client(metadata).await
}

async fn post_as(
    server: &Server,
    method: &str,
    client: &(String, String),
    path: &str,
    fields: &[(&str, &str)],
) -> crate::support::Answer {
    let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", client.0, client.1)));
    let now = server.clock.now().as_secs();
    let claims = json!({
        "iss": client.0, "sub": client.0, "aud": format!("http://{}", server.public), "exp": now + 60,
        "jti": encode(jeton::Id::random().0),
    });
    let assertion = KEY.jws(&json!({ "alg": "ES256" }), &claims);
    let hmac = Signer::Secret(client.1.clone().into_bytes()).jws(&json!({ "alg": "HS256" }), &claims);
    let mut all = fields.to_vec();
    let headers = [("Authorization", basic.as_str())];
    match method {
        "none" => all.push(("client_id", &client.0)),
        "private_key_jwt" => all.extend([("client_assertion_type", JWT_BEARER), ("client_assertion", &assertion)]),
        "client_secret_jwt" => all.extend([("client_assertion_type", JWT_BEARER), ("client_assertion", &hmac)]),
        "client_secret_post" => all.extend([("client_id", client.0.as_str()), ("client_secret", &client.1)]),
        "client_secret_basic" => return server.post(path, &headers, &all).await,
        other => panic!("{other} is listed, and nobody here knows how it works"),
    }
    server.post(path, &[], &all).await
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_73_both_well_known_urls_give_the_same_document_and_its_issuer_is_the_one_asked() {
    let server = Server::start().await;
    let document = document(&server).await;
    assert_eq!(server.get(OPENID).await.json(), document);
    assert_eq!(document["issuer"], format!("http://{}", server.public));
    for other in
        ["/.well-known", "/.well-known/oauth-authorization-server/", "/.well-known/oauth-authorization-server/x"]
    {
        assert_eq!(server.get(other).await.status, 404, "{other}");
    }
    for method in ["POST", "PUT", "DELETE"] {
        assert_eq!(request(server.public, method, OAUTH, &[], b"").await.status, 405, "{method}");
    }
    let head = request(server.public, "HEAD", OAUTH, &[], b"").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_73_the_document_can_be_cached_by_etag() {
    let server = Server::start().await;
    for url in [OAUTH, OPENID] {
        let first = server.get(url).await;
        let etag = first.header("ETag").unwrap();
        assert!(first.header("Cache-Control").unwrap().starts_with("public, max-age="));
        let again = request(server.public, "GET", url, &[("If-None-Match", etag)], b"").await;
        assert_eq!((again.status, again.body.len()), (304, 0));
        assert_eq!(request(server.public, "GET", url, &[("If-None-Match", "\"x\"")], b"").await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_73_an_issuer_with_a_path_has_its_documents_where_rfc_8414_and_openid_put_them() {
    let own = "algorithms = [\"EdDSA\"]\nid_token_alg = \"EdDSA\"\nscopes = \"openid offline_access api:read\"\n";
    let server = Server::with(&format!(
        "[issuers.a]\nurl = \"http://@PUBLIC@/tenant/a\"\n{own}[issuers.b]\nurl = \"http://@PUBLIC@/tenant\"\n{own}"
    ))
    .await;
    let base = format!("http://{}", server.public);
    for (id, tenant) in [("main", ""), ("a", "/tenant/a"), ("b", "/tenant")] {
        let inserted = server.get(&format!("{OAUTH}{tenant}")).await.json();
        assert_eq!(inserted, server.get(&format!("{tenant}{OPENID}")).await.json());
        assert_eq!(inserted["issuer"], format!("{base}{tenant}"));
        for name in ["token_endpoint", "jwks_uri", "introspection_endpoint", "revocation_endpoint"] {
            assert!(inserted[name].as_str().unwrap().starts_with(&format!("{base}{tenant}/oauth2/")), "{name}");
        }
        // RFC 8414 section 3.3: what the tokens say is what the document says
        let mut metadata = web_metadata();
        metadata["grant_types"] = json!(["client_credentials"]);
        metadata["scope"] = json!("api:read");
        let client = server.admin("POST", &format!("/issuers/{id}/clients"), metadata).await;
        assert_eq!(client.status, 201, "{}", client.text());
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", &client.get("client_id")),
            ("client_secret", &client.get("client_secret")),
        ];
        let token = server.post(&path(&server, &inserted, "token_endpoint"), &[], &fields).await.get("access_token");
        let jwks = server.jwks_at(&path(&server, &inserted, "jwks_uri")).await.json();
        assert_eq!(verify(&token, &jwks).unwrap()["iss"], inserted["issuer"]);
        // both places of both documents: clients differ in which they ask
        assert_eq!(server.get(&format!("{tenant}{OAUTH}")).await.json(), inserted);
        assert_eq!(server.get(&format!("{OPENID}{tenant}")).await.json(), inserted);
        if id != "main" {
            let other = server.jwks().await.json();
            assert!(verify(&token, &other).is_err(), "each issuer has its own keys");
            refused(&server.token(&fields).await, "invalid_client");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_73_two_issuers_cannot_share_a_url() {
    let directory = tempfile::TempDir::new().unwrap();
    let key = directory.path().join("key");
    crate::support::secret(&key, &jeton::internals::Vault::generate());
    let token = directory.path().join("token");
    crate::support::secret(&token, crate::support::ADMIN_TOKEN);
    let preset = |second: &str| {
        format!(
            "secrets = {{ master_key_file = \"{0}\", admin_token_file = \"{1}\" }}\n[issuers.a]\nurl = \
             \"https://id.example/x\"\n[issuers.b]\nurl = \"{second}\"\n",
            key.display(),
            token.display()
        )
    };
    let prepared = |second: &str| {
        let source = jeton::Source { preset: Some(preset(second)), ..Default::default() };
        jeton::prepare(source).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(prepared("https://id.example/y"), Ok(()));
    assert!(prepared("https://id.example/x").unwrap_err().contains("answers at"));
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_73_every_listed_endpoint_answers_and_no_other_exists() {
    let device = format!("grant_types = [\"{DEVICE}\"]\nverification_uri = \"https://portal.example/device\"");
    for settings in ["", device.as_str()] {
        let server = Server::with(settings).await;
        let document = document(&server).await;
        let listed: BTreeSet<&str> = document
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .filter(|name| name.ends_with("_endpoint") || name.ends_with("_uri"))
            .collect();
        let mut expected: BTreeSet<&str> =
            ["token_endpoint", "jwks_uri", "introspection_endpoint", "revocation_endpoint"].into();
        if !settings.is_empty() {
            expected.insert("device_authorization_endpoint");
        }
        assert_eq!(listed, expected);
        let paths: Vec<String> = listed.iter().map(|name| path(&server, &document, name)).collect();
        for path in &paths {
            if path.ends_with("jwks") {
                assert!(server.get(path).await.json()["keys"].is_array());
            } else {
                refused(&server.post(path, &[], &[("token", "x")]).await, "invalid_client");
            }
        }
        for absent in ["authorize", "device_authorization", "par", "register", "userinfo", "logout", "ciba", "keys"] {
            let own = [format!("/oauth2/{absent}"), format!("/{absent}")];
            for path in own.iter().filter(|path| !paths.contains(path)) {
                for method in ["GET", "POST"] {
                    assert_eq!(request(server.public, method, path, &[], b"").await.status, 404, "{path}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_73_the_portals_authorization_endpoint_is_listed_if_there_is_one() {
    let server = Server::with("authorization_endpoint = \"https://login.example/authorize\"").await;
    assert_eq!(document(&server).await["authorization_endpoint"], "https://login.example/authorize");
}

/// What a client of each grant needs besides; `assertion` is one of [`KEY`] by the issuer that [`PARTNER`] trusts.
async fn present(server: &Server, client: &(String, String), grant: &str) -> Vec<(&'static str, String)> {
    let text = |tokens: &Value, name: &str| tokens[name].as_str().unwrap().to_owned();
    match grant {
        "client_credentials" => vec![],
        "authorization_code" => vec![
            ("code", server.code(&client.0, Value::Null).await),
            ("redirect_uri", CALLBACK.to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
        ],
        "password" => {
            let alice = json!({ "password": "horse", "subject": "alice" });
            assert!(matches!(server.admin("PUT", "/issuers/main/users/alice", alice).await.status, 200 | 201));
            vec![("username", "alice".to_owned()), ("password", "horse".to_owned())]
        }
        "refresh_token" => vec![("refresh_token", text(&server.login(client).await, "refresh_token"))],
        DEVICE => {
            let who = [("client_id", client.0.as_str()), ("client_secret", &client.1)];
            let codes = server.post("/oauth2/device_authorization", &[], &who).await;
            let path = format!("/issuers/main/device/{}/approve", codes.get("user_code"));
            assert_eq!(server.admin("POST", &path, json!({ "subject": "alice" })).await.status, 204);
            vec![("device_code", codes.get("device_code"))]
        }
        EXCHANGE => vec![
            ("subject_token", text(&server.login(client).await, "access_token")),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token".to_owned()),
        ],
        ASSERTION => {
            let claims = json!({
                "iss": "https://partner.example", "sub": "alice", "aud": format!("http://{}", server.public),
                "exp": server.clock.now().as_secs() + 60, "jti": encode(jeton::Id::random().0),
            });
            vec![("assertion", KEY.jws(&json!({ "alg": "ES256" }), &claims))]
        }
        other => panic!("{other} is listed, and nobody here knows how it works"),
    }
}

/// What grants need in the settings of their issuer.
fn partner() -> String {
    let mut key = KEY.jwk();
    key["alg"] = json!("ES256");
    let members: Vec<String> =
        key.as_object().unwrap().iter().map(|(name, value)| format!("{name} = {value}")).collect();
    format!(
        "verification_uri = \"https://portal.example/device\"\nusers = {{ source = \"directory\" }}\n[[issuers.main.trusted_issuers]]\nissuer = \
         \"https://partner.example\"\nscopes = \"api:read\"\njwks = {{ keys = [{{ {} }}] }}\n",
        members.join(", ")
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_73_and_74_each_listed_grant_works_and_each_other_is_unsupported() {
    // whatever this build knows can be offered, each by itself and all together
    let known = jeton::internals::built_in_grants();
    let known: Vec<String> = known.iter().map(|grant| grant.grant_type().as_str().to_owned()).collect();
    let mut offers: Vec<Vec<String>> = vec![known.clone()];
    for grant in &known {
        // what is refreshed or exchanged was a login
        let login = ["refresh_token", EXCHANGE].contains(&grant.as_str()).then_some("authorization_code".to_owned());
        offers.push(login.into_iter().chain([grant.clone()]).collect());
    }
    let plain = Server::start().await;
    assert_eq!(list(&document(&plain).await, "grant_types_supported").len(), 3, "the rest is off by default");
    for offered in offers {
        let server = Server::with(&format!("grant_types = {}\n{}", json!(offered), partner())).await;
        let document = document(&server).await;
        let listed = list(&document, "grant_types_supported");
        assert_eq!(listed, offered);
        let mut metadata = web_metadata();
        metadata["grant_types"] = json!(listed);
        metadata["jeton"] = json!({ "token_exchange": { "impersonation": true } });
        let client = server.client(metadata.clone()).await;
        let path = path(&server, &document, "token_endpoint");
        for grant in GRANTS {
            let own = [("grant_type", grant), ("client_id", client.0.as_str()), ("client_secret", &client.1)];
            if !listed.iter().any(|one| one == grant) {
                let fields = [("username", "alice"), ("password", "x"), ("assertion", "x"), ("device_code", "x")];
                let fields: Vec<_> = own.into_iter().chain(fields).collect();
                refused(&server.post(&path, &[], &fields).await, "unsupported_grant_type");
                metadata["grant_types"] = json!([grant]);
                let answer = server.admin("POST", "/issuers/main/clients", metadata.clone()).await;
                assert_eq!(answer.status, 400, "{grant} cannot be registered");
                continue;
            }
            let proof = present(&server, &client, grant).await;
            let proof = proof.iter().map(|(name, value)| (*name, value.as_str()));
            let fields: Vec<_> = own.into_iter().chain(proof).collect();
            let answer = server.post(&path, &[], &fields).await;
            assert_eq!(answer.status, 200, "{grant}: {}", answer.text());
        }
        for grant in &listed {
            assert!(GRANTS.contains(&grant.as_str()), "{grant} is listed, and nobody here tries it");
        }
        assert_eq!(list(&document, "response_types_supported"), ["code"]);
        for response_type in ["token", "id_token", "code token", "code id_token"] {
            let mut metadata = web_metadata();
            metadata["grant_types"] = json!(listed);
            metadata["response_types"] = json!([response_type]);
            let answer = server.admin("POST", "/issuers/main/clients", metadata).await;
            assert_eq!(answer.status, 400, "{response_type}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_73_each_listed_client_authentication_works_at_its_endpoint_and_each_other_cannot_be_registered() {
    let server = Server::start().await;
    let document = document(&server).await;
    let at = |name: &str| list(&document, &format!("{name}_endpoint_auth_methods_supported"));
    let (token, introspection, revocation) = (at("token"), at("introspection"), at("revocation"));
    for method in &token {
        assert!(METHODS.contains(&method.as_str()), "{method} is listed, and nobody here tries it");
    }
    for method in METHODS {
        if !token.iter().any(|one| one == method) {
            let mut metadata = web_metadata();
            metadata["token_endpoint_auth_method"] = json!(method);
            assert_eq!(server.admin("POST", "/issuers/main/clients", metadata).await.status, 400, "{method}");
            continue;
        }
        let client = client_by(&server, method).await;
        let code = server.code(&client.0, Value::Null).await;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let answer = post_as(&server, method, &client, &path(&server, &document, "token_endpoint"), &fields).await;
        assert_eq!(answer.status, 200, "{method}: {}", answer.text());
        for (endpoint, listed) in [("introspection_endpoint", &introspection), ("revocation_endpoint", &revocation)] {
            let path = path(&server, &document, endpoint);
            let answer = post_as(&server, method, &client, &path, &[("token", &answer.get("access_token"))]).await;
            let expected = if listed.iter().any(|one| one == method) { 200 } else { 401 };
            assert_eq!(answer.status, expected, "{method} at {endpoint}");
        }
    }
    let listed = |name: &str| list(&document, &format!("{name}_endpoint_auth_signing_alg_values_supported"));
    let algorithms = listed("token");
    assert!(listed("introspection") == algorithms && listed("revocation") == algorithms);
    for alg in algorithms.iter().map(String::as_str).chain(ALGORITHMS) {
        let hmac = alg.starts_with("HS");
        let is_listed = algorithms.iter().any(|one| one == alg);
        let key = if is_listed && !hmac { &Signer::new(alg) } else { &*KEY };
        let metadata = json!({
            "token_endpoint_auth_method": if hmac { "client_secret_jwt" } else { "private_key_jwt" },
            "token_endpoint_auth_signing_alg": alg, "jwks": { "keys": [key.jwk()] },
            "grant_types": ["client_credentials"],
        });
        let registered = server.admin("POST", "/issuers/main/clients", metadata).await;
        assert_eq!(registered.status, if is_listed { 201 } else { 400 }, "{alg}");
        if is_listed {
            let id = registered.get("client_id");
            let claims = json!({
                "iss": id, "sub": id, "aud": format!("http://{}", server.public),
                "exp": server.clock.now().as_secs() + 60, "jti": encode(jeton::Id::random().0),
            });
            let secret = || Signer::Secret(registered.get("client_secret").into_bytes());
            let header = json!({ "alg": alg });
            let assertion = if hmac { secret().jws(&header, &claims) } else { key.jws(&header, &claims) };
            let grant = [("grant_type", "client_credentials")];
            let fields = [grant[0], ("client_assertion_type", JWT_BEARER), ("client_assertion", &assertion)];
            assert_eq!(
                server.post(&path(&server, &document, "token_endpoint"), &[], &fields).await.status,
                200,
                "{alg}"
            );
        }
    }
    // an assertion that is none
    let assertion = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", "e30.e30.e30"),
    ];
    refused(&server.token(&assertion).await, "invalid_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_73_each_listed_algorithm_signs_and_each_other_cannot_be_registered() {
    for algorithms in [
        "algorithms = [\"EdDSA\"]\nid_token_alg = \"EdDSA\"",
        "algorithms = [\"EdDSA\", \"RS256\", \"ES256\", \"PS256\"]",
        "algorithms = [\"EdDSA\", \"ES256\"]",
    ] {
        let server = Server::with(algorithms).await;
        let document = document(&server).await;
        let listed = list(&document, "id_token_signing_alg_values_supported");
        let jwks = server.jwks_at(&path(&server, &document, "jwks_uri")).await.json();
        for alg in ALGORITHMS {
            let mut metadata = web_metadata();
            metadata["id_token_signed_response_alg"] = json!(alg);
            let answer = server.admin("POST", "/issuers/main/clients", metadata.clone()).await;
            if !listed.iter().any(|one| one == alg) {
                assert_eq!(answer.status, 400, "{alg}");
                continue;
            }
            let client = (answer.get("client_id"), answer.get("client_secret"));
            let token = server.login(&client).await["id_token"].as_str().unwrap().to_owned();
            assert_eq!(header(&token)["alg"], alg);
            verify(&token, &jwks).unwrap();
        }
        let published: BTreeSet<&str> =
            jwks["keys"].as_array().unwrap().iter().map(|key| key["alg"].as_str().unwrap()).collect();
        assert_eq!(published, listed.iter().map(String::as_str).collect());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_73_each_listed_scope_can_be_had_and_each_other_cannot_be_registered() {
    let server = Server::start().await;
    let listed = list(&document(&server).await, "scopes_supported");
    assert_eq!(listed, ["openid", "profile", "email", "offline_access", "api:read", "api:write"]);
    for scope in listed.iter().map(String::as_str).chain(["admin", "OPENID", "api", "address"]) {
        let mut metadata = web_metadata();
        metadata["scope"] = json!(scope);
        let answer = server.admin("POST", "/issuers/main/clients", metadata).await;
        if !listed.iter().any(|one| one == scope) {
            assert_eq!(answer.status, 400, "{scope}");
            continue;
        }
        let client = (answer.get("client_id"), answer.get("client_secret"));
        assert_eq!(server.login_with(&client, json!({ "scope": scope })).await["scope"], scope);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_73_each_listed_claim_is_in_an_id_token_and_request_objects_are_not_offered() {
    let server = Server::start().await;
    let document = document(&server).await;
    let client = server.web_client().await;
    let more = json!({ "nonce": "n", "auth_time": 1, "acr": "a", "amr": ["pwd"] });
    let token = server.login_with(&client, more).await["id_token"].as_str().unwrap().to_owned();
    let claims = crate::support::claims(&token);
    let own: BTreeSet<String> = claims.as_object().unwrap().keys().cloned().collect();
    assert_eq!(own, list(&document, "claims_supported").into_iter().collect());
    assert_eq!(document["subject_types_supported"], json!(["public"]));
    assert_eq!(
        (&document["request_parameter_supported"], &document["request_uri_parameter_supported"]),
        (&json!(false), &json!(false))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8414_3_1_every_dialect_has_both_documents_at_both_places_of_an_issuer_with_a_path() {
    for dialect in ["rfc", "aliyun-idaas", "xsolla-login", "identityserver3", "huawei-oneaccess", "tencent-ciam"] {
        let own = "algorithms = [\"EdDSA\"]\nid_token_alg = \"EdDSA\"\naccess_token_alg = \"EdDSA\"\n";
        let server =
            Server::with(&format!("[issuers.a]\nurl = \"http://@PUBLIC@/t/a\"\ndialect = \"{dialect}\"\n{own}")).await;
        let first = server.get(&format!("{OAUTH}/t/a")).await.json();
        assert_eq!(first["issuer"], format!("http://{}/t/a", server.public), "{dialect}");
        for place in [format!("/t/a{OAUTH}"), format!("/t/a{OPENID}"), format!("{OPENID}/t/a")] {
            assert_eq!(server.get(&place).await.json(), first, "{dialect} {place}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8414_2_an_issuer_can_state_further_members() {
    let server = Server::with(
        "[issuers.main.metadata]\nuserinfo_endpoint = \"https://portal.example/userinfo\"\nend_session_endpoint = \
         \"http://127.0.0.1:1/logout\"\nprompt_values_supported = [\"none\", \"login\"]\nbackchannel_logout_supported \
         = true\nmtls_endpoint_aliases = { token_endpoint = \"https://mtls.example/oauth2/token\" }\n",
    )
    .await;
    for place in [OAUTH, OPENID] {
        let document = server.get(place).await.json();
        assert_eq!(document["userinfo_endpoint"], "https://portal.example/userinfo");
        assert_eq!(document["end_session_endpoint"], "http://127.0.0.1:1/logout");
        assert_eq!(document["prompt_values_supported"], json!(["none", "login"]));
        assert_eq!(document["backchannel_logout_supported"], true);
        assert_eq!(document["mtls_endpoint_aliases"]["token_endpoint"], "https://mtls.example/oauth2/token");
        assert_eq!(document["issuer"], format!("http://{}", server.public));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8414_2_further_members_override_nothing_and_their_urls_are_protected() {
    let directory = tempfile::TempDir::new().unwrap();
    let key = directory.path().join("key");
    crate::support::secret(&key, &jeton::internals::Vault::generate());
    let token = directory.path().join("token");
    crate::support::secret(&token, crate::support::ADMIN_TOKEN);
    let prepared = |metadata: &str| {
        let preset = format!(
            "secrets = {{ master_key_file = \"{0}\", admin_token_file = \"{1}\" }}\n[issuers.a]\nurl = \
             \"https://id.example\"\n[issuers.a.metadata]\n{metadata}\n",
            key.display(),
            token.display()
        );
        let source = jeton::Source { preset: Some(preset), ..Default::default() };
        jeton::prepare(source).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(prepared("userinfo_endpoint = \"https://id.example/me\""), Ok(()));
    let document = Server::start().await.get(OAUTH).await.json();
    let stated = document.as_object().unwrap().keys().map(String::as_str);
    for name in stated.chain(["authorization_endpoint", "device_authorization_endpoint"]) {
        let error = prepared(&format!("{name} = \"https://id.example/x\"")).unwrap_err();
        assert!(error.contains("issuers.a.metadata") && error.contains(name), "{name}: {error}");
    }
    for wrong in [
        "userinfo_endpoint = \"http://id.example/me\"",
        "userinfo_endpoint = \"/me\"",
        "userinfo_endpoint = \"https://id.example/me#x\"",
        "userinfo_endpoint = \" https://id.example/me\"",
        "userinfo_endpoint = 7",
        "check_session_iframe = \"javascript:alert(1)\"",
        "op_policy_uri = \"http://id.example/policy\"",
        "mtls_endpoint_aliases = { token_endpoint = \"http://id.example/x\" }",
        "\"a b\" = true",
        "\"\" = true",
    ] {
        let error = prepared(wrong).unwrap_err();
        assert!(error.contains("issuers.a.metadata"), "{wrong}: {error}");
    }
    let long = format!("note = \"{}\"", "x".repeat(20_000));
    assert!(prepared(&long).unwrap_err().contains("issuers.a.metadata"));
}
