//! The `oauth2` crate: code with PKCE, refresh, client credentials, introspection and revocation, by every way its
//! clients authenticate. Ends non-zero with a message on any deviation.

use std::env::var;
use std::error::Error;

use oauth2::basic::{BasicClient, BasicErrorResponseType};
use oauth2::reqwest::blocking::Client as Http;
use oauth2::{
    AuthType, AuthorizationCode, ClientId, ClientSecret, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse,
    IntrospectionUrl, PkceCodeChallenge, RedirectUrl, RequestTokenError, RevocationUrl, Scope, StandardRevocableToken,
    SyncHttpClient, TokenIntrospectionResponse, TokenResponse, TokenUrl,
};
use serde_json::{Value, json};

type Fallible<T> = Result<T, Box<dyn Error>>;
type Client = BasicClient<EndpointNotSet, EndpointNotSet, EndpointSet, EndpointSet, EndpointSet>;

const CALLBACK: &str = "https://client.example/callback";

fn main() -> Fallible<()> {
    let http = Http::builder().redirect(oauth2::reqwest::redirect::Policy::none()).build()?;
    for (method, auth) in [("client_secret_basic", AuthType::BasicAuth), ("client_secret_post", AuthType::RequestBody)]
    {
        service(&http, method, auth.clone())?;
        web(&http, method, auth)?;
    }
    web(&http, "none", AuthType::RequestBody)
}

fn service(http: &Http, method: &str, auth: AuthType) -> Fallible<()> {
    let metadata = json!({
        "token_endpoint_auth_method": method, "grant_types": ["client_credentials"], "scope": "api:read",
    });
    let client = client(&register(http, &metadata)?, auth)?;
    let token = client.exchange_client_credentials().add_scope(Scope::new("api:read".into())).request(http)?;
    check(token.expires_in().is_some_and(|span| span.as_secs() > 0), "a lifetime")?;
    check(client.introspect(token.access_token()).request(http)?.active(), "a fresh token is active")?;
    client.revoke_token(StandardRevocableToken::from(token.access_token()))?.request(&clear_text(http))?;
    check(!client.introspect(token.access_token()).request(http)?.active(), "a revoked token is not active")
}

fn web(http: &Http, method: &str, auth: AuthType) -> Fallible<()> {
    let metadata = json!({
        "token_endpoint_auth_method": method, "grant_types": ["authorization_code", "refresh_token"],
        "redirect_uris": [CALLBACK], "scope": "offline_access api:read",
    });
    let registered = register(http, &metadata)?;
    let client = client(&registered, auth)?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let portal = json!({
        "client_id": registered["client_id"], "redirect_uri": CALLBACK, "subject": "alice",
        "scope": "offline_access api:read", "code_challenge": challenge.as_str(),
        "code_challenge_method": challenge.method().as_str(),
    });
    let code = AuthorizationCode::new(text(&admin(http, "codes", &portal)?, "code"));
    let first = client.exchange_code(code.clone()).set_pkce_verifier(verifier).request(http)?;
    let held = first.refresh_token().ok_or("no refresh token")?;
    let second = client.exchange_refresh_token(held).request(http)?;
    let held = second.refresh_token().ok_or("no rotated refresh token")?;
    if method != "none" {
        let seen = client.introspect(second.access_token()).request(http)?;
        check(seen.active() && seen.sub() == Some("alice"), "introspection names the subject")?;
    }
    client.revoke_token(StandardRevocableToken::from(held))?.request(&clear_text(http))?;
    match client.exchange_refresh_token(held).request(http) {
        Err(RequestTokenError::ServerResponse(told)) => {
            check(*told.error() == BasicErrorResponseType::InvalidGrant, "a revoked refresh token is an invalid grant")
        }
        other => Err(format!("a revoked refresh token: {other:?}").into()),
    }
}

fn client(registered: &Value, auth: AuthType) -> Fallible<Client> {
    let at = |path: &str| Ok::<_, std::env::VarError>(format!("{}/oauth2/{path}", var("JETON_ISSUER")?));
    let mut client = oauth2::basic::BasicClient::new(ClientId::new(text(registered, "client_id")))
        .set_auth_type(auth)
        .set_redirect_uri(RedirectUrl::new(CALLBACK.into())?);
    if let Some(secret) = registered["client_secret"].as_str() {
        client = client.set_client_secret(ClientSecret::new(secret.into()));
    }
    Ok(client
        .set_token_uri(TokenUrl::new(at("token")?)?)
        .set_introspection_url(IntrospectionUrl::new(at("introspect")?)?)
        .set_revocation_url(RevocationUrl::new(at("revoke")?.replacen("http:", "https:", 1))?))
}

/// The crate revokes at https URLs only (RFC 7009 section 2); what ends TLS in front of jeton is a change of scheme here.
fn clear_text(http: &Http) -> impl Fn(HttpRequest) -> Result<HttpResponse, <Http as SyncHttpClient>::Error> {
    |mut request| {
        let url = request.uri().to_string().replacen("https:", "http:", 1);
        *request.uri_mut() = url.parse().map_err(oauth2::http::Error::from)?;
        http.call(request)
    }
}

fn register(http: &Http, metadata: &Value) -> Fallible<Value> {
    admin(http, "clients", metadata)
}

/// The operator and the login portal: jeton's admin API, apart from the library under test.
fn admin(http: &Http, path: &str, body: &Value) -> Fallible<Value> {
    let answer = http
        .post(format!("{}/admin/v1/issuers/main/{path}", var("JETON_ADMIN_URL")?))
        .bearer_auth(var("JETON_ADMIN_TOKEN")?)
        .body(body.to_string())
        .send()?;
    let (status, text) = (answer.status(), answer.text()?);
    if status != 201 {
        return Err(format!("{path}: {status} {text}").into());
    }
    Ok(serde_json::from_str(&text)?)
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn check(holds: bool, what: &str) -> Fallible<()> {
    if holds { Ok(()) } else { Err(format!("deviation: {what}").into()) }
}
