//! SEEDS.md 000: Alibaba Cloud IDaaS. Statuses of errors are not published; RFC 6749 section 5.2 stands.

use jeton::extend::Endpoint;
use serde_json::json;

use super::Entry::{Documented, Inferred, Kept};
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
scopes = "openid offline_access orders|read orders|list orders|write billing|read"
grant_types = ["authorization_code", "refresh_token", "client_credentials", "password",
    "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange"]
verification_uri = "https://portal.example/device"
users = { source = "directory" }
[[issuers.alibaba.custom_grants]]
grant_type = "urn:example:broken"
hook = { url = "@HOOK@" }
[[issuers.alibaba.custom_grants]]
grant_type = "urn:example:away"
hook = { url = "@HOOK@" }
"#,
    custom_grants: &["urn:example:broken", "urn:example:away"],
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
    Inferred(Row {
        what: "refresh (the request is documented, its answer is taken to be that of a code)",
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
        what: "scope not valid (the code is documented, the status is not; scope_not_found is another, and nothing says when)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=client_credentials&client_id=service&client_secret=<secret service>&scope=orders%7Cnothing",
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
    Documented(Row {
        what: "device flow: the codes",
        request: "POST /api/v2/iauths_system/oauth2/device/code\nContent-Type: application/x-www-form-urlencoded\n\n\
            client_id=tv&scope=openid+offline_access",
        status: 200,
        body: r#"{"device_code":"<device>","user_code":"<text>","verification_uri":"https://portal.example/device",
            "verification_uri_complete":"<text>","expires_in":1200,"expires_at":"<in 1200>","interval":5}"#,
    }),
    Documented(Row {
        what: "device flow at the path of the OpenAPI, everything in the query",
        request: "POST /v2/idaas_ue2jvisn35ea5lmthk267/authorizationServer/iauths_system/oauth2/device/code?\
            client_id=tv&scope=openid+offline_access",
        status: 200,
        body: r#"{"device_code":"<device>","user_code":"<text>","verification_uri":"https://portal.example/device",
            "verification_uri_complete":"<text>","expires_in":1200,"expires_at":"<in 1200>","interval":5}"#,
    }),
    Inferred(Row {
        what: "device flow: the user has not finished (the code is documented, the status is not)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=tv&device_code=<device code>",
        status: 400,
        body: r#"{"error":"authorization_pending","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "device flow: polling too fast (the code is documented, the status is not)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=tv&device_code=<hasty device>",
        status: 400,
        body: r#"{"error":"slow_down","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "device flow: the user refuses (the code is documented, the status is not)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=tv&device_code=<denied device>",
        status: 400,
        body: r#"{"error":"access_denied","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "device flow: the device code expired (the code is documented, the status is not)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=tv&device_code=<expired device>",
        status: 400,
        body: r#"{"error":"expired_token","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Documented(Row {
        what: "device flow: the person approved",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=tv&device_code=<approved device>",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","refresh_token":"<refresh>","expires_in":1200,
            "expires_at":"<in 1200>","id_token":"<jwt>","scope":"openid offline_access"}"#,
    }),
    Documented(Row {
        what: "token exchange of an access token of the same authorization server, as the SDK sends it",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&client_id=gateway&client_secret=<secret gateway>&\
            subject_token=<token of service>&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&\
            requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&scope=orders%7Cread",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","issued_token_type":"urn:ietf:params:oauth:token-type:access_token",
            "expires_in":1200,"expires_at":"<in 1200>","scope":"orders|read"}"#,
    }),
    Documented(Row {
        what: "token exchange: audience is the audience part of scope",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&client_id=gateway&client_secret=<secret gateway>&\
            subject_token=<token of service>&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&audience=orders&scope=orders%7Cread",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","issued_token_type":"urn:ietf:params:oauth:token-type:access_token",
            "expires_in":1200,"expires_at":"<in 1200>","scope":"orders|read"}"#,
    }),
    Documented(Row {
        what: "token exchange: an older SDK says jwt",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&client_id=gateway&client_secret=<secret gateway>&\
            subject_token=<token of service>&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt&scope=orders%7Cread",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","issued_token_type":"urn:ietf:params:oauth:token-type:access_token",
            "expires_in":1200,"expires_at":"<in 1200>","scope":"orders|read"}"#,
    }),
    Inferred(Row {
        what: "token exchange: audience is not the audience part of scope, although the policy has both (the rule is documented, code and status are not)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&client_id=gateway&client_secret=<secret gateway>&\
            subject_token=<token of service>&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&audience=billing&scope=orders%7Cread",
        status: 400,
        body: r#"{"error":"invalid_target","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Kept(Row {
        what: "CHECKLIST 70: token exchange never gives a scope that the subject token has not, whatever the client may have",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&client_id=gateway&client_secret=<secret gateway>&\
            subject_token=<token of service>&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&scope=orders%7Cwrite",
        status: 400,
        body: r#"{"error":"invalid_scope","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Documented(Row {
        what: "M2M method 3: client_secret_jwt, aud the token endpoint URL",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            client_id=hmac&grant_type=client_credentials&scope=orders%7Cread&\
            client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=<assertion of hmac>",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","expires_in":1200,"expires_at":"<in 1200>","scope":"orders|read"}"#,
    }),
    Documented(Row {
        what: "M2M method 4: private_key_jwt, aud the token endpoint URL",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            client_id=key&grant_type=client_credentials&scope=orders%7Cread&\
            client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=<assertion of key>",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","expires_in":1200,"expires_at":"<in 1200>","scope":"orders|read"}"#,
    }),
    Documented(Row {
        what: "the path of an application (GenerateToken), everything in the query",
        request: "POST /v2/idaas_ue2jvisn35ea5lmthk267/web/oauth2/token?grant_type=authorization_code&client_id=web&client_secret=<secret web>&\
            code=<code>&redirect_uri=<redirect>",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","refresh_token":"<refresh>","expires_in":1200,
            "expires_at":"<in 1200>","id_token":"<jwt>","scope":"openid offline_access"}"#,
    }),
    Inferred(Row {
        what: "the path of an application, a form, the client named by the path (there client_id is required)",
        request: "POST /v2/idaas_ue2jvisn35ea5lmthk267/web/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=refresh_token&client_secret=<secret web>&refresh_token=<refresh>",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","refresh_token":"<refresh>","expires_in":1200,
            "expires_at":"<in 1200>","id_token":"<jwt>","scope":"openid offline_access"}"#,
    }),
    Documented(Row {
        what: "GenerateDeviceCode: the path names the client",
        request: "POST /v2/idaas_ue2jvisn35ea5lmthk267/tv/oauth2/device/code?scope=openid+offline_access",
        status: 200,
        body: r#"{"device_code":"<device>","user_code":"<text>","verification_uri":"https://portal.example/device",
            "verification_uri_complete":"<text>","expires_in":1200,"expires_at":"<in 1200>","interval":5}"#,
    }),
    Inferred(Row {
        what: "the path names another client than client_id",
        request: "POST /v2/idaas_ue2jvisn35ea5lmthk267/service/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=authorization_code&client_id=web&client_secret=<secret web>&code=<code>&redirect_uri=<redirect>",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Documented(Row {
        what: "password, scope openid",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&username=alice&password=horse&scope=openid",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","expires_in":1200,"expires_at":"<in 1200>","id_token":"<jwt>","scope":"openid"}"#,
    }),
    Documented(Row {
        what: "password with a refresh token",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&username=alice&password=horse&scope=openid+offline_access",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","refresh_token":"<refresh>","expires_in":1200,"expires_at":"<in 1200>","id_token":"<jwt>","scope":"openid offline_access"}"#,
    }),
    Inferred(Row {
        what: "password is wrong",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&username=alice&password=x&scope=openid",
        status: 400,
        body: r#"{"error":"invalid_grant","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "password, username missing",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&password=horse&scope=openid",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "password, not allowed for the application (the code is documented, the status is not)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=web&client_secret=<secret web>&username=alice&password=horse&scope=openid",
        status: 400,
        body: r#"{"error":"invalid_client","error_description":"<text>","request_id":"<text>"}"#,
    }),
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
    Inferred(Row {
        what: "the client is not granted on the resource server (the code is documented, the status is not)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=service&client_secret=<secret service>&scope=orders%7Cwrite",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"the client has not been authorized by resource server for this scope","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "unknown client id (the code is documented, the status is not)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=nobody&client_secret=wrong&scope=orders%7Cread",
        status: 401,
        body: r#"{"error":"invalid_client","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "not a public client, and no secret (the code is documented, the status is not)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=service&scope=orders%7Cread",
        status: 401,
        body: r#"{"error":"invalid_client","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "grant not enabled (the code is documented, the status is not)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=web&client_secret=<secret web>&scope=orders%7Cread",
        status: 400,
        body: r#"{"error":"invalid_client","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "a public client is for code and device only (the code is documented, the status is not)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=spa&scope=orders%7Cread",
        status: 400,
        body: r#"{"error":"invalid_client","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Documented(Row {
        what: "all granted scopes of a resource server",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=service&client_secret=<secret service>&scope=orders%7C.all",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","expires_in":1200,"expires_at":"<in 1200>","scope":"orders|read"}"#,
    }),
    Inferred(Row {
        what: "two audiences in one scope (the SDK refuses to send it; neither code nor status is documented)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=broker&client_secret=<secret broker>&scope=orders%7Cread+billing%7Cread",
        status: 400,
        body: r#"{"error":"invalid_scope","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "too many requests (the status is documented, the body is not)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=hasty&client_secret=<hasty secret>",
        status: 429,
        body: r#"{"error":"temporarily_unavailable","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "a fault of the server, which the client tries again once (the status is documented, the body is not)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=urn%3Aexample%3Abroken&client_id=web&client_secret=<secret web>",
        status: 500,
        body: r#"{"error":"server_error","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "a fault of something behind the server (the status is documented, the body is not)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=urn%3Aexample%3Aaway&client_id=web&client_secret=<secret web>",
        status: 503,
        body: r#"{"error":"temporarily_unavailable","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Documented(Row {
        what: "device flow: openid and offline_access with an API scope",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=tv&device_code=<approved device with an API>",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","refresh_token":"<refresh>","expires_in":1200,
            "expires_at":"<in 1200>","id_token":"<jwt>","scope":"openid offline_access orders|read"}"#,
    }),
    Inferred(Row {
        what: "token exchange with the optional actor_token (the SDK has it, its effect is not documented)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&client_id=gateway&client_secret=<secret gateway>&subject_token=<token of service>&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&actor_token=<token of gateway>&actor_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&scope=orders%7Cread",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","issued_token_type":"urn:ietf:params:oauth:token-type:access_token",
            "expires_in":1200,"expires_at":"<in 1200>","scope":"orders|read"}"#,
    }),
    Inferred(Row {
        what: "token exchange: the token of another authorization server (neither code nor status is documented)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&client_id=gateway&client_secret=<secret gateway>&subject_token=<foreign token>&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&scope=orders%7Cread",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "token exchange: the subject token expired (neither code nor status is documented)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&client_id=gateway&client_secret=<secret gateway>&subject_token=<expired token>&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&scope=orders%7Cread",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "token exchange: the maximum depth (neither code nor status is documented)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&client_id=gateway&client_secret=<secret gateway>&subject_token=<exchanged token>&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&scope=orders%7Cread",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "token exchange: the client is not authorized for the target (the code is documented, the status is not)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&client_id=gateway&client_secret=<secret gateway>&subject_token=<token of service>&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&audience=billing&scope=billing%7Cread",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"the client has not been authorized by resource server for this scope","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "token exchange: the client may not exchange (the code is documented, the status is not)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&client_id=service&client_secret=<secret service>&subject_token=<token of service>&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&scope=orders%7Cread",
        status: 400,
        body: r#"{"error":"invalid_client","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "the path of an application: exclusive_tag, whose effect is not documented, is ignored",
        request: "POST /v2/idaas_ue2jvisn35ea5lmthk267/web/oauth2/token?grant_type=authorization_code&client_id=web&client_secret=<secret web>&code=<code>&redirect_uri=<redirect>&exclusive_tag=tag",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","refresh_token":"<refresh>","expires_in":1200,
            "expires_at":"<in 1200>","id_token":"<jwt>","scope":"openid offline_access"}"#,
    }),
    Documented(Row {
        what: "the path of an application: client_credentials with client_secret_post",
        request: "POST /v2/idaas_ue2jvisn35ea5lmthk267/service/oauth2/token?grant_type=client_credentials&client_id=service&client_secret=<secret service>&scope=orders%7Cread",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","expires_in":1200,"expires_at":"<in 1200>","scope":"orders|read"}"#,
    }),
    Documented(Row {
        what: "the path of an application: password",
        request: "POST /v2/idaas_ue2jvisn35ea5lmthk267/login/oauth2/token?grant_type=password&client_id=login&client_secret=<secret login>&username=alice&password=horse&scope=openid+offline_access",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","refresh_token":"<refresh>","expires_in":1200,
            "expires_at":"<in 1200>","id_token":"<jwt>","scope":"openid offline_access"}"#,
    }),
    Documented(Row {
        what: "the path of an application: device_code",
        request: "POST /v2/idaas_ue2jvisn35ea5lmthk267/tv/oauth2/token?grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=tv&device_code=<approved device>",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","refresh_token":"<refresh>","expires_in":1200,
            "expires_at":"<in 1200>","id_token":"<jwt>","scope":"openid offline_access"}"#,
    }),
    Inferred(Row {
        what: "RevokeToken of a refresh token (the request is documented, its answer is not)",
        request: "POST /v2/idaas_ue2jvisn35ea5lmthk267/web/oauth2/revoke?token=<refresh>&token_type_hint=refresh_token&client_id=web&client_secret=<secret web>",
        status: 200,
        body: r#"{}"#,
    }),
    Inferred(Row {
        what: "revocation of an access token, in a form (the request is documented, its answer is not)",
        request: "POST /api/v2/iauths_system/oauth2/revoke\nContent-Type: application/x-www-form-urlencoded\n\ntoken=<user token>&token_type_hint=access_token&client_id=web&client_secret=<secret web>",
        status: 200,
        body: r#"{}"#,
    }),
    Inferred(Row {
        what: "token exchange: all granted scopes, repeated, are those of the subject token (how .all goes with an exchange is not documented)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&client_id=gateway&client_secret=<secret gateway>&subject_token=<token of service>&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&audience=orders&scope=orders%7C.all+orders%7C.all",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","issued_token_type":"urn:ietf:params:oauth:token-type:access_token",
            "expires_in":1200,"expires_at":"<in 1200>","scope":"orders|read"}"#,
    }),
    Inferred(Row {
        what: "all granted scopes of a resource server of which none is granted (neither code nor status is documented)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=service&client_secret=<secret service>&scope=billing%7C.all",
        status: 400,
        body: r#"{"error":"invalid_scope","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "device flow: all granted scopes of a resource server (.all is documented, not how it goes with devices)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=tv&device_code=<approved device with all>",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","expires_in":1200,"expires_at":"<in 1200>","scope":"orders|read orders|list"}"#,
    }),
    Inferred(Row {
        what: "device flow: two audiences in one scope (the SDK refuses to send it; neither code nor status is documented)",
        request: "POST /api/v2/iauths_system/oauth2/device/code\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=tv&scope=orders%7Cread+billing%7Cread",
        status: 400,
        body: r#"{"error":"invalid_scope","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "device flow: the client is not granted on the resource server (the code is documented, the status is not)",
        request: "POST /api/v2/iauths_system/oauth2/device/code\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=tv&scope=openid+orders%7Cwrite",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"the client has not been authorized by resource server for this scope","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "device flow: unknown client (the code is documented, the status is not)",
        request: "POST /api/v2/iauths_system/oauth2/device/code\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=nobody&scope=openid",
        status: 401,
        body: r#"{"error":"invalid_client","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "device flow: grant not enabled (the code is documented, the status is not)",
        request: "POST /api/v2/iauths_system/oauth2/device/code\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=spa&scope=openid",
        status: 400,
        body: r#"{"error":"invalid_client","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "device flow: no device_code",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=tv",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "password: the client is not granted on the resource server (the code is documented, the status is not)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&username=alice&password=horse&scope=openid+orders%7Cwrite",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"the client has not been authorized by resource server for this scope","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "refresh: all scopes of a resource server are those of the grant, although the client has more (not documented)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&client_id=tv&refresh_token=<refresh of tv>&scope=orders%7C.all",
        status: 200,
        body: r#"{"token_type":"Bearer","access_token":"<jwt>","refresh_token":"<refresh>","expires_in":1200,"expires_at":"<in 1200>","scope":"orders|read"}"#,
    }),
    Inferred(Row {
        what: "no grant_type",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=service&client_secret=<secret service>",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "no code",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&redirect_uri=<redirect>",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "no client_id",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&scope=orders%7Cread",
        status: 401,
        body: r#"{"error":"invalid_client","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "token exchange: an ID token (only access tokens, for access tokens; neither code nor status is documented)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&client_id=gateway&client_secret=<secret gateway>&subject_token=<id token of web>&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aid_token",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "token exchange: an ID token that is called an access token",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&client_id=gateway&client_secret=<secret gateway>&subject_token=<id token of web>&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "token exchange: a refresh token (only access tokens, for access tokens; neither code nor status is documented)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&client_id=gateway&client_secret=<secret gateway>&subject_token=<refresh>&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Arefresh_token",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "revocation: no token",
        request: "POST /api/v2/iauths_system/oauth2/revoke\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"<text>","request_id":"<text>"}"#,
    }),
    Inferred(Row {
        what: "refresh token expired, a day after the login (the lifetime is documented, code and status are not)",
        request: "POST /api/v2/iauths_system/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&client_id=web&client_secret=<secret web>&refresh_token=<refresh after a day>",
        status: 400,
        body: r#"{"error":"invalid_grant","error_description":"<text>","request_id":"<text>"}"#,
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
    assert_eq!(world.service().await["aud"], "orders", "what the scope names");
}

#[tokio::test(flavor = "multi_thread")]
async fn revocation_answers_at_each_path_also_to_the_query() {
    let world = World::start(&VENDOR).await;
    for path in [
        "/api/v2/iauths_system/oauth2/revoke",
        "/v2/idaas_ue2jvisn35ea5lmthk267/authorizationServer/iauths_system/oauth2/revoke",
        "/v2/idaas_ue2jvisn35ea5lmthk267/web/oauth2/revoke",
    ] {
        let (token, secret) = (world.value("refresh").await, super::secret("web"));
        let fields = [("token", token.as_str()), ("client_id", "web"), ("client_secret", secret.as_str())];
        assert_eq!(world.server.post(path, &[], &fields).await.status, 200);
        let grant = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
        assert_eq!(world.token("web", &grant).await.error(), "invalid_grant");
    }
    let (token, secret) = (world.value("refresh").await, super::secret("web"));
    let request = format!(
        "POST /v2/idaas_ue2jvisn35ea5lmthk267/web/oauth2/revoke?token={token}&token_type_hint=refresh_token&client_secret={secret}"
    );
    assert_eq!(world.send(&request).await.status, 200);
    let grant = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    assert_eq!(world.token("web", &grant).await.error(), "invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_names_one_client_and_no_other_path_is_there() {
    let world = World::start(&VENDOR).await;
    let at = async |path: &str| world.server.post(path, &[], &[("grant_type", "client_credentials")]).await.status;
    let instance = "/v2/idaas_ue2jvisn35ea5lmthk267";
    assert_eq!(at(&format!("{instance}/nobody/oauth2/token")).await, 401);
    assert_eq!(at(&format!("{instance}/*/oauth2/token")).await, 401, "a client of that name");
    for path in ["//oauth2/token", "/a/b/oauth2/token", "/oauth2/token", "/web/oauth2/introspect", "/%ff/oauth2/token"]
    {
        assert_eq!(at(&format!("{instance}{path}")).await, 404, "{path}");
    }
    assert_eq!(at(&format!("/v2/other/web/oauth2/token{}", "/x".repeat(3000))).await, 404);
    assert_eq!(at("/v2/other/web/oauth2/token").await, 404);
    let document = world.server.get("/api/v2/iauths_system/oauth2/.well-known/openid-configuration").await.text();
    assert!(!document.contains('*'), "{document}");
    let keys = world.server.jwks_at("/api/v2/iauths_system/oauth2/jwks").await.json();
    assert_eq!(keys["keys"][0]["alg"], "RS256", "{keys}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_core_sdk_of_alibaba_authenticates_by_all_three_federated_methods() {
    let Some(python) = installed("python/bin/python") else { return skip("python clients") };
    if program("openssl").is_none() {
        return skip("openssl");
    }
    let world = World::start(&VENDOR).await;
    let (federation, now) = (world.federation.as_ref().unwrap(), world.server.clock.now().as_secs());
    let endpoint = format!("http://{}{}", world.server.public, world.path(Endpoint::Token));
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
