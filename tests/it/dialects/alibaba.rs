//! SEEDS.md 000: Alibaba Cloud IDaaS. Statuses of errors are not published; RFC 6749 section 5.2 stands.

use serde_json::json;

use super::Entry::{Documented, Inferred, Kept, Needs};
use super::{Entry, Row, Vendor, World, pick};
use crate::support::tools::{bounded, installed, program, repository, skip, succeeds};

pub(super) const VENDOR: Vendor = Vendor {
    issuer: "alibaba",
    toml: r#"
[issuers.alibaba]
url = "http://@PUBLIC@/api/v2/iauths_system/oauth2"
dialect = "aliyun-idaas"
vendor = { instance_id = "idaas_ue2jvisn35ea5lmthk267" }
algorithms = ["RS256"]
scopes = "openid offline_access orders|read orders|.all"
"#,
    custom_grants: &[],
    scope: "openid offline_access",
    service_scope: "orders|read",
    content_type: "application/json",
    cache_control: "no-store",
    table: TABLE,
    federated: true,
};

const TABLE: &[Entry] = &[
    Documented(Row {
        what: "authorization code",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=authorization_code&client_id=web&code=<code>&redirect_uri=<redirect>&client_secret=<secret web>",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","refresh_token":"<refresh>","expires_in":1200,
            "expires_at":"<in 1200>","id_token":"<jwt>","scope":"openid offline_access"}"#,
    }),
    Documented(Row {
        what: "the path of the OpenAPI",
        request: "POST /v2/idaas_ue2jvisn35ea5lmthk267/authorizationServer/iauths_system/oauth2/token\n\
            Content-Type: application/x-www-form-urlencoded\n\n\
            grant_type=authorization_code&client_id=web&code=<code>&redirect_uri=<redirect>&client_secret=<secret web>",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","refresh_token":"<refresh>","expires_in":1200,
            "expires_at":"<in 1200>","id_token":"<jwt>","scope":"openid offline_access"}"#,
    }),
    Documented(Row {
        what: "the generated SDK: everything in the query, no body",
        request: "POST /v2/idaas_ue2jvisn35ea5lmthk267/authorizationServer/iauths_system/oauth2/token?\
            grant_type=authorization_code&client_id=web&code=<code>&redirect_uri=<redirect>&client_secret=<secret web>",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","refresh_token":"<refresh>","expires_in":1200,
            "expires_at":"<in 1200>","id_token":"<jwt>","scope":"openid offline_access"}"#,
    }),
    Documented(Row {
        what: "a public client with PKCE",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=authorization_code&client_id=spa&code=<code of spa>&redirect_uri=<redirect>&code_verifier=<verifier>",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","refresh_token":"<refresh>","expires_in":1200,
            "expires_at":"<in 1200>","id_token":"<jwt>","scope":"openid offline_access"}"#,
    }),
    Documented(Row {
        what: "refresh",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=refresh_token&client_id=web&refresh_token=<refresh>&client_secret=<secret web>",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","refresh_token":"<refresh>","expires_in":1200,
            "expires_at":"<in 1200>","id_token":"<jwt>","scope":"openid offline_access"}"#,
    }),
    Documented(Row {
        what: "M2M method 1: client_secret_basic, the client id repeated in the body",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\
            Authorization: Basic <credentials robot>\n\ngrant_type=client_credentials&client_id=robot&scope=orders%7Cread",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","expires_in":1200,"expires_at":"<in 1200>","scope":"orders|read"}"#,
    }),
    Documented(Row {
        what: "M2M method 2: client_secret_post",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=client_credentials&client_id=service&client_secret=<secret service>&scope=orders%7Cread",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","expires_in":1200,"expires_at":"<in 1200>","scope":"orders|read"}"#,
    }),
    Inferred(Row {
        what: "bad secret (the code is documented, the status is not)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=client_credentials&client_id=service&client_secret=wrong",
        status: 401,
        body: r#"{"error":"invalid_client","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "scope not valid (the code is documented, the status is not)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=client_credentials&client_id=service&client_secret=<secret service>&scope=orders%7C.all",
        status: 400,
        body: r#"{"error":"invalid_scope","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "unknown grant type",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=nothing&client_id=service&client_secret=<secret service>",
        status: 400,
        body: r#"{"error":"unsupported_grant_type","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "redirect_uri differs",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=authorization_code&client_id=web&code=<code>&redirect_uri=<other redirect>&client_secret=<secret web>",
        status: 400,
        body: r#"{"error":"invalid_grant","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "redirect_uri missing",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=authorization_code&client_id=web&code=<code>&client_secret=<secret web>",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "code reused",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=authorization_code&client_id=web&code=<used code>&redirect_uri=<redirect>&client_secret=<secret web>",
        status: 400,
        body: r#"{"error":"invalid_grant","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Kept(Row {
        what: "CHECKLIST 43: a public client without verifier",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=authorization_code&client_id=spa&code=<code of spa>&redirect_uri=<redirect>",
        status: 400,
        body: r#"{"error":"invalid_grant","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Kept(Row {
        what: "CHECKLIST 2: with a body the query does not count",
        request: "POST /api/v2/iauths_system/oauth2/token?client_id=service&client_secret=<secret service>\n\
            Content-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials",
        status: 401,
        body: r#"{"error":"invalid_client","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Kept(Row {
        what: "CHECKLIST 1: a token is never got by GET",
        request: "GET /api/v2/iauths_system/oauth2/token?grant_type=client_credentials&client_id=service&client_secret=<secret service>",
        status: 405,
        body: r#"{"error":"invalid_request","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Kept(Row {
        what: "CHECKLIST 4: a parameter that is repeated in the query",
        request: "POST /api/v2/iauths_system/oauth2/token?grant_type=client_credentials&grant_type=client_credentials&\
            client_id=service&client_secret=<secret service>",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Kept(Row {
        what: "CHECKLIST 3: JSON is not this vendor's way",
        request: "POST /api/v2/iauths_system/oauth2/token?a=b\nContent-Type: application/json\n\n{}",
        status: 415,
        body: r#"{"error":"invalid_request","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Needs { feature: "password", what: "username and password, scope openid" },
    Needs { feature: "device_code", what: "oauth2/device/code and the four answers of polling" },
    Needs { feature: "token-exchange", what: "access token to access token of the same authorization server" },
    Needs { feature: "client_secret_jwt", what: "M2M method 3" },
    Needs { feature: "private_key_jwt", what: "M2M method 4, aud the token endpoint URL" },
    Documented(Row {
        what: "M2M method 5: the token of an OpenID Connect provider",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            client_id=pod&application_federated_credential_name=pod&client_assertion_type=\
            urn%3Acloud%3Aidaas%3Aparams%3Aoauth%3Aclient-assertion-type%3Aid-token-bearer&client_assertion=<id token>\
            &grant_type=client_credentials&scope=orders%7Cread",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","expires_in":1200,"expires_at":"<in 1200>","scope":"orders|read"}"#,
    }),
    Documented(Row {
        what: "M2M method 6: an attested document",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            client_id=instance&application_federated_credential_name=instance&client_assertion_type=\
            urn%3Acloud%3Aidaas%3Aparams%3Aoauth%3Aclient-assertion-type%3Apkcs7-bearer&client_assertion=<document>\
            &grant_type=client_credentials&scope=orders%7Cread",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","expires_in":1200,"expires_at":"<in 1200>","scope":"orders|read"}"#,
    }),
    Documented(Row {
        what: "M2M method 7: an assertion under a certificate",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            client_id=machine&application_federated_credential_name=machine&client_assertion_type=\
            urn%3Acloud%3Aidaas%3Aparams%3Aoauth%3Aclient-assertion-type%3Ax509-jwt-bearer&client_assertion=<assertion>&client_x509=<leaf>&client_x509_chain=<chain>\
            &grant_type=client_credentials&scope=orders%7Cread",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","expires_in":1200,"expires_at":"<in 1200>","scope":"orders|read"}"#,
    }),
    Inferred(Row {
        what: "an unknown federated credential (neither code nor status is documented)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            client_id=pod&application_federated_credential_name=other&client_assertion_type=\
            urn%3Acloud%3Aidaas%3Aparams%3Aoauth%3Aclient-assertion-type%3Aid-token-bearer&\
            client_assertion=<id token>&grant_type=client_credentials",
        status: 401,
        body: r#"{"error":"invalid_client","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "a federated proof that is none (neither code nor status is documented)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            client_id=pod&application_federated_credential_name=pod&client_assertion_type=\
            urn%3Acloud%3Aidaas%3Aparams%3Aoauth%3Aclient-assertion-type%3Aid-token-bearer&\
            client_assertion=e30.e30.e30&grant_type=client_credentials",
        status: 401,
        body: r#"{"error":"invalid_client","error_description":"<text>","request_id":"<text>"}"#,
    }),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_request_is_answered_as_documented() {
    let world = World::start(&VENDOR).await;
    world.replay().await;
    let (access, id) = world.login().await;
    let issuer = format!("http://{}/api/v2/iauths_system/oauth2", world.server.public);
    assert_eq!(pick(&access, &["iss", "aud", "sub"]), [json!(issuer), json!(issuer), json!("alice")]);
    assert_eq!(access["exp"].as_u64().unwrap() - access["iat"].as_u64().unwrap(), 1200);
    assert_eq!(id["exp"].as_u64().unwrap() - id["iat"].as_u64().unwrap(), 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn revocation_answers_at_both_paths() {
    let world = World::start(&VENDOR).await;
    for path in [
        "/api/v2/iauths_system/oauth2/revoke",
        "/v2/idaas_ue2jvisn35ea5lmthk267/authorizationServer/iauths_system/oauth2/revoke",
    ] {
        let (token, secret) = (world.value("refresh").await, super::secret("web"));
        let fields = [("token", token.as_str()), ("client_id", "web"), ("client_secret", secret.as_str())];
        assert_eq!(world.server.post(path, &[], &fields).await.status, 200);
        let grant = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
        assert_eq!(world.token("web", &grant).await.error(), "invalid_grant");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_core_sdk_of_alibaba_authenticates_by_all_three_federated_methods() {
    let Some(python) = installed("python/bin/python") else { return skip("python clients") };
    if program("openssl").is_none() {
        return skip("openssl");
    }
    let world = World::start(&VENDOR).await;
    let (federation, now) = (world.federation.as_ref().unwrap(), world.server.clock.now().as_secs());
    let endpoint = format!("http://{}{}", world.server.public, world.token_path().await);
    let proofs = tempfile::TempDir::new().unwrap();
    let (leaf, chain) = federation.certificates();
    for (name, proof) in [
        ("token", federation.id_token(&endpoint, now)),
        ("document", federation.document(now).await),
        ("leaf.pem", leaf.to_owned()),
        ("chain.pem", chain.to_owned()),
        ("key.pem", federation.key().to_owned()),
    ] {
        std::fs::write(proofs.path().join(name), proof).unwrap();
    }
    let mut command = bounded(python);
    command.arg("-B").arg(repository("tests/clients/python/alibaba_federated.py"));
    command.env("JETON_TOKEN_ENDPOINT", endpoint).env("JETON_PROOFS", proofs.path());
    command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
    succeeds("cloud-idaas-core", command).await;
}
