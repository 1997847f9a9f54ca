//! SEEDS.md 002: IdentityServer3, case by case.

use std::time::Duration;

use serde_json::json;

use super::Entry::{Documented, Inferred, Kept};
use super::state::proof_key;
use super::{Entry, Row, Vendor, World, pick};
use crate::support::{CALLBACK, CHALLENGE, VERIFIER, claims};

pub(super) const VENDOR: Vendor = Vendor {
    issuer: "ids3",
    toml: r#"
public.proxy = { trusted = ["127.0.0.1"], client_certificate_header = "x-client-cert" }
[issuers.ids3]
url = "http://@PUBLIC@/ids3"
dialect = "identityserver3"
algorithms = ["RS256"]
scopes = "openid offline_access read write admin"
grant_types = ["authorization_code", "refresh_token", "client_credentials", "password"]
users = { source = "webhook", hook = { url = "http://@USERS@/users" } }

[[issuers.ids3.custom_grants]]
grant_type = "custom"
parameters = [{ name = "custom_credential" }]
hook = { url = "@HOOK@" }

[issuers.ids3-closed]
url = "http://@PUBLIC@/closed"
dialect = "identityserver3"
algorithms = ["RS256"]
"#,
    custom_grants: &["custom"],
    scope: "openid offline_access read",
    service_scope: "read write",
    content_type: "application/json",
    cache_control: "no-store, no-cache, max-age=0, private",
    table: TABLE,
    federated: false,
};

/// The same with token exchange, which IdentityServer3 has not.
const EXCHANGING: Vendor = Vendor {
    toml: r#"
[issuers.ids3]
url = "http://@PUBLIC@/ids3"
dialect = "identityserver3"
algorithms = ["RS256"]
scopes = "openid offline_access read write"
grant_types = ["authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"]
"#,
    custom_grants: &[],
    table: &[],
    ..VENDOR
};

const TABLE: &[Entry] = &[
    Documented(Row {
        what: "authorization code with Basic, the example of the page with the Content-Type that it leaves out",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\nAuthorization: Basic <credentials basic>\n\ngrant_type=authorization_code&code=<code of basic>&redirect_uri=<redirect>",
        status: 200,
        body: r#"{"access_token":"<jwt>","id_token":"<jwt>","refresh_token":"<refresh>","expires_in":3600,"token_type":"Bearer"}"#,
    }),
    Kept(Row {
        what: "CHECKLIST 3: the example as it stands there, without a Content-Type (there only a wrong one is 415)",
        request: "POST /ids3/connect/token\nAuthorization: Basic <credentials basic>\n\ngrant_type=authorization_code&code=<code of basic>&redirect_uri=<redirect>",
        status: 415,
        body: r#"{"error":"invalid_request"}"#,
    }),
    Documented(Row {
        what: "authorization code with the secret in the body",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&redirect_uri=<redirect>&code=<code>",
        status: 200,
        body: r#"{"access_token":"<jwt>","id_token":"<jwt>","refresh_token":"<refresh>","expires_in":3600,"token_type":"Bearer"}"#,
    }),
    Documented(Row {
        what: "authorization code with proof key",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&redirect_uri=<redirect>&code=<code with challenge>&code_verifier=<verifier>",
        status: 200,
        body: r#"{"access_token":"<jwt>","id_token":"<jwt>","refresh_token":"<refresh>","expires_in":3600,"token_type":"Bearer"}"#,
    }),
    Documented(Row {
        what: "refresh",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&client_id=web&client_secret=<secret web>&refresh_token=<refresh>",
        status: 200,
        body: r#"{"access_token":"<jwt>","id_token":"<jwt>","refresh_token":"<refresh>","expires_in":3600,"token_type":"Bearer"}"#,
    }),
    Documented(Row {
        what: "refresh: scope is ignored, also a wider one",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&client_id=web&client_secret=<secret web>&refresh_token=<refresh>&scope=write",
        status: 200,
        body: r#"{"access_token":"<jwt>","id_token":"<jwt>","refresh_token":"<refresh>","expires_in":3600,"token_type":"Bearer"}"#,
    }),
    Documented(Row {
        what: "client credentials, scope never echoed",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=service&client_secret=<secret service>&scope=read",
        status: 200,
        body: r#"{"access_token":"<jwt>","expires_in":3600,"token_type":"Bearer"}"#,
    }),
    Documented(Row {
        what: "client unknown",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=nobody&client_secret=x&scope=read",
        status: 400,
        body: r#"{"error":"invalid_client"}"#,
    }),
    Documented(Row {
        what: "no credential",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&scope=read",
        status: 400,
        body: r#"{"error":"invalid_client"}"#,
    }),
    Documented(Row {
        what: "wrong secret",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=service&client_secret=x&scope=read",
        status: 400,
        body: r#"{"error":"invalid_client"}"#,
    }),
    Documented(Row {
        what: "wrong secret by Basic, without challenge",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\nAuthorization: Basic cm9ib3Q6eA==\n\ngrant_type=client_credentials&scope=read",
        status: 400,
        body: r#"{"error":"invalid_client"}"#,
    }),
    Documented(Row {
        what: "secret too long",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=service&client_secret=<long>&scope=read",
        status: 400,
        body: r#"{"error":"invalid_client"}"#,
    }),
    Documented(Row {
        what: "client_id too long",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=<long>&client_secret=x&scope=read",
        status: 400,
        body: r#"{"error":"invalid_client"}"#,
    }),
    Documented(Row {
        what: "client disabled",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=disabled&client_secret=<secret disabled>&redirect_uri=<redirect>&code=x",
        status: 400,
        body: r#"{"error":"invalid_client"}"#,
    }),
    Documented(Row {
        what: "secret expired",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=service&client_secret=<expired secret>&scope=read",
        status: 400,
        body: r#"{"error":"invalid_client"}"#,
    }),
    Documented(Row {
        what: "the client is looked at before the grant type",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=unknown&client_id=service&client_secret=x",
        status: 400,
        body: r#"{"error":"invalid_client"}"#,
    }),
    Kept(Row {
        what: "RFC 6749 section 2.3.1, CHECKLIST 17: Basic credentials are form-encoded, so %2D is a hyphen (there invalid_client)",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\nAuthorization: Basic cm9ib3Q6cm9ib3QlMkRzZWNyZXQtdGhhdC1pcy1sb25nLWVub3VnaC0wMTIzNDU2Nzg5\n\ngrant_type=client_credentials&scope=read",
        status: 200,
        body: r#"{"access_token":"<jwt>","expires_in":3600,"token_type":"Bearer"}"#,
    }),
    Documented(Row {
        what: "grant_type missing",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=service&client_secret=<secret service>&scope=read",
        status: 400,
        body: r#"{"error":"unsupported_grant_type"}"#,
    }),
    Documented(Row {
        what: "grant_type unknown",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=unknown&client_id=service&client_secret=<secret service>&scope=read",
        status: 400,
        body: r#"{"error":"unsupported_grant_type"}"#,
    }),
    Documented(Row {
        what: "grant_type too long",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=<long>&client_id=service&client_secret=<secret service>&scope=read",
        status: 400,
        body: r#"{"error":"unsupported_grant_type"}"#,
    }),
    Documented(Row {
        what: "code: the client's flow is another",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=service&client_secret=<secret service>&code=x&redirect_uri=<redirect>",
        status: 400,
        body: r#"{"error":"unauthorized_client"}"#,
    }),
    Documented(Row {
        what: "code missing",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&redirect_uri=<redirect>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Documented(Row {
        what: "code too long",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&redirect_uri=<redirect>&code=<long><long>x",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Documented(Row {
        what: "code unknown",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&redirect_uri=<redirect>&code=invalid",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Documented(Row {
        what: "code of another client",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&redirect_uri=<redirect>&code=<code of other>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Documented(Row {
        what: "code expired",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&redirect_uri=<redirect>&code=<expired code>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Documented(Row {
        what: "code reused",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&redirect_uri=<redirect>&code=<used code>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Documented(Row {
        what: "redirect_uri missing",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&code=<code>",
        status: 400,
        body: r#"{"error":"unauthorized_client"}"#,
    }),
    Documented(Row {
        what: "redirect_uri different",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&redirect_uri=<other redirect>&code=<code>",
        status: 400,
        body: r#"{"error":"unauthorized_client"}"#,
    }),
    Documented(Row {
        what: "PKCE: verifier missing",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&redirect_uri=<redirect>&code=<code with challenge>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Documented(Row {
        what: "PKCE: verifier too short",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&redirect_uri=<redirect>&code=<code with challenge>&code_verifier=short",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Documented(Row {
        what: "PKCE: verifier too long",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&redirect_uri=<redirect>&code=<code with challenge>&code_verifier=<long>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Documented(Row {
        what: "PKCE: S256 mismatch",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&redirect_uri=<redirect>&code=<code with challenge>&code_verifier=<wrong verifier>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Documented(Row {
        what: "PKCE: verifier although the flow has none",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&redirect_uri=<redirect>&code=<code>&code_verifier=<verifier>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Kept(Row {
        what: "RFC 6749 section 3.3: a code without scopes, if a portal wants one, gives a token without scope (there invalid_request)",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&redirect_uri=<redirect>&code=<code without scope>",
        status: 200,
        body: r#"{"access_token":"<jwt>","expires_in":3600,"token_type":"Bearer"}"#,
    }),
    Documented(Row {
        what: "client credentials: wrong flow",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=web&client_secret=<secret web>&scope=read",
        status: 400,
        body: r#"{"error":"unauthorized_client"}"#,
    }),
    Documented(Row {
        what: "client credentials: no scope",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=service&client_secret=<secret service>",
        status: 400,
        body: r#"{"error":"invalid_scope"}"#,
    }),
    Documented(Row {
        what: "client credentials: unknown scope",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=service&client_secret=<secret service>&scope=unknown",
        status: 400,
        body: r#"{"error":"invalid_scope"}"#,
    }),
    Documented(Row {
        what: "client credentials: one unknown scope of several",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=service&client_secret=<secret service>&scope=read+unknown",
        status: 400,
        body: r#"{"error":"invalid_scope"}"#,
    }),
    Documented(Row {
        what: "client credentials: restricted scope",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=service&client_secret=<secret service>&scope=admin",
        status: 400,
        body: r#"{"error":"invalid_scope"}"#,
    }),
    Documented(Row {
        what: "client credentials: one restricted scope of several",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=service&client_secret=<secret service>&scope=read+admin",
        status: 400,
        body: r#"{"error":"invalid_scope"}"#,
    }),
    Documented(Row {
        what: "client credentials: identity scope",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=service&client_secret=<secret service>&scope=openid",
        status: 400,
        body: r#"{"error":"invalid_scope"}"#,
    }),
    Documented(Row {
        what: "client credentials: offline_access",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=service&client_secret=<secret service>&scope=read+offline_access",
        status: 400,
        body: r#"{"error":"invalid_scope"}"#,
    }),
    Documented(Row {
        what: "refresh token missing",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&client_id=web&client_secret=<secret web>",
        status: 400,
        body: r#"{"error":"invalid_request"}"#,
    }),
    Documented(Row {
        what: "refresh token too long",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&client_id=web&client_secret=<secret web>&refresh_token=<long>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Documented(Row {
        what: "refresh token unknown",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&client_id=web&client_secret=<secret web>&refresh_token=unknown",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Documented(Row {
        what: "refresh token of another client",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&client_id=web&client_secret=<secret web>&refresh_token=<refresh of other>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Documented(Row {
        what: "refresh token reused",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&client_id=web&client_secret=<secret web>&refresh_token=<reused refresh>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Documented(Row {
        what: "refresh token expired",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&client_id=web&client_secret=<secret web>&refresh_token=<expired refresh>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Documented(Row {
        what: "refresh: the client lost offline_access",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&client_id=fickle&client_secret=<secret fickle>&refresh_token=<refresh after the loss of offline_access>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Documented(Row {
        what: "refresh: the client lost another scope",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&client_id=fickle&client_secret=<secret fickle>&refresh_token=<refresh after the loss of read>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Documented(Row {
        what: "refresh: ReUse, the same token again",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&client_id=keeper&client_secret=<secret keeper>&refresh_token=<kept refresh>",
        status: 200,
        body: r#"{"access_token":"<jwt>","id_token":"<jwt>","refresh_token":"<refresh>","expires_in":3600,"token_type":"Bearer"}"#,
    }),
    Kept(Row {
        what: "OpenID Connect Core section 12.2: no ID token on refresh without openid (there always one)",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&client_id=web&client_secret=<secret web>&refresh_token=<refresh without openid>",
        status: 200,
        body: r#"{"access_token":"<jwt>","refresh_token":"<refresh>","expires_in":3600,"token_type":"Bearer"}"#,
    }),
    Kept(Row {
        what: "RFC 7009 section 2.1: revoking a refresh token ends its login, not the others of the same person at the client (there all)",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&client_id=web&client_secret=<secret web>&refresh_token=<refresh beside a revoked one>",
        status: 200,
        body: r#"{"access_token":"<jwt>","id_token":"<jwt>","refresh_token":"<refresh>","expires_in":3600,"token_type":"Bearer"}"#,
    }),
    Documented(Row {
        what: "Content-Type wrong",
        request: "POST /ids3/connect/token\nContent-Type: application/json\n\n{}",
        status: 415,
        body: r#"{"error":"invalid_request"}"#,
    }),
    Documented(Row {
        what: "revocation: no client",
        request: "POST /ids3/connect/revocation\nContent-Type: application/x-www-form-urlencoded\n\ntoken=x",
        status: 400,
        body: r#"{"error":"invalid_client"}"#,
    }),
    Documented(Row {
        what: "revocation: no token",
        request: "POST /ids3/connect/revocation\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>",
        status: 400,
        body: r#"{"error":"invalid_request"}"#,
    }),
    Documented(Row {
        what: "revocation",
        request: "POST /ids3/connect/revocation\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&token=<refresh>&token_type_hint=refresh_token",
        status: 200,
        body: "",
    }),
    Documented(Row {
        what: "revocation: unknown token",
        request: "POST /ids3/connect/revocation\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&token=unknown",
        status: 200,
        body: "",
    }),
    Documented(Row {
        what: "revocation: token of another client",
        request: "POST /ids3/connect/revocation\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&token=<refresh of other>",
        status: 200,
        body: "",
    }),
    Documented(Row {
        what: "revocation: bad hint",
        request: "POST /ids3/connect/revocation\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=web&client_secret=<secret web>&token=<refresh>&token_type_hint=bad",
        status: 400,
        body: r#"{"error":"unsupported_token_type"}"#,
    }),
    Documented(Row {
        what: "introspection: bad secret",
        request: "POST /ids3/connect/introspect\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=service&client_secret=x&token=x",
        status: 401,
        body: r#"{"error":"invalid_client"}"#,
    }),
    Documented(Row {
        what: "introspection: no token",
        request: "POST /ids3/connect/introspect\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=service&client_secret=<secret service>",
        status: 400,
        body: r#"{"error":"missing_token"}"#,
    }),
    Documented(Row {
        what: "introspection: a token that is none",
        request: "POST /ids3/connect/introspect\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=service&client_secret=<secret service>&token=x",
        status: 200,
        body: r#"{"active":false}"#,
    }),
    Kept(Row {
        what: "CHECKLIST 4: a repeated grant_type (inferred there: unsupported_grant_type)",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=service&client_secret=<secret service>&scope=read&grant_type=client_credentials",
        status: 400,
        body: r#"{"error":"invalid_request"}"#,
    }),
    Kept(Row {
        what: "CHECKLIST 19: two authentication methods (there the first one wins)",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\nAuthorization: Basic <credentials robot>\n\ngrant_type=client_credentials&client_id=service&client_secret=<secret service>&scope=read",
        status: 400,
        body: r#"{"error":"invalid_request"}"#,
    }),
    Documented(Row {
        what: "X.509: the certificate and client_id",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\nX-Client-Cert: <certificate>\n\ngrant_type=client_credentials&client_id=machine&scope=read",
        status: 200,
        body: r#"{"access_token":"<jwt>","expires_in":3600,"token_type":"Bearer"}"#,
    }),
    Documented(Row {
        what: "private_key_jwt: iss = sub = client_id, aud {issuer}/connect/token",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=key&grant_type=client_credentials&scope=read&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=<assertion of key>",
        status: 200,
        body: r#"{"access_token":"<jwt>","expires_in":3600,"token_type":"Bearer"}"#,
    }),
    Documented(Row {
        what: "X.509: another thumbprint",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\nX-Client-Cert: <other certificate>\n\ngrant_type=client_credentials&client_id=machine&scope=read",
        status: 400,
        body: r#"{"error":"invalid_client"}"#,
    }),
    Kept(Row {
        what: "RFC 8705 section 2: a certificate is looked at only for who registered one (there a wrong one fails a right secret)",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\nX-Client-Cert: <other certificate>\n\ngrant_type=client_credentials&client_id=service&client_secret=<secret service>&scope=read",
        status: 200,
        body: r#"{"access_token":"<jwt>","expires_in":3600,"token_type":"Bearer"}"#,
    }),
    Kept(Row {
        what: "CHECKLIST 19: one method a client (there the certificate wins over the secret beside it)",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\nX-Client-Cert: <certificate>\n\ngrant_type=client_credentials&client_id=machine&client_secret=<secret machine>&scope=read",
        status: 400,
        body: r#"{"error":"invalid_client"}"#,
    }),
    Documented(Row {
        what: "private_key_jwt: client_id may be left out",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&scope=read&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=<assertion of key>",
        status: 200,
        body: r#"{"access_token":"<jwt>","expires_in":3600,"token_type":"Bearer"}"#,
    }),
    Documented(Row {
        what: "private_key_jwt: an assertion of another client",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=service&grant_type=client_credentials&scope=read&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=<assertion of key>",
        status: 400,
        body: r#"{"error":"invalid_client"}"#,
    }),
    Documented(Row {
        what: "private_key_jwt: an unsigned token",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&scope=read&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=<unsigned of key>",
        status: 400,
        body: r#"{"error":"invalid_client"}"#,
    }),
    Documented(Row {
        what: "a reference token",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=reference&client_secret=<secret reference>&redirect_uri=<redirect>&code=<code of reference>",
        status: 200,
        body: r#"{"access_token":"<opaque>","id_token":"<jwt>","refresh_token":"<refresh>","expires_in":3600,"token_type":"Bearer"}"#,
    }),
    Documented(Row {
        what: "password: no ID token, a refresh token for offline_access; acr_values are passed on",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&username=alice&password=horse&scope=openid+offline_access+read&acr_values=idp:corp+tenant:acme+level2+level2+idp:other",
        status: 200,
        body: r#"{"access_token":"<jwt>","refresh_token":"<refresh>","expires_in":3600,"token_type":"Bearer"}"#,
    }),
    Documented(Row {
        what: "password without offline_access",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&username=alice&password=horse&scope=read",
        status: 200,
        body: r#"{"access_token":"<jwt>","expires_in":3600,"token_type":"Bearer"}"#,
    }),
    Documented(Row {
        what: "password, local login disabled",
        request: "POST /closed/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=app&client_secret=<secret app>&username=alice&password=horse&scope=read",
        status: 400,
        body: r#"{"error":"unsupported_grant_type"}"#,
    }),
    Kept(Row {
        what: "RFC 6749 section 5.2: local login disabled for one client is a client without the grant (there unsupported_grant_type)",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=other&client_secret=<secret other>&username=alice&password=horse&scope=read",
        status: 400,
        body: r#"{"error":"unauthorized_client"}"#,
    }),
    Documented(Row {
        what: "password, wrong flow",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=web&client_secret=<secret web>&username=alice&password=horse&scope=read",
        status: 400,
        body: r#"{"error":"unauthorized_client"}"#,
    }),
    Documented(Row {
        what: "password, no scope",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&username=alice&password=horse",
        status: 400,
        body: r#"{"error":"invalid_scope"}"#,
    }),
    Documented(Row {
        what: "password, unknown scope",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&username=alice&password=horse&scope=x",
        status: 400,
        body: r#"{"error":"invalid_scope"}"#,
    }),
    Documented(Row {
        what: "password, one unknown of several",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&username=alice&password=horse&scope=read+x",
        status: 400,
        body: r#"{"error":"invalid_scope"}"#,
    }),
    Documented(Row {
        what: "password, restricted scope",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&username=alice&password=horse&scope=write",
        status: 400,
        body: r#"{"error":"invalid_scope"}"#,
    }),
    Documented(Row {
        what: "password, one restricted of several",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&username=alice&password=horse&scope=read+write",
        status: 400,
        body: r#"{"error":"invalid_scope"}"#,
    }),
    Documented(Row {
        what: "password, scopes are looked at before the credentials",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&username=alice&password=x&scope=x",
        status: 400,
        body: r#"{"error":"invalid_scope"}"#,
    }),
    Documented(Row {
        what: "password, no credentials",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&scope=read",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Documented(Row {
        what: "password, username missing",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&scope=read&password=horse",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Documented(Row {
        what: "password, password missing",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&scope=read&username=alice",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Documented(Row {
        what: "password, username too long",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&scope=read&username=<long>&password=horse",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Documented(Row {
        what: "password, password too long",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&scope=read&username=alice&password=<long>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Documented(Row {
        what: "password, acr_values too long",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&scope=read&username=alice&password=horse&acr_values=<long>",
        status: 400,
        body: r#"{"error":"invalid_request"}"#,
    }),
    Documented(Row {
        what: "password, wrong credentials: the message of the user service",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&scope=read&username=alice&password=x",
        status: 400,
        body: r#"{"error":"invalid_grant","error_description":"Invalid username or password"}"#,
    }),
    Documented(Row {
        what: "password, partial sign-in",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&client_id=login&client_secret=<secret login>&scope=read&username=alice&password=half",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Kept(Row {
        what: "RFC 6749 section 5.2: the code of a disabled user is invalid_grant, as any that is revoked (there invalid_request)",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&redirect_uri=<redirect>&code=<code of disabled>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Kept(Row {
        what: "RFC 6749 section 5.2: the refresh token of a disabled user is invalid_grant (there invalid_request)",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&client_id=web&client_secret=<secret web>&refresh_token=<refresh of disabled>",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Documented(Row {
        what: "custom grant",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=custom&client_id=web&client_secret=<secret web>&scope=read&custom_credential=bob",
        status: 200,
        body: r#"{"access_token":"<jwt>","expires_in":3600,"token_type":"Bearer"}"#,
    }),
    Documented(Row {
        what: "custom grant with offline_access",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=custom&client_id=web&client_secret=<secret web>&scope=read+offline_access&custom_credential=bob",
        status: 200,
        body: r#"{"access_token":"<jwt>","refresh_token":"<refresh>","expires_in":3600,"token_type":"Bearer"}"#,
    }),
    Documented(Row {
        what: "custom grant without a subject",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=custom&client_id=web&client_secret=<secret web>&scope=read&custom_credential=nobody",
        status: 200,
        body: r#"{"access_token":"<jwt>","expires_in":3600,"token_type":"Bearer"}"#,
    }),
    Documented(Row {
        what: "custom grant that is not in the client's list",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=custom&client_id=other&client_secret=<secret other>&scope=read&custom_credential=bob",
        status: 400,
        body: r#"{"error":"unsupported_grant_type"}"#,
    }),
    Documented(Row {
        what: "custom grant without a validator",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=customer&client_id=web&client_secret=<secret web>&scope=read&custom_credential=bob",
        status: 400,
        body: r#"{"error":"unsupported_grant_type"}"#,
    }),
    Documented(Row {
        what: "custom grant: scope missing",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=custom&client_id=web&client_secret=<secret web>&custom_credential=bob",
        status: 400,
        body: r#"{"error":"invalid_scope"}"#,
    }),
    Documented(Row {
        what: "custom grant: a scope that is unknown, or not the client's",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=custom&client_id=web&client_secret=<secret web>&scope=read+unknown&custom_credential=bob",
        status: 400,
        body: r#"{"error":"invalid_scope"}"#,
    }),
    Documented(Row {
        what: "custom grant: the error of the validator, word for word",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=custom&client_id=web&client_secret=<secret web>&scope=read",
        status: 400,
        body: r#"{"error":"invalid_custom_credential"}"#,
    }),
    Documented(Row {
        what: "custom grant: the validator says no",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=custom&client_id=web&client_secret=<secret web>&scope=read&custom_credential=eve",
        status: 400,
        body: r#"{"error":"invalid_grant"}"#,
    }),
    Kept(Row {
        what: "custom grant: an error without text is no answer of a hook, and nobody gets a token (there invalid_grant)",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=custom&client_id=web&client_secret=<secret web>&scope=read&custom_credential=mute",
        status: 500,
        body: r#"{"error":"server_error"}"#,
    }),
    Kept(Row {
        what: "custom grant: neither is null (there invalid_grant)",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=custom&client_id=web&client_secret=<secret web>&scope=read&custom_credential=null",
        status: 500,
        body: r#"{"error":"server_error"}"#,
    }),
    Kept(Row {
        what: "RFC 6749 section 5.2: a validator that throws is a hook that failed (there the error is: Grant validation error)",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=custom&client_id=web&client_secret=<secret web>&scope=read&custom_credential=broken",
        status: 503,
        body: r#"{"error":"temporarily_unavailable"}"#,
    }),
    Documented(Row {
        what: "proof of possession: a code, alg and key",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&redirect_uri=<redirect>&code=<code>&token_type=pop&alg=ES256&key=<proof key>",
        status: 200,
        body: r#"{"access_token":"<jwt>","id_token":"<jwt>","refresh_token":"<refresh>","expires_in":3600,"token_type":"pop","alg":"ES256"}"#,
    }),
    Documented(Row {
        what: "proof of possession: alg may be left out",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&redirect_uri=<redirect>&code=<code>&token_type=pop&key=<proof key>",
        status: 200,
        body: r#"{"access_token":"<jwt>","id_token":"<jwt>","refresh_token":"<refresh>","expires_in":3600,"token_type":"pop"}"#,
    }),
    Documented(Row {
        what: "proof of possession: a refresh token",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&client_id=web&client_secret=<secret web>&refresh_token=<refresh>&token_type=pop&alg=ES256&key=<proof key>",
        status: 200,
        body: r#"{"access_token":"<jwt>","id_token":"<jwt>","refresh_token":"<refresh>","expires_in":3600,"token_type":"pop","alg":"ES256"}"#,
    }),
    Documented(Row {
        what: "proof of possession: bad alg",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&redirect_uri=<redirect>&code=<code>&token_type=pop&alg=HS256&key=<proof key>",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"invalid alg."}"#,
    }),
    Documented(Row {
        what: "proof of possession: no key",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&client_id=web&client_secret=<secret web>&refresh_token=<refresh>&token_type=pop&alg=RS256",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"key is required."}"#,
    }),
    Documented(Row {
        what: "proof of possession: key too long",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&redirect_uri=<redirect>&code=<code>&token_type=pop&key=<long>",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"invalid key."}"#,
    }),
    Kept(Row {
        what: "RFC 7517 section 9.2: a proof key with its private half is refused (there nobody looks into it)",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&redirect_uri=<redirect>&code=<code>&token_type=pop&key=<private key>",
        status: 400,
        body: r#"{"error":"invalid_request","error_description":"invalid key."}"#,
    }),
    Inferred(Row {
        what: "another token_type is not looked at",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&client_id=web&client_secret=<secret web>&redirect_uri=<redirect>&code=<code>&token_type=bearer&alg=none&key=x",
        status: 200,
        body: r#"{"access_token":"<jwt>","id_token":"<jwt>","refresh_token":"<refresh>","expires_in":3600,"token_type":"Bearer"}"#,
    }),
    Kept(Row {
        what: "RFC 6749 section 5.2: a client without the refresh_token grant may not refresh (there no flow is looked at, and the token is invalid_grant)",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&client_id=service&client_secret=<secret service>&refresh_token=unknown",
        status: 400,
        body: r#"{"error":"unauthorized_client"}"#,
    }),
    Documented(Row {
        what: "custom grant: a scope that is not the client's",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=custom&client_id=web&client_secret=<secret web>&scope=read+write&custom_credential=bob",
        status: 400,
        body: r#"{"error":"invalid_scope"}"#,
    }),
    Documented(Row {
        what: "client_id without a secret",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=service&scope=read",
        status: 400,
        body: r#"{"error":"invalid_client"}"#,
    }),
    Documented(Row {
        what: "Basic with an empty secret",
        request: "POST /ids3/connect/token\nContent-Type: application/x-www-form-urlencoded\nAuthorization: Basic cm9ib3Q6\n\ngrant_type=client_credentials&scope=read",
        status: 400,
        body: r#"{"error":"invalid_client"}"#,
    }),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_request_is_answered_as_documented() {
    let world = World::start(&VENDOR).await;
    world.replay().await;
    let audience = json!(format!("http://{}/ids3/resources", world.server.public));
    let (access, id) = world.login().await;
    assert_eq!(pick(&access, &["aud", "scope"]), [audience.clone(), json!(["offline_access", "openid", "read"])]);
    assert_eq!(access["nbf"], access["iat"]);
    assert_eq!(access["exp"].as_u64().unwrap() - access["iat"].as_u64().unwrap(), 3600);
    assert_eq!(id["exp"].as_u64().unwrap() - id["iat"].as_u64().unwrap(), 300);
    assert!(id["at_hash"].is_string(), "kept: there only the ID token of a refresh has one");
    assert_eq!(pick(&world.service().await, &["aud", "scope"]), [audience, json!(["read", "write"])]);
    let one = [("grant_type", "client_credentials"), ("scope", "read")];
    let token = world.token("service", &one).await.get("access_token");
    assert_eq!(claims(&token)["scope"], "read");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_client_or_a_wrong_verifier_tries_burns_no_code_here() {
    let world = World::start(&VENDOR).await;
    let code = world.value("code of other").await;
    assert_eq!(world.redeem("web", &code).await.error(), "invalid_grant");
    assert_eq!(world.redeem("other", &code).await.status, 200, "CHECKLIST 41: there the code is consumed");
}

#[tokio::test(flavor = "multi_thread")]
async fn introspection_gives_the_scope_as_text_and_nbf() {
    let world = World::start(&VENDOR).await;
    let fields = [("grant_type", "client_credentials"), ("scope", "read write")];
    let token = world.token("service", &fields).await.get("access_token");
    let secret = super::secret("service");
    let fields = [("token", token.as_str()), ("client_id", "service"), ("client_secret", secret.as_str())];
    let answer = world.server.post("/ids3/connect/introspect", &[], &fields).await.json();
    assert_eq!(pick(&answer, &["active", "scope", "nbf"]), [json!(true), json!("read write"), answer["iat"].clone()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_user_service_hears_idp_and_tenant_and_the_rest_once() {
    let world = World::start(&VENDOR).await;
    let grant = [("grant_type", "password"), ("username", "alice"), ("password", "horse"), ("scope", "read")];
    let acr = [("acr_values", "level2 tenant:acme idp:corp level2 idp:other")];
    assert_eq!(world.token("login", &[&grant[..], &acr].concat()).await.status, 200);
    let asked = world.users.questions().pop().unwrap();
    let wanted = json!({
        "issuer": format!("http://{}/ids3", world.server.public), "client_id": "login", "peer": "127.0.0.1", "username": "alice", "password": "horse", "idp": "corp",
        "tenant": "acme", "acr_values": ["level2", "idp:other"], "parameters": {},
    });
    assert_eq!(asked, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_45_no_code_comes_to_be_whose_challenge_is_missing_plain_or_of_an_unknown_method() {
    // there such codes exist, and are invalid_grant when somebody redeems them
    let world = World::start(&VENDOR).await;
    for (challenge, method) in [
        (json!(null), json!("S256")),
        (json!(CHALLENGE), json!(null)),
        (json!(CHALLENGE), json!("unknown")),
        (json!(VERIFIER), json!("plain")),
    ] {
        let code = json!({
            "client_id": "web", "redirect_uri": CALLBACK, "subject": "alice", "scope": VENDOR.scope,
            "code_challenge": challenge, "code_challenge_method": method,
        });
        let answer = world.admin("codes", code).await;
        assert_eq!(answer.status, 400, "{challenge} {method}: {}", answer.text());
        assert!(answer.text().contains("code_challenge"), "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sliding_expiration_begins_again_with_every_use_and_ends_with_the_absolute_one() {
    let world = World::start(&VENDOR).await;
    let (day, mut metadata) = (Duration::from_secs(86_400), world.cast_of_states().remove(0).2);
    metadata["client_id"] = json!("sliding");
    metadata["client_secret"] = json!(super::secret("sliding"));
    metadata["token_endpoint_auth_method"] = json!("client_secret_post");
    metadata["jeton"] = json!({ "refresh_token_idle_lifetime": 1_296_000 });
    assert_eq!(world.admin("clients", metadata).await.status, 201);
    let refresh =
        async |token: &str| world.token("sliding", &[("grant_type", "refresh_token"), ("refresh_token", token)]).await;
    let unused = world.refresh_token("sliding").await;
    world.server.advance(15 * day).await;
    assert_eq!(refresh(&unused).await.error(), "invalid_grant", "unused for 15 days");
    let mut token = world.refresh_token("sliding").await;
    for _ in 0..2 {
        world.server.advance(14 * day).await;
        token = refresh(&token).await.get("refresh_token");
    }
    world.server.advance(2 * day).await;
    assert_eq!(refresh(&token).await.error(), "invalid_grant", "30 days after the login");
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7800_3_2_a_token_by_proof_key_carries_it_and_introspection_tells_it_in_this_dialect_alone() {
    let world = World::start(&VENDOR).await;
    let (key, secret) = (world.value("proof key").await, super::secret("web"));
    let pop = [("token_type", "pop"), ("alg", "ES256"), ("key", key.as_str())];
    let token = world.value("refresh").await;
    let refresh = [&[("grant_type", "refresh_token"), ("refresh_token", token.as_str())][..], &pop].concat();
    let answer = world.token("web", &refresh).await;
    assert_eq!(claims(&answer.get("access_token"))["cnf"], json!({ "jwk": proof_key() }));
    assert!(claims(&answer.get("id_token"))["cnf"].is_null());
    let token = answer.get("access_token");
    let fields = [("token", token.as_str()), ("client_id", "web"), ("client_secret", secret.as_str())];
    let told = world.server.post("/ids3/connect/introspect", &[], &fields).await.json();
    assert_eq!(
        pick(&told, &["active", "token_type", "cnf"]),
        [json!(true), json!("pop"), json!({ "jwk": proof_key() })]
    );
    // the next one is bound to nothing, unless it says so
    let next = answer.get("refresh_token");
    let plain = world.token("web", &[("grant_type", "refresh_token"), ("refresh_token", &next)]).await;
    assert_eq!(plain.get("token_type"), "Bearer");
    assert!(claims(&plain.get("access_token"))["cnf"].is_null());
    let service = [&[("grant_type", "client_credentials"), ("scope", "read")][..], &pop].concat();
    assert_eq!(world.token("service", &service).await.get("token_type"), "Bearer", "code and refresh token only");
    let client = world.server.web_client().await;
    let tokens = world.server.login(&client).await;
    let elsewhere = world.server.refresh_with(&client, tokens["refresh_token"].as_str().unwrap(), &pop).await;
    assert_eq!(elsewhere.get("token_type"), "Bearer");
    assert!(claims(&elsewhere.get("access_token"))["cnf"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_51_a_wrong_proof_key_spends_neither_a_code_nor_a_refresh_token() {
    let world = World::start(&VENDOR).await;
    let (code, token) = (world.value("code").await, world.value("refresh").await);
    let wrong = [("token_type", "pop"), ("key", "x")];
    let redeem = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];
    assert_eq!(world.token("web", &[&redeem[..], &wrong].concat()).await.error(), "invalid_request");
    assert_eq!(world.redeem("web", &code).await.status, 200);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    assert_eq!(world.token("web", &[&refresh[..], &wrong].concat()).await.error(), "invalid_request");
    assert_eq!(world.token("web", &refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8693_a_token_that_is_bound_to_a_key_is_not_exchanged_for_one_that_is_not() {
    let world = World::start(&EXCHANGING).await;
    let exchange = async |token: &str| {
        let fields = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", token),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("scope", "read"),
        ];
        world.token("gateway", &fields).await
    };
    let (key, refresh) = (world.value("proof key").await, world.value("refresh").await);
    let grant = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    let pop = [("token_type", "pop"), ("key", key.as_str())];
    let bound = world.token("web", &[&grant[..], &pop].concat()).await;
    let refused = exchange(&bound.get("access_token")).await;
    assert_eq!((refused.status, refused.error().as_str()), (400, "invalid_request"));
    let next = bound.get("refresh_token");
    let free = world.token("web", &[("grant_type", "refresh_token"), ("refresh_token", next.as_str())]).await;
    assert_eq!(exchange(&free.get("access_token")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn discovery_and_keys_are_where_the_vendor_has_them() {
    let world = World::start(&VENDOR).await;
    let base = format!("http://{}/ids3", world.server.public);
    let document = world.server.get("/ids3/.well-known/openid-configuration").await.json();
    for (member, path) in [
        ("token_endpoint", "/connect/token"),
        ("introspection_endpoint", "/connect/introspect"),
        ("revocation_endpoint", "/connect/revocation"),
        ("jwks_uri", "/.well-known/jwks"),
    ] {
        assert_eq!(document[member], json!(format!("{base}{path}")), "{document}");
    }
    let keys = world.server.jwks_at("/ids3/.well-known/jwks").await.json();
    assert_eq!(keys["keys"][0]["alg"], "RS256", "{keys}");
}
