//! HTTP/1.1 as strange peers speak it: half-closed connections, hosts that are none, what nobody negotiated.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::http::{Wire, parse_all, post_bytes, post_form, raw, request};
use crate::support::{ADMIN_TOKEN, Answer, CALLBACK, Server, VERIFIER, form, tls};

const TOKEN: &str = "/oauth2/token";
const TIMES: usize = 50;

/// Sends `bytes`, ends the sending side and reads everything: the statuses of what came back.
async fn half_closed<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, bytes: &[u8], last: usize) -> Vec<Answer> {
    let (first, rest) = bytes.split_at(bytes.len() - last);
    stream.write_all(first).await.unwrap();
    if last > 0 {
        stream.flush().await.unwrap();
        tokio::task::yield_now().await;
        stream.write_all(rest).await.unwrap();
    }
    stream.shutdown().await.unwrap();
    let mut all = Vec::new();
    // a connection that is cut without an answer counts as none
    let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut all)).await.expect("it is closed");
    parse_all(&all, false)
}

async fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.public).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

fn fields(client: &(String, String), more: &[(&str, &str)]) -> String {
    let own = [("client_id", client.0.as_str()), ("client_secret", client.1.as_str())];
    form(&[&own[..], more].concat())
}

fn ok(answers: &[Answer]) -> bool {
    matches!(answers, [answer] if answer.status == 200 && answer.json()["access_token"].is_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9112_9_6_a_request_that_is_followed_by_half_close_is_answered() {
    let server = Server::start().await;
    let service = server.service_client().await;
    let body = fields(&service, &[("grant_type", "client_credentials")]);
    let mut answered = [0; 3];
    for _ in 0..TIMES {
        // all at once, the last byte by itself, and the body by itself
        for (slot, last) in [0, 1, body.len()].into_iter().enumerate() {
            let answers = half_closed(connect(&server).await, &post_bytes(TOKEN, &[], &body), last).await;
            answered[slot] += usize::from(ok(&answers));
        }
    }
    assert_eq!(answered, [TIMES; 3], "client_credentials");
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9112_9_6_a_code_and_a_refresh_token_are_not_spent_without_an_answer_to_a_half_closed_peer() {
    let server = Server::start().await;
    let web = server.web_client().await;
    let (mut codes, mut refreshes) = (0, 0);
    for _ in 0..TIMES {
        let code = server.code(&web.0, json!({})).await;
        let redeem = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let answers = half_closed(connect(&server).await, &post_bytes(TOKEN, &[], &fields(&web, &redeem)), 0).await;
        codes += usize::from(ok(&answers));
        let Some(token) = answers.first().map(|answer| answer.get("refresh_token")) else { continue };
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
        let answers = half_closed(connect(&server).await, &post_bytes(TOKEN, &[], &fields(&web, &refresh)), 0).await;
        refreshes += usize::from(ok(&answers));
    }
    assert_eq!((codes, refreshes), (TIMES, TIMES));
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9112_9_8_a_half_closed_peer_is_answered_over_tls_with_and_without_close_notify() {
    let dir = tempfile::tempdir().unwrap();
    let roots = tls::server_certificate(dir.path());
    let path = dir.path().display();
    let files = format!("public.tls = {{ certificate = \"{path}/tls.pem\", key = \"{path}/tls.key\" }}");
    let server = Server::with(&files).await;
    let service = server.service_client().await;
    let request = post_bytes(TOKEN, &[], &fields(&service, &[("grant_type", "client_credentials")]));
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let caller = tls::Caller::speaking(&[version], &roots, None);
        let mut answered = [0; 2];
        for _ in 0..TIMES / 2 {
            // close_notify and FIN
            let stream = caller.connect(connect(&server).await).await;
            answered[0] += usize::from(ok(&half_closed(stream, &request, 0).await));
            // FIN alone
            let mut stream = caller.connect(connect(&server).await).await;
            stream.write_all(&request).await.unwrap();
            stream.flush().await.unwrap();
            stream.get_mut().0.shutdown().await.unwrap();
            let mut all = Vec::new();
            let _ = stream.read_to_end(&mut all).await;
            answered[1] += usize::from(ok(&parse_all(&all, false)));
        }
        assert_eq!(answered, [TIMES / 2; 2], "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9112_9_3_2_everything_pipelined_before_a_half_close_is_answered() {
    let server = Server::start().await;
    let service = server.service_client().await;
    let one = post_bytes(TOKEN, &[], &fields(&service, &[("grant_type", "client_credentials")]));
    let jwks = b"GET /oauth2/jwks HTTP/1.1\r\nHost: a\r\n\r\n";
    for _ in 0..10 {
        let answers = half_closed(connect(&server).await, &[&one.repeat(3)[..], jwks].concat(), 0).await;
        assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [200; 4]);
        let answers = half_closed(connect(&server).await, jwks, 0).await;
        assert_eq!(answers.len(), 1, "a request without a body");
    }
    // the operator's listener is the same
    let keys =
        format!("GET /admin/v1/issuers/main/keys HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n\r\n");
    let stream = TcpStream::connect(server.admin).await.unwrap();
    assert_eq!(half_closed(stream, keys.as_bytes(), 0).await[0].status, 200);
    // what was not sent whole was never begun
    let answers = half_closed(connect(&server).await, &one[..one.len() - 1], 0).await;
    assert!(answers.iter().all(|answer| answer.status == 400), "{answers:?}");
}

async fn status_of(server: &Server, head: &str) -> u16 {
    let bytes = raw(server.public, head.as_bytes()).await;
    let answers = parse_all(&bytes, false);
    assert_eq!(answers.len(), 1, "{head:?}: {}", String::from_utf8_lossy(&bytes));
    answers[0].status
}

const JWKS: &str = "GET /oauth2/jwks HTTP/1.1\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn rfc9112_3_2_an_invalid_host_is_400() {
    let server = Server::start().await;
    for bad in [
        "a b",
        "user@a",
        "user:pw@a",
        "a:65536",
        "a:99999999999999999999",
        "a:1x",
        "a:-1",
        "a:+1",
        "a/b",
        "a?b",
        "a#b",
        "a\\b",
        "[::1",
        "::1",
        ":80",
        "[::1]x",
        "[a]",
        "[]",
        "a%zz",
        "\"a\"",
        "a\u{e9}",
        "http://a",
    ] {
        let head = format!("{JWKS}Host: {bad}\r\nConnection: close\r\n\r\n");
        assert_eq!(status_of(&server, &head).await, 400, "{bad}");
    }
    for good in ["a", "a:0", "a:65535", "a:", "127.0.0.1:8080", "[::1]", "[::1]:80", "xn--a_b", "A.Example."] {
        let head = format!("{JWKS}Host: {good}\r\nConnection: close\r\n\r\n");
        assert_eq!(status_of(&server, &head).await, 200, "{good}");
    }
    // the authority of the absolute form too (section 3.2.2), and HTTP/1.0
    for (target, expected) in [
        ("http://a/oauth2/jwks", 200),
        ("http://a:65535/oauth2/jwks", 200),
        ("http://user@a/oauth2/jwks", 400),
        ("http://a:65536/oauth2/jwks", 400),
    ] {
        let head = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assert_eq!(status_of(&server, &head).await, expected, "{target}");
    }
    assert_eq!(status_of(&server, "GET /oauth2/jwks HTTP/1.0\r\nHost: a b\r\n\r\n").await, 400);
    assert_eq!(status_of(&server, "GET /oauth2/jwks HTTP/1.0\r\n\r\n").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9112_3_2_1_a_fragment_in_the_request_target_is_400() {
    let server = Server::start().await;
    for target in ["/oauth2/jwks#x", "/oauth2/jwks#", "/oauth2/jwks?a#x", "http://a/oauth2/jwks#x", "/#/oauth2/jwks"] {
        let head = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assert_eq!(status_of(&server, &head).await, 400, "{target}");
    }
    // in anything but the request line it is a character
    let head = format!("{JWKS}Host: a\r\nX-Fragment: #\r\nConnection: close\r\n\r\n");
    assert_eq!(status_of(&server, &head).await, 200);
    // also after other requests on the same connection
    let mut wire = Wire::connect(server.public).await.unwrap();
    let good = format!("{JWKS}Host: a\r\n\r\n");
    assert_eq!(wire.call(good.as_bytes()).await.unwrap().status, 200);
    let bad = "GET /oauth2/jwks#x HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(wire.call(bad.as_bytes()).await.unwrap().status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9110_10_1_1_an_unknown_expectation_is_417() {
    let server = Server::start().await;
    let service = server.service_client().await;
    let body = fields(&service, &[("grant_type", "client_credentials")]);
    for bad in ["200-ok", "100-continue, x", "x", "100-continue;q=1"] {
        let answers = parse_all(&raw(server.public, &post_bytes(TOKEN, &[("Expect", bad)], &body)).await, false);
        assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [417], "{bad}");
        answers[0].refused(417, "invalid_request");
    }
    for good in ["100-continue", "100-CONTINUE"] {
        let headers = [("Expect", good), ("Connection", "close")];
        let answers = parse_all(&raw(server.public, &post_bytes(TOKEN, &headers, &body)).await, false);
        assert!(ok(&answers), "{good}");
    }
    let answer = request(server.admin, "GET", "/livez", &[("Expect", "x")], b"").await;
    assert_eq!(answer.status, 417);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9110_15_5_16_an_encoded_body_is_415_and_told_which_coding_is_taken() {
    let server = Server::start().await;
    let service = server.service_client().await;
    let own = [
        ("grant_type", "client_credentials"),
        ("client_id", service.0.as_str()),
        ("client_secret", service.1.as_str()),
    ];
    for path in [TOKEN, "/oauth2/introspect", "/oauth2/revoke"] {
        for coding in ["gzip", "GZIP", "br", "identity, gzip", "aes128gcm"] {
            let answer = post_form(server.public, path, &[("Content-Encoding", coding)], &own).await;
            answer.refused(415, "invalid_request");
            assert_eq!(answer.header("accept-encoding"), Some("identity"), "{path} {coding}");
        }
    }
    for none in ["identity", "Identity", ""] {
        let answer = post_form(server.public, TOKEN, &[("Content-Encoding", none)], &own).await;
        assert_eq!(answer.status, 200, "{none:?}");
    }
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Encoding", "gzip")];
    let answer = request(server.admin, "POST", "/admin/v1/issuers/main/clients", &headers, b"x").await;
    assert_eq!((answer.status, answer.header("content-type")), (415, Some("application/problem+json")));
    assert_eq!(answer.header("accept-encoding"), Some("identity"));
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9110_8_3_a_content_type_that_is_repeated_is_one_and_a_different_one_is_refused() {
    const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
    let server = Server::start().await;
    let service = server.service_client().await;
    let body = fields(&service, &[("grant_type", "client_credentials")]);
    let with =
        async |more: (&str, &str)| request(server.public, "POST", TOKEN, &[FORM, more], body.as_bytes()).await.status;
    assert_eq!(with(FORM).await, 200);
    assert_eq!(with(("Content-Type", "application/json")).await, 415);
    assert_eq!(with(("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")).await, 415);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9110_11_1_the_scheme_of_the_admin_token_has_any_case() {
    let server = Server::start().await;
    let call = async |value: String| {
        request(server.admin, "GET", "/admin/v1/config", &[("Authorization", &value)], b"").await.status
    };
    for good in ["Bearer ", "bearer ", "BEARER ", "bEaReR ", "Bearer   "] {
        assert_eq!(call(format!("{good}{ADMIN_TOKEN}")).await, 200, "{good}");
    }
    for bad in ["", "Bearer", "Basic ", "Bearer\u{a0}", "Bearers "] {
        assert_eq!(call(format!("{bad}{ADMIN_TOKEN}")).await, 401, "{bad}");
    }
    let service = server.client(json!({ "grant_types": ["client_credentials"], "scope": "api:read" })).await;
    use base64::Engine as _;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", service.0, service.1));
    for scheme in ["Basic", "BASIC", "basic"] {
        let header = format!("{scheme} {pair}");
        let grant = [("grant_type", "client_credentials")];
        let answer = server.post(TOKEN, &[("Authorization", &header)], &grant).await;
        assert_eq!(answer.status, 200, "{scheme}");
    }
}
