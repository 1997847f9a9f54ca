//! SEEDS.md 003: Huawei Cloud OneAccess.

use serde_json::json;

use super::Entry::{Documented, Inferred, Kept};
use super::{Entry, Row, Vendor, World};

pub(super) const VENDOR: Vendor = Vendor {
    issuer: "huawei",
    toml: r#"
[issuers.huawei]
url = "http://@PUBLIC@/huawei"
dialect = "huawei-oneaccess"
algorithms = ["RS256"]
grant_types = ["authorization_code", "refresh_token", "client_credentials", "password"]
users = { source = "directory" }
"#,
    custom_grants: &[],
    scope: "openid",
    service_scope: "all",
    content_type: "application/json",
    cache_control: "no-store",
    table: TABLE,
    federated: false,
};

const TABLE: &[Entry] = &[
    Documented(Row {
        what: "ID token by authorization code, with refresh token (example 2)",
        request: "POST /huawei/api/v1/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&code=<code>&redirect_uri=<redirect>",
        status: 200,
        body: r#"{"access_token":"<opaque>","token_type":"Bearer","expires_in":7200,"scope":"openid","refresh_token":"<refresh>","id_token":"<jwt>"}"#,
    }),
    Documented(Row {
        what: "refresh gives a new ID token",
        request: "POST /huawei/api/v1/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&client_id=web&client_secret=<secret web>&refresh_token=<refresh>",
        status: 200,
        body: r#"{"access_token":"<opaque>","token_type":"Bearer","expires_in":7200,"scope":"openid","refresh_token":"<new refresh>","id_token":"<jwt>"}"#,
    }),
    Kept(Row {
        what: "OpenID Connect Core section 2: client credentials at their own path, without the id_token that says there that \
            a person logged in",
        request: "POST /huawei/api/v2/tenant/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=service&client_secret=<secret service>",
        status: 200,
        body: r#"{"access_token":"<opaque>","token_type":"Bearer","expires_in":1800,"scope":"all"}"#,
    }),
    Inferred(Row {
        what: "client credentials with Basic and a form (there the grant type is in the query)",
        request: "POST /huawei/api/v2/tenant/token\nContent-Type: application/x-www-form-urlencoded\nAuthorization: Basic <credentials robot>\n\ngrant_type=client_credentials",
        status: 200,
        body: r#"{"access_token":"<opaque>","token_type":"Bearer","expires_in":1800,"scope":"all"}"#,
    }),
    Documented(Row {
        what: "bad code",
        request: "POST /huawei/api/v1/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&code=0yV&redirect_uri=<redirect>",
        status: 400,
        body: r#"{"error":"invalid_grant","error_description":"Invalid authorization code"}"#,
    }),
    Documented(Row {
        what: "expired code",
        request: "POST /huawei/api/v1/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&code=<expired code>&redirect_uri=<redirect>",
        status: 400,
        body: r#"{"error":"invalid_grant","error_description":"Invalid authorization code"}"#,
    }),
    Documented(Row {
        what: "used code",
        request: "POST /huawei/api/v1/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&code=<used code>&redirect_uri=<redirect>",
        status: 400,
        body: r#"{"error":"invalid_grant","error_description":"Invalid authorization code"}"#,
    }),
    Inferred(Row {
        what: "bad refresh token (two pages differ about the description)",
        request: "POST /huawei/api/v1/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&client_id=web&client_secret=<secret web>&refresh_token=5wI",
        status: 400,
        body: r#"{"error":"invalid_grant","error_description":"Invalid refresh token"}"#,
    }),
    Inferred(Row {
        what: "another envelope under /api/v2 (its members are documented, its codes and statuses are not)",
        request: "POST /huawei/api/v2/tenant/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=service&client_secret=x",
        status: 400,
        body: r#"{"error_code":"invalid_client","error_msg":"<text>"}"#,
    }),
    Inferred(Row {
        what: "wrong client secret",
        request: "POST /huawei/api/v1/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=x&code=0yV&redirect_uri=<redirect>",
        status: 400,
        body: r#"{"error":"invalid_client","error_description":"<text>"}"#,
    }),
    Inferred(Row {
        what: "unknown client",
        request: "POST /huawei/api/v1/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=nobody&client_secret=x&code=0yV&redirect_uri=<redirect>",
        status: 400,
        body: r#"{"error":"invalid_client","error_description":"<text>"}"#,
    }),
    Inferred(Row {
        what: "wrong redirect_uri",
        request: "POST /huawei/api/v1/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&code=<code>&redirect_uri=<other redirect>",
        status: 400,
        body: r#"{"error":"invalid_grant","error_description":"Invalid authorization code"}"#,
    }),
    Inferred(Row {
        what: "unsupported grant",
        request: "POST /huawei/api/v1/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=nothing&client_id=web&client_secret=<secret web>",
        status: 400,
        body: r#"{"error":"unsupported_grant_type","error_description":"<text>"}"#,
    }),
    Inferred(Row {
        what: "code missing",
        request: "POST /huawei/api/v1/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&redirect_uri=<redirect>",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"<text>"}"#,
    }),
    Inferred(Row {
        what: "grant_type missing",
        request: "POST /huawei/api/v1/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"<text>"}"#,
    }),
    Kept(Row {
        what: "CHECKLIST 42: the domain of the redirect URI is not the redirect URI",
        request: "POST /huawei/api/v1/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&code=<code>&redirect_uri=<domain>",
        status: 400,
        body: r#"{"error":"invalid_grant","error_description":"Invalid authorization code"}"#,
    }),
    Kept(Row {
        what: "CHECKLIST 2: a grant type in the query does not count",
        request: "POST /huawei/api/v2/tenant/token?grant_type=client_credentials\nContent-Type: application/x-www-form-urlencoded\nAuthorization: Basic <credentials robot>\n\n",
        status: 400,
        body: r#"{"error_code":"invalid_request","error_msg":"<text>"}"#,
    }),
    Inferred(Row {
        what: "password",
        request: "POST /huawei/api/v1/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&username=alice&password=horse&scope=openid",
        status: 200,
        body: r#"{"access_token":"<opaque>","token_type":"Bearer","expires_in":7200,"scope":"openid","refresh_token":"<refresh>","id_token":"<jwt>"}"#,
    }),
    Inferred(Row {
        what: "password is wrong",
        request: "POST /huawei/api/v1/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&username=alice&password=x&scope=openid",
        status: 400,
        body: r#"{"error":"invalid_grant","error_description":"<text>"}"#,
    }),
    Inferred(Row {
        what: "password is off unless the application has it",
        request: "POST /huawei/api/v1/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=web&client_secret=<secret web>&username=alice&password=horse&scope=openid",
        status: 400,
        body: r#"{"error":"unauthorized_client","error_description":"<text>"}"#,
    }),
    Documented(Row {
        what: "ID token by authorization code, without refresh token (example 1)",
        request: "POST /huawei/api/v1/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=plain&client_secret=<secret plain>&code=<code of plain>&redirect_uri=<redirect>",
        status: 200,
        body: r#"{"access_token":"<opaque>","token_type":"Bearer","expires_in":7200,"scope":"openid","id_token":"<jwt>"}"#,
    }),
    Documented(Row {
        what: "the OAuth2 twin: no redirect_uri, no ID token",
        request: "POST /huawei/api/v1/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=single&client_secret=<secret single>&code=<code of single>",
        status: 200,
        body: r#"{"access_token":"<opaque>","token_type":"Bearer","expires_in":7200,"scope":"get_user_info","refresh_token":"<refresh>"}"#,
    }),
    Documented(Row {
        what: "the OAuth2 twin: the redirect_uri of the authorize call",
        request: "POST /huawei/api/v1/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=single&client_secret=<secret single>&code=<code of single>&redirect_uri=<redirect>",
        status: 200,
        body: r#"{"access_token":"<opaque>","token_type":"Bearer","expires_in":7200,"scope":"get_user_info","refresh_token":"<refresh>"}"#,
    }),
    Inferred(Row {
        what: "the OAuth2 twin: another redirect_uri",
        request: "POST /huawei/api/v1/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=single&client_secret=<secret single>&code=<code of single>&redirect_uri=<other redirect>",
        status: 400,
        body: r#"{"error":"invalid_grant","error_description":"Invalid authorization code"}"#,
    }),
    Documented(Row {
        what: "the OAuth2 twin: refresh, no ID token",
        request: "POST /huawei/api/v1/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&client_id=single&client_secret=<secret single>&refresh_token=<refresh of single>",
        status: 200,
        body: r#"{"access_token":"<opaque>","token_type":"Bearer","expires_in":7200,"scope":"get_user_info","refresh_token":"<refresh>"}"#,
    }),
    Inferred(Row {
        what: "client credentials are not at this URL there; here each path takes every grant",
        request: "POST /huawei/api/v1/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=service&client_secret=<secret service>",
        status: 200,
        body: r#"{"access_token":"<opaque>","token_type":"Bearer","expires_in":1800,"scope":"all"}"#,
    }),
    Inferred(Row {
        what: "a code at the path of client credentials (not documented)",
        request: "POST /huawei/api/v2/tenant/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&code=<code>&redirect_uri=<redirect>",
        status: 200,
        body: r#"{"access_token":"<opaque>","token_type":"Bearer","expires_in":7200,"scope":"openid","refresh_token":"<refresh>","id_token":"<jwt>"}"#,
    }),
    Inferred(Row {
        what: "redirect_uri missing, mandatory for OpenID Connect (the rule is documented, the code is not)",
        request: "POST /huawei/api/v1/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&code=<code>",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"<text>"}"#,
    }),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_request_is_answered_as_documented() {
    World::start(&VENDOR).await.replay().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn discovery_answers_where_the_vendor_has_it() {
    let world = World::start(&VENDOR).await;
    let base = format!("http://{}/huawei", world.server.public);
    for path in ["/huawei/api/v1/oauth2/.well-known/openid-configuration", "/huawei/.well-known/openid-configuration"] {
        let document = world.server.get(path).await.json();
        assert_eq!(document["token_endpoint"], json!(format!("{base}/api/v1/oauth2/token")), "{path}");
        assert_eq!(document["jwks_uri"], json!(format!("{base}/api/v1/oauth2/jwks")), "{path}");
    }
    assert_eq!(world.server.get("/huawei/api/v1/oauth2/jwks").await.status, 200);
}
