//! A login portal as clients see it: an authorization endpoint (RFC 6749 section 3.1) where alice is always logged in,
//! and a userinfo endpoint (OpenID Connect Core section 5.3). Codes come from jeton's admin API, and what an access
//! token is worth from its introspection.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::Url;

use crate::support::http::{post_form, request};
use crate::support::process::Serve;
use crate::support::{ADMIN_TOKEN, Answer};

/// The issuer that is behind the portal.
pub(super) const ISSUER: &str = "site";

/// Device polls at the default interval: what clients do at others says little.
const SETTINGS: &str = r#"
    [issuers.site]
    url = "http://@PUBLIC@/site"
    grant_types = ["authorization_code", "refresh_token", "client_credentials",
        "urn:ietf:params:oauth:grant-type:device_code"]
    scopes = "openid profile email offline_access api:read"
    authorization_endpoint = "http://@PORTAL@/authorize"
    metadata = { userinfo_endpoint = "http://@PORTAL@/userinfo" }
    verification_uri = "https://portal.example/device"
"#;

/// A daemon and the portal before it.
pub(super) struct Portal {
    pub(super) jeton: Serve,
    _running: JoinSet<()>,
}

/// What the portal knows of jeton.
struct Backend {
    admin: SocketAddr,
    public: SocketAddr,
    /// Its own client, which introspects.
    own: (String, String),
}

impl Portal {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let jeton = Serve::start(&SETTINGS.replace("@PORTAL@", &address.to_string())).await;
        let own = register(
            jeton.admin,
            ISSUER,
            json!({
                "token_endpoint_auth_method": "client_secret_post",
                "grant_types": ["client_credentials"], "jeton": { "introspection": "any" },
            }),
        )
        .await;
        let backend = Arc::new(Backend { admin: jeton.admin, public: jeton.public, own });
        let mut running = JoinSet::new();
        running.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let backend = backend.clone();
                connections.spawn(async move { backend.serve(stream).await });
            }
        });
        Self { jeton, _running: running }
    }

    /// The issuer's URL.
    pub(super) fn url(&self) -> String {
        format!("http://{}/{ISSUER}", self.jeton.public)
    }
}

/// Registers a client and gives its id and secret.
pub(super) async fn register(admin: SocketAddr, issuer: &str, metadata: Value) -> (String, String) {
    let answer = call(admin, &format!("{issuer}/clients"), metadata).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    (answer.get("client_id"), answer.get("client_secret"))
}

/// A call of the admin API.
async fn call(admin: SocketAddr, path: &str, body: Value) -> Answer {
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    request(admin, "POST", &format!("/admin/v1/issuers/{path}"), &headers, body.to_string().as_bytes()).await
}

impl Backend {
    /// One request on a connection.
    async fn serve(&self, mut stream: TcpStream) {
        let mut read = Vec::new();
        while !read.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut read).await.is_ok_and(|size| size > 0) && read.len() < 65_536 {
                continue;
            }
            return;
        }
        let head = String::from_utf8(read).unwrap();
        let target = head.split(' ').nth(1).unwrap();
        let url = Url::parse(&format!("http://portal{target}")).unwrap();
        let (status, header, body) = match url.path() {
            "/authorize" => self.authorize(&url).await,
            "/userinfo" => self.userinfo(&head).await,
            _ => ("404 Not Found", String::new(), String::new()),
        };
        let answer =
            format!("HTTP/1.1 {status}\r\n{header}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
        let _ = stream.write_all(answer.as_bytes()).await;
    }

    /// Sends the browser back with a code for alice, or says why not.
    async fn authorize(&self, url: &Url) -> (&'static str, String, String) {
        let asked = |name: &str| url.query_pairs().find(|(own, _)| own == name).map(|(_, value)| value.into_owned());
        let mut wanted = json!({ "subject": "alice", "auth_time": jeton::Clock::system().now().as_secs() });
        for name in ["client_id", "redirect_uri", "scope", "nonce", "code_challenge", "code_challenge_method"] {
            if let Some(value) = asked(name) {
                wanted[name] = json!(value);
            }
        }
        let code = call(self.admin, &format!("{ISSUER}/codes"), wanted).await;
        if asked("response_type").as_deref() != Some("code") || code.status != 201 {
            return ("400 Bad Request", String::new(), code.text());
        }
        let mut back = Url::parse(&asked("redirect_uri").unwrap_or_default()).unwrap();
        back.query_pairs_mut().append_pair("code", &code.get("code"));
        if let Some(state) = asked("state") {
            back.query_pairs_mut().append_pair("state", &state);
        }
        // RFC 9207
        back.query_pairs_mut().append_pair("iss", &format!("http://{}/{ISSUER}", self.public));
        ("303 See Other", format!("Location: {back}\r\n"), String::new())
    }

    /// Answers who an access token speaks for.
    async fn userinfo(&self, head: &str) -> (&'static str, String, String) {
        let bearer = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": Bearer ")?;
            name.eq_ignore_ascii_case("authorization").then_some(value)
        });
        let fields = [
            ("token", bearer.unwrap_or_default()),
            ("client_id", self.own.0.as_str()),
            ("client_secret", self.own.1.as_str()),
        ];
        let seen = post_form(self.public, &format!("/{ISSUER}/oauth2/introspect"), &[], &fields).await.json();
        if seen["active"] != json!(true) {
            return ("401 Unauthorized", "WWW-Authenticate: Bearer\r\n".to_owned(), String::new());
        }
        let known = json!({ "sub": seen["sub"], "preferred_username": seen["sub"] });
        ("200 OK", "Content-Type: application/json\r\n".to_owned(), known.to_string())
    }
}
