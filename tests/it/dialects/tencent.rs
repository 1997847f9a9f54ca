//! SEEDS.md 004: Tencent Cloud CIAM. Rows of its engine (Spring Authorization Server 0.2.0) are inferred.

use serde_json::json;

use super::Entry::{Documented, Inferred, Kept};
use super::{Entry, Row, Vendor, World, pick, secret};
use crate::support::header;

pub(super) const VENDOR: Vendor = Vendor {
    issuer: "tencent",
    toml: r#"
[issuers.tencent]
url = "http://@PUBLIC@/tencent"
dialect = "tencent-ciam"
algorithms = ["RS256"]
scopes = "openid email identity_proofing"
grant_types = ["authorization_code", "refresh_token", "client_credentials", "password"]
users = { source = "directory" }
[[issuers.tencent.custom_grants]]
grant_type = "http://tencentciam.com/oauth2/grant-type/otp/sms"
parameters = [
    { name = "auth_source_id", required = true }, { name = "phone_number", required = true },
    { name = "otp_token", required = true }, { name = "otp", required = true, max_length = 16 }, { name = "auto_signup" },
]
hook = { url = "@HOOK@" }
[[issuers.tencent.custom_grants]]
grant_type = "http://tencentciam.com/oauth2/grant-type/otp/email"
parameters = [
    { name = "auth_source_id", required = true }, { name = "email", required = true },
    { name = "otp_token", required = true }, { name = "otp", required = true, max_length = 16 }, { name = "auto_signup" },
]
hook = { url = "@HOOK@" }
"#,
    custom_grants: &[
        "http://tencentciam.com/oauth2/grant-type/otp/sms",
        "http://tencentciam.com/oauth2/grant-type/otp/email",
    ],
    scope: "openid",
    service_scope: "identity_proofing",
    content_type: "application/json;charset=UTF-8",
    cache_control: "no-store",
    table: TABLE,
    federated: false,
};

const TABLE: &[Entry] = &[
    Documented(Row {
        what: "authorization code, the example of the page",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&grant_type=authorization_code&code=<code>&redirect_uri=<redirect>",
        status: 200,
        body: r#"{"access_token":"<jwt>","refresh_token":"<refresh>","scope":"openid","id_token":"<jwt>","token_type":"Bearer","expires_in":299}"#,
    }),
    Documented(Row {
        what: "client_secret_basic, as discovery advertises",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\nAuthorization: Basic <credentials basic>\n\ngrant_type=authorization_code&code=<code of basic>&redirect_uri=<redirect>",
        status: 200,
        body: r#"{"access_token":"<jwt>","refresh_token":"<refresh>","scope":"openid","id_token":"<jwt>","token_type":"Bearer","expires_in":299}"#,
    }),
    Inferred(Row {
        what: "PKCE without secret (whether it gives a refresh token is open question 1)",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=spa&grant_type=authorization_code&code=<code of spa>&redirect_uri=<redirect>&code_verifier=<verifier>",
        status: 200,
        body: r#"{"access_token":"<jwt>","refresh_token":"<refresh>","scope":"openid","id_token":"<jwt>","token_type":"Bearer","expires_in":299}"#,
    }),
    Documented(Row {
        what: "client credentials, sample scope",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=service&client_secret=<secret service>&grant_type=client_credentials&scope=identity_proofing",
        status: 200,
        body: r#"{"access_token":"<jwt>","scope":"identity_proofing","token_type":"Bearer","expires_in":299}"#,
    }),
    Inferred(Row {
        what: "client credentials, scope left out",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=service&client_secret=<secret service>&grant_type=client_credentials",
        status: 200,
        body: r#"{"access_token":"<jwt>","scope":"identity_proofing","token_type":"Bearer","expires_in":299}"#,
    }),
    Documented(Row {
        what: "refresh gives access and ID token",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&grant_type=refresh_token&refresh_token=<refresh>",
        status: 200,
        body: r#"{"access_token":"<jwt>","refresh_token":"<refresh>","scope":"openid","id_token":"<jwt>","token_type":"Bearer","expires_in":299}"#,
    }),
    Documented(Row {
        what: "client_id missing",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&code=<code>&redirect_uri=<redirect>",
        status: 401,
        body: r#""#,
    }),
    Documented(Row {
        what: "code of another client",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&grant_type=authorization_code&code=<code of other>&redirect_uri=<redirect>",
        status: 401,
        body: r#"{"error":"invalid_client"}"#,
    }),
    Documented(Row {
        what: "grant_type incorrect",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&grant_type=nothing",
        status: 400,
        body: r#"{"error":"unsupported_grant_type","error_description":"OAuth 2.0 Parameter: grant_type","error_uri":"https://datatracker.ietf.org/doc/html/rfc6749#section-5.2"}"#,
    }),
    Documented(Row {
        what: "code incorrect",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&grant_type=authorization_code&code=MOCK_CODE&redirect_uri=<redirect>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Inferred(Row {
        what: "revocation with a wrong secret",
        request: "POST /tencent/oauth2/revoke\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=x&token=x",
        status: 401,
        body: r#"{"error":"invalid_client"}"#,
    }),
    Inferred(Row {
        what: "grant_type missing",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"OAuth 2.0 Parameter: grant_type","error_uri":"https://datatracker.ietf.org/doc/html/rfc6749#section-5.2"}"#,
    }),
    Inferred(Row {
        what: "code missing",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&grant_type=authorization_code&redirect_uri=<redirect>",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"OAuth 2.0 Parameter: code","error_uri":"https://datatracker.ietf.org/doc/html/rfc6749#section-5.2"}"#,
    }),
    Inferred(Row {
        what: "redirect_uri missing",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&grant_type=authorization_code&code=<code>",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"OAuth 2.0 Parameter: redirect_uri","error_uri":"https://datatracker.ietf.org/doc/html/rfc6749#section-5.2"}"#,
    }),
    Inferred(Row {
        what: "redirect_uri differs",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&grant_type=authorization_code&code=<code>&redirect_uri=<other redirect>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Inferred(Row {
        what: "bad client and bad grant type: the client is looked at first",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=x&grant_type=nothing",
        status: 401,
        body: r#""#,
    }),
    Inferred(Row {
        what: "code used",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&grant_type=authorization_code&code=<used code>&redirect_uri=<redirect>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Inferred(Row {
        what: "code expired",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&grant_type=authorization_code&code=<expired code>&redirect_uri=<redirect>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Inferred(Row {
        what: "refresh token unknown",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&grant_type=refresh_token&refresh_token=x",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Inferred(Row {
        what: "refresh token of another client",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&grant_type=refresh_token&refresh_token=<refresh of other>",
        status: 400,
        body: r#"{"error":"invalid_client"}"#,
    }),
    Inferred(Row {
        what: "refresh with a wider scope",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=wide&client_secret=<secret wide>&grant_type=refresh_token&refresh_token=<refresh of wide>&scope=openid+email",
        status: 400,
        body: r#"{"error":"invalid_scope"}"#,
    }),
    Inferred(Row {
        what: "grant not registered for the client",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&grant_type=client_credentials",
        status: 400,
        body: r#"{"error":"unauthorized_client"}"#,
    }),
    Inferred(Row {
        what: "client credentials, unknown scope",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=service&client_secret=<secret service>&grant_type=client_credentials&scope=x",
        status: 400,
        body: r#"{"error":"invalid_scope"}"#,
    }),
    Inferred(Row {
        what: "JSON, as the OTP grants send it, for a grant that is here (open question 5)",
        request: "POST /tencent/oauth2/token\nContent-Type: application/json\n\n{\"client_id\":\"service\",\"client_secret\":\"<secret service>\",\"grant_type\":\"client_credentials\"}",
        status: 200,
        body: r#"{"access_token":"<jwt>","scope":"identity_proofing","token_type":"Bearer","expires_in":299}"#,
    }),
    Documented(Row {
        what: "client_id incorrect",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=nobody&client_secret=x&grant_type=authorization_code&code=<code>&redirect_uri=<redirect>",
        status: 401,
        body: r#""#,
    }),
    Kept(Row {
        what: "CHECKLIST 16: a wrong secret is answered as an unknown client is (the engine: invalid_client)",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=x&grant_type=authorization_code&code=<code>&redirect_uri=<redirect>",
        status: 401,
        body: r#""#,
    }),
    Kept(Row {
        what: "CHECKLIST 43: a right secret does not excuse a wrong verifier",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&grant_type=authorization_code&code=<code with challenge>&redirect_uri=<redirect>&code_verifier=<wrong verifier>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Kept(Row {
        what: "CHECKLIST 43: a right secret does not excuse a missing verifier",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&grant_type=authorization_code&code=<code with challenge>&redirect_uri=<redirect>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Kept(Row {
        what: "RFC 6749 section 5.2: a public client's wrong verifier is invalid_grant (the engine says invalid_client)",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=spa&grant_type=authorization_code&code=<code of spa>&redirect_uri=<redirect>&code_verifier=<wrong verifier>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Kept(Row {
        what: "CHECKLIST 4: a member that is repeated",
        request: "POST /tencent/oauth2/token\nContent-Type: application/json\n\n{\"client_id\":\"web\",\"grant_type\":\"client_credentials\",\"grant_type\":\"client_credentials\"}",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"<text>"}"#,
    }),
    Inferred(Row {
        what: "a body that is no flat object",
        request: "POST /tencent/oauth2/token\nContent-Type: application/json\n\n{\"client_id\":[\"web\"]}",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"<text>"}"#,
    }),
    Kept(Row {
        what: "CHECKLIST 3: JSON at the token endpoint only",
        request: "POST /tencent/oauth2/revoke\nContent-Type: application/json\n\n{}",
        status: 415,
        body: r#"{"error":"invalid_request","error_description":"<text>"}"#,
    }),
    Inferred(Row {
        what: "password with auth_source_id (the request is documented, its answer is taken to be that of a code)",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&username=alice&password=horse&auth_source_id=local&scope=openid",
        status: 200,
        body: r#"{"access_token":"<jwt>","refresh_token":"<refresh>","scope":"openid","id_token":"<jwt>","token_type":"Bearer","expires_in":299}"#,
    }),
    Inferred(Row {
        what: "password, scope left out",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&username=alice&password=horse&auth_source_id=local",
        status: 200,
        body: r#"{"access_token":"<jwt>","refresh_token":"<refresh>","scope":"openid","id_token":"<jwt>","token_type":"Bearer","expires_in":299}"#,
    }),
    Inferred(Row {
        what: "password without secret, as from an application that is no web application",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=mobile&username=alice&password=horse&auth_source_id=local",
        status: 200,
        body: r#"{"access_token":"<jwt>","refresh_token":"<refresh>","scope":"openid","id_token":"<jwt>","token_type":"Bearer","expires_in":299}"#,
    }),
    Inferred(Row {
        what: "password as JSON (open question 5)",
        request: "POST /tencent/oauth2/token\nContent-Type: application/json\n\n{\"client_id\":\"login\",\"client_secret\":\"<secret login>\",\"grant_type\":\"password\",\"username\":\"alice\",\"password\":\"horse\",\"auth_source_id\":\"local\"}",
        status: 200,
        body: r#"{"access_token":"<jwt>","refresh_token":"<refresh>","scope":"openid","id_token":"<jwt>","token_type":"Bearer","expires_in":299}"#,
    }),
    Inferred(Row {
        what: "password, auth_source_id missing",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&username=alice&password=horse",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"OAuth 2.0 Parameter: auth_source_id","error_uri":"https://datatracker.ietf.org/doc/html/rfc6749#section-5.2"}"#,
    }),
    Inferred(Row {
        what: "password, username missing",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&password=horse&auth_source_id=local",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"OAuth 2.0 Parameter: username","error_uri":"https://datatracker.ietf.org/doc/html/rfc6749#section-5.2"}"#,
    }),
    Inferred(Row {
        what: "password is wrong (open question 2)",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&username=alice&password=x&auth_source_id=local",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Inferred(Row {
        what: "OTP by SMS, in JSON (the request is documented, its answer is taken to be that of a code)",
        request: "POST /tencent/oauth2/token\nContent-Type: application/json\n\n{\"client_id\":\"web\",\"client_secret\":\"<secret web>\",\"grant_type\":\"http://tencentciam.com/oauth2/grant-type/otp/sms\",\"auth_source_id\":\"MTAwMA\",\"phone_number\":\"+8613800138000\",\"otp_token\":\"b3Rw\",\"otp\":\"123456\",\"auto_signup\":true}",
        status: 200,
        body: r#"{"access_token":"<jwt>","refresh_token":"<refresh>","scope":"openid","id_token":"<jwt>","token_type":"Bearer","expires_in":299}"#,
    }),
    Inferred(Row {
        what: "OTP by email, in JSON (the request is documented, its answer is taken to be that of a code)",
        request: "POST /tencent/oauth2/token\nContent-Type: application/json\n\n{\"client_id\":\"web\",\"client_secret\":\"<secret web>\",\"grant_type\":\"http://tencentciam.com/oauth2/grant-type/otp/email\",\"auth_source_id\":\"MTAwMA\",\"email\":\"alice@example.com\",\"otp_token\":\"b3Rw\",\"otp\":\"123456\",\"auto_signup\":true}",
        status: 200,
        body: r#"{"access_token":"<jwt>","refresh_token":"<refresh>","scope":"openid","id_token":"<jwt>","token_type":"Bearer","expires_in":299}"#,
    }),
    Inferred(Row {
        what: "OTP by SMS, a wrong one (open question 2)",
        request: "POST /tencent/oauth2/token\nContent-Type: application/json\n\n{\"client_id\":\"web\",\"client_secret\":\"<secret web>\",\"grant_type\":\"http://tencentciam.com/oauth2/grant-type/otp/sms\",\"auth_source_id\":\"MTAwMA\",\"phone_number\":\"+8613800138000\",\"otp_token\":\"b3Rw\",\"otp\":\"654321\",\"auto_signup\":true}",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Inferred(Row {
        what: "OTP by SMS without the password (open question 2)",
        request: "POST /tencent/oauth2/token\nContent-Type: application/json\n\n{\"client_id\":\"web\",\"client_secret\":\"<secret web>\",\"grant_type\":\"http://tencentciam.com/oauth2/grant-type/otp/sms\",\"auth_source_id\":\"MTAwMA\",\"phone_number\":\"+8613800138000\",\"otp_token\":\"b3Rw\"}",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"<text>"}"#,
    }),
    Inferred(Row {
        what: "OTP by a client that may not use it (open question 2)",
        request: "POST /tencent/oauth2/token\nContent-Type: application/json\n\n{\"client_id\":\"other\",\"client_secret\":\"<secret other>\",\"grant_type\":\"http://tencentciam.com/oauth2/grant-type/otp/sms\",\"otp\":\"123456\"}",
        status: 400,
        body: r#"{"error":"unauthorized_client"}"#,
    }),
    Documented(Row {
        what: "revocation of a refresh token",
        request: "POST /tencent/oauth2/revoke\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&token=<refresh>&token_type_hint=refresh_token",
        status: 200,
        body: r#""#,
    }),
    Documented(Row {
        what: "revocation of an access token",
        request: "POST /tencent/oauth2/revoke\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&token=<user token>&token_type_hint=access_token",
        status: 200,
        body: r#""#,
    }),
    Documented(Row {
        what: "revocation with another client, of a refresh token",
        request: "POST /tencent/oauth2/revoke\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&token=<refresh of other>&token_type_hint=refresh_token",
        status: 401,
        body: r#"{"error":"invalid_client"}"#,
    }),
    Documented(Row {
        what: "revocation with another client, of an access token",
        request: "POST /tencent/oauth2/revoke\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=other&client_secret=<secret other>&token=<user token>&token_type_hint=access_token",
        status: 401,
        body: r#"{"error":"invalid_client"}"#,
    }),
    Inferred(Row {
        what: "revocation of a token that is none (RFC 7009 section 2.2)",
        request: "POST /tencent/oauth2/revoke\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&token=x",
        status: 200,
        body: r#""#,
    }),
    Kept(Row {
        what: "CHECKLIST 4: a parameter that is repeated, whichever, is refused before any is read (the engine names grant_type)",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&grant_type=refresh_token&grant_type=refresh_token",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"<text>"}"#,
    }),
    Kept(Row {
        what: "CHECKLIST 16: a client that is not registered for this authentication method is answered as an unknown one (the engine: invalid_client)",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\nAuthorization: Basic <credentials web>\n\ngrant_type=authorization_code&code=<code>&redirect_uri=<redirect>",
        status: 401,
        body: r#""#,
    }),
    Kept(Row {
        what: "RFC 6749 section 5.2: a public client's unknown code is invalid_grant (the engine says invalid_client)",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=spa&grant_type=authorization_code&code=MOCK_CODE&redirect_uri=<redirect>&code_verifier=<verifier>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Kept(Row {
        what: "RFC 6749 section 5.2: a public client's missing verifier is invalid_grant (the engine says invalid_client)",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=spa&grant_type=authorization_code&code=<code of spa>&redirect_uri=<redirect>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Inferred(Row {
        what: "refresh token inactive",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&grant_type=refresh_token&refresh_token=<revoked refresh>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Inferred(Row {
        what: "refresh without rotation: the same token comes back",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=keeper&client_secret=<secret keeper>&grant_type=refresh_token&refresh_token=<refresh of keeper>",
        status: 200,
        body: r#"{"access_token":"<jwt>","refresh_token":"<same refresh>","scope":"openid","id_token":"<jwt>","token_type":"Bearer","expires_in":299}"#,
    }),
    Kept(Row {
        what: "CHECKLIST 50: refresh tokens rotate unless the client says otherwise (there the same token comes back)",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&grant_type=refresh_token&refresh_token=<refresh>",
        status: 200,
        body: r#"{"access_token":"<jwt>","refresh_token":"<new refresh>","scope":"openid","id_token":"<jwt>","token_type":"Bearer","expires_in":299}"#,
    }),
    Inferred(Row {
        what: "refresh token expired, an hour after the login",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&grant_type=refresh_token&refresh_token=<refresh after an hour>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Documented(Row {
        what: "code incorrect, and longer than any",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&grant_type=authorization_code&code=<long><long>x&redirect_uri=<redirect>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Kept(Row {
        what: "RFC 6749 section 5.2: a public client's verifier that is too short is invalid_grant (the engine says invalid_client)",
        request: "POST /tencent/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=spa&grant_type=authorization_code&code=<code of spa>&redirect_uri=<redirect>&code_verifier=short",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_request_is_answered_as_documented() {
    let world = World::start(&VENDOR).await;
    world.replay().await;
    let (access, id) = world.login().await;
    assert_eq!(pick(&access, &["sub", "aud", "scope"]), [json!("alice"), json!("web"), json!(["openid"])]);
    assert_eq!(access["nbf"], access["iat"]);
    assert_eq!(access["exp"].as_u64().unwrap() - access["iat"].as_u64().unwrap(), 300);
    assert_eq!(pick(&id, &["sub", "aud", "azp"]), [json!("alice"), json!("web"), json!("web")]);
    assert_eq!(id["exp"].as_u64().unwrap() - id["iat"].as_u64().unwrap(), 1800);
    assert_eq!(pick(&world.service().await, &["sub", "aud"]), [json!("service"), json!("service")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_60_an_access_token_whose_audience_is_the_client_is_still_no_id_token() {
    let world = World::start(&VENDOR).await;
    let tokens = world.redeem("web", &world.value("code").await).await;
    let header = header(&tokens.get("access_token"));
    assert_eq!(pick(&header, &["typ", "alg"]), [json!("at+jwt"), json!("RS256")], "there: JWT");
    assert!(header["kid"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_an_access_token_ends_only_it_and_a_refresh_token_both_and_another_clients_neither() {
    let world = World::start(&VENDOR).await;
    let revoke = async |client: &str, token: &str| {
        let secret = secret(client);
        let fields = [("token", token), ("client_id", client), ("client_secret", secret.as_str())];
        world.server.post("/tencent/oauth2/revoke", &[], &fields).await.status
    };
    let is_active = async |token: &str| {
        let secret = secret("web");
        let fields = [("token", token), ("client_id", "web"), ("client_secret", secret.as_str())];
        world.server.post("/tencent/oauth2/introspect", &[], &fields).await.json()["active"] == true
    };
    for (client, name, status, left) in [
        ("other", "access_token", 401, [true, true]),
        ("other", "refresh_token", 401, [true, true]),
        ("web", "access_token", 200, [false, true]),
        ("web", "refresh_token", 200, [false, false]),
    ] {
        let tokens = world.redeem("web", &world.value("code").await).await;
        assert_eq!(revoke(client, &tokens.get(name)).await, status, "{client} {name}");
        let active = [is_active(&tokens.get("access_token")).await, is_active(&tokens.get("refresh_token")).await];
        assert_eq!(active, left, "{client} {name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn discovery_has_what_the_vendors_has_and_the_keys_are_spelled_as_rfc_7517_has_them() {
    let world = World::start(&VENDOR).await;
    let document = world.server.get("/tencent/.well-known/openid-configuration").await.json();
    for (member, theirs) in [
        ("response_types_supported", vec!["code"]),
        ("grant_types_supported", vec!["authorization_code", "client_credentials", "refresh_token"]),
        ("token_endpoint_auth_methods_supported", vec!["client_secret_basic", "client_secret_post"]),
        ("scopes_supported", vec!["openid"]),
    ] {
        let ours = document[member].as_array().unwrap();
        assert!(theirs.iter().all(|one| ours.contains(&json!(one))), "{member}: {ours:?}");
    }
    let keys = world.server.jwks_at("/tencent/oauth2/jwks").await.json();
    assert!(keys["keys"].is_array() && keys.get("Keys").is_none(), "{keys}");
}
