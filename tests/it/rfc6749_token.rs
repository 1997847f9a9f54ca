//! RFC 6749 section 3.2, CHECKLIST A: HTTP at the token endpoint.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::http::{parse_all, post_bytes, raw, request};
use crate::support::{Answer, CALLBACK, Server, VERIFIER, form};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const TOKEN: &str = "/oauth2/token";
const ENDPOINTS: [&str; 3] = [TOKEN, "/oauth2/introspect", "/oauth2/revoke"];

/// The body of a request that works.
fn good(client: &(String, String)) -> String {
    form(&[("grant_type", "client_credentials"), ("client_id", &client.0), ("client_secret", &client.1)])
}

async fn post_raw(server: &Server, path: &str, body: &[u8]) -> Answer {
    request(server.public, "POST", path, &[FORM], body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_1_only_post() {
    let server = Server::start().await;
    let client = server.service_client().await;
    let body = good(&client);
    for path in ENDPOINTS {
        for method in ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW"] {
            let answer = request(server.public, method, path, &[FORM], body.as_bytes()).await;
            assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method} {path}");
            if method != "HEAD" {
                answer.refused(405, "invalid_request");
            }
        }
    }
    assert_eq!(post_raw(&server, TOKEN, body.as_bytes()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_2_the_query_is_never_used() {
    let server = Server::start().await;
    let client = server.service_client().await;
    let everything = format!("{TOKEN}?{}", good(&client));
    post_raw(&server, &everything, b"").await.refused(401, "invalid_client");
    let secret_in_query = format!("{TOKEN}?client_secret={}", client.1);
    let rest = form(&[("grant_type", "client_credentials"), ("client_id", &client.0)]);
    post_raw(&server, &secret_in_query, rest.as_bytes()).await.refused(401, "invalid_client");
    let credentials = form(&[("client_id", &client.0), ("client_secret", &client.1)]);
    let grant_in_query = format!("{TOKEN}?grant_type=client_credentials");
    post_raw(&server, &grant_in_query, credentials.as_bytes()).await.refused(400, "invalid_request");
    // and a query beside a good body changes nothing, not even as a repetition
    assert_eq!(post_raw(&server, &everything, good(&client).as_bytes()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_3_only_form_content() {
    let server = Server::start().await;
    let client = server.service_client().await;
    let body = good(&client);
    let ask = async |headers: &[(&str, &str)]| request(server.public, "POST", TOKEN, headers, body.as_bytes()).await;
    for fine in [
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded;charset=UTF-8",
        "application/x-www-form-urlencoded ; charset=\"utf-8\"",
        "Application/X-WWW-Form-URLEncoded",
    ] {
        assert_eq!(ask(&[("Content-Type", fine)]).await.status, 200, "{fine}");
    }
    for bad in
        ["application/json", "text/plain", "multipart/form-data; boundary=x", "", "application/x-www-form-urlencodedx"]
    {
        ask(&[("Content-Type", bad)]).await.refused(415, "invalid_request");
    }
    ask(&[]).await.refused(415, "invalid_request");
    ask(&[FORM, ("Content-Type", "application/json")]).await.refused(415, "invalid_request");
    let json = json!({ "grant_type": "client_credentials", "client_id": client.0, "client_secret": client.1 });
    let headers = [("Content-Type", "application/json")];
    request(server.public, "POST", TOKEN, &headers, json.to_string().as_bytes()).await.refused(415, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_4_each_parameter_at_most_once() {
    let server = Server::start().await;
    let client = server.service_client().await;
    let names = [
        "grant_type",
        "scope",
        "code",
        "client_id",
        "client_secret",
        "redirect_uri",
        "code_verifier",
        "refresh_token",
        "client_assertion",
        "client_assertion_type",
        "username",
        "password",
        "device_code",
        "unheard_of",
    ];
    for name in names {
        // with its right value twice where it has one, and with two different ones, and with an empty one
        for (first, second) in [("x", "x"), ("x", "y"), ("", "x"), ("x", ""), ("", "")] {
            let rest: String = good(&client).split('&').filter(|pair| !pair.starts_with(&format!("{name}="))).fold(
                String::new(),
                |mut all, pair| {
                    all.push_str(&format!("{pair}&"));
                    all
                },
            );
            let body = format!("{name}={first}&{rest}{name}={second}");
            let told = post_raw(&server, TOKEN, body.as_bytes()).await.refused(400, "invalid_request");
            assert_eq!(told, "a parameter is repeated", "{body}");
        }
    }
    let twice = format!("{0}&{0}", good(&client));
    post_raw(&server, TOKEN, twice.as_bytes()).await.refused(400, "invalid_request");
    // a name is the same name however it is escaped
    let disguised = format!("{}&%63lient_id={}", good(&client), client.0);
    post_raw(&server, TOKEN, disguised.as_bytes()).await.refused(400, "invalid_request");
    for path in &ENDPOINTS[1..] {
        let body = form(&[("client_id", &client.0), ("client_secret", &client.1), ("token", "x"), ("token", "x")]);
        post_raw(&server, path, body.as_bytes()).await.refused(400, "invalid_request");
    }
    let exceptions = format!(
        "{}&{}",
        good(&client),
        form(&[
            ("resource", "https://api.example"),
            ("resource", "https://files.example"),
            ("audience", "https://files.example"),
            ("audience", "https://api.example"),
        ])
    );
    let answer = post_raw(&server, TOKEN, exceptions.as_bytes()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let claims = crate::support::claims(&answer.get("access_token"));
    assert_eq!(claims["aud"], json!(["https://api.example", "https://files.example"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_5_unknown_parameters_are_ignored() {
    let server = Server::start().await;
    let client = server.service_client().await;
    let body = format!("{}&unheard_of=1&%F0%9F%A6%80=crab&=nameless&novalue", good(&client));
    let answer = post_raw(&server, TOKEN, body.as_bytes()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_6_an_empty_value_is_an_omitted_one() {
    let server = Server::start().await;
    let client = server.service_client().await;
    let body = format!("{}&scope=&resource=&code=&refresh_token", good(&client));
    let answer = post_raw(&server, TOKEN, body.as_bytes()).await;
    assert_eq!((answer.status, answer.json()["scope"].as_str()), (200, Some("api:read api:write")));
    let body = form(&[("grant_type", ""), ("client_id", &client.0), ("client_secret", &client.1)]);
    let told = post_raw(&server, TOKEN, body.as_bytes()).await.refused(400, "invalid_request");
    assert_eq!(told, "grant_type is missing");
    let body = form(&[("grant_type", "client_credentials"), ("client_id", &client.0), ("client_secret", "")]);
    post_raw(&server, TOKEN, body.as_bytes()).await.refused(401, "invalid_client");
}

/// One request for each error the endpoints can be brought to, with a canary in every value that is not checked by name.
async fn errors(server: &Server, junk: &str) -> Vec<(&'static str, Answer, u16, &'static str)> {
    let service = server.service_client().await;
    let web = server.web_client().await;
    let own = |client: &(String, String)| {
        vec![("client_id".to_owned(), client.0.clone()), ("client_secret".to_owned(), client.1.clone())]
    };
    type Case<'a> = (&'static str, Option<&'a (String, String)>, Vec<(&'a str, &'a str)>, u16, &'static str);
    let cases: Vec<Case<'_>> = vec![
        (TOKEN, Some(&service), vec![("x", junk)], 400, "invalid_request"),
        (TOKEN, None, vec![("client_id", junk), ("client_secret", junk), ("grant_type", junk)], 401, "invalid_client"),
        (TOKEN, None, vec![("client_id", junk), ("grant_type", junk)], 401, "invalid_client"),
        (TOKEN, None, vec![("grant_type", junk)], 401, "invalid_client"),
        (TOKEN, Some(&service), vec![("grant_type", junk)], 400, "unsupported_grant_type"),
        (
            TOKEN,
            Some(&service),
            vec![("grant_type", "refresh_token"), ("refresh_token", junk)],
            400,
            "unauthorized_client",
        ),
        (TOKEN, Some(&service), vec![("grant_type", "client_credentials"), ("scope", junk)], 400, "invalid_scope"),
        (TOKEN, Some(&service), vec![("grant_type", "client_credentials"), ("resource", junk)], 400, "invalid_target"),
        (TOKEN, Some(&web), vec![("grant_type", "refresh_token"), ("refresh_token", junk)], 400, "invalid_grant"),
        (
            TOKEN,
            Some(&web),
            vec![
                ("grant_type", "authorization_code"),
                ("code", junk),
                ("redirect_uri", junk),
                ("code_verifier", VERIFIER),
            ],
            400,
            "invalid_grant",
        ),
        (
            TOKEN,
            Some(&web),
            vec![
                ("grant_type", "authorization_code"),
                ("code", junk),
                ("redirect_uri", CALLBACK),
                ("code_verifier", junk),
            ],
            400,
            "invalid_request",
        ),
        (ENDPOINTS[1], Some(&service), vec![("x", junk)], 400, "invalid_request"),
        (
            ENDPOINTS[1],
            None,
            vec![("client_id", junk), ("client_secret", junk), ("token", junk)],
            401,
            "invalid_client",
        ),
        (ENDPOINTS[2], Some(&service), vec![("x", junk)], 400, "invalid_request"),
        (
            ENDPOINTS[2],
            None,
            vec![("client_id", junk), ("client_secret", junk), ("token", junk)],
            401,
            "invalid_client",
        ),
    ];
    let mut answers = Vec::new();
    for (path, client, fields, status, error) in cases {
        let own: Vec<(String, String)> = client.map(own).unwrap_or_default();
        let mut all: Vec<(&str, &str)> = own.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        all.extend(fields);
        answers.push((path, server.post(path, &[], &all).await, status, error));
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_7_8_9_every_error_is_json_never_stored_and_reflects_nothing() {
    let server = Server::start().await;
    for junk in [
        "<script>alert(4711)</script>",
        "a\r\nSet-Cookie: canary4711=1\r\n\r\n",
        "\"canary4711\\'",
        "\u{1f980}canary4711%00",
    ] {
        for (path, answer, status, error) in errors(&server, junk).await {
            answer.refused(status, error);
            let head = format!("{:?}", answer.headers);
            assert!(!head.contains("4711") && !answer.text().contains("4711"), "{path}: {head} {}", answer.text());
        }
    }
    let odd = server.get("/%3Cscript%3E4711").await;
    assert_eq!((odd.status, odd.text().as_str()), (404, r#"{"error":"not_found"}"#));
    assert_eq!(odd.header("cache-control"), Some("no-store"));
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_7_8_every_answer_with_a_token_is_json_and_never_stored() {
    let server = Server::start().await;
    let web = server.web_client().await;
    let code_answer = server.code_answer(&web.0, Value::Null).await;
    let redeemed = server.redeem(&web, &code_answer.get("code")).await;
    let refreshed = server.refresh(&web, &redeemed.get("refresh_token")).await;
    let token = refreshed.get("access_token");
    let own = [("token", token.as_str()), ("client_id", web.0.as_str()), ("client_secret", web.1.as_str())];
    let introspected = server.post(ENDPOINTS[1], &[], &own).await;
    let revoked = server.post(ENDPOINTS[2], &[], &own).await;
    let registered = server.admin("POST", "/issuers/main/clients", crate::support::web_metadata()).await;
    for (answer, status) in [
        (&code_answer, 201),
        (&redeemed, 200),
        (&refreshed, 200),
        (&introspected, 200),
        (&revoked, 200),
        (&registered, 201),
    ] {
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("pragma"), Some("no-cache"));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_10_a_large_body_is_refused_before_it_is_read() {
    let server = Server::start().await;
    let head = |rest: &str| format!("POST {TOKEN} HTTP/1.1\r\nHost: a\r\n{}: {}\r\n{rest}\r\n\r\n", FORM.0, FORM.1);
    // 8 MiB announced, not one byte sent: the answer does not wait for it
    let announced = raw(server.public, head("Content-Length: 8388608").as_bytes()).await;
    // 8 MiB in a chunk, of which the limit and a little more is sent
    let chunked =
        [head("Transfer-Encoding: chunked").into_bytes(), b"800000\r\n".to_vec(), vec![b'a'; 70_000]].concat();
    for bytes in [announced, raw(server.public, &chunked).await] {
        let answers = parse_all(&bytes, false);
        assert_eq!(answers.len(), 1);
        assert_eq!(answers[0].header("connection"), Some("close"));
        answers[0].refused(413, "invalid_request");
    }
    let client = server.service_client().await;
    let mut body = good(&client);
    body.push_str("&x=");
    let sized = |len: usize| format!("{body}{}", "a".repeat(len - body.len()));
    // the limit itself is no more than a parameter that is too long
    let told = post_raw(&server, TOKEN, sized(64 * 1024).as_bytes()).await.refused(400, "invalid_request");
    assert_eq!(told, "a parameter is too long");
    post_raw(&server, TOKEN, sized(64 * 1024 + 1).as_bytes()).await.refused(413, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_10_a_large_head_is_refused() {
    let server = Server::start().await;
    let head = |more: &str| format!("POST {TOKEN} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n{more}\r\n");
    let long = raw(server.public, head(&format!("X: {}\r\n", "a".repeat(32 * 1024))).as_bytes()).await;
    assert_eq!(parse_all(&long, false).iter().map(|answer| answer.status).collect::<Vec<_>>(), [431]);
    let many = raw(server.public, head(&"X: a\r\n".repeat(70)).as_bytes()).await;
    let answers = parse_all(&many, false);
    assert_eq!(answers.len(), 1);
    answers[0].refused(431, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_10_parameters_are_counted_and_measured() {
    let server = Server::start().await;
    let service = server.service_client().await;
    let web = server.web_client().await;
    let with = |client: &(String, String), fields: &[(&str, &str)]| {
        let mut all = vec![("client_id", client.0.as_str()), ("client_secret", client.1.as_str())];
        all.extend_from_slice(fields);
        form(&all)
    };
    let many = |count: usize| (3..count).fold(good(&service), |body, n| format!("{body}&p{n}=1"));
    assert_eq!(post_raw(&server, TOKEN, many(64).as_bytes()).await.status, 200);
    post_raw(&server, TOKEN, many(65).as_bytes()).await.refused(400, "invalid_request");
    let long = |len: usize| "a".repeat(len);
    let code = |code: &str, verifier: &str| {
        let grant = ("grant_type", "authorization_code");
        with(&web, &[grant, ("code", code), ("code_verifier", verifier), ("redirect_uri", CALLBACK)])
    };
    let cases = [
        (format!("{}&{}=1", good(&service), long(129)), "invalid_request"),
        (form(&[("client_id", &long(129)), ("client_secret", "x")]), "invalid_request"),
        (form(&[("client_id", &service.0), ("client_secret", &long(513))]), "invalid_request"),
        (code(&long(8 * 1024 + 1), VERIFIER), "invalid_request"),
        (code("jac_x", &long(129)), "invalid_request"),
        (code("jac_x", &long(42)), "invalid_request"),
        (with(&web, &[("grant_type", "refresh_token"), ("refresh_token", &long(16 * 1024 + 1))]), "invalid_request"),
        // bounded at 128 bytes before it is decoded; what it is need not be told apart
        (with(&web, &[("grant_type", "refresh_token"), ("refresh_token", &long(129))]), "invalid_grant"),
        (with(&service, &[("grant_type", "client_credentials"), ("scope", &long(2049))]), "invalid_scope"),
        (with(&service, &[("grant_type", "client_credentials"), ("resource", &long(513))]), "invalid_target"),
    ];
    for (body, error) in cases {
        post_raw(&server, TOKEN, body.as_bytes()).await.refused(400, error);
    }
    for path in &ENDPOINTS[1..] {
        let body = with(&service, &[("token", &long(16 * 1024 + 1))]);
        post_raw(&server, path, body.as_bytes()).await.refused(400, "invalid_request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_10_a_slow_body_is_refused_in_time() {
    let server = Server::with("[public.limits]\nbody_timeout = \"150ms\"").await;
    let mut stream = TcpStream::connect(server.public).await.unwrap();
    let head = format!("POST {TOKEN} HTTP/1.1\r\nHost: a\r\n{}: {}\r\nContent-Length: 10\r\n\r\na", FORM.0, FORM.1);
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let answers = parse_all(&bytes, false);
    assert_eq!(answers.len(), 1);
    answers[0].refused(408, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_11_broken_input_never_gives_5xx() {
    let server = Server::start().await;
    let web = server.web_client().await;
    let broken: [&[u8]; 12] =
        [b"%zz", b"%4", b"%", b"%ff", b"%C3", b"\x80\xfe\xff", b"%00", b"\0", b"%ED%A0%80", b"a%", b"%%", b"%\xff0"];
    for path in ENDPOINTS {
        for name in
            ["grant_type", "client_id", "client_secret", "scope", "code", "code_verifier", "refresh_token", "token"]
        {
            for value in broken {
                let body = [name.as_bytes(), b"=", value].concat();
                post_raw(&server, path, &body).await.refused(400, "invalid_request");
                let body = [value, b"=", name.as_bytes()].concat();
                let answer = post_raw(&server, path, &body).await;
                assert!(matches!(answer.status, 400 | 401), "{path} {body:?}: {}", answer.status);
            }
        }
        // line ends are characters like any other, and never leave the value they came in
        for value in ["a%0D%0Ab", "\r\n", "%7F", "&&&&", "====", "%EF%BB%BF", "%E2%80%AE"] {
            let body = format!(
                "grant_type=refresh_token&client_id={}&client_secret={}&refresh_token={value}&token={value}",
                web.0, web.1
            );
            let answer = post_raw(&server, path, body.as_bytes()).await;
            assert!(answer.status < 500 && !answer.text().contains("true"), "{path} {value}: {}", answer.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_12_no_request_smuggling() {
    let server = Server::start().await;
    let client = server.service_client().await;
    let body = good(&client);
    let len = body.len();
    let start = format!("POST {TOKEN} HTTP/1.1\r\n{}: {}\r\n", FORM.0, FORM.1);
    let follower = String::from_utf8(post_bytes(TOKEN, &[], &body)).unwrap();
    let chunked = format!("{len:x}\r\n{body}\r\n0\r\n\r\n");
    let cases = [
        (
            "both framings",
            format!("{start}Host: a\r\nContent-Length: {len}\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}"),
        ),
        (
            "both, the other way",
            format!("{start}Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n{chunked}"),
        ),
        ("two lengths", format!("{start}Host: a\r\nContent-Length: {len}\r\nContent-Length: 0\r\n\r\n{body}")),
        (
            "two equal lengths",
            format!("{start}Host: a\r\nContent-Length: {len}\r\nContent-Length: {len}\r\n\r\n{body}"),
        ),
        ("a list of lengths", format!("{start}Host: a\r\nContent-Length: {len}, {len}\r\n\r\n{body}")),
        ("a signed length", format!("{start}Host: a\r\nContent-Length: +{len}\r\n\r\n{body}")),
        ("a space before the colon", format!("{start}Host: a\r\nContent-Length : {len}\r\n\r\n{body}")),
        ("a folded line", format!("{start}Host: a\r\nX: a\r\n b\r\nContent-Length: {len}\r\n\r\n{body}")),
        ("a folded encoding", format!("{start}Host: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n{chunked}")),
        ("an unknown encoding", format!("{start}Host: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n{chunked}")),
        ("no host", format!("{start}Content-Length: {len}\r\n\r\n{body}")),
        ("two hosts", format!("{start}Host: a\r\nHost: b\r\nContent-Length: {len}\r\n\r\n{body}")),
    ];
    for (name, bytes) in cases {
        let answers = parse_all(&raw(server.public, format!("{bytes}{follower}").as_bytes()).await, false);
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, [400], "{name}: one refusal, and the connection is closed");
        if !answers[0].body.is_empty() {
            answers[0].refused(400, "invalid_request");
        }
    }
    // the two requests as they should be are two answers
    let fine = format!("{follower}{}", follower.replace("Host: a", "Host: a\r\nConnection: close"));
    let answers = parse_all(&raw(server.public, fine.as_bytes()).await, false);
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [200, 200]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_lives_on_however_many_requests_it_has_had_answered() {
    let server = Server::start().await;
    let client = server.service_client().await;
    let one = post_bytes(TOKEN, &[], &good(&client));
    let last = post_bytes(TOKEN, &[("Connection", "close")], &good(&client));
    let answers = parse_all(&raw(server.public, &[one.repeat(600), last].concat()).await, false);
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 601);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_14_cors_for_registered_origins_only() {
    const OURS: &str = "https://app.example";
    let server = Server::with(&format!("allowed_origins = [\"{OURS}\"]")).await;
    let client = server.service_client().await;
    let body = good(&client);
    let from = async |method: &str, path: &str, origin: &str| {
        let headers = [FORM, ("Origin", origin), ("Access-Control-Request-Method", "POST")];
        request(server.public, method, path, &headers, if method == "POST" { body.as_bytes() } else { b"" }).await
    };
    let allowed = |answer: &Answer| answer.header("access-control-allow-origin").map(str::to_owned);
    for (method, path) in
        [("POST", TOKEN), ("POST", ENDPOINTS[2]), ("GET", "/oauth2/jwks"), ("GET", "/.well-known/openid-configuration")]
    {
        let answer = from(method, path, OURS).await;
        assert_eq!(allowed(&answer).as_deref(), Some(OURS), "{path}");
        assert_eq!(answer.header("vary"), Some("Origin"), "{path}");
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        for stranger in [
            "https://evil.example",
            "null",
            "https://app.example.evil.example",
            "http://app.example",
            "https://APP.example",
        ] {
            let answer = from(method, path, stranger).await;
            assert_eq!(allowed(&answer), None, "{path} {stranger}");
            assert_eq!(answer.header("vary"), Some("Origin"), "{path}");
        }
    }
    let preflight = from("OPTIONS", TOKEN, OURS).await;
    assert_eq!((preflight.status, allowed(&preflight).as_deref()), (204, Some(OURS)));
    assert_eq!(preflight.header("access-control-allow-headers"), Some("authorization, content-type"));
    let stranger = from("OPTIONS", TOKEN, "https://evil.example").await;
    assert_eq!((stranger.status, allowed(&stranger)), (405, None));
    // not for browsers
    assert_eq!(allowed(&from("POST", ENDPOINTS[1], OURS).await), None);
    assert_eq!(allowed(&from("OPTIONS", ENDPOINTS[1], OURS).await), None);
    // without registered origins there is no CORS at all
    let plain = Server::start().await;
    let answer = request(plain.public, "GET", "/oauth2/jwks", &[("Origin", OURS)], b"").await;
    assert_eq!((answer.status, allowed(&answer), answer.header("vary")), (200, None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overloaded_listener_says_so_in_oauth() {
    let server = Server::with("[public.limits]\nmax_pending_body_bytes = 1").await;
    let mut stream = TcpStream::connect(server.public).await.unwrap();
    let head = format!("POST {TOKEN} HTTP/1.1\r\nHost: a\r\n{}: {}\r\nContent-Length: 10\r\n\r\nabc", FORM.0, FORM.1);
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut bytes)).await.unwrap().unwrap();
    let answers = parse_all(&bytes, false);
    answers[0].refused(503, "temporarily_unavailable");
    assert_eq!(answers[0].header("retry-after"), Some("1"));
}
