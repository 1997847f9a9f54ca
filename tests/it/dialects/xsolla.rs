//! SEEDS.md 001: Xsolla Login.

use serde_json::json;

use super::Entry::{Documented, Inferred, Kept};
use super::{Entry, Row, Vendor, World, pick};
use crate::support::{claims, verify};

pub(super) const VENDOR: Vendor = Vendor {
    issuer: "xsolla",
    toml: r#"
[issuers.xsolla]
url = "http://@PUBLIC@/xsolla"
dialect = "xsolla-login"
vendor = { project_id = "e6dfaac6-78a8-11e9-9244-42010aa80004", publisher_id = "136593" }
algorithms = ["RS256"]
scopes = "email user_profile offline openid store"
audiences = ["store.example.com", "shop.example.com"]
grant_types = ["authorization_code", "refresh_token", "client_credentials",
    "urn:ietf:params:oauth:grant-type:token-exchange"]
[[issuers.xsolla.custom_grants]]
grant_type = "urn:example:broken"
hook = { url = "@HOOK@" }
[[issuers.xsolla.custom_grants]]
grant_type = "urn:example:away"
hook = { url = "@HOOK@" }
"#,
    custom_grants: &["urn:example:broken", "urn:example:away"],
    scope: "email user_profile offline",
    service_scope: "store",
    content_type: "application/json",
    cache_control: "no-store",
    table: TABLE,
    federated: false,
};

const TABLE: &[Entry] = &[
    Documented(Row {
        what: "authorization code of a confidential client",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=authorization_code&client_secret=<secret web>&client_id=web&redirect_uri=<redirect>&code=<code>",
        status: 200,
        body: r#"{"access_token":"<jwt>","expires_in":3600,"refresh_token":"<refresh>","scope":"email user_profile offline","token_type":"bearer"}"#,
    }),
    Documented(Row {
        what: "authorization code of a public client with PKCE",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=authorization_code&client_id=spa&redirect_uri=<redirect>&code=<code of spa>&code_verifier=<verifier>",
        status: 200,
        body: r#"{"access_token":"<jwt>","expires_in":3600,"refresh_token":"<refresh>","scope":"email user_profile offline","token_type":"bearer"}"#,
    }),
    Documented(Row {
        what: "refresh, with redirect_uri as the SDKs send it",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=refresh_token&client_secret=<secret web>&client_id=web&redirect_uri=<redirect>&refresh_token=<refresh>",
        status: 200,
        body: r#"{"access_token":"<jwt>","expires_in":3600,"refresh_token":"<new refresh>","scope":"email user_profile offline","token_type":"bearer"}"#,
    }),
    Documented(Row {
        what: "a server client gets a server JWT",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=client_credentials&client_id=service&client_secret=<secret service>",
        status: 200,
        body: r#"{"access_token":"<jwt>","expires_in":3600,"scope":"store","token_type":"bearer"}"#,
    }),
    Documented(Row {
        what: "unknown client",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=client_credentials&client_id=nobody&client_secret=wrong",
        status: 400,
        body: r#"{"error":{"code":"010-019","description":"<text>","details":{}}}"#,
    }),
    Documented(Row {
        what: "wrong secret",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=client_credentials&client_id=service&client_secret=wrong",
        status: 400,
        body: r#"{"error":{"code":"010-019","description":"<text>","details":{}}}"#,
    }),
    Documented(Row {
        what: "no client authentication",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=client_credentials",
        status: 400,
        body: r#"{"error":{"code":"010-019","description":"<text>","details":{}}}"#,
    }),
    Documented(Row {
        what: "unsupported authentication method",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\
            Authorization: Basic <credentials service>\n\ngrant_type=client_credentials",
        status: 400,
        body: r#"{"error":{"code":"010-019","description":"<text>","details":{}}}"#,
    }),
    Documented(Row {
        what: "invalid code",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=authorization_code&client_secret=<secret web>&client_id=web&redirect_uri=<redirect>&code=string",
        status: 400,
        body: r#"{"error":{"code":"010-023","description":"<text>","details":{}}}"#,
    }),
    Documented(Row {
        what: "expired code",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=authorization_code&client_secret=<secret web>&client_id=web&redirect_uri=<redirect>&code=<expired code>",
        status: 400,
        body: r#"{"error":{"code":"010-023","description":"<text>","details":{}}}"#,
    }),
    Documented(Row {
        what: "redirect mismatch",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=authorization_code&client_secret=<secret web>&client_id=web&redirect_uri=<other redirect>&code=<code>",
        status: 400,
        body: r#"{"error":{"code":"010-023","description":"<text>","details":{}}}"#,
    }),
    Documented(Row {
        what: "code of another client",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=authorization_code&client_secret=<secret web>&client_id=web&redirect_uri=<redirect>&code=<code of other>",
        status: 400,
        body: r#"{"error":{"code":"010-023","description":"<text>","details":{}}}"#,
    }),
    Documented(Row {
        what: "invalid refresh token",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=refresh_token&client_secret=<secret web>&client_id=web&refresh_token=string",
        status: 400,
        body: r#"{"error":{"code":"010-023","description":"<text>","details":{}}}"#,
    }),
    Documented(Row {
        what: "malformed input: no grant_type",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            client_id=service&client_secret=<secret service>",
        status: 400,
        body: r#"{"error":{"code":"0","description":"<text>","details":{}}}"#,
    }),
    Documented(Row {
        what: "malformed input: no code",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=authorization_code&client_secret=<secret web>&client_id=web&redirect_uri=<redirect>",
        status: 400,
        body: r#"{"error":{"code":"0","description":"<text>","details":{}}}"#,
    }),
    Inferred(Row {
        what: "unknown grant type (open question 4)",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=string&client_id=service&client_secret=<secret service>",
        status: 400,
        body: r#"{"error":{"code":"0","description":"<text>","details":{}}}"#,
    }),
    Inferred(Row {
        what: "a server client may not use authorization_code",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=authorization_code&client_id=service&client_secret=<secret service>&code=string",
        status: 400,
        body: r#"{"error":{"code":"0","description":"<text>","details":{}}}"#,
    }),
    Inferred(Row {
        what: "reuse of a refresh token, after the grace",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=refresh_token&client_secret=<secret web>&client_id=web&refresh_token=<reused refresh>",
        status: 400,
        body: r#"{"error":{"code":"010-023","description":"<text>","details":{}}}"#,
    }),
    Kept(Row {
        what: "CHECKLIST 43: a wrong verifier, although the secret is right",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=authorization_code&client_secret=<secret web>&client_id=web&redirect_uri=<redirect>&\
            code=<code with challenge>&code_verifier=<wrong verifier>",
        status: 400,
        body: r#"{"error":{"code":"010-023","description":"<text>","details":{}}}"#,
    }),
    Inferred(Row {
        what: "token_exchange with an underscore: another scope for the user JWT (the request is documented, issued_token_type is not)",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken_exchange&client_id=gateway&client_secret=<secret gateway>&\
            subject_token=<user token>&subject_token_type=access_token&scope=email",
        status: 200,
        body: r#"{"access_token":"<jwt>","expires_in":3600,"issued_token_type":"urn:ietf:params:oauth:token-type:access_token",
            "scope":"email","token_type":"bearer"}"#,
    }),
    Inferred(Row {
        what: "token_exchange with a server JWT as actor (the request is documented, what comes of it is not)",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken_exchange&client_id=gateway&client_secret=<secret gateway>&\
            subject_token=<user token>&subject_token_type=access_token&actor_token=<token of gateway>&actor_token_type=server_token&scope=email",
        status: 200,
        body: r#"{"access_token":"<jwt>","expires_in":3600,"issued_token_type":"urn:ietf:params:oauth:token-type:access_token",
            "scope":"email","token_type":"bearer"}"#,
    }),
    Inferred(Row {
        what: "actor_token_type without actor_token (the rule is documented, the code is not)",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken_exchange&client_id=gateway&client_secret=<secret gateway>&\
            subject_token=<user token>&subject_token_type=access_token&actor_token_type=server_token&scope=email",
        status: 400,
        body: r#"{"error":{"code":"0","description":"<text>","details":{}}}"#,
    }),
    Inferred(Row {
        what: "actor_token without actor_token_type (the rule is documented, the code is not)",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken_exchange&client_id=gateway&client_secret=<secret gateway>&\
            subject_token=<user token>&subject_token_type=access_token&actor_token=<token of gateway>&scope=email",
        status: 400,
        body: r#"{"error":{"code":"0","description":"<text>","details":{}}}"#,
    }),
    Inferred(Row {
        what: "an actor token that is not the client's own (open question 3)",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken_exchange&client_id=gateway&client_secret=<secret gateway>&\
            subject_token=<user token>&subject_token_type=access_token&actor_token=<token of service>&actor_token_type=server_token&scope=email",
        status: 400,
        body: r#"{"error":{"code":"0","description":"<text>","details":{}}}"#,
    }),
    Kept(Row {
        what: "CHECKLIST 70: token_exchange never gives a scope that the user JWT has not",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken_exchange&client_id=gateway&client_secret=<secret gateway>&\
            subject_token=<user token>&subject_token_type=access_token&scope=store",
        status: 400,
        body: r#"{"error":{"code":"0","description":"<text>","details":{}}}"#,
    }),
    Inferred(Row {
        what: "audience is a list of domains (separated by spaces at /oauth2/auth)",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=client_credentials&client_id=service&client_secret=<secret service>&audience=store.example.com%20shop.example.com",
        status: 200,
        body: r#"{"access_token":"<jwt>","expires_in":3600,"scope":"store","token_type":"bearer"}"#,
    }),
    Kept(Row {
        what: "CHECKLIST 61: a domain that the client may not ask for (open question 3)",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n\
            grant_type=client_credentials&client_id=service&client_secret=<secret service>&audience=store.example.com%20evil.example",
        status: 400,
        body: r#"{"error":{"code":"0","description":"<text>","details":{}}}"#,
    }),
    Documented(Row {
        what: "something went wrong: a teapot",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=urn%3Aexample%3Abroken&client_secret=<secret web>&client_id=web",
        status: 418,
        body: r#"{"error":{"code":"004-001","description":"<text>","details":{}}}"#,
    }),
    Inferred(Row {
        what: "something behind the server is away (a status that this call does not list; it says when to ask again)",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=urn%3Aexample%3Aaway&client_secret=<secret web>&client_id=web",
        status: 503,
        body: r#"{"error":{"code":"0","description":"<text>","details":{}}}"#,
    }),
    Inferred(Row {
        what: "too many requests (the status is documented, 002-057 is for attempts)",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=hasty&client_secret=<hasty secret>",
        status: 429,
        body: r#"{"error":{"code":"002-057","description":"<text>","details":{}}}"#,
    }),
    Inferred(Row {
        what: "a missing parameter is 0, not the newer 002-028 (both are documented)",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&client_secret=<secret web>&client_id=web",
        status: 400,
        body: r#"{"error":{"code":"0","description":"<text>","details":{}}}"#,
    }),
    Inferred(Row {
        what: "an invalid parameter is 0, not the newer 002-027 (both are documented)",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=service&client_secret=<secret service>&scope=%ff",
        status: 400,
        body: r#"{"error":{"code":"0","description":"<text>","details":{}}}"#,
    }),
    Documented(Row {
        what: "refresh of a public client with client_id only",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&client_id=spa&refresh_token=<refresh of spa>",
        status: 200,
        body: r#"{"access_token":"<jwt>","expires_in":3600,"refresh_token":"<refresh>","scope":"email user_profile offline","token_type":"bearer"}"#,
    }),
    Documented(Row {
        what: "code without redirect_uri, of a client with one URI",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_secret=<secret single>&client_id=single&code=<code of single>",
        status: 200,
        body: r#"{"access_token":"<jwt>","expires_in":3600,"refresh_token":"<refresh>","scope":"email user_profile offline","token_type":"bearer"}"#,
    }),
    Inferred(Row {
        what: "code without redirect_uri, of a client with several (the rule is documented, the code is not)",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_secret=<secret web>&client_id=web&code=<code>",
        status: 400,
        body: r#"{"error":{"code":"0","description":"<text>","details":{}}}"#,
    }),
    Documented(Row {
        what: "revoked refresh token",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&client_secret=<secret web>&client_id=web&refresh_token=<revoked refresh>",
        status: 400,
        body: r#"{"error":{"code":"010-023","description":"<text>","details":{}}}"#,
    }),
    Documented(Row {
        what: "expired refresh token",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&client_secret=<secret web>&client_id=web&refresh_token=<expired refresh>",
        status: 400,
        body: r#"{"error":{"code":"010-023","description":"<text>","details":{}}}"#,
    }),
    Documented(Row {
        what: "refresh token of another client",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&client_secret=<secret web>&client_id=web&refresh_token=<refresh of other>",
        status: 400,
        body: r#"{"error":{"code":"010-023","description":"<text>","details":{}}}"#,
    }),
    Inferred(Row {
        what: "revocation (its parameters and its answer are not on the page)",
        request: "POST /xsolla/api/oauth2/token/revoke\nContent-Type: application/x-www-form-urlencoded\n\ntoken=<refresh>&client_secret=<secret web>&client_id=web",
        status: 200,
        body: r#""#,
    }),
    Inferred(Row {
        what: "token_exchange, scope left out: what belongs to the login stays behind",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken_exchange&client_id=gateway&client_secret=<secret gateway>&subject_token=<user token>&subject_token_type=access_token",
        status: 200,
        body: r#"{"access_token":"<jwt>","expires_in":3600,"issued_token_type":"urn:ietf:params:oauth:token-type:access_token",
            "scope":"email user_profile","token_type":"bearer"}"#,
    }),
    Kept(Row {
        what: "CHECKLIST 70: token_exchange never gives what a refresh token needs",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken_exchange&client_id=gateway&client_secret=<secret gateway>&subject_token=<user token>&subject_token_type=access_token&scope=offline",
        status: 400,
        body: r#"{"error":{"code":"0","description":"<text>","details":{}}}"#,
    }),
    Inferred(Row {
        what: "a login whose scope has openid gets an ID token too (no page mentions one)",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_secret=<secret oidc>&client_id=oidc&redirect_uri=<redirect>&code=<code of oidc>",
        status: 200,
        body: r#"{"access_token":"<jwt>","expires_in":3600,"id_token":"<jwt>","scope":"openid email","token_type":"bearer"}"#,
    }),
    Documented(Row {
        what: "the secret of another client: id and secret must be of the same one",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=service&client_secret=<secret web>",
        status: 400,
        body: r#"{"error":{"code":"010-019","description":"<text>","details":{}}}"#,
    }),
    Inferred(Row {
        what: "client credentials are for a server client only (the rule is documented, the code is not)",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=web&client_secret=<secret web>",
        status: 400,
        body: r#"{"error":{"code":"0","description":"<text>","details":{}}}"#,
    }),
    Inferred(Row {
        what: "token_exchange: the user JWT is none (010-023 is for grants and refresh tokens; RFC 8693 section 2.2.2: an invalid request)",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken_exchange&client_id=gateway&client_secret=<secret gateway>&subject_token_type=access_token&scope=email&subject_token=string",
        status: 400,
        body: r#"{"error":{"code":"0","description":"<text>","details":{}}}"#,
    }),
    Inferred(Row {
        what: "token_exchange: the user JWT expired (the same)",
        request: "POST /xsolla/api/oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken_exchange&client_id=gateway&client_secret=<secret gateway>&subject_token_type=access_token&scope=email&subject_token=<expired user token>",
        status: 400,
        body: r#"{"error":{"code":"0","description":"<text>","details":{}}}"#,
    }),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_request_is_answered_as_documented() {
    let world = World::start(&VENDOR).await;
    world.replay().await;
    let project = json!("e6dfaac6-78a8-11e9-9244-42010aa80004");
    let access = claims(&world.value("user token").await);
    let named = pick(&access, &["xsolla_login_project_id", "publisher_id", "type"]);
    assert_eq!(named, [project, json!(136593), json!("oauth")]);
    assert!(access["jti"].is_string(), "{access}");
    assert_eq!(access["aud"], json!(format!("http://{}/xsolla", world.server.public)), "kept: there a list");
    assert_eq!(access["exp"].as_u64().unwrap() - access["iat"].as_u64().unwrap(), 3600);
    assert_eq!(pick(&world.service().await, &["client_id", "publisher_id"]), [json!("service"), json!(136593)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_61_and_70_the_domains_are_the_audience_and_the_server_acts_for_the_user() {
    let world = World::start(&VENDOR).await;
    let domains = [("grant_type", "client_credentials"), ("audience", "store.example.com shop.example.com")];
    let token = claims(&world.token("service", &domains).await.get("access_token"));
    assert_eq!(token["aud"], json!(["store.example.com", "shop.example.com"]));
    let (user, server) = (world.value("user token").await, world.value("token of gateway").await);
    let fields = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token_exchange"),
        ("subject_token", user.as_str()),
        ("subject_token_type", "access_token"),
        ("actor_token", server.as_str()),
        ("actor_token_type", "server_token"),
    ];
    let token = claims(&world.token("gateway", &fields).await.get("access_token"));
    assert_eq!((&token["sub"], &token["act"]["sub"]), (&json!("alice"), &json!("gateway")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_of_a_project_are_an_array_of_hexadecimal_numbers() {
    let world = World::start(&VENDOR).await;
    let keys = world.server.get("/xsolla/api/projects/e6dfaac6-78a8-11e9-9244-42010aa80004/keys").await.json();
    let jwks = world.server.jwks_at("/xsolla/api/oauth2/jwks").await.json();
    let (theirs, ours) = (&keys.as_array().unwrap()[0], &jwks["keys"][0]);
    let names: Vec<&String> = theirs.as_object().unwrap().keys().collect();
    assert_eq!(names, ["alg", "e", "kid", "kty", "n", "use"]);
    assert_eq!(
        pick(theirs, &["alg", "kid", "kty", "use", "e"]),
        [json!("RS256"), ours["kid"].clone(), json!("RSA"), json!("sig"), json!("010001")]
    );
    let modulus: String = verify::bytes(ours["n"].as_str().unwrap()).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(theirs["n"], json!(modulus));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_scope_offline_there_is_no_refresh_token() {
    let world = World::start(&VENDOR).await;
    let plain = json!({ "scope": "email", "code_challenge": null, "code_challenge_method": null });
    let answer = world.redeem("web", &world.code("web", plain).await).await;
    assert_eq!((answer.status, answer.json().get("refresh_token")), (200, None));
}
